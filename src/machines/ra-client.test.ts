import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Ip6, ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { prefix } from "../addr/prefix.ts";
import { seededRandom } from "../addr/random.ts";
import { after, type Duration, type Instant, instant, milliseconds, type Seconds, seconds } from "../addr/time.ts";
import { decodeNdp, encodeNdp, type NdpOption, type RouterAdvertisement } from "../wire/ndp.ts";
import type { RaClientFact } from "./facts.ts";
import type { Note, Packet } from "./machine.ts";
import { createRaClient, type RaClientInput } from "./ra-client.ts";
import type { Snapshot } from "./ra-client-memory.ts";

const START = instant(1_000_000);
const ROUTER = ip6("fe80::200:5eff:fe00:101");
const OTHER_ROUTER = ip6("fe80::2");
const OWN = ip6("fe80::7");
const LINK = { kind: "link" as const, up: true, mtu: 1500, linkLocal: OWN, mac: mac("02:00:00:00:00:07") };
const NO_CABLE: RaClientInput = { kind: "link", up: false, mtu: 1500 };
const WAN_PREFIX = prefix("2605:59c8:1200::/64");
const OPTIONS = { secret: new Uint8Array(32).fill(7), interfaceName: "wan0", temporaryAddresses: false };
const s = (count: number) => count as Seconds;

/** The Starlink router's advertisement, with changes. */
function advertisement(changes: Partial<RouterAdvertisement> = {}): RouterAdvertisement {
  return {
    kind: "router-advertisement",
    hopLimit: 64,
    managed: false,
    other: true,
    preference: "medium",
    routerLifetime: s(1800),
    reachableTime: 0,
    retransTimer: 0,
    options: [],
    ...changes,
  };
}

const pio = (valid: number, preferred: number, flags = { onLink: true, autonomous: true }): NdpOption => {
  return { kind: "prefix-information", prefix: WAN_PREFIX, ...flags, valid: s(valid), preferred: s(preferred) };
};

function packet(ra: RouterAdvertisement, changes: Partial<Packet> = {}): Packet {
  return { kind: "packet", from: ROUTER, to: ip6("ff02::1"), hopLimit: 255, sourcePort: 0, bytes: encodeNdp(ra), ...changes };
}

/** The machine on a WAN link in virtual time, and all that it has said. */
class Wan {
  now = START;
  readonly solicitations: { readonly at: Instant; readonly bytes: Uint8Array; readonly to: Ip6 }[] = [];
  readonly facts: RaClientFact[] = [];
  readonly notes: Note[] = [];
  readonly #machine;

  constructor({
    seed = 1,
    saved,
    ...options
  }: { seed?: number; saved?: Snapshot; temporaryAddresses?: boolean; interfaceName?: string } = {}) {
    this.#machine = createRaClient({ ...OPTIONS, ...options, random: seededRandom(seed) }, saved);
  }

  handle(input: RaClientInput): this {
    for (const output of this.#machine.handle(input, this.now)) {
      if (output.kind === "send") this.solicitations.push({ at: this.now, bytes: output.bytes, to: output.to });
      if (output.kind === "fact") this.facts.push(output.fact);
      if (output.kind === "note") this.notes.push(output);
    }
    const wakeAt = this.#machine.wakeAt();
    assert.ok(wakeAt === undefined || wakeAt > this.now, `a tick is wanted at ${wakeAt}, and it is ${this.now}`);
    return this;
  }

  hear(changes: Partial<RouterAdvertisement> = {}, from: Ip6 = ROUTER): this {
    return this.handle(packet(advertisement(changes), { from }));
  }

  /** Lets time pass, with a tick whenever the machine wants one. */
  pass(span: Duration): this {
    const end = after(this.now, span);
    for (let at = this.#machine.wakeAt(); at !== undefined && at <= end; at = this.#machine.wakeAt()) {
      this.now = at;
      this.handle({ kind: "tick" });
    }
    this.now = end;
    return this;
  }

  get fact(): RaClientFact {
    return this.facts.at(-1)!;
  }

  get routers(): readonly Ip6[] {
    return this.fact.routers.map((router) => router.address);
  }

  get events(): readonly string[] {
    return this.notes.map((note) => note.event);
  }

  /** Seconds between the solicitations. */
  get gaps(): readonly number[] {
    return this.solicitations.slice(1).map(({ at }, i) => (at - this.solicitations[i]!.at) / 1000);
  }

  /** How much it has said. */
  get said(): number {
    return this.facts.length + this.notes.length + this.solicitations.length;
  }

