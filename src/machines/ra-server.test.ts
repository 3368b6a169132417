import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALL_NODES, ALL_ROUTERS, type Ip6, ip6, UNSPECIFIED } from "../addr/ip.ts";
import { type Mac, mac } from "../addr/mac.ts";
import { type Prefix, prefix } from "../addr/prefix.ts";
import { seededRandom, uniform } from "../addr/random.ts";
import { after, type Duration, type Instant, instant, milliseconds, NEVER, type Seconds, seconds } from "../addr/time.ts";
import { decodeNdp, encodeNdp, type NdpOption, ndpOptionOf, ndpOptionsOf, type RouterAdvertisement } from "../wire/ndp.ts";
import type { AdvertisedPrefix, Advertisement, RaServerFact } from "./facts.ts";
import type { Json, Note } from "./machine.ts";
import { createRaServer, type RaServerInput, type RaServerOptions } from "./ra-server.ts";

const ROUTER = ip6("fe80::1");
const ROUTER_MAC = mac("02:00:00:00:00:01");
const HOST = ip6("fe80::aa");
const HOST_MAC = mac("02:00:00:00:00:aa");
const STRANGER = ip6("fe80::bad");
const A = prefix("2605:59c8:1200::/64");
const B = prefix("2605:59c8:3400::/64");
const ULA = prefix("fd12:3456:789a:1::/64");
const DELEGATION = prefix("2605:59c8:1200::/56");
const START = instant(1_000_000);

interface Sent {
  readonly at: Instant;
  readonly to: Ip6;
  readonly ra: RouterAdvertisement;
  readonly size: number;
}

/** A LAN in virtual time: one server, and a record of what it says. */
class Lan {
  now: Instant;
  readonly sent: Sent[] = [];
  readonly notes: Note[] = [];
  /** Snapshots in the order of their saving, each with the number of messages sent before it. */
  readonly saved: { readonly snapshot: Json; readonly before: number }[] = [];
  fact: RaServerFact | undefined;
  readonly #server: ReturnType<typeof createRaServer>;

  constructor(options: Partial<RaServerOptions> = {}, saved?: { snapshot: Json; shift: Duration }, now = START) {
    this.#server = createRaServer({ random: seededRandom(42), ...options }, saved);
    this.now = now;
  }

