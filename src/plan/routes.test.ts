import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../addr/ip.ts";
import { prefix, UNIQUE_LOCAL } from "../addr/prefix.ts";
import {
  bound,
  configOf,
  DELEGATION,
  delegation,
  factsOf,
  heard,
  inSeconds,
  linkOf,
  NOW,
  ROUTER,
  WAN,
} from "../../test/fixtures/home-facts.ts";
import type { Config } from "../config/config.ts";
import type { RaClientFact } from "../machines/facts.ts";
import type { Facts } from "./facts.ts";
import type { RejectRoute, UnicastRoute } from "./kernel-state.ts";
import { plan } from "./plan.ts";
import { hasWayOut } from "./routes.ts";

const OTHER_ROUTER = ip6("fe80::2");

test("[WRA-4] each of the provider's routers has a default route until its lifetime ends, the preferred one with the least metric", () => {
  const routes = defaultRoutes({
    routers: [
      { address: ip6("fe80::1"), preference: "low", until: inSeconds(1800) },
      { address: OTHER_ROUTER, preference: "high", until: inSeconds(60) },
      { address: ROUTER, preference: "medium", until: inSeconds(1800) },
      { address: ip6("fe80::4"), preference: "medium", until: NOW },
    ],
  });
  assert.deepEqual(
    routes.map(({ gateway, until, interface: name }) => [gateway, until, name]),
    [
      [OTHER_ROUTER, inSeconds(60), WAN],
      [ROUTER, inSeconds(1800), WAN],
      [ip6("fe80::1"), inSeconds(1800), WAN],
    ],
  );
});

test("two routers of one preference have routes of different metrics, so that the kernel spreads no flows over them", () => {
  const routers = [ROUTER, OTHER_ROUTER].map((address) => ({ address, preference: "medium" as const, until: inSeconds(1800) }));
  const metrics = defaultRoutes({ routers }).map(({ metric }) => metric);
  assert.equal(new Set(metrics).size, 2);
});

test("[RA-11] a router that does not answer is the last choice and no way out; what it alone leads to goes by another one", () => {
  const [high, low] = [
    { address: ROUTER, preference: "high" as const, until: inSeconds(1800) },
    { address: OTHER_ROUTER, preference: "low" as const, until: inSeconds(1800) },
  ];
  const far = { destination: prefix("2a00::/16"), router: ROUTER, preference: "high" as const, until: inSeconds(500) };
  const both = { routers: [high, low], routes: [far], unreachable: [ROUTER] };
  const gateways = defaultRoutes(both).toSorted((a, b) => a.metric - b.metric);
  assert.deepEqual(
    gateways.map(({ gateway }) => gateway),
    [OTHER_ROUTER, ROUTER],
  );
  assert.ok(gateways[1]!.metric < 900, "before what is withdrawn");
  assert.ok(!unicast(both).some(({ destination }) => destination === far.destination));
  assert.equal(hasWayOut(factsOf({ ra: heard(both) }), WAN, NOW), true);
  const alone = { routers: [high], unreachable: [ROUTER] };
  assert.equal(hasWayOut(factsOf({ ra: heard(alone) }), WAN, NOW), false);
  assert.equal(defaultRoutes(alone).length, 1, "it is used all the same");
});

test("our default routes win over those that the kernel makes of advertisements", () => {
  const preferences = (["high", "medium", "low"] as const).map((preference, i) => ({
    address: ip6(`fe80::${i + 1}`),
    preference,
    until: inSeconds(9),
  }));
  for (const { metric } of defaultRoutes({ routers: preferences })) assert.ok(metric < 1024, `${metric}`);
});

test("a route information option for ::/0 is a default route with a preference and lifetime of its own", () => {
  const option = { destination: prefix("::/0"), router: ROUTER, preference: "high" as const, until: inSeconds(77) };
  const [route, ...others] = defaultRoutes({ routes: [option] });
  assert.deepEqual(others, []);
  assert.deepEqual([route!.preference, route!.until, route!.metric < 600], ["high", inSeconds(77), true]);
});

test("more specific routes and on-link prefixes of the provider's link become routes; what is past does not", () => {
  const routes = unicast({
    routes: [
      { destination: prefix("2a00::/16"), router: ROUTER, preference: "low", until: inSeconds(500) },
      { destination: prefix("2a01::/16"), router: ROUTER, preference: "low", until: NOW },
    ],
    onLink: [
      { prefix: prefix("2605:59c8:8000::/64"), until: inSeconds(600) },
      { prefix: prefix("2605:59c8:9000::/64"), until: NOW },
    ],
  }).filter((route) => route.interface === WAN && route.destination !== "::/0");
  assert.deepEqual(
    routes.map(({ destination, gateway, until }) => [destination, gateway, until]),
    [
      ["2a00::/16", ROUTER, inSeconds(500)],
      ["2605:59c8:8000::/64", undefined, inSeconds(600)],
    ],
  );
});

test("the provider's link cannot claim what is ours: delegated prefixes, unique local and link-local addresses", () => {
  const claimed = [DELEGATION, "2605:59c8:1200::/64", "2605:59c8::/32", "fd00::/16", "fe80::/64", "ff00::/8"].map(prefix);
  const routes = unicast({
    routes: claimed.map((destination) => ({ destination, router: ROUTER, preference: "high", until: inSeconds(500) })),
    onLink: claimed.map((value) => ({ prefix: value, until: inSeconds(500) })),
  });
  assert.deepEqual(
    routes.filter((route) => route.interface === WAN).map(({ destination }) => destination),
    ["::/0"],
  );
});

