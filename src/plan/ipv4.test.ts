import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import { DEFAULT_ROUTE4, isPrefix4, prefix4 } from "../addr/prefix4.ts";
import type { Config } from "../config/config.ts";
import { parseConfig } from "../config/parse-config.ts";
import { diff } from "../diff/diff.ts";
import { applyAll } from "../../test/fixtures/apply-all.ts";
import { factsOf, inSeconds, leased, linkOf, NOW, WAN } from "../../test/fixtures/home-facts.ts";
import type { Facts } from "./facts.ts";
import { isOfIpv6, type Observed, type RouteState } from "./kernel-state.ts";
import { plan } from "./plan.ts";

const config = (lan = "", wan = 'ipv4 = "dhcp"'): Config =>
  parseConfig(`[wan]\ninterface = "${WAN}"\n${wan}\n[lan.home]\ninterface = "eth0"\n${lan}\n`, "test.toml");

const desired = (dhcpv4: Facts["dhcpv4"], own = config(), more: Partial<Facts> = {}) => plan(own, factsOf({ dhcpv4, ...more }), NOW);
const addresses = (of: ReturnType<typeof desired>): string[] =>
  of.kernel.addresses.filter((own) => !isOfIpv6(own)).map((own) => `${own.address}/${own.prefixLength} ${own.interface}`);
const words = (route: RouteState): string =>
  route.kind === "unicast"
    ? [route.destination, route.gateway, route.interface, route.mtu].filter((part) => part !== undefined).join(" ")
    : route.destination;
const routes = (of: ReturnType<typeof desired>): string[] =>
  of.kernel.routes.filter(({ destination }) => isPrefix4(destination)).map(words);
const rules = (of: ReturnType<typeof desired>): string => JSON.stringify(of.kernel.ruleset);

test("a lease gives the gateway its address and the provider's routes, which go with it, and each LAN its network", () => {
  const of = desired(leased());
  assert.deepEqual(addresses(of), ["100.79.3.9/32 eth8", "192.168.1.1/24 eth0"]);
  assert.deepEqual(routes(of), ["100.64.0.0/10 eth8", "192.168.100.1/32 eth8", "0.0.0.0/0 100.64.0.1 eth8", "192.168.1.0/24 eth0"]);
  assert.ok(of.kernel.routes.every((route) => route.kind !== "unicast" || !isPrefix4(route.destination) || route.source !== undefined));
  assert.equal(of.kernel.sysctls["net/ipv4/ip_forward"], "1");
  assert.match(rules(of), /masquerade/);
});

test("[V4C-3] without a lease there is no address, no way out and no translation, and the LAN keeps its network", () => {
  for (const fact of [undefined, { state: "selecting" } as const, leased({ validUntil: NOW })]) {
    const of = desired(fact);
    assert.deepEqual(addresses(of), ["192.168.1.1/24 eth0"]);
    assert.deepEqual(routes(of), ["192.168.1.0/24 eth0"]);
    assert.equal(of.forwardingIpv4, false);
    assert.doesNotMatch(rules(of), /masquerade|to_wan_ipv4/);
  }
});

