/** The captive portal's URI on the wire, octet by octet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createHome } from "../../src/lab/home.ts";
import { type LinkWatch, watchLink } from "../fixtures/link-watch.ts";

const LANS = [
  { name: "home", interface: "lan", hosts: ["laptop"] },
  { name: "guest", interface: "lan2", hosts: ["phone"] },
];
const CAPTIVE_PORTAL = 37;
const PREFIX_INFORMATION = 3;
/** L, A, and of RFC 9762 P: each client shall ask for a prefix of its own. Nobody gives it one here. */
const [L_AND_A, P] = [0xc0, 0x10];

/** The options of one type in the router advertisements of a link, with type and length. */
function rawOptions(watch: LinkWatch, type: number): readonly Uint8Array[] {
  return watch.advertisements.flatMap(({ packet: { payload } }) => {
    const found: Uint8Array[] = [];
    for (let at = 16; at < payload.length; at += payload[at + 1]! * 8) {
      if (payload[at] === type) found.push(payload.subarray(at, at + payload[at + 1]! * 8));
    }
    return found;
  });
}

for (const length of [22, 255]) {
  test(`[RA-18] a captive portal of ${length} octets is told as it is, padded with NUL, on the LAN that has one and on no other`, async () => {
    await using home = await createHome({ lans: LANS });
    const uri = "https://portal.example/".padEnd(length, "x").slice(0, length);
    using lan = watchLink(home.laptop);
    using guest = watchLink(home.host("phone"));
    await home.startSkylan({ lan: { guest: { "advertise.captive_portal": uri } } });
    await Promise.all([home.globalAddress("laptop"), home.globalAddress("phone")]);
    assert.deepEqual(rawOptions(lan, CAPTIVE_PORTAL), [], "off by default");
    const told = rawOptions(guest, CAPTIVE_PORTAL);
    assert.equal(told.length, guest.advertisements.length, "once in each");
    for (const option of told) {
      assert.equal(option.length, 8 * Math.ceil((2 + length) / 8));
      assert.equal(Buffer.from(option.subarray(2)).toString("latin1"), uri.padEnd(option.length - 2, "\0"));
    }
    for (const watch of [lan, guest]) {
      const prefixes = rawOptions(watch, PREFIX_INFORMATION);
      assert.ok(prefixes.length > 0);
      for (const option of prefixes) assert.equal(option[3]! & (L_AND_A | P), L_AND_A);
    }
  });
}
