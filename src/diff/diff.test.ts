import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { DEFAULT_ROUTE, prefix } from "../addr/prefix.ts";
import { after, type Instant, instant, NEVER, seconds } from "../addr/time.ts";
import type { AddressState, KernelState, LinkFact, Observed, RouteState, Ruleset, UnicastRoute } from "../plan/kernel-state.ts";
import { applyAll } from "../../test/fixtures/apply-all.ts";
import type { Change } from "./change.ts";
import { diff } from "./diff.ts";

const NOW = instant(1_000_000);
const inSeconds = (count: number): Instant => after(NOW, seconds(count));

const LAN: AddressState = {
  interface: "eth0",
  address: ip6("2605:59c8:1200::1"),
  prefixLength: 64,
  preferredUntil: inSeconds(150),
  validUntil: inSeconds(300),
};
const UPLINK: UnicastRoute = {
  kind: "unicast",
  destination: DEFAULT_ROUTE,
  interface: "eth8",
  gateway: ip6("fe80::200:5eff:fe00:101"),
  metric: 512,
  preference: "medium",
  until: inSeconds(1800),
};
const REST: RouteState = { kind: "unreachable", destination: prefix("2605:59c8:1200::/56"), metric: 2000 };
const RULES: Ruleset = [{ table: { family: "inet", name: "skylan" } }];
const OPEN = "net/ipv6/conf/all/forwarding";
const ACCEPT = "net/ipv6/conf/eth8/accept_ra";

const EMPTY: Observed = {
  up: ["eth0", "eth8"],
  addresses: [],
  routes: [],
  sysctls: { [OPEN]: "0", [ACCEPT]: "1" },
  ruleset: undefined,
  links: [link("eth0", true), link("eth8", true)],
  tentative: [],
  duplicates: [],
  unreachable: [],
};
const HOME: KernelState = {
  up: ["eth0", "eth8"],
  addresses: [LAN],
  routes: [UPLINK, REST],
  sysctls: { [OPEN]: "1", [ACCEPT]: "0" },
  ruleset: RULES,
};
const kinds = (changes: readonly Change[]): string[] => changes.map((change) => change.kind);

test("after the changes there is no difference left, whatever was there before", () => {
  fc.assert(
    fc.property(state(), observedState(), (desired, observed) => {
      const reached = applyAll(observed, diff(desired, observed, NOW));
      assert.deepEqual(diff(desired, reached, NOW), []);
    }),
  );
});

test("everything of ours that is not desired is swept, and nothing of it remains", () => {
  fc.assert(
    fc.property(observedState(), (observed) => {
      const nothing: KernelState = { up: [], addresses: [], routes: [], sysctls: {}, ruleset: undefined };
      const { addresses, routes, ruleset } = applyAll(observed, diff(nothing, observed, NOW));
      assert.deepEqual({ addresses, routes, ruleset }, { addresses: [], routes: [], ruleset: undefined });
    }),
  );
});

test("a fresh box is closed before it is opened: advertisements refused, rules in place, then addresses and routes, forwarding last", () => {
  const changes = diff(HOME, EMPTY, NOW);
  assert.deepEqual(kinds(changes), ["sysctl", "ruleset", "address-add", "route-add", "route-add", "sysctl"]);
  assert.deepEqual(changes[0], { kind: "sysctl", path: ACCEPT, from: "1", to: "0" });
  assert.deepEqual(changes.at(-1), { kind: "sysctl", path: OPEN, from: "0", to: "1" });
});

test("leaving closes first: forwarding goes off before addresses, routes and at last the rules go", () => {
  const nothing: KernelState = { up: [], addresses: [], routes: [], sysctls: EMPTY.sysctls, ruleset: undefined };
  const changes = diff(nothing, applyAll(EMPTY, diff(HOME, EMPTY, NOW)), NOW);
  assert.deepEqual(kinds(changes), ["sysctl", "sysctl", "route-delete", "route-delete", "address-delete", "ruleset"]);
});

test("another prefix comes before the old one goes", () => {
  const before = applyAll(EMPTY, diff(HOME, EMPTY, NOW));
  const moved = { ...LAN, address: ip6("2605:59c8:3400::1") };
  const changes = diff({ ...HOME, addresses: [moved] }, before, NOW);
  assert.deepEqual(changes, [
    { kind: "address-add", address: moved },
    { kind: "address-delete", address: LAN },
  ]);
});

test("a lifetime that differs by rounding alone is left alone, a renewed one is written in place", () => {
  const before = applyAll(EMPTY, diff(HOME, EMPTY, NOW));
  const rounded = { ...LAN, validUntil: inSeconds(298.4), preferredUntil: inSeconds(151.7) };
  assert.deepEqual(diff(HOME, { ...before, addresses: [rounded] }, NOW), []);
  const renewed = { ...LAN, validUntil: inSeconds(450), preferredUntil: inSeconds(300) };
  assert.deepEqual(kinds(diff({ ...HOME, addresses: [renewed] }, before, NOW)), ["address-update"]);
});

