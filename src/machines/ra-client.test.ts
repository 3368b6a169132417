import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../addr/ip.ts";
import { seededRandom } from "../addr/random.ts";
import { after, seconds } from "../addr/time.ts";
import { encodeNdp, type RouterAdvertisement } from "../wire/ndp.ts";
import type { Packet } from "./machine.ts";
import { createRaClient } from "./ra-client.ts";
import {
  advertisement,
  LINK,
  NO_CABLE,
  OPTIONS,
  OTHER_ROUTER,
  OWN,
  packet,
  pio,
  ROUTER,
  START,
  s,
  settled,
  Wan,
} from "./ra-client.fixture.ts";

const bytesOf = (changes: Partial<RouterAdvertisement> = {}) => encodeNdp(advertisement({ options: [pio(300, 150)], ...changes }));
/** A copy with another octet at `at`. */
const withOctet = (at: number, octet: number): Uint8Array => bytesOf().with(at, octet);

/** One mutation a rule of RFC 4861 6.1.2. */
const INVALID: readonly (readonly [string, Partial<Packet>])[] = [
  ["the source is a global address", { from: ip6("2605:59c8:1200::1") }],
  ["the source is unspecified", { from: ip6("::") }],
  ["the source is multicast", { from: ip6("ff02::1") }],
  ["the source is site-local, next to link-local", { from: ip6("fec0::1") }],
  ["the hop limit is 254: it was forwarded", { hopLimit: 254 }],
  ["the hop limit is 0", { hopLimit: 0 }],
  ["the code is 1", { bytes: withOctet(1, 1) }],
  ["it is a solicitation", { bytes: withOctet(0, 133) }],
  ["it is a redirect", { bytes: withOctet(0, 137) }],
  ["it has 15 octets", { bytes: bytesOf().subarray(0, 15) }],
  ["it is empty", { bytes: new Uint8Array() }],
  ["an option has length zero", { bytes: withOctet(17, 0) }],
  ["an option ends behind the message", { bytes: withOctet(17, 5) }],
  ["an option is cut", { bytes: bytesOf().subarray(0, 40) }],
  ["it is our own", { from: OWN }],
];

test("[WRA-3] an advertisement that breaks one rule is ignored silently; without the breach it counts", () => {
  for (const [what, breach] of INVALID) {
    const wan = new Wan().handle(LINK).pass(seconds(1));
    const before = wan.said;
    wan.handle(packet(advertisement({ options: [pio(300, 150)] }), breach));
    assert.equal(wan.said, before, what);
    wan.pass(seconds(6));
    assert.equal(wan.solicitations.length, 2, `${what}: the asking goes on`);
    wan.handle(packet(advertisement({ options: [pio(300, 150)] })));
    assert.equal(wan.fact.heard, true);
    assert.deepEqual([wan.routers.length, wan.fact.addresses.length], [1, 1]);
  }
});

test("an advertisement that comes although the link is down is not believed", () => {
  const wan = settled().handle(NO_CABLE).hear({}, OTHER_ROUTER);
  assert.deepEqual(wan.routers, [ROUTER]);
});

test("[WRA-4] a default router lives as long as its latest advertisement says", () => {
  const wan = settled({ routerLifetime: s(30) });
  assert.deepEqual(wan.fact.routers, [{ address: ROUTER, preference: "medium", until: after(wan.now, seconds(30)) }]);
  wan
    .pass(seconds(29))
    .hear({ routerLifetime: s(30) })
    .pass(seconds(29));
  assert.deepEqual(wan.routers, [ROUTER]);
  wan.pass(seconds(1));
  assert.deepEqual(wan.routers, []);
});

test("[WRA-4] a lifetime of 0 removes the router at once; prefixes and flags of the same message count", () => {
  const wan = settled();
  wan.hear({ routerLifetime: s(0), other: true, managed: true, options: [pio(300, 150)] });
  assert.deepEqual(wan.routers, []);
  assert.deepEqual([wan.fact.managed, wan.fact.other, wan.fact.addresses.length, wan.fact.onLink.length], [true, true, 1, 1]);
});

test("[WRA-4] several routers are kept with their preferences, and one that ends leaves the other", () => {
  const wan = settled({ preference: "low", routerLifetime: s(60) });
  wan.hear({ preference: "high", routerLifetime: s(20) }, OTHER_ROUTER);
  assert.deepEqual(
    wan.fact.routers.map(({ address, preference }) => [address, preference]),
    [
      [ROUTER, "low"],
      [OTHER_ROUTER, "high"],
    ],
  );
  wan.hear({ preference: "medium", routerLifetime: s(60) });
  assert.deepEqual(
    wan.fact.routers.map(({ preference }) => preference),
    ["medium", "high"],
  );
  wan.pass(seconds(20));
  assert.deepEqual(wan.routers, [ROUTER]);
  assert.ok(!wan.events.includes("ra-client.router-lost"));
});

test("the flags M and O are those of the latest advertisement, from whichever router, and their changes are told", () => {
  const wan = new Wan().handle(LINK).pass(seconds(1));
  assert.equal(wan.fact.heard, false);
  wan.hear({ managed: false, other: true });
  assert.deepEqual([wan.fact.heard, wan.fact.managed, wan.fact.other], [true, false, true]);
  assert.match(wan.notes[0]!.text, /fe80::200:5eff:fe00:101 .*M=0, O=1.* 1800 s/);
  wan.hear({ managed: true, other: false }, OTHER_ROUTER);
  assert.deepEqual([wan.fact.managed, wan.fact.other], [true, false]);
  assert.deepEqual(wan.events, ["ra-client.router", "ra-client.router", "ra-client.flags"]);
  wan.hear({ managed: true, other: false }, OTHER_ROUTER);
  assert.equal(wan.events.length, 3);
});

test("a fact comes when something is new, not when time alone has passed", () => {
  const wan = settled({ options: [pio(3600, 1800)] });
  const count = wan.facts.length;
  wan.handle({ kind: "tick" }).handle(LINK);
  wan.hear({ options: [pio(3600, 1800)] });
  assert.equal(wan.facts.length, count);
  wan.pass(seconds(1000)).handle({ kind: "tick" });
  assert.equal(wan.facts.length, count);
  wan.hear({ options: [pio(3600, 1800)] });
  assert.equal(wan.facts.length, count + 1);
  assert.equal(wan.fact.addresses[0]!.validUntil, after(wan.now, seconds(3600)));
});

test("a fact is saved before it is used", () => {
  const machine = createRaClient({ ...OPTIONS, random: seededRandom(1) });
  machine.handle(LINK, START);
  const outputs = machine.handle(packet(advertisement()), after(START, seconds(2)));
  assert.deepEqual(
    outputs.map(({ kind }) => kind),
    ["note", "save", "fact", "send"],
  );
});

test("what was heard counts as heard until the link goes away; routers and addresses live on to their ends", () => {
  const wan = settled({ options: [pio(300, 150)] });
  assert.equal(wan.fact.heard, true);
  wan.handle(NO_CABLE).pass(seconds(30)).handle(LINK);
  assert.equal(wan.fact.heard, false);
  assert.deepEqual([wan.routers.length, wan.fact.addresses.length], [1, 1]);
  wan.handle(NO_CABLE).pass(seconds(300));
  assert.deepEqual([wan.routers.length, wan.fact.addresses.length], [1, 0]);
});
