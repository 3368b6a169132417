import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6 } from "../addr/ip.ts";
import { after, milliseconds, NEVER, seconds, type Seconds } from "../addr/time.ts";
import { encodeNdp, type NdpOption, type RouterAdvertisement } from "../wire/ndp.ts";
import { A, leased, live, ROUTER, serving, START, STRANGER, ULA } from "./ra-server-fixture.ts";

function routerAdvertisement(more: Partial<RouterAdvertisement> = {}): Uint8Array {
  const plain = {
    hopLimit: 64,
    managed: false,
    other: true,
    preference: "medium" as const,
    reachableTime: 0,
    retransTimer: 0,
    options: [],
  };
  return encodeNdp({ kind: "router-advertisement", ...plain, routerLifetime: 1800 as Seconds, ...more });
}

test("[GEN-12] another router is reported with what contradicts us, and what we advertise does not change", () => {
  const lan = serving([leased(A, START)], { mtu: 1500 }).pass(seconds(40));
  const before = lan.solicit().pass(milliseconds(500)).last.ra.options;
  const options: NdpOption[] = [
    { kind: "prefix-information", prefix: A, onLink: true, autonomous: true, valid: 9000 as Seconds, preferred: 9000 as Seconds },
    { kind: "mtu", mtu: 1280 },
  ];
  const rogue = routerAdvertisement({ managed: true, hopLimit: 32, preference: "high", routerLifetime: 9000 as Seconds, options });
  lan.hear(STRANGER, rogue);
  const [other] = lan.fact!.otherRouters;
  assert.deepEqual([other?.address, other?.until], [STRANGER, after(lan.now, seconds(9000))]);
  for (const claim of ["default router", "high preference", "hop limit 32", "M flag 1", "MTU 1280", `other lifetimes of ${A}`]) {
    assert.ok(other?.claim.includes(claim), `${other?.claim} names ${claim}`);
  }
  assert.equal(lan.notes.filter(({ level, event }) => level === "warning" && event === "ra-server.other-router").length, 1);
  assert.deepEqual(lan.solicit().pass(milliseconds(499)).last.ra.options.length, before.length);
});

test("[GEN-12] a router that agrees with us is reported without contradiction, and forgotten when it says farewell or falls silent", () => {
  const lan = serving([leased(A, START)]);
  lan.hear(STRANGER, routerAdvertisement());
  assert.deepEqual(
    lan.fact?.otherRouters.map(({ claim }) => claim),
    ["offers itself as default router"],
  );
  lan.pass(seconds(10)).hear(STRANGER, routerAdvertisement({ routerLifetime: 0 as Seconds }));
  assert.deepEqual(lan.fact?.otherRouters, []);
  lan.hear(STRANGER, routerAdvertisement()).pass(seconds(1801));
  assert.deepEqual(lan.fact?.otherRouters, []);
});

test("[GEN-12] our own advertisement that comes back is no other router", () => {
  const lan = serving([leased(A, START)]);
  lan.hear(ROUTER, encodeNdp(lan.last.ra));
  assert.deepEqual([lan.fact?.otherRouters, lan.notes], [[], []]);
});

test("[GEN-12] a flood of invented routers fills a small list, and a router that repeats itself makes no news", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]);
  for (let i = 0; i < 5000; i++) lan.hear(ip6(`fe80::2:${(i + 1).toString(16)}`), routerAdvertisement());
  assert.equal(lan.fact?.otherRouters.length, 16);
  assert.equal(lan.notes.length, 16);
  for (let i = 0; i < 100; i++) lan.pass(seconds(5)).hear(ip6("fe80::2:1"), routerAdvertisement());
  assert.equal(lan.notes.length, 16);
});

test("[GEN-12] no octets from the link make the server throw", () => {
  const lan = serving([leased(A, START)]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(133, 134), (bytes, type) => {
      if (bytes.length > 1) bytes.set([type, 0]);
      lan.hear(STRANGER, bytes);
    }),
  );
});