test("a route that somebody removed comes back", () => {
  const before = applyAll(EMPTY, diff(HOME, EMPTY, NOW));
  assert.deepEqual(diff(HOME, { ...before, routes: [UPLINK] }, NOW), [{ kind: "route-add", route: REST }]);
});

test("what stands on an interface that is gone waits until the interface is there again", () => {
  const without = { ...EMPTY, links: [link("eth0", true)], sysctls: { [OPEN]: "0" } };
  const changes = diff(HOME, without, NOW);
  assert.ok(!JSON.stringify(changes).includes("eth8"));
  assert.deepEqual(kinds(changes), ["ruleset", "address-add", "route-add", "sysctl"]);
});

test("an address of another prefix length is replaced, because the kernel cannot change it", () => {
  const before = applyAll(EMPTY, diff(HOME, EMPTY, NOW));
  const host = { ...LAN, prefixLength: 128 };
  assert.deepEqual(kinds(diff({ ...HOME, addresses: [host] }, before, NOW)), ["address-delete", "address-add"]);
});

test("rules that differ by handle, count or the order of a set are the same rules", () => {
  const rule = (elements: readonly string[], extra: object): Ruleset => [
    ...RULES,
    { rule: { ...extra, family: "inet", table: "skylan", chain: "f", expr: [{ counter: extra }, { vmap: { set: elements } }] } },
  ];
  const before = { ...EMPTY, ruleset: rule(["a", "b"], { handle: 4 }) };
  const desired: KernelState = { ...EMPTY, ruleset: rule(["b", "a"], {}) };
  assert.deepEqual(diff(desired, before, NOW), []);
  assert.deepEqual(kinds(diff({ ...desired, ruleset: rule(["b", "c"], {}) }, before, NOW)), ["ruleset"]);
});

test("an address whose lifetime is over is not added, and one that ended goes", () => {
  const over = { ...LAN, preferredUntil: NOW, validUntil: inSeconds(0.5) };
  assert.deepEqual(diff({ ...HOME, addresses: [over] }, applyAll(EMPTY, diff({ ...HOME, addresses: [] }, EMPTY, NOW)), NOW), []);
});

function link(name: string, up: boolean): LinkFact {
  return { index: name === "eth0" ? 2 : 3, name, mac: mac("02:00:00:00:00:01"), mtu: 1500, up, carrier: up, carrierLosses: 0 };
}

function state(): fc.Arbitrary<KernelState> {
  const name = fc.constantFrom("eth0", "eth8", "eth9");
  const end = fc.oneof(
    fc.integer({ min: -10, max: 4000 }).map((count) => inSeconds(count)),
    fc.constant(NEVER),
  );
  const address = fc.record(
    {
      interface: name,
      address: fc.constantFrom(ip6("2605::1"), ip6("2605::2"), ip6("fd00::1")),
      prefixLength: fc.constantFrom(64, 128),
      preferredUntil: end,
      validUntil: end,
    },
    { noNullPrototype: true },
  );
  const unicast: fc.Arbitrary<RouteState> = fc.record(
    {
      kind: fc.constant("unicast" as const),
      destination: fc.constantFrom(DEFAULT_ROUTE, prefix("2605::/64")),
      interface: name,
      gateway: fc.constantFrom(ip6("fe80::1"), ip6("fe80::2")),
      metric: fc.constantFrom(256, 512),
      preference: fc.constantFrom("high" as const, "medium" as const, "low" as const),
      until: end,
      mtu: fc.constantFrom(1280, 1500),
    },
    { requiredKeys: ["kind", "destination", "interface", "metric", "preference", "until"], noNullPrototype: true },
  );
  const rules = fc.constantFrom<Ruleset | undefined>(undefined, RULES, [...RULES, { chain: { name: "forward", policy: "drop" } }]);
  return fc.record(
    {
      up: fc.subarray(["eth0", "eth8", "eth9"]),
      addresses: fc.array(address, { maxLength: 6 }),
      routes: fc.array(fc.oneof(unicast, fc.constant(REST)), { maxLength: 6 }),
      sysctls: fc.dictionary(fc.constantFrom(OPEN, ACCEPT, "net/ipv6/conf/eth9/accept_ra"), fc.constantFrom("0", "1"), {
        noNullPrototype: true,
      }),
      ruleset: rules,
    },
    { noNullPrototype: true },
  );
}

function observedState(): fc.Arbitrary<Observed> {
  return fc.tuple(state(), fc.boolean(), fc.boolean()).map(([had, up0, up8]) => {
    const links = [link("eth0", up0), link("eth8", up8)];
    const seen: Observed = { ...had, links, up: [], addresses: [], routes: [], tentative: [], duplicates: [], unreachable: [] };
    const filled: Change[] = [
      ...had.addresses.map((address): Change => ({ kind: "address-add", address })),
      ...had.routes.map((route): Change => ({ kind: "route-add", route })),
    ];
    return applyAll(seen, filled);
  });
}