  give(input: RaServerInput): this {
    for (const output of this.#server.handle(input, this.now)) {
      if (output.kind === "send") this.#record(output.to, output.bytes);
      else if (output.kind === "fact") this.fact = output.fact;
      else if (output.kind === "save") this.saved.push({ snapshot: structuredClone(this.#server.snapshot()), before: this.sent.length });
      else this.notes.push(output);
    }
    return this;
  }

  linkUp(): this {
    return this.give({ kind: "link", up: true, linkLocal: ROUTER, mac: ROUTER_MAC, mtu: 1500 });
  }

  advertise(advertisement: Advertisement): this {
    return this.give({ kind: "advertise", advertisement });
  }

  /** Lets time pass, with a tick whenever the server wants one. */
  pass(span: Duration): this {
    const end = after(this.now, span);
    for (let at = this.wakeAt; at !== undefined && at <= end; at = this.wakeAt) {
      assert.ok(at >= this.now || this.now === START, "time does not go back");
      this.now = Math.max(at, this.now) as Instant;
      this.give({ kind: "tick" });
      assert.ok((this.wakeAt ?? NEVER) > this.now, "a tick settles what it was wanted for");
    }
    this.now = end;
    return this;
  }

  solicit(from: Ip6 = HOST, options: readonly NdpOption[] = [{ kind: "source-link-layer-address", mac: HOST_MAC }]): this {
    return this.hear(from, encodeNdp({ kind: "router-solicitation", options }));
  }

  hear(from: Ip6, bytes: Uint8Array, hopLimit = 255): this {
    return this.give({ kind: "packet", from, to: ALL_ROUTERS, hopLimit, sourcePort: 0, bytes });
  }

  get wakeAt(): Instant | undefined {
    return this.#server.wakeAt();
  }

  get last(): Sent {
    return this.sent.at(-1)!;
  }

  get multicasts(): readonly Sent[] {
    return this.sent.filter(({ to }) => to === ALL_NODES);
  }

  /** What would be there after a power cut: the latest snapshot that was saved. */
  get disk(): Json {
    return this.saved.at(-1)?.snapshot ?? null;
  }

  #record(to: Ip6, bytes: Uint8Array): void {
    const ra = decodeNdp(bytes);
    assert.equal(ra.kind, "router-advertisement");
    this.sent.push({ at: this.now, to, ra: ra as RouterAdvertisement, size: bytes.length });
  }
}

function live(name: Prefix, preferredUntil: Instant, validUntil: Instant): AdvertisedPrefix {
  return { prefix: name, onLink: true, autonomous: true, preferredUntil, validUntil };
}

/** Leased at `now` for 150/300 s, as by Starlink. */
const leased = (name: Prefix, now: Instant): AdvertisedPrefix => live(name, after(now, seconds(150)), after(now, seconds(300)));

function advertisement(prefixes: readonly AdvertisedPrefix[], more: Partial<Advertisement> = {}): Advertisement {
  const defaults = { defaultRouter: true, managed: false, other: true, routes: [], resolvers: [], searchDomains: [] };
  return { ...defaults, maxInterval: 300, minInterval: 100, prefixes, ...more };
}

const serving = (prefixes: readonly AdvertisedPrefix[], more: Partial<Advertisement> = {}): Lan =>
  new Lan().linkUp().advertise(advertisement(prefixes, more));

/** The prefixes of an advertisement as "prefix preferred/valid". */
const prefixesIn = (ra: RouterAdvertisement): string[] =>
  ndpOptionsOf(ra, "prefix-information").map((each) => `${each.prefix} ${each.preferred}/${each.valid}`);

const gaps = (sent: readonly Sent[]): number[] => sent.slice(1).map(({ at }, i) => at - sent[i]!.at);

test("[RA-1] [RA-7] an advertisement goes to all nodes with our link-layer address, hop limit 64, M=0, O=1 and an on-link autonomous prefix", () => {
  const { last } = serving([leased(A, START)]);
  assert.equal(last.to, ALL_NODES);
  assert.equal(last.at, START);
  assert.deepEqual(ndpOptionOf(last.ra, "source-link-layer-address")?.mac, ROUTER_MAC);
  const { hopLimit, managed, other, preference, reachableTime, retransTimer } = last.ra;
  assert.deepEqual([hopLimit, managed, other, preference, reachableTime, retransTimer], [64, false, true, "medium", 0, 0]);
  const option = ndpOptionOf(last.ra, "prefix-information")!;
  assert.deepEqual([option.onLink, option.autonomous], [true, true]);
});

test("[RA-7] the M and O flags are what they are told to be", () => {
  const { last } = serving([leased(A, START)], { managed: true, other: false });
  assert.deepEqual([last.ra.managed, last.ra.other], [true, false]);
});

test("[RA-1] nothing is sent before the link is up and its link-local address is usable, nor after the link is gone", () => {
  const lan = new Lan().advertise(advertisement([leased(A, START)])).give({ kind: "link", up: true, mac: ROUTER_MAC });
  assert.equal(lan.pass(seconds(60)).sent.length, 0);
  lan.linkUp();
  assert.equal(lan.sent.length, 1);
  lan.give({ kind: "link", up: false });
  lan.solicit();
  assert.equal(lan.pass(seconds(200)).sent.length, 1);
});

test("[RA-9] the Router Lifetime of a default router is 2700 s", () => {
  assert.equal(serving([leased(A, START)]).last.ra.routerLifetime, 2700);
});

test("[RA-10] without a route to the internet the Router Lifetime is 0 and prefixes and routes stay", () => {
  const routes = [{ destination: DELEGATION, until: after(START, seconds(300)) }];
  const { last } = serving([leased(A, START)], { defaultRouter: false, routes });
  assert.equal(last.ra.routerLifetime, 0);
  assert.deepEqual(prefixesIn(last.ra), [`${A} 150/300`]);
  assert.equal(ndpOptionOf(last.ra, "route-information")?.lifetime, 300);
});

test("[RA-11] the loss of the default router is advertised at once, or when 3 s have passed since the last advertisement", () => {
  const lan = serving([leased(A, START)]).pass(seconds(4));
  const lost = lan.now;
  lan.advertise(advertisement([leased(A, START)], { defaultRouter: false }));
  assert.deepEqual([lan.last.at, lan.last.ra.routerLifetime], [lost, 0]);
  lan.pass(seconds(1)).advertise(advertisement([leased(A, START)]));
  assert.equal(lan.last.ra.routerLifetime, 0, "too early for another one");
  lan.pass(seconds(2));
  assert.deepEqual([lan.last.at, lan.last.ra.routerLifetime], [after(lost, seconds(3)), 2700]);
});

test("[RA-5] [RA-11] a provider that alternates between 0 and 1800 s each second causes one advertisement in 3 s at most", () => {
  const lan = serving([leased(A, START)]);
  for (let i = 0; i < 120; i++) lan.advertise(advertisement([leased(A, START)], { defaultRouter: i % 2 === 1 })).pass(seconds(1));
  assert.ok(lan.multicasts.length > 30);
  assert.ok(gaps(lan.multicasts).every((gap) => gap >= 3000));
  assert.ok(lan.multicasts.every(({ ra }) => prefixesIn(ra).length === 1));
});

test("[RA-2] unsolicited advertisements follow each other after 100..300 s, the first three after at most 16 s", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]).pass(seconds(50_000));
  const [first, second, ...rest] = gaps(lan.multicasts);
  assert.ok(first! <= 16_000 && second! <= 16_000);
  assert.ok(rest.length > 150 && rest.every((gap) => gap >= 100_000 && gap <= 300_000));
});

