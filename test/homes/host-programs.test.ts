/** Hosts that do not leave router advertisements to the kernel: systemd-networkd, dhcpcd and NetworkManager, beside a plain Linux. */
// Needs: dbus-daemon, dhcpcd, NetworkManager, /lib/systemd/systemd-networkd
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ip6 } from "../../src/addr/ip.ts";
import { prefix } from "../../src/addr/prefix.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import type { Namespace } from "../../src/lab/namespace.ts";
import { DELEGATED, leases, type LinkWatch, raOptions, watchLink } from "../fixtures/link-watch.ts";
import { namesOfNetworkManager, startNetworkManager } from "../fixtures/network-manager.ts";
import { startNetworkd } from "../fixtures/networkd.ts";

const lans = [{ name: "home", interface: "lan", hosts: ["networkd", "dhcpcd", "manager", "plain"] }];

const NETWORKD = "[Network]\nIPv6AcceptRA=yes\n[IPv6AcceptRA]\nDHCPv6Client=no\nUseDomains=yes\n";

async function startDhcpcd(host: Namespace): Promise<void> {
  await host.shell(`
    printf 'ipv6only\\nipv6rs\\nnodhcp6\\nslaac private\\n' >/run/dhcpcd.conf
    printf '#!/bin/sh\\nenv | grep ^nd >/run/told.new && mv /run/told.new /run/told\\n' >/run/dhcpcd.hook
    chmod +x /run/dhcpcd.hook`);
  await host.spawn(["dhcpcd", "-B", "-f", "/run/dhcpcd.conf", "-c", "/run/dhcpcd.hook", "eth0"]).line(/soliciting|starting/, 10_000);
}

describe("hosts with programs of their own", () => {
  let home: Home;
  let lan: LinkWatch;
  let wan: LinkWatch;

  before(async () => {
    home = await createHome({ lans });
    [lan, wan] = [watchLink(home.host("plain")), watchLink(home.host("isp"), "customer")];
    await Promise.all([
      startNetworkd(home.host("networkd"), "eth0", NETWORKD),
      startDhcpcd(home.host("dhcpcd")),
      startNetworkManager(home.host("manager"), "eth0"),
    ]);
    // Advertisements alone: what a host has by DHCPv6 as well can't be taken back from it.
    await home.startSkylan({ lan: { home: { "advertise.search_domains": ["home.arpa"], "advertise.other_information": false } } });
  });
  after(async () => {
    for (const watch of [lan, wan]) watch?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  const sourceOf = async (host: string): Promise<string> =>
    / src (\S+)/.exec((await home.host(host).attempt("ip", "-6", "route", "get", NET_ADDRESS)).stdout)?.[1] ?? "";
  /** Resolvers and domains, in the words of each program. */
  const names = async (): Promise<{ readonly networkd: string; readonly dhcpcd: string; readonly manager: string }> => {
    const [networkd, dhcpcd, manager] = await Promise.all([
      home.host("networkd").exec("sh", "-c", "grep -hE '^(DNS|DOMAINS)=.' /run/systemd/netif/links/*"),
      home.host("dhcpcd").exec("sh", "-c", "grep -hE '^nd1_(rdnss|dnssl)[0-9]_(servers|search)=' /run/told"),
      namesOfNetworkManager(home.host("manager"), "eth0"),
    ]);
    return { networkd, dhcpcd, manager };
  };

  test("[RA-13] all know the resolvers and the search domain", async () => {
    const known = (text: string): boolean =>
      ["2606:4700:4700::1111", "2001:4860:4860::8888", "home.arpa"].every((part) => text.includes(part));
    await home.until(async () => Object.values(await names()).every(known), { within: 30_000, what: "all know all names" });
  });

  test("[RA-13] a resolver that is no longer told is taken back at once, with lifetime 0", async () => {
    const other = ip6("2620:fe::fe");
    await home.isp.command({ kind: "dhcpv6", options: { resolvers: [other] } });
    const from = Date.now() / 1000;
    await home.runSkylan("refresh");
    const taken = await lan.advertisement((ra) => raOptions(ra, "rdnss").some(({ addresses }) => addresses.includes(other)), {
      within: 10_000,
      since: from,
      what: "the new resolver is told",
    });
    const old = raOptions(taken, "rdnss").find(({ addresses }) => addresses.includes(ip6("2606:4700:4700::1111")));
    assert.equal(old?.lifetime, 0);
    await home.until(async () => /^DNS=2620:fe::fe$/m.test((await names()).networkd), {
      within: 5000,
      what: "networkd has only the new one",
    });
    await home.until(async () => /^2620:fe::fe$/m.test((await names()).manager), {
      within: 5000,
      what: "NetworkManager has only the new one",
    });
    assert.match((await names()).dhcpcd, /2620:fe::fe/);
  });

  test("[REN-3] all leave the old source within one advertisement: 4 s after the Reply", async () => {
    const hosts = lans[0]!.hosts;
    const allFrom = async (beginning: string): Promise<boolean> =>
      (await Promise.all(hosts.map(sourceOf))).every((source) => source.startsWith(beginning));
    await home.until(() => allFrom(DELEGATED), { within: 20_000, what: "all speak from the first prefix" });
    await home.isp.command({ kind: "renumber", pool: prefix("2605:59c8:7700::/40") });
    const from = Date.now() / 1000;
    await home.runSkylan("refresh");
    await home.until(() => allFrom("2605:59c8:77"), { within: 15_000, what: "all speak from the new prefix" });
    const reply = leases(wan).find(({ at }) => at > from)!;
    assert.ok(Date.now() / 1000 - reply.at < 4 + 1, `${Date.now() / 1000 - reply.at} s after the Reply`);
  });
});
