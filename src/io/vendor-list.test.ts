import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { mac } from "../addr/mac.ts";
import { vendorsOf } from "./vendor-list.ts";

const CARD = mac("00:16:3e:11:22:33");

test("the maker of a card is found in the lists of IEEE, nmap and arp-scan, and nowhere else", async () => {
  const directory = mkdtempSync("/tmp/skylan-vendors-");
  try {
    const lists = {
      ieee: "OUI/MA-L\r\n\r\n00-16-3E   (hex)\t\tXensource, Inc.\r\n00163E     (base 16)\t\tXensource, Inc.\r\n\t\t\t\tPalo Alto  CA\r\n",
      nmap: "# comment\n00163D Other\n00163E Xensource, Inc.\n",
      scan: "00163E\tXensource, Inc.\n",
    };
    for (const [name, text] of Object.entries(lists)) {
      const file = join(directory, name);
      writeFileSync(file, text);
      const found = await vendorsOf([CARD, mac("00:00:00:11:22:33")], [join(directory, "missing"), file]);
      assert.deepEqual([...found], [[CARD, "Xensource, Inc."]], name);
    }
    assert.equal((await vendorsOf([CARD], [join(directory, "missing")])).size, 0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