test("[RA-3] with 150/300 s an advertisement comes at each renewal at once and otherwise at least each 20 s", () => {
  const lan = serving([leased(A, START)]);
  for (let renewal = 0; renewal < 48; renewal++) {
    lan.pass(seconds(75)).advertise(advertisement([leased(A, lan.now)]));
    assert.ok(lan.last.at === lan.now || lan.pass(seconds(3)).last.at > after(lan.now, seconds(-3)));
    assert.ok(lan.last.ra.options.some((option) => option.kind === "prefix-information" && option.valid >= 297));
  }
  assert.ok(Math.max(...gaps(lan.multicasts)) <= 20_000);
  const longestPromise = lan.multicasts.every(({ ra }) => ndpOptionsOf(ra, "prefix-information").every(({ valid }) => valid >= 150));
  assert.ok(longestPromise, "the lease is renewed down to the advertisement");
});

test("[RA-3] 20 % loss on the LAN for an hour of 150/300 s leases deprecates no host's address in 50 seeded hours", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const lan = new Lan({ random: seededRandom(seed) }).linkUp().advertise(advertisement([leased(A, START)]));
    for (let renewal = 0; renewal < 47; renewal++) lan.pass(seconds(75)).advertise(advertisement([leased(A, lan.now)]));
    const loss = seededRandom(seed + 1000);
    let preferredUntil = NEVER;
    for (const { at, ra } of lan.multicasts) {
      assert.ok(at < preferredUntil, `seed ${seed}: the address is deprecated`);
      if (preferredUntil !== NEVER && uniform(loss, 0, 1) < 0.2) continue;
      preferredUntil = after(at, seconds(ndpOptionOf(ra, "prefix-information")!.preferred));
    }
  }
});

test("[RA-4] a solicitation is answered by unicast within a random time below 500 ms", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]).pass(seconds(40));
  const delays = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const asked = lan.now;
    const count = lan.sent.length;
    lan.solicit().pass(milliseconds(499.999));
    const answers = lan.sent.slice(count).filter(({ to }) => to === HOST);
    assert.equal(answers.length, 1);
    delays.add(answers[0]!.at - asked);
  }
  assert.ok(Math.min(...delays) < 50 && Math.max(...delays) > 450 && delays.size > 150);
});

