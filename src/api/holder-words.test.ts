import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuid } from "../addr/duid.ts";
import { ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { holderRows } from "./holder-words.ts";
import type { LanStatus } from "./status.ts";

const duid = parseDuid("00030001020000000001")!;

test("who holds a prefix or an address is told in a row each, and of many only the first and their number", () => {
  const lan: Pick<LanStatus, "delegated" | "leased"> = {
    delegated: [
      { duid, left: 297, prefix: prefix("2605:59c8:1200:d7::/64"), via: ip6("fe80::7"), withdrawn: false },
      { duid, left: 120, prefix: prefix("2605:59c8:1100:d7::/64"), via: ip6("fe80::7"), withdrawn: true, hostname: "inner" },
    ],
    leased: Array.from({ length: 20 }, (_, i) => {
      return { duid, left: 61, address: ip6(`2605:59c8:1200::${i + 1}`), registered: i === 1, ...(i === 0 && { hostname: "printer" }) };
    }),
  };
  const rows = holderRows(lan as LanStatus).map(({ label, cells }) => `${label} ${cells.join(" ")}`);
  assert.deepEqual(rows.slice(0, 4), [
    "delegated 2605:59c8:1200:d7::/64 for 4 min 57 s, via fe80::7",
    "delegated 2605:59c8:1100:d7::/64 being withdrawn, via inner",
    "leased 2605:59c8:1200::1 for 1 min 1 s, printer",
    "registered 2605:59c8:1200::2 for 1 min 1 s",
  ]);
  assert.equal(rows.at(-1), "leased and 4 more: skylan status --json");
  assert.equal(rows.length, 2 + 16 + 1);
});
