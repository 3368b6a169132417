import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ip6, ip6, ip6FromBigInt } from "../addr/ip.ts";
import { type Prefix, prefix, subnet } from "../addr/prefix.ts";
import { seededRandom } from "../addr/random.ts";
import { after, earliest, INFINITY, instant, NEVER, type Seconds, seconds } from "../addr/time.ts";
import type { NdpOption, RouterAdvertisement } from "../wire/ndp.ts";
import { age, type Discovered, endings, fitted, learn, NOTHING_DISCOVERED } from "./ra-discovery.ts";

const START = instant(1_000_000);
const ROUTER = ip6("fe80::200:5eff:fe00:101");
const OTHER_ROUTER = ip6("fe80::2");
const WAN_PREFIX = prefix("2605:59c8:1200::/64");
const FAR = prefix("2620:119::/32");
const OPTIONS = {
  random: seededRandom(1),
  secret: new Uint8Array(32).fill(7),
  interfaceName: "wan0",
  temporaryAddresses: false,
  linkMtu: 1500,
};
const s = (count: number) => count as Seconds;

interface Hearing {
  readonly from?: Ip6;
  readonly at?: typeof START;
  readonly header?: Partial<RouterAdvertisement>;
}

/** What is known after one more advertisement with these options. */
function hear(known: Discovered, options: readonly NdpOption[], { from = ROUTER, at = START, header = {} }: Hearing = {}): Discovered {
  const ra: RouterAdvertisement = {
    kind: "router-advertisement",
    hopLimit: 64,
    managed: false,
    other: true,
    preference: "medium",
    routerLifetime: s(1800),
    reachableTime: 0,
    retransTimer: 0,
    options,
    ...header,
  };
  return learn(known, from, ra, OPTIONS, at);
}

const first = (...options: readonly NdpOption[]): Discovered => hear(NOTHING_DISCOVERED, options);
const pio = (name: Prefix, onLink: boolean, valid: number): NdpOption => {
  return { kind: "prefix-information", prefix: name, onLink, autonomous: true, valid: s(valid), preferred: s(0) };
};
const rio = (destination: Prefix, lifetime: number, preference: "high" | "medium" | "low" = "medium"): NdpOption => {
  return { kind: "route-information", prefix: destination, preference, lifetime: s(lifetime) };
};
const rdnss = (lifetime: number, ...addresses: readonly string[]): NdpOption => {
  return { kind: "rdnss", addresses: addresses.map(ip6), lifetime: s(lifetime) };
};
const resolversOf = ({ resolvers }: Discovered) => resolvers.map(({ address }) => address);

test("[WRA-6] L set makes an on-link prefix, L clear makes none and takes none away", () => {
  assert.deepEqual(first(pio(WAN_PREFIX, false, 300)).onLink, []);
  const known = first(pio(WAN_PREFIX, true, 300));
  assert.deepEqual(known.onLink, [{ prefix: WAN_PREFIX, until: after(START, seconds(300)) }]);
  assert.equal(hear(known, [pio(WAN_PREFIX, false, 9000)]).onLink[0]!.until, after(START, seconds(300)));
});

test("[WRA-6] an on-link prefix with a valid lifetime of 0 is off the link at once, though its address stays", () => {
  const known = hear(first(pio(WAN_PREFIX, true, 300)), [pio(WAN_PREFIX, true, 0)]);
  assert.deepEqual(known.onLink, []);
  assert.equal(known.addresses.length, 1);
});

test("[WRA-6] an on-link prefix may have any length, makes no address by that, and lives as long as it says", () => {
  const known = first(pio(prefix("2605:59c8::/40"), true, INFINITY));
  assert.deepEqual(known.onLink, [{ prefix: "2605:59c8::/40", until: NEVER }]);
  assert.deepEqual(known.addresses, []);
});

test("[WRA-5] link-local and multicast prefixes are ignored altogether", () => {
  for (const name of ["fe80::/64", "febf::/64", "ff02::/64"]) {
    const known = first(pio(prefix(name), true, 300), rio(prefix(name), 300));
    assert.deepEqual([known.onLink.length, known.addresses.length, known.routes.length], [0, 0, 0], name);
  }
});

