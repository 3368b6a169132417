import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { NEVER } from "../addr/time.ts";
import { bound, configOf, DELEGATION, delegation, factsOf, heard, inSeconds, linkOf, NOW, WAN } from "../../test/fixtures/home-facts.ts";
import type { Facts } from "./facts.ts";
import { plan } from "./plan.ts";

const ULA = '[ula]\nprefix = "auto"\n';

test("[RA-7] a LAN hears its /64s as on-link and autonomous, and M=0, O=1 unless the owner turns O off", () => {
  const [home] = advertised();
  assert.deepEqual([home!.managed, home!.other], [false, true]);
  assert.deepEqual(home!.prefixes, [
    { prefix: "2605:59c8:1200::/64", onLink: true, autonomous: true, preferredUntil: inSeconds(150), validUntil: inSeconds(300) },
  ]);
  assert.equal(advertised({}, ["home"], "advertise = { other_information = false }")[0]!.other, false);
});

test("[RA-8] the deadlines of a LAN's prefix are those of the lease itself", () => {
  const lease = { preferredUntil: inSeconds(1e6), validUntil: inSeconds(2e6) };
  const [home] = advertised({ dhcpv6: bound([delegation(DELEGATION, lease)]) });
  assert.deepEqual([home!.prefixes[0]!.preferredUntil, home!.prefixes[0]!.validUntil], [lease.preferredUntil, lease.validUntil]);
});

test("[RA-10] nobody is offered us as default router without a route to the internet, without a delegated prefix, or with ULAs alone", () => {
  assert.equal(advertised({}, ["home"], ULA)[0]!.defaultRouter, true);
  assert.equal(advertised({ ra: heard({ routers: [] }) })[0]!.defaultRouter, false);
  assert.equal(advertised({ ra: undefined })[0]!.defaultRouter, false);
  assert.equal(advertised({ dhcpv6: bound([]) })[0]!.defaultRouter, false);
  assert.equal(advertised({ dhcpv6: bound([]) }, ["home"], ULA)[0]!.defaultRouter, false);
  assert.equal(
    advertised({ dhcpv6: bound([delegation("2605::/64")]) }, ["home", "guest"], ULA)[1]!.defaultRouter,
    false,
    "a LAN that the delegation is too small for",
  );
});

test("[RA-11] when the WAN loses its router, its cable or its lease, the LAN's default router ends in the same plan", () => {
  const losses: Partial<Facts>[] = [
    { ra: heard({ routers: [] }) },
    { links: [linkOf(WAN, { carrier: false }), linkOf("eth0")] },
    { dhcpv6: bound([delegation(DELEGATION, { preferredUntil: NOW, validUntil: NOW })]) },
  ];
  for (const loss of losses) assert.equal(advertised(loss)[0]!.defaultRouter, false);
});

test("[ROB-3] when only the router is lost, prefixes, routes and resolvers of the LAN stay as they are", () => {
  const [before] = advertised();
  const [after] = advertised({ ra: heard({ routers: [] }) });
  assert.deepEqual(after, { ...before, defaultRouter: false });
});

test("[SUB-6] with the ULA alone its prefix and its route are advertised", () => {
  const [home] = advertised({ dhcpv6: bound([]), ra: undefined }, ["home"], ULA);
  assert.deepEqual(
    home!.prefixes.map(({ prefix: value, validUntil }) => [value, validUntil]),
    [["fd12:3456:789a::/64", NEVER]],
  );
  assert.deepEqual(home!.routes, [{ destination: "fd12:3456:789a::/48", until: NEVER }]);
});

test("[RA-12] every LAN hears of the whole delegation and of the ULA /48, with the WAN's router and without, 17 at most", () => {
  const expected = [
    { destination: prefix("fd12:3456:789a::/48"), until: NEVER },
    { destination: DELEGATION, until: inSeconds(300) },
  ];
  for (const ra of [heard(), undefined]) {
    for (const lan of advertised({ ra }, ["home", "guest"], ULA)) assert.deepEqual(lan.routes, expected);
  }
  const many = Array.from({ length: 40 }, (_, i) => delegation(`2605:59c8:${(i + 1).toString(16)}00::/56`));
  assert.ok(advertised({ dhcpv6: bound(many) })[0]!.routes.length <= 17);
});

test("[RA-13] resolvers are the provider's, from DHCPv6 first, or the owner's instead; search domains are the owner's, or the zone of the home", () => {
  const resolvers = [
    { address: ip6("2620:fe::9"), until: inSeconds(60) },
    { address: ip6("2606:4700:4700::1111"), until: inSeconds(60) },
    { address: ip6("2620:fe::fe"), until: NOW },
    { address: ip6("fe80::1"), until: inSeconds(60) },
  ];
  const [passed] = advertised({ ra: heard({ resolvers }) });
  assert.deepEqual(passed!.resolvers, ["2606:4700:4700::1111", "2001:4860:4860::8888", "2620:fe::9"]);
  const [own] = advertised({}, ["home"], 'advertise = { resolvers = ["fd00::53"], search_domains = ["home.arpa"] }');
  assert.deepEqual([own!.resolvers, own!.searchDomains], [["fd00::53"], ["home.arpa"]]);
  const [named] = advertised({}, ["home"], '[dns]\nenabled = true\nzone = "lan"\n');
  assert.deepEqual(named!.searchDomains, ["lan"]);
});

test("[RA-17] a NAT64 prefix is advertised when the owner says that there is one", () => {
  assert.equal("pref64" in advertised()[0]!, false);
  assert.equal(advertised({}, ["home"], 'advertise = { pref64 = "64:ff9b::/96" }')[0]!.pref64, "64:ff9b::/96");
});

test("[RA-18] a captive portal is advertised when the owner names one", () => {
  assert.equal("captivePortal" in advertised()[0]!, false);
  assert.equal(advertised({}, ["home"], 'advertise = { captive_portal = "https://p.example/" }')[0]!.captivePortal, "https://p.example/");
});

test("MTU and intervals are the owner's", () => {
  const [home] = advertised({}, ["home"], "advertise = { mtu = 1400, max_interval = 60, min_interval = 5 }");
  assert.deepEqual([home!.mtu, home!.maxInterval, home!.minInterval], [1400, 60, 5]);
  assert.equal("mtu" in advertised()[0]!, false);
});

test("each LAN has one advertisement, the WAN none", () => {
  assert.deepEqual(Object.keys(plan(configOf(["home", "guest"]), factsOf(), NOW).advertisements), ["eth0", "eth1"]);
});

/** `more` stands behind the table of the last LAN. */
function advertised(facts: Partial<Facts> = {}, lans = ["home"], more = "") {
  return Object.values(plan(configOf(lans, more), factsOf(facts), NOW).advertisements);
}