test("[RA-4] a solicitation without link-layer address or without source is answered to all nodes", () => {
  for (const from of [HOST, UNSPECIFIED]) {
    const lan = serving([live(ULA, NEVER, NEVER)]).pass(seconds(40));
    const asked = lan.now;
    lan.solicit(from, []).pass(milliseconds(3500));
    assert.equal(lan.last.to, ALL_NODES);
    assert.ok(lan.last.at >= asked);
  }
});

test("with a delay of 0 the answer is in the same turn", () => {
  const lan = new Lan({ maxRaDelay: milliseconds(0) }).linkUp().advertise(advertisement([leased(A, START)]));
  lan.solicit();
  assert.deepEqual([lan.last.to, lan.last.at], [HOST, START]);
});

test("[RA-6] an invalid solicitation is ignored", () => {
  const good = encodeNdp({ kind: "router-solicitation", options: [{ kind: "source-link-layer-address", mac: HOST_MAC }] });
  const changed = (at: number, value: number): Uint8Array => good.with(at, value);
  const lan = new Lan({ maxRaDelay: milliseconds(0) })
    .linkUp()
    .advertise(advertisement([live(ULA, NEVER, NEVER)]))
    .pass(seconds(40));
  const count = lan.sent.length;
  lan.hear(HOST, good, 254);
  lan.hear(HOST, changed(1, 1));
  lan.hear(HOST, changed(9, 0));
  lan.hear(HOST, changed(9, 2));
  for (let length = 0; length < 8; length++) lan.hear(HOST, good.slice(0, length));
  lan.hear(UNSPECIFIED, good);
  assert.equal(lan.sent.length, count);
  lan.hear(HOST, good);
  assert.equal(lan.sent.length, count + 1);
});

test("[RA-5] a flood of solicitations without source address causes one multicast in 3 s", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]);
  for (let i = 0; i < 3000; i++) lan.solicit(UNSPECIFIED, []).pass(milliseconds(10));
  assert.ok(lan.multicasts.length >= 8);
  assert.ok(gaps(lan.multicasts).every((gap) => gap >= 3000));
});

test("[RA-5] a flood from invented sources is answered at a bounded rate, and multicasts keep their distance", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]);
  for (let i = 0; i < 20_000; i++) lan.solicit(ip6(`fe80::1:${(i % 65536).toString(16)}`)).pass(milliseconds(1));
  const unicasts = lan.sent.length - lan.multicasts.length;
  assert.ok(unicasts <= 64 * 2 * 20 * 2, `${unicasts} answers in 20 s`);
  assert.ok(gaps(lan.multicasts).every((gap) => gap >= 3000));
});

test("[RA-8] lifetimes are the rest of the lease, at most 2700 and 5400 s, and preferred is never above valid", () => {
  const time = fc.integer({ min: 0, max: 20_000_000 });
  const end = fc.oneof(time, fc.constant(NEVER));
  fc.assert(
    fc.property(end, end, time, (preferredSpan, validSpan, wait) => {
      const [preferredUntil, validUntil] = [after(START, preferredSpan as Duration), after(START, validSpan as Duration)];
      const lan = new Lan({ maxRaDelay: milliseconds(0) }).linkUp().advertise(advertisement([live(A, preferredUntil, validUntil)]));
      lan.now = after(START, milliseconds(wait));
      lan.solicit();
      const { preferred, valid } = ndpOptionOf(lan.last.ra, "prefix-information")!;
      assert.ok(valid <= Math.max(0, (validUntil - lan.now) / 1000) && valid <= 5400);
      assert.ok(preferred <= Math.max(0, (preferredUntil - lan.now) / 1000) && preferred <= 2700);
      assert.ok(preferred <= valid);
      if (validUntil > after(lan.now, seconds(5400))) assert.equal(valid, 5400);
    }),
  );
});

test("[RA-8] lifetimes count down in real time, second by second", () => {
  const lan = new Lan({ maxRaDelay: milliseconds(0) }).linkUp().advertise(advertisement([leased(A, START)]));
  for (const [at, expected] of [
    [0, "150/300"],
    [1, "149/299"],
    [400, "149/299"],
    [1000, "149/299"],
    [1001, "148/298"],
    [149_999, "0/150"],
    [299_500, "0/0"],
  ] as const) {
    lan.now = after(START, milliseconds(at));
    assert.deepEqual(prefixesIn(lan.solicit().last.ra), [`${A} ${expected}`], `after ${at} ms`);
  }
});