test("[WRA-12] the MTU option counts from 1280 to the link's MTU", () => {
  const mtuOf = (mtu: number) => first({ kind: "mtu", mtu }).mtu;
  assert.deepEqual([0, 1279, 1280, 1400, 1500, 1501, 9000, 0xffffffff].map(mtuOf), [
    undefined,
    undefined,
    1280,
    1400,
    1500,
    undefined,
    undefined,
    undefined,
  ]);
});

test("[WRA-12] an MTU that is out of bounds, or absent, leaves the one before", () => {
  const known = first({ kind: "mtu", mtu: 1400 });
  assert.equal(hear(known, [{ kind: "mtu", mtu: 9000 }]).mtu, 1400);
  assert.equal(hear(known, []).mtu, 1400);
  assert.equal(hear(known, [{ kind: "mtu", mtu: 1420 }]).mtu, 1420);
});

test("[WRA-12] a link that becomes smaller than the advertised MTU forgets it", () => {
  const known = first({ kind: "mtu", mtu: 1400 });
  assert.equal(fitted(known, 1400), known);
  assert.equal("mtu" in fitted(known, 1399), false);
});

test("[WRA-13] resolvers and search domains live as long as they say; a new lifetime replaces the old one, 0 removes", () => {
  const known = first(rdnss(600, "2606:4700:4700::1111", "2001:4860:4860::8888"), {
    kind: "dnssl",
    domains: ["home.arpa"],
    lifetime: s(60),
  });
  assert.deepEqual(known.resolvers, [
    { address: "2606:4700:4700::1111", until: after(START, seconds(600)) },
    { address: "2001:4860:4860::8888", until: after(START, seconds(600)) },
  ]);
  assert.deepEqual(known.searchDomains, [{ domain: "home.arpa", until: after(START, seconds(60)) }]);
  const later = hear(known, [rdnss(0, "2606:4700:4700::1111"), rdnss(30, "2001:4860:4860::8888")]);
  assert.deepEqual(later.resolvers, [{ address: "2001:4860:4860::8888", until: after(START, seconds(30)) }]);
  const gone = hear(later, [{ kind: "dnssl", domains: ["Home.ARPA"], lifetime: s(0) }]);
  assert.deepEqual(gone.searchDomains, []);
  assert.deepEqual(age(later, OPTIONS, after(START, seconds(30))).resolvers, []);
  assert.equal(first(rdnss(INFINITY, "2606:4700:4700::1111")).resolvers[0]!.until, NEVER);
});

test("[WRA-13] refreshed resolvers keep their order, new ones come behind", () => {
  const known = first(rdnss(600, "2001:db8::1", "2001:db8::2"));
  assert.deepEqual(resolversOf(hear(known, [rdnss(900, "2001:db8::3", "2001:db8::2", "2001:db8::1")])), [
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8::3",
  ]);
});

test("a resolver that means nothing away from its link is none", () => {
  assert.deepEqual(resolversOf(first(rdnss(600, "fe80::1", "::", "::1", "ff02::fb", "2001:db8::1"))), ["2001:db8::1"]);
});

test("a more specific route is known by its destination and its router", () => {
  const known = hear(first(rio(FAR, 600, "high"), rio(prefix("2620:119:35::/48"), INFINITY)), [rio(FAR, 300, "low")], {
    from: OTHER_ROUTER,
  });
  assert.deepEqual(known.routes, [
    { destination: FAR, router: ROUTER, preference: "high", until: after(START, seconds(600)) },
    { destination: "2620:119:35::/48", router: ROUTER, preference: "medium", until: NEVER },
    { destination: FAR, router: OTHER_ROUTER, preference: "low", until: after(START, seconds(300)) },
  ]);
  const without = hear(known, [rio(FAR, 0)]);
  assert.deepEqual(
    without.routes.map(({ router }) => router),
    [ROUTER, OTHER_ROUTER],
  );
});

