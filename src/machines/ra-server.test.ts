import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALL_NODES, ip6 } from "../addr/ip.ts";
import { type Prefix, prefix } from "../addr/prefix.ts";
import { after, type Duration, type Instant, milliseconds, NEVER, seconds } from "../addr/time.ts";
import { ndpOptionOf, ndpOptionsOf, type RouterAdvertisement } from "../wire/ndp.ts";
import {
  A,
  advertisement,
  DELEGATION,
  Lan,
  leased,
  live,
  prefixesIn,
  ROUTER,
  ROUTER_MAC,
  serving,
  START,
  ULA,
} from "./ra-server-fixture.ts";

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