  restarted(changes: { interfaceName?: string; temporaryAddresses?: boolean } = {}, shift = milliseconds(0)): Wan {
    const wan = new Wan({ ...changes, seed: 2, saved: { snapshot: this.#machine.snapshot(), shift } });
    wan.now = after(this.now, shift);
    return wan;
  }
}

/** A WAN whose router was asked and has answered. */
function settled(changes: Partial<RouterAdvertisement> = {}): Wan {
  const wan = new Wan().handle(LINK).pass(seconds(1)).hear(changes);
  wan.solicitations.length = 0;
  return wan;
}

test("[WRA-1] nothing is sent before the link-local address is free of duplicates, then a solicitation to all routers", () => {
  const wan = new Wan().handle({ kind: "link", up: true, mtu: 1500 }).pass(seconds(60));
  assert.equal(wan.solicitations.length, 0);
  wan.handle({ kind: "solicit" });
  assert.equal(wan.solicitations.length, 0);
  wan.handle(LINK).pass(seconds(1));
  assert.equal(wan.solicitations.length, 1);
  const { to, bytes } = wan.solicitations[0]!;
  assert.equal(to, "ff02::2");
  assert.deepEqual(decodeNdp(bytes), {
    kind: "router-solicitation",
    options: [{ kind: "source-link-layer-address", mac: "02:00:00:00:00:07" }],
  });
});

test("[WRA-2] the random delay counts from the cable: after duplicate address detection the question comes at once", () => {
  for (let seed = 0; seed < 20; seed++) {
    const wan = new Wan({ seed }).handle({ ...LINK, since: after(START, seconds(-1)) });
    assert.equal(wan.solicitations[0]?.at, START, `seed ${seed}`);
    const early = new Wan({ seed }).handle({ ...LINK, since: START }).pass(seconds(1));
    assert.ok(early.solicitations[0]!.at > START, `seed ${seed}`);
  }
});

test("[WRA-2] a silent provider is asked after 0 to 1 s, then at 4, 8, 16 s ... up to an hour, each a tenth more or less, for ever", () => {
  const firsts = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const wan = new Wan({ seed }).handle(LINK).pass(seconds(7 * 86_400));
    const first = (wan.solicitations[0]!.at - START) / 1000;
    assert.ok(first >= 0 && first <= 1, `first after ${first} s`);
    firsts.add(first);
    const { gaps } = wan;
    assert.ok(gaps[0]! >= 3.6 && gaps[0]! <= 4.4, `${gaps[0]} s`);
    for (let i = 1; i < gaps.length; i++) {
      const doubled = gaps[i]! >= 1.9 * gaps[i - 1]! && gaps[i]! <= 2.1 * gaps[i - 1]!;
      const longest = gaps[i - 1]! >= 3600 / 2.1 && gaps[i]! >= 3240 && gaps[i]! <= 3960;
      assert.ok(doubled || longest, `${gaps[i - 1]} s, then ${gaps[i]} s`);
    }
    assert.ok(gaps.length > 160 && gaps.length < 200, `${gaps.length} solicitations in a week`);
  }
  assert.ok(firsts.size > 10, "the first delay is random");
});

test("[WRA-2] an advertisement with a router lifetime ends the asking, one without does not", () => {
  const wan = new Wan().handle(LINK).pass(seconds(1));
  wan.hear({ routerLifetime: s(0) }).pass(seconds(6));
  assert.equal(wan.solicitations.length, 2);
  wan.hear({ routerLifetime: s(65_535) }).pass(seconds(40_000));
  assert.equal(wan.solicitations.length, 2);
});

test("[WRA-2] a router that speaks before the first solicitation is asked once all the same", () => {
  const wan = new Wan()
    .handle(LINK)
    .hear({ routerLifetime: s(9000) })
    .pass(seconds(3600));
  assert.equal(wan.solicitations.length, 1);
});

test("[WRA-2] no cable, no solicitation; with the cable a fresh backoff begins", () => {
  const wan = new Wan().handle(LINK).pass(seconds(600));
  wan.handle(NO_CABLE);
  wan.solicitations.length = 0;
  wan.pass(seconds(7200));
  assert.equal(wan.solicitations.length, 0);
  wan.handle(LINK).pass(seconds(1));
  assert.equal(wan.solicitations.length, 1);
  wan.pass(seconds(5));
  assert.equal(wan.solicitations.length, 2);
});

test("news of a link that stays as it was starts nothing", () => {
  const wan = settled({ routerLifetime: s(9000) });
  wan
    .handle(LINK)
    .handle({ ...LINK, mtu: 1400 })
    .pass(seconds(60));
  assert.equal(wan.solicitations.length, 0);
});

test("a router that is silent for three quarters of its lifetime is asked, and when it is gone too, the asking goes on", () => {
  const wan = settled({ routerLifetime: s(1800) });
  wan.pass(seconds(1349));
  assert.equal(wan.solicitations.length, 0);
  wan.pass(seconds(2));
  assert.equal(wan.solicitations.length, 1);
  assert.deepEqual(wan.routers, [ROUTER]);
  wan.pass(seconds(448));
  assert.deepEqual(wan.routers, [ROUTER]);
  assert.ok(!wan.events.includes("ra-client.router-lost"));
  wan.pass(seconds(1));
  assert.deepEqual(wan.routers, []);
  assert.ok(wan.events.includes("ra-client.router-lost"));
  const asked = wan.solicitations.length;
  wan.pass(seconds(3 * 3600));
  assert.ok(wan.solicitations.length > asked);
  wan.hear();
  assert.deepEqual(wan.routers, [ROUTER]);
});

test("the loss of the last router starts the asking at once when it was noticed late", () => {
  const wan = settled({ routerLifetime: s(10) });
  wan.now = after(wan.now, seconds(3600));
  wan.handle({ kind: "tick" });
  assert.equal(wan.solicitations.length, 1);
  assert.deepEqual(wan.routers, []);
});

test("a router with a lifetime of one second is not asked more often than every four", () => {
  const wan = settled({ routerLifetime: s(1) });
  for (let i = 0; i < 600; i++) wan.pass(milliseconds(1100)).hear({ routerLifetime: s(1) });
  assert.ok(wan.solicitations.length > 50 && wan.solicitations.length <= 660 / 4);
  assert.ok(Math.min(...wan.gaps) >= 4, `${Math.min(...wan.gaps)} s`);
});

test("a router that takes itself back is asked after four seconds; when it alternates each three seconds, never", () => {
  const wan = settled();
  for (let i = 0; i < 100; i++) {
    wan.hear({ routerLifetime: s(0) }).pass(seconds(3));
    wan.hear({ routerLifetime: s(1800) }).pass(seconds(3));
  }
  assert.equal(wan.solicitations.length, 0);
  const gone = wan.hear({ routerLifetime: s(0) }).now;
  wan.pass(seconds(5));
  assert.deepEqual(
    wan.solicitations.map(({ at }) => at),
    [after(gone, seconds(4))],
  );
});

test("a router that can't be reached stays known and is asked for; others are not touched, and its address stays ours", () => {
  const far = prefix("2620:119::/32");
  const route: NdpOption = { kind: "route-information", prefix: far, preference: "high", lifetime: s(600) };
  const wan = settled({ options: [pio(300, 150), route] }).pass(seconds(10));
  wan.hear({ options: [route] }, OTHER_ROUTER).handle({ kind: "unreachable", router: ROUTER });
  assert.deepEqual([wan.routers, wan.fact.unreachable], [[ROUTER, OTHER_ROUTER], [ROUTER]]);
  assert.equal(wan.fact.addresses.length, 1, "the address is ours, whoever told its prefix");
  assert.equal(wan.solicitations.length, 1);
  assert.ok(wan.events.includes("ra-client.router-unreachable"));
  const { said } = wan;
  wan.handle({ kind: "unreachable", router: ROUTER });
  assert.equal(wan.said, said, "what is known already is no news");
});

test("the owner can have the router asked at once", () => {
  const wan = settled();
  wan.handle({ kind: "solicit" });
  assert.equal(wan.solicitations.length, 1);
  wan.hear().pass(seconds(60));
  assert.equal(wan.solicitations.length, 1);
});

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

test("[WRA-7] a duplicate address is given up at once and replaced after a second, three times", () => {
  const wan = settled({ options: [pio(7200, 3600)] });
  const tried = new Set<Ip6>();
  for (let tries = 0; tries <= 3; tries++) {
    const { address } = wan.fact.addresses[0]!;
    assert.ok(!tried.has(address));
    tried.add(address);
    wan.handle({ kind: "duplicate", address }).handle({ kind: "duplicate", address });
    assert.equal(wan.fact.addresses.length, 0);
    wan.pass(milliseconds(999));
    assert.equal(wan.fact.addresses.length, 0);
    wan.pass(milliseconds(1));
    assert.equal(wan.fact.addresses.length, tries < 3 ? 1 : 0);
  }
  assert.deepEqual(
    wan.notes.filter(({ event }) => event === "ra-client.duplicate").map(({ level }) => level),
    ["warning", "warning", "warning", "error"],
  );
  wan.hear({ options: [pio(7200, 3600)] }).pass(seconds(58));
  assert.equal(wan.fact.addresses.length, 0, "no advertisement makes a fifth identifier");
  wan.pass(seconds(1));
  assert.equal(wan.fact.addresses[0]!.address, [...tried][0], "when the attack is over, the first address is the right one again");
});

test("[WRA-7] a duplicate keeps its lifetimes, and a foreign address is none of ours", () => {
  const wan = settled({ options: [pio(7200, 3600)] });
  const { address, validUntil, preferredUntil } = wan.fact.addresses[0]!;
  wan.handle({ kind: "duplicate", address: ip6("2605:59c8:1200::1") });
  assert.equal(wan.fact.addresses[0]!.address, address);
  wan.handle({ kind: "duplicate", address }).pass(seconds(1));
  const [next] = wan.fact.addresses;
  assert.deepEqual([next!.validUntil, next!.preferredUntil, next!.prefix], [validUntil, preferredUntil, WAN_PREFIX]);
});

test("a temporary address that is taken gets three other identifiers too, and does not touch the stable one", () => {
  const wan = new Wan({ temporaryAddresses: true }).handle(LINK).hear({ options: [pio(7200, 3600)] });
  const [stable] = wan.fact.addresses;
  const temporary = () => wan.fact.addresses.filter((own) => own.temporary);
  const tried = new Set<Ip6>();
  for (let tries = 0; tries <= 3; tries++) {
    const { address } = temporary()[0]!;
    tried.add(address);
    wan.handle({ kind: "duplicate", address });
    assert.deepEqual(temporary(), []);
    wan.pass(seconds(1));
  }
  assert.equal(tried.size, 4);
  assert.deepEqual(wan.fact.addresses, [stable]);
  wan.pass(seconds(59));
  assert.equal(temporary().length, 1);
});

test("[WRA-8] after a restart the address of a prefix is the same, also when the first choice was taken; on another prefix it is another", () => {
  const wan = settled({ options: [pio(7200, 3600)] });
  wan.handle({ kind: "duplicate", address: wan.fact.addresses[0]!.address }).pass(seconds(1));
  const { address } = wan.fact.addresses[0]!;
  const again = wan.restarted().handle(LINK);
  assert.equal(again.fact.addresses[0]!.address, address);
  again.hear({ options: [pio(7200, 3600)] });
  assert.deepEqual(
    again.fact.addresses.map((own) => own.address),
    [address],
  );
  const fresh = settled({ options: [pio(7200, 3600), { ...pio(300, 150), prefix: prefix("2605:59c8:3400::/64") } as NdpOption] });
  const [first, second] = fresh.fact.addresses.map((own) => own.address.split(":").slice(-4).join(":"));
  assert.notEqual(first, second);
});

test("a restart keeps all that was known, and asks again", () => {
  const options: readonly NdpOption[] = [
    pio(0xffffffff, 3600),
    { kind: "mtu", mtu: 1400 },
    { kind: "rdnss", addresses: [ip6("2606:4700:4700::1111")], lifetime: s(600) },
    { kind: "dnssl", domains: ["home.arpa"], lifetime: s(600) },
    { kind: "route-information", prefix: prefix("2620:119::/32"), preference: "high", lifetime: s(600) },
  ];
  const wan = settled({ options, reachableTime: 30_000, retransTimer: 500, managed: true });
  const again = wan.restarted().handle(LINK);
  assert.deepEqual(again.fact, { ...wan.fact, heard: false });
  again.pass(seconds(1));
  assert.equal(again.solicitations.length, 1);
});

test("the deadlines of a snapshot are moved to the clock of this boot", () => {
  const wan = settled({ options: [pio(300, 150)] });
  const shift = seconds(-900);
  const again = wan.restarted({}, shift).handle(LINK);
  assert.equal(again.fact.addresses[0]!.validUntil, after(wan.fact.addresses[0]!.validUntil, shift));
  again.pass(seconds(300));
  assert.deepEqual(again.fact.addresses, []);
});

test("what was known on another interface, or in no form that is understood, is not known", () => {
  const wan = settled({ options: [pio(300, 150)] });
  assert.deepEqual(wan.restarted({ interfaceName: "wan1" }).handle(LINK).fact.routers, []);
  for (const snapshot of [null, 7, "x", [], {}, { interface: "wan0", routers: [{ address: "x" }] }]) {
    const fresh = new Wan({ saved: { snapshot, shift: milliseconds(0) } }).handle(LINK);
    assert.deepEqual([fresh.fact.heard, fresh.fact.routers, fresh.fact.addresses], [false, [], []]);
  }
});

test("a temporary address that was saved goes when they are not wanted any more", () => {
  const wan = new Wan({ temporaryAddresses: true }).handle(LINK).hear({ options: [pio(7200, 3600)] });
  assert.equal(wan.fact.addresses.length, 2);
  const again = wan.restarted({ temporaryAddresses: false }).handle(LINK);
  assert.deepEqual(
    again.fact.addresses.map((own) => own.temporary),
    [false],
  );
});

/** Any advertisement with the lifetimes that break arithmetic, and any other input in between. */
function arbitraryStep(): fc.Arbitrary<{ readonly input: RaClientInput; readonly wait: Duration }> {
  const uint32 = fc.oneof(
    fc.constantFrom(0, 1, 7199, 7200, 7201, 0x7fffffff, 0xfffffffe, 0xffffffff),
    fc.integer({ min: 0, max: 0xffffffff }),
  );
  const somePrefix = fc.constantFrom("2605:59c8:1200::/64", "2605:59c8:3400::/64", "2605:59c8::/56", "fe80::/64", "ff00::/8", "::/0");
  const address = fc.constantFrom("2606:4700:4700::1111", "2001:4860:4860::8888", "fe80::1", "ff02::1", "::", "::1").map(ip6);
  const lifetime = uint32.map(s);
  const option = fc.oneof(
    fc.record({
      kind: fc.constant("prefix-information" as const),
      prefix: somePrefix.map(prefix),
      onLink: fc.boolean(),
      autonomous: fc.boolean(),
      valid: lifetime,
      preferred: lifetime,
    }),
    fc.record({ kind: fc.constant("mtu" as const), mtu: uint32 }),
    fc.record({ kind: fc.constant("rdnss" as const), addresses: fc.array(address, { minLength: 1, maxLength: 3 }), lifetime }),
    fc.record({
      kind: fc.constant("route-information" as const),
      prefix: somePrefix.map(prefix),
      preference: fc.constantFrom("high" as const, "low" as const),
      lifetime,
    }),
  );
  const heard = fc
    .record({
      from: fc.constantFrom(ROUTER, OTHER_ROUTER),
      routerLifetime: fc.constantFrom(0, 1, 1800, 65_535).map(s),
      reachableTime: uint32,
      retransTimer: uint32,
      options: fc.array(option, { maxLength: 4 }),
    })
    .map(({ from, ...changes }) => packet(advertisement(changes), { from }));
  const input = fc.oneof(
    { weight: 6, arbitrary: heard },
    { weight: 1, arbitrary: fc.constantFrom<RaClientInput>(LINK, NO_CABLE, { ...LINK, mtu: 1300 }, { kind: "solicit" }, { kind: "tick" }) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => packet(advertisement(), { bytes })) },
  );
  const wait = fc.oneof(fc.constantFrom(0, 1, 4, 1800, 7200), fc.integer({ min: 0, max: 90_000 })).map(seconds);
  return fc.record({ input, wait });
}

test("[WRA-5] whatever is advertised, for a second or for 136 years, no deadline is strange, and the machine sleeps in between", () => {
  fc.assert(
    fc.property(fc.array(arbitraryStep(), { maxLength: 25 }), fc.boolean(), (steps, temporaryAddresses) => {
      const wan = new Wan({ temporaryAddresses }).handle(LINK);
      for (const { input, wait } of steps) {
        wan.handle(input).pass(wait);
        const duplicate = wan.fact.addresses[0]?.address;
        if (duplicate && wait % 7 === 0) wan.handle({ kind: "duplicate", address: duplicate });
        assertSane(wan);
      }
      assert.deepEqual(wan.restarted({ temporaryAddresses }).handle({ kind: "tick" }).fact, wan.handle({ kind: "tick" }).fact);
    }),
    { numRuns: 200 },
  );
});

function assertSane({ fact, now, gaps }: Wan): void {
  for (const { preferredUntil, validUntil, prefix: own, address } of fact.addresses) {
    assert.ok(preferredUntil <= validUntil, `${address} is preferred until ${preferredUntil}, valid until ${validUntil}`);
    assert.ok(validUntil > now, `${address} has ended`);
    assert.match(own, /^2605:59c8:(12|34)00::\/64$/);
  }
  for (const list of [fact.routers, fact.routes, fact.onLink, fact.resolvers]) for (const { until } of list) assert.ok(until > now);
  assert.ok(fact.mtu === undefined || (fact.mtu >= 1280 && fact.mtu <= 1500));
  assert.ok(!gaps.some(Number.isNaN));
}