test("[WRA-4] a route to everything stands for the header's lifetime and preference (RFC 4191 3.1)", () => {
  const everything = prefix("::/0");
  const known = first(rio(everything, 60, "high"));
  assert.deepEqual(known.routers, [{ address: ROUTER, preference: "high", until: after(START, seconds(60)) }]);
  assert.deepEqual(known.routes, []);
  assert.deepEqual(hear(known, [rio(everything, 0)]).routers, []);
  assert.equal(hear(known, [rio(everything, 60)], { header: { routerLifetime: s(0) } }).routers.length, 1);
});

test("hop limit and timers of 0 leave what was known", () => {
  const known = hear(NOTHING_DISCOVERED, [], { header: { hopLimit: 1, reachableTime: 20_000, retransTimer: 500 } });
  const { hopLimit, reachableTime, retransTimer } = hear(known, [], { header: { hopLimit: 0 } });
  assert.deepEqual([hopLimit, reachableTime, retransTimer], [1, 20_000, 500]);
  assert.deepEqual(Object.keys(hear(NOTHING_DISCOVERED, [], { header: { hopLimit: 0 } })).sort(), Object.keys(NOTHING_DISCOVERED).sort());
});

test("options for hosts of another kind change nothing", () => {
  const others: readonly NdpOption[] = [
    { kind: "captive-portal", uri: "https://portal" },
    { kind: "pref64", prefix: prefix("64:ff9b::/96"), lifetime: s(600) },
    { kind: "nonce", nonce: new Uint8Array(6) },
    { kind: "unknown", type: 26, content: new Uint8Array(6) },
  ];
  assert.deepEqual(first(...others), first());
});

test("every end of something is an instant at which to look again", () => {
  const known = first(pio(WAN_PREFIX, true, 500), rio(FAR, 400), rdnss(300, "2001:db8::1"), {
    kind: "dnssl",
    domains: ["home.arpa"],
    lifetime: s(200),
  });
  let now = START;
  let left = known;
  const ends: number[] = [];
  for (;;) {
    const next = earliest(...endings(left).filter((at) => at !== undefined && at > now));
    if (next === undefined) break;
    now = next;
    left = age(left, OPTIONS, now);
    ends.push((now - START) / 1000);
  }
  assert.deepEqual(ends, [200, 300, 400, 500, 1800]);
  assert.deepEqual(left, { ...NOTHING_DISCOVERED, heard: true, other: true, hopLimit: 64 });
});

test("a storm of advertisements fills no memory and costs nothing that was known, and what comes after it has its place", () => {
  const before = first(pio(WAN_PREFIX, true, 300), rio(FAR, 600), rdnss(600, "2606:4700:4700::1111"), domain(-1));
  let known = before;
  for (let i = 0; i < 1000; i++) {
    const wild = subnet(prefix("2605:59c8::/32"), 64, i);
    const address = ip6FromBigInt(0x2605_59c8_0000_0000_0000_0000_0000_0000n + BigInt(i));
    known = hear(known, [pio(wild, true, INFINITY), rio(wild, INFINITY), rdnss(INFINITY, address), domain(i)], {
      from: ip6FromBigInt(0xfe80_0000_0000_0000_0000_0000_0000_0000n + BigInt(i)),
    });
  }
  const [other, newcomer] = [prefix("2a0d:7f00:2::/64"), ip6("fe80::9:9")];
  known = hear(known, [pio(other, true, 300)], { from: newcomer });
  const most = { routers: 64, routes: 64, onLink: 64, resolvers: 16, searchDomains: 16, addresses: 16 };
  for (const [kind, count] of Object.entries(most) as [keyof typeof most, number][]) {
    assert.equal(known[kind].length, count, kind);
    assert.deepEqual(known[kind][0], before[kind][0], kind);
  }
  assert.equal(known.routers.at(-1)!.address, newcomer);
  assert.equal(known.onLink.at(-1)!.prefix, other);
  assert.equal(known.addresses.at(-1)!.prefix, other);
});

function domain(index: number): NdpOption {
  return { kind: "dnssl", domains: [`x${index}.example`], lifetime: INFINITY };
}