test("[RA-8] infinite and very long leases are advertised with 2700/5400 and set no timer beyond the interval", () => {
  for (const span of [30 * 86_400, 4_294_967, 0xfffffffe, Number.POSITIVE_INFINITY]) {
    const lan = serving([live(A, after(START, seconds(span)), after(START, seconds(span)))]).pass(seconds(4000));
    assert.deepEqual(prefixesIn(lan.last.ra), [`${A} 2700/5400`]);
    assert.ok(lan.wakeAt! > lan.now && lan.wakeAt! <= after(lan.now, seconds(300)));
    assert.ok(lan.sent.length < 50);
  }
});

test("[RA-12] routes are advertised with the rest of their lifetime, at most 5400 s, and no more than 17 of them", () => {
  const until = (span: number): Instant => after(START, seconds(span));
  const short = serving([], {
    defaultRouter: false,
    routes: [
      { destination: DELEGATION, until: until(300) },
      { destination: prefix("fd12:3456:789a::/48"), until: NEVER },
    ],
  });
  const lifetimes = ndpOptionsOf(short.last.ra, "route-information").map((route) => `${route.prefix} ${route.lifetime}`);
  assert.deepEqual(lifetimes, [`${DELEGATION} 300`, "fd12:3456:789a::/48 5400"]);
  const many = Array.from({ length: 30 }, (_, i) => ({ destination: prefix(`2605:59c8:${(i + 1).toString(16)}::/48`), until: until(900) }));
  const all = serving([], { routes: many }).sent.flatMap(({ ra }) => ndpOptionsOf(ra, "route-information"));
  assert.equal(all.length, 17);
});

test("[RA-12] a delegation that is replaced is withdrawn as a route with lifetime 0", () => {
  const route = (destination: Prefix) => ({ routes: [{ destination, until: after(START, seconds(300)) }] });
  const lan = serving([], route(DELEGATION)).pass(seconds(10));
  lan.advertise(advertisement([], route(prefix("2605:59c8:1200::/60"))));
  const lifetimes = ndpOptionsOf(lan.last.ra, "route-information").map(({ prefix: name, lifetime }) => `${name} ${lifetime}`);
  assert.deepEqual(lifetimes, ["2605:59c8:1200::/60 290", `${DELEGATION} 0`]);
});

test("[RA-13] resolvers and domains are in every advertisement, for as long as the longest prefix and at least three intervals", () => {
  const names = { resolvers: [ip6("fe80::1")], searchDomains: ["home.arpa"] };
  const lan = serving([leased(A, START)], names).pass(seconds(60));
  for (const { at, ra } of lan.sent) {
    const rest = Math.floor((START + 300_000 - at) / 1000);
    assert.equal(ndpOptionOf(ra, "rdnss")?.lifetime, rest);
    assert.equal(ndpOptionOf(ra, "dnssl")?.lifetime, rest);
    assert.ok(rest >= 3 * 20);
  }
  assert.equal(ndpOptionOf(serving([live(ULA, NEVER, NEVER)], names).last.ra, "rdnss")?.lifetime, 5400);
  assert.equal(ndpOptionOf(serving([], names).last.ra, "rdnss")?.lifetime, 900);
});

test("[RA-13] removed resolvers and domains are sent with lifetime 0 until no host can hold them", () => {
  const [first, second] = [ip6("2606:4700:4700::1111"), ip6("2001:4860:4860::8888")];
  const lan = serving([leased(A, START)], { resolvers: [first, second], searchDomains: ["old.example"] }).pass(seconds(10));
  lan.advertise(advertisement([leased(A, START)], { resolvers: [second], searchDomains: [] }));
  const resolvers = (ra: RouterAdvertisement) =>
    ndpOptionsOf(ra, "rdnss").map(({ addresses, lifetime }) => `${addresses.join()} ${lifetime}`);
  assert.deepEqual(resolvers(lan.last.ra), [`${second} 290`, `${first} 0`]);
  assert.deepEqual(
    ndpOptionsOf(lan.last.ra, "dnssl").map(({ domains, lifetime }) => `${domains.join()} ${lifetime}`),
    ["old.example 0"],
  );
  lan.pass(seconds(285));
  assert.ok(resolvers(lan.last.ra).includes(`${first} 0`));
  lan.pass(seconds(40));
  assert.equal(resolvers(lan.last.ra).length, 1);
});