test("where IPv4 is in other hands, nothing of it is planned, whatever a lease from before says", () => {
  const of = desired(leased(), config("", 'ipv4 = "off"'));
  assert.deepEqual([addresses(of), routes(of)], [[], []]);
  assert.ok(!Object.keys(of.kernel.sysctls).some((path) => path.startsWith("net/ipv4/")));
  assert.match(rules(of), /IPv4 is not in skylan's hands/);
  assert.doesNotMatch(rules(of), /_ipv4/);
});

test("[V4C-6] classless routes are routes, but none into a LAN; the provider's MTU is that of its routes where it is smaller", () => {
  const offered = [
    { destination: DEFAULT_ROUTE4, router: ip4("100.64.0.1") },
    { destination: prefix4("10.9.0.0/16"), router: ip4("100.64.0.7") },
    { destination: prefix4("172.20.0.0/16"), router: UNSPECIFIED4 },
    { destination: prefix4("192.168.0.0/16"), router: ip4("100.64.0.7") },
  ];
  const of = desired(leased({ routes: offered, mtu: 1400, network: prefix4("100.79.3.9/32") }));
  assert.deepEqual(routes(of).slice(0, 4), [
    "192.168.100.1/32 eth8",
    "0.0.0.0/0 100.64.0.1 eth8 1400",
    "10.9.0.0/16 100.64.0.7 eth8 1400",
    "172.20.0.0/16 eth8 1400",
  ]);
  assert.deepEqual(routes(desired(leased({ mtu: 9000 }))), routes(desired(leased())));
});

test("[V4C-8] a lease out of the network of a LAN is not used, and the owner is told the remedy", () => {
  const of = desired(leased({ address: ip4("192.168.1.57"), network: prefix4("192.168.1.0/24") }));
  assert.deepEqual(addresses(of), ["192.168.1.1/24 eth0"]);
  assert.deepEqual(
    of.notices.map(({ name }) => name),
    ["ipv4.overlap"],
  );
  assert.equal(of.forwardingIpv4, false);
});

const FORWARDS = `[[forward]]\nport = "tcp/8443"\nto = "192.168.1.7"\nto_port = 443\nsource = "198.18.0.0/24"\n[[forward]]\nport = "udp/5000-5010"\nto = "192.168.1.7"\n`;

test("forwarded ports are translated with the lease only, and where nobody can reach them the owner is told what can", () => {
  const own = config(`[gateway]\nopen = ["tcp/22"]\n${FORWARDS}`);
  assert.doesNotMatch(rules(desired(undefined, own)), /dnat|snat/);
  const shared = desired(leased(), own);
  assert.match(rules(shared), /"dnat":\{"family":"ip","addr":"192\.168\.1\.7","port":443\}/);
  assert.match(rules(shared), /\{"concat":\["192\.168\.1\.7",6,443\]\},\{"concat":\["192\.168\.1\.7",17,\{"range":\[5000,5010\]\}\]\}/);
  assert.match(shared.notices[0]!.text, /tcp\/8443, udp\/5000-5010.*100\.79\.3\.9.*CGNAT/);
  assert.match(shared.notices[0]!.remedy, /open = \["tcp\/8443"\] in \[lan\.home\]/);
  const behind = desired(leased({ address: ip4("10.0.0.5"), network: prefix4("10.0.0.0/24") }), own);
  assert.match(behind.notices[0]!.remedy, /bridge mode/);
  assert.deepEqual(desired(leased({ address: ip4("198.19.0.9"), network: prefix4("198.19.0.0/24") }), own).notices, []);
});

test("[V4C-8] the dish has a route with a shared and with a public address, and none where a router of the owner's is before us", () => {
  const dish = "192.168.100.1/32 eth8";
  const at = (address: string): readonly string[] => routes(desired(leased({ address: ip4(address), network: prefix4(`${address}/32`) })));
  assert.deepEqual(
    [at("100.64.0.9"), at("198.19.0.9"), at("10.0.0.5")].map((each) => each.includes(dish)),
    [true, true, false],
  );
  const hidden = desired(leased(), config('ipv4 = "192.168.100.7/24"'));
  assert.ok(!routes(hidden).includes(dish));
  assert.deepEqual(
    hidden.notices.map(({ name }) => name),
    ["ipv4.dish-hidden"],
  );
});

test("[NAT-3] whatever has a private source is dropped behind all translations, unless it is the lease itself", () => {
  const last = (fact: Facts["dhcpv4"]): string =>
    JSON.stringify(desired(fact).kernel.ruleset!.find((object) => JSON.stringify(object).includes("untranslated")));
  assert.match(last(leased()), /"op":"!=".*"right":"100\.79\.3\.9"/);
  assert.doesNotMatch(last(undefined), /!=/);
});

test("[NAT-2] IPv6 is never translated", () => {
  const translating = desired(leased()).kernel.ruleset!.filter((object) => JSON.stringify(object).includes("masquerade"));
  assert.equal(translating.length, 1);
  assert.match(JSON.stringify(translating), /"@home_ipv4"/);
});

test("once its changes are applied, a plan with IPv4 leaves no difference, from whatever lease to whatever lease", () => {
  const fact = fc.constantFrom(
    undefined,
    leased(),
    leased({ address: ip4("100.79.3.10") }),
    leased({ mtu: 1400 }),
    leased({ address: ip4("192.168.100.100"), network: prefix4("192.168.100.0/24"), validUntil: inSeconds(20) }),
  );
  const nothing: Observed = {
    up: [],
    addresses: [],
    routes: [],
    sysctls: {},
    ruleset: undefined,
    links: [linkOf(WAN), linkOf("eth0")],
    tentative: [],
    duplicates: [],
    unreachable: [],
  };
  fc.assert(
    fc.property(fact, fact, (before, then) => {
      const first = applyAll(nothing, diff(desired(before).kernel, nothing, NOW));
      const wanted = desired(then).kernel;
      assert.deepEqual(diff(wanted, applyAll(first, diff(wanted, first, NOW)), NOW), []);
    }),
  );
});