test("[GEN-2] what of a delegation is on no LAN is refused, behind every route that leads somewhere", () => {
  const { routes } = planned({ dhcpv6: bound([delegation(DELEGATION), delegation("2605:59c8:3400::/64"), delegation("2a00::/80")]) });
  const refused = routes.filter((route): route is RejectRoute => route.kind === "unreachable");
  assert.deepEqual(refused.map(({ destination }) => destination).toSorted(), [
    "2605:59c8:1200::/56",
    "2605:59c8:3400::/64",
    "2a00::/80",
    UNIQUE_LOCAL,
  ]);
  const onLan = routes.filter((route) => route.kind === "unicast" && route.interface === "eth0");
  assert.deepEqual(
    onLan.map(({ destination }) => destination),
    ["2605:59c8:1200::/64", "2605:59c8:3400::/64"],
  );
  for (const { metric } of onLan) assert.ok(metric < refused[0]!.metric);
});

test("[GEN-7] unique local addresses have no way out, with a ULA of our own and without", () => {
  for (const more of ["", '[ula]\nprefix = "auto"\n']) {
    const { routes } = planned({}, configOf(["home"], more));
    assert.ok(routes.some(({ kind, destination }) => kind === "unreachable" && destination === UNIQUE_LOCAL));
  }
  const own = planned({}, configOf(["home"], '[ula]\nprefix = "auto"\n')).routes.filter(({ destination }) =>
    destination.startsWith("fd12"),
  );
  assert.deepEqual(
    own.map(({ kind, destination }) => [kind, destination]),
    [
      ["unicast", "fd12:3456:789a::/64"],
      ["unreachable", "fd12:3456:789a::/48"],
    ],
  );
});

test("[D6P-16] the excluded part of a delegation is on no LAN and is not refused: the provider reaches it by its own link", () => {
  const excluded = prefix("2605:59c8:1200::/64");
  const { routes } = planned({
    dhcpv6: bound([delegation(DELEGATION, { excluded })]),
    ra: heard({ onLink: [{ prefix: excluded, until: inSeconds(500) }] }),
  });
  const touching = routes.filter(({ destination }) => destination.startsWith("2605:59c8:1200:") && destination !== DELEGATION);
  assert.deepEqual(
    touching.filter(({ kind }) => kind === "unicast").map((route) => [route.destination, (route as UnicastRoute).interface]),
    [
      [excluded, WAN],
      ["2605:59c8:1200:1::/64", "eth0"],
    ],
  );
  assert.deepEqual(
    touching.filter(({ kind }) => kind === "unreachable").map(({ destination }) => destination),
    ["1::/64", "2::/63", "4::/62", "8::/61", "10::/60", "20::/59", "40::/58", "80::/57"].map((rest) => `2605:59c8:1200:${rest}`),
  );
});

test("[GEN-4] a /64 that is being withdrawn stays on its LAN until the withdrawal ends, behind a LAN on which it lives", () => {
  const old = prefix("2605:59c8:ff00::/64");
  const withdrawing = [
    { prefix: old, until: inSeconds(300) },
    { prefix: prefix("2605:59c8:1200::/64"), until: inSeconds(300) },
    { prefix: prefix("2605:59c8:ee00::/64"), until: NOW },
  ];
  const { routes } = planned({ lans: { eth1: { withdrawing, otherRouters: [] } } }, configOf(["home", "guest"]));
  const of = (destination: string) =>
    routes.filter((route): route is UnicastRoute => route.destination === destination && route.kind === "unicast");
  assert.deepEqual(
    of(old).map((route) => [route.interface, route.until]),
    [["eth1", inSeconds(300)]],
  );
  assert.deepEqual(of("2605:59c8:ee00::/64"), []);
  const [live, withdrawn] = of("2605:59c8:1200::/64").toSorted((a, b) => a.metric - b.metric);
  assert.deepEqual([live!.interface, withdrawn!.interface], ["eth0", "eth1"]);
});

test("[REN-4] a /64 that is withdrawn and lives on the same LAN has one route, the living one", () => {
  const withdrawing = [{ prefix: prefix("2605:59c8:1200::/64"), until: inSeconds(5400) }];
  const { routes } = planned({ lans: { eth0: { withdrawing, otherRouters: [] } } });
  assert.equal(routes.filter(({ destination }) => destination === "2605:59c8:1200::/64").length, 1);
});

test("there is a way out while a router lives and the WAN has its cable", () => {
  assert.ok(hasWayOut(factsOf(), WAN, NOW));
  assert.ok(!hasWayOut(factsOf(), WAN, inSeconds(1800)));
  assert.ok(!hasWayOut(factsOf({ ra: undefined }), WAN, NOW));
  assert.ok(!hasWayOut(factsOf({ ra: heard({ routers: [] }) }), WAN, NOW));
  assert.ok(!hasWayOut(factsOf({ links: [linkOf(WAN, { carrier: false })] }), WAN, NOW));
  assert.ok(!hasWayOut(factsOf({ links: [linkOf(WAN, { up: false })] }), WAN, NOW));
  assert.ok(!hasWayOut(factsOf({ links: [] }), WAN, NOW));
});

function planned(facts: Partial<Facts> = {}, config: Config = configOf()) {
  return plan(config, factsOf(facts), NOW).kernel;
}

function unicast(ra: Partial<RaClientFact>): readonly UnicastRoute[] {
  return planned({ ra: heard(ra) }).routes.filter((route) => route.kind === "unicast");
}

function defaultRoutes(ra: Partial<RaClientFact>): readonly UnicastRoute[] {
  return unicast(ra)
    .filter(({ destination }) => destination === "::/0")
    .toSorted((a, b) => a.metric - b.metric);
}