test("[RA-15] forty prefixes go out in several advertisements, none longer than the link's MTU, each with the router's values", () => {
  const many = Array.from({ length: 40 }, (_, i) => leased(prefix(`2605:59c8:1200:${i.toString(16)}::/64`), START));
  const more = { resolvers: Array.from({ length: 40 }, (_, i) => ip6(`fd00::${(i + 1).toString(16)}`)), searchDomains: ["home.arpa"] };
  for (const mtu of [1280, 1500]) {
    const lan = new Lan().give({ kind: "link", up: true, linkLocal: ROUTER, mac: ROUTER_MAC, mtu }).advertise(advertisement(many, more));
    assert.ok(lan.sent.length > 1);
    assert.ok(lan.sent.every(({ size, at }) => size <= mtu - 40 && at === START));
    assert.ok(lan.sent.every(({ ra }) => ra.routerLifetime === 2700 && ndpOptionOf(ra, "source-link-layer-address") !== undefined));
    assert.equal(new Set(lan.sent.flatMap(({ ra }) => prefixesIn(ra))).size, 40);
    assert.equal(new Set(lan.sent.flatMap(({ ra }) => ndpOptionsOf(ra, "rdnss").flatMap(({ addresses }) => addresses))).size, 40);
  }
});

test("[RA-16] leaving sends up to three advertisements with Router Lifetime 0 and all prefixes withdrawn, and then nothing any more", () => {
  const lan = serving([leased(A, START)], { resolvers: [ip6("fe80::1")] }).pass(seconds(60));
  const count = lan.sent.length;
  lan.give({ kind: "stop" }).pass(seconds(30));
  const final = lan.sent.slice(count);
  assert.equal(final.length, 3);
  for (const { to, ra } of final) {
    assert.deepEqual([to, ra.routerLifetime, prefixesIn(ra)], [ALL_NODES, 0, [`${A} 0/0`]]);
    assert.equal(ndpOptionOf(ra, "rdnss")?.lifetime, 0);
  }
  assert.equal(lan.wakeAt, undefined);
  lan
    .advertise(advertisement([leased(A, lan.now)]))
    .solicit()
    .pass(seconds(1000));
  assert.equal(lan.sent.length, count + 3);
});

test("[RA-16] a server that is started only to leave withdraws what earlier runs advertised", () => {
  const before = serving([leased(A, START)]).pass(seconds(10));
  const lan = new Lan({}, { snapshot: before.disk, shift: seconds(0) }, before.now).linkUp().give({ kind: "stop" }).pass(seconds(30));
  assert.deepEqual(lan.sent.map(({ ra }) => [ra.routerLifetime, ...prefixesIn(ra)]), Array(3).fill([0, `${A} 0/0`]));
  assert.equal(lan.wakeAt, undefined);
});

test("[RA-17] the NAT64 prefix has a lifetime of three intervals in units of 8 s", () => {
  const pref64 = prefix("64:ff9b::/96");
  const option = ndpOptionOf(serving([live(ULA, NEVER, NEVER)], { pref64 }).last.ra, "pref64");
  assert.deepEqual([option?.prefix, option?.lifetime], [pref64, 904]);
  const short = ndpOptionOf(serving([leased(A, START)], { pref64, maxInterval: 4, minInterval: 3 }).last.ra, "pref64");
  assert.equal(short?.lifetime, 16);
  const gone = serving([], { pref64 }).pass(seconds(5)).advertise(advertisement([]));
  assert.equal(ndpOptionOf(gone.last.ra, "pref64")?.lifetime, 0);
});

