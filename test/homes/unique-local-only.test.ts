/** A home whose provider delegates nothing: its unique local addresses work all the same, and nobody is led into the void. */
// Needs: rdisc6, ping
import assert from "node:assert/strict";
import { test } from "node:test";
import { createHome } from "../../src/lab/home.ts";
import { describeRa, prefixesOf, raOptions, watchLink } from "../fixtures/link-watch.ts";

const LANS = [
  { name: "home", interface: "lan", hosts: ["laptop"] },
  { name: "guest", interface: "lan2", hosts: ["phone"] },
];
const ULA = "fd12:3456:789a::/48";

test("[SUB-6] with unique local addresses alone, and a router on the WAN, both LANs hear of their /64 and of the /48 but of no default router", async () => {
  await using home = await createHome({ lans: LANS });
  const hosts = ["laptop", "phone"];
  await Promise.all(hosts.map((host) => home.host(host).sysctl({ "ipv6/conf/eth0/accept_ra_rt_info_max_plen": 64 })));
  await home.isp.command({ kind: "mute", on: true, protocol: "dhcpv6" });
  using lan = watchLink(home.laptop);
  using guest = watchLink(home.host("phone"));
  await home.startSkylan({ top: { "ula.prefix": ULA } });
  const [laptop, phone] = await Promise.all(hosts.map((host) => home.globalAddress(host)));
  await home.until(async () => (await home.status()).wan.routers.length === 1, { within: 15_000, what: "the WAN has a default router" });
  assert.match(await home.gateway.exec("ip", "-6", "route", "show", "default"), /dev wan/);
  assert.deepEqual((await home.status()).delegations, []);
  await home.laptop.exec("rdisc6", "-1", "-w", "5000", "eth0");

  for (const [i, watch] of [lan, guest].entries()) {
    assert.ok(watch.advertisements.length > 0);
    for (const ra of watch.advertisements) {
      assert.equal(ra.message.routerLifetime, 0, describeRa(ra));
      assert.deepEqual(
        prefixesOf(ra).map(({ prefix, onLink, autonomous, preferred, valid }) => [prefix, onLink, autonomous, preferred, valid]),
        [[i === 0 ? "fd12:3456:789a::/64" : "fd12:3456:789a:1::/64", true, true, 2700, 5400]],
      );
      const routes = raOptions(ra, "route-information").map(({ prefix, lifetime }) => [prefix, lifetime]);
      assert.deepEqual(routes, [[ULA, 5400]], describeRa(ra));
    }
  }
  for (const host of hosts) assert.equal(await home.host(host).exec("ip", "-6", "route", "show", "default"), "", host);
  assert.match(laptop!, /^fd12:3456:789a:0:/);
  assert.match(phone!, /^fd12:3456:789a:1:/);
  const { stdout } = await home.laptop.attempt("ping", "-6", "-c", "1", "-W", "2", phone!);
  assert.match(stdout, / 1 received/, "the route leads from one LAN to the other");
});