test("[RA-18] the captive portal and the MTU are advertised when they are given", () => {
  const { ra } = serving([], { captivePortal: "https://portal.home.arpa/api", mtu: 1400 }).last;
  assert.equal(ndpOptionOf(ra, "captive-portal")?.uri, "https://portal.home.arpa/api");
  assert.equal(ndpOptionOf(ra, "mtu")?.mtu, 1400);
  const { ra: plain } = serving([]).last;
  assert.deepEqual([ndpOptionOf(plain, "captive-portal"), ndpOptionOf(plain, "mtu")], [undefined, undefined]);
});

test("[REN-2] when another prefix is delegated one advertisement announces it and withdraws the old one, for as long as that was valid", () => {
  const lan = serving([leased(A, START)]).pass(seconds(60));
  const changed = lan.now;
  lan.advertise(advertisement([leased(B, changed)]));
  assert.deepEqual([lan.last.at, prefixesIn(lan.last.ra)], [changed, [`${B} 150/300`, `${A} 0/0`]]);
  assert.deepEqual(
    ndpOptionsOf(lan.last.ra, "prefix-information").map(({ onLink, autonomous }) => [onLink, autonomous]),
    [
      [true, true],
      [true, true],
    ],
  );
  assert.deepEqual(lan.fact?.withdrawing, [{ prefix: A, until: after(changed, seconds(300)) }]);
  for (let i = 0; i < 4; i++) lan.pass(seconds(74)).advertise(advertisement([leased(B, lan.now)]));
  const during = lan.sent.filter(({ at }) => at >= changed);
  assert.ok(
    during.every(({ ra }) => prefixesIn(ra).includes(`${A} 0/0`)),
    "in every advertisement",
  );
  lan
    .pass(seconds(10))
    .advertise(advertisement([leased(B, lan.now)]))
    .pass(seconds(20));
  assert.deepEqual(lan.fact?.withdrawing, []);
  assert.equal(prefixesIn(lan.last.ra).length, 1);
});

test("[REN-2] a prefix with a long lease is withdrawn for 5400 s, whether the unicast or the multicast is heard", () => {
  const lan = serving([live(A, NEVER, NEVER)]).pass(seconds(60));
  lan.advertise(advertisement([]));
  assert.deepEqual(lan.fact?.withdrawing, [{ prefix: A, until: after(lan.now, seconds(5400)) }]);
  lan.solicit().pass(seconds(1));
  const unicast = lan.sent.findLast(({ to }) => to === HOST)!;
  assert.deepEqual(prefixesIn(unicast.ra), [`${A} 0/0`]);
});

test("[REN-4] a prefix that comes back while it is withdrawn is live again, and never both", () => {
  const lan = serving([leased(A, START)]).pass(seconds(20));
  lan.advertise(advertisement([leased(B, lan.now)])).pass(seconds(20));
  lan.advertise(advertisement([leased(A, lan.now)])).pass(seconds(4));
  assert.deepEqual(
    prefixesIn(lan.last.ra).map((text) => text.replace(/\d+\/\d+$/, "")),
    [`${A} `, `${B} `],
  );
  for (const { ra } of lan.sent) {
    const names = ndpOptionsOf(ra, "prefix-information").map((option) => option.prefix);
    assert.equal(new Set(names).size, names.length);
  }
  assert.deepEqual(
    lan.fact?.withdrawing.map((each) => each.prefix),
    [B],
  );
});

test("[REN-1] what is advertised is saved before it is sent", () => {
  const lan = serving([leased(A, START)]);
  assert.equal(lan.saved[0]?.before, 0);
  assert.match(JSON.stringify(lan.disk), /2605:59c8:1200::\/64/);
  lan.pass(seconds(30));
  const count = lan.sent.length;
  lan.advertise(advertisement([leased(A, START), leased(B, lan.now)])).pass(seconds(3));
  assert.ok(lan.sent.length > count);
  assert.ok(lan.saved.some(({ snapshot, before }) => before === count && JSON.stringify(snapshot).includes(B)));
});

test("[REN-1] [REN-2] after a reboot that returns with another prefix the first advertisement withdraws the old one", () => {
  const before = serving([leased(A, START)]).pass(seconds(100));
  const booted = instant(20_000);
  const lan = new Lan({}, { snapshot: before.disk, shift: milliseconds(booted - before.now) }, booted);
  lan.linkUp().advertise(advertisement([leased(B, booted)]));
  assert.deepEqual(prefixesIn(lan.sent[0]!.ra), [`${B} 150/300`, `${A} 0/0`]);
  assert.deepEqual(
    lan.fact?.withdrawing.map((each) => each.prefix),
    [A],
  );
});

test("[REN-1] after a restart with the same lease nothing is withdrawn, and the distance of 3 s is kept", () => {
  const before = serving([leased(A, START)]).pass(seconds(10));
  const lan = new Lan({}, { snapshot: before.disk, shift: seconds(0) }, before.now);
  lan.linkUp().advertise(advertisement([leased(A, START)]));
  assert.equal(lan.sent.length, 0);
  lan.pass(seconds(4));
  assert.deepEqual([lan.sent[0]!.at, prefixesIn(lan.sent[0]!.ra)], [after(before.now, seconds(3)), [`${A} 137/287`]]);
  assert.deepEqual(lan.fact?.withdrawing, []);
});

test("a day of renewals writes the snapshot a few times only", () => {
  const lan = serving([leased(A, START)]);
  for (let renewal = 0; renewal < 1152; renewal++) lan.pass(seconds(75)).advertise(advertisement([leased(A, lan.now)]));
  assert.ok(lan.saved.length <= 6, `${lan.saved.length} writes`);
});

test("[REN-9] thirty new prefixes in five minutes keep the rate, the size and the memory bounded", () => {
  const lan = serving([leased(A, START)]);
  for (let i = 0; i < 300; i++)
    lan.advertise(advertisement([leased(prefix(`2605:59c8:${(i % 30) + 4000}::/64`), lan.now)])).pass(seconds(1));
  const bursts = [...new Map(lan.multicasts.map((sent) => [sent.at, sent])).values()];
  assert.ok(gaps(bursts).every((gap) => gap >= 3000));
  assert.ok(lan.sent.every(({ size }) => size <= 1460));
  assert.ok(lan.fact!.withdrawing.length <= 32);
});

test("no history of leases, floods and restarts advertises a live prefix that is not held, or withdraws one that is", () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 400_000 }),
    names: fc.subarray([A, B, ULA]),
    event: fc.constantFrom("advertise" as const, "solicit" as const, "restart" as const, "reboot" as const, "flap" as const),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let lan = new Lan().linkUp();
      let held: readonly AdvertisedPrefix[] = [];
      const lookAt = ({ at, ra }: Sent): void => {
        for (const option of ndpOptionsOf(ra, "prefix-information")) {
          const lease = held.find((each) => each.prefix === option.prefix);
          assert.ok(option.valid === 0 || (lease && at + option.valid * 1000 <= lease.validUntil + 1e-6), "a live prefix is held");
          assert.ok(!lease || lease.validUntil - at < 1000 || option.valid > 0, "a held prefix is live");
        }
      };
      for (const { wait, names, event } of steps) {
        const count = lan.sent.length;
        lan.pass(milliseconds(wait));
        lan.sent.slice(count).forEach(lookAt);
        if (event === "restart" || event === "reboot") {
          lan = new Lan({}, { snapshot: lan.disk, shift: milliseconds(event === "reboot" ? 1 : 0) }, lan.now).linkUp();
          lan.advertise(advertisement(held));
        }
        if (event === "flap") lan.give({ kind: "link", up: false }).linkUp();
        const seen = lan.sent.length;
        if (event === "advertise") {
          held = names.map((name) => leased(name, lan.now));
          lan.advertise(advertisement(held));
        }
        if (event === "solicit") lan.solicit();
        lan.sent.slice(seen).forEach(lookAt);
      }
    }),
  );
});

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

test("a changed link-layer address is announced at once", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]).pass(seconds(50));
  const other: Mac = mac("02:00:00:00:00:02");
  lan.give({ kind: "link", up: true, linkLocal: ROUTER, mac: other });
  assert.deepEqual([lan.last.at, ndpOptionOf(lan.last.ra, "source-link-layer-address")?.mac], [lan.now, other]);
});
