/** What a LAN's switch and its hosts need of the router's kernel: it joins its groups, and it believes announcements. */
// Needs: ping
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ALL_ROUTERS, type Ip6, ip6, solicitedNode } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import { hostAddress, prefix } from "../../src/addr/prefix.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import { type Speaker, watchLink } from "../fixtures/link-watch.ts";
import { onlineHome, skipWithout } from "./home.ts";

const ALL_DHCP_SERVERS = ip6("ff02::1:2");
const PEER_MAC = mac("02:00:00:00:00:66");
const PEER: Speaker = { mac: PEER_MAC, linkLocal: ip6("fe80::66") };

async function addressesOf(home: Home, link: string): Promise<readonly Ip6[]> {
  const shown = await home.gateway.exec("ip", "-6", "-oneline", "addr", "show", "dev", link);
  return [...shown.matchAll(/inet6 (\S+)\//g)].map(([, address]) => ip6(address!));
}

/** The multicast groups of the gateway on a link, as its kernel lists them. */
async function groupsOf(home: Home, link: string): Promise<readonly Ip6[]> {
  const shown = await home.gateway.exec("ip", "-6", "maddr", "show", "dev", link);
  return [...shown.matchAll(/inet6 (\S+)/g)].map(([, group]) => ip6(group!));
}

/** From now on the switch delivers multicast only to who has asked for it (RFC 4541). It asks every second itself. */
async function snoop(home: Home, links: readonly string[]): Promise<void> {
  const cables = home.host("cables");
  await cables.sysctl(Object.fromEntries(links.map((link) => [`ipv6/conf/${link}/disable_ipv6`, 0])));
  const each = "mcast_startup_query_interval 100 mcast_query_interval 100 mcast_query_response_interval 100";
  const knobs = `${each} mcast_mld_version 2 mcast_snooping 1 mcast_querier 1`;
  await cables.ip(links.map((link) => `link set ${link} type bridge ${knobs}`).join("\n"));
}

test("[ROB-11] the router joins ff02::2 and the solicited-node group of each address, and a switch that snoops delivers these and no others", {
  skip: skipWithout("bridge"),
}, async () => {
  await using home = await createHome();
  await snoop(home, ["lan", "wan"]);
  await home.startSkylan({ top: { "ula.prefix": "auto" } });
  await home.globalAddress("laptop");
  const asked = async (link: string): Promise<string> => home.host("cables").exec("bridge", "mdb", "show", "dev", link);
  for (const link of ["lan", "wan"]) {
    const [addresses, groups] = [await addressesOf(home, link), await groupsOf(home, link)];
    const expected = [ALL_ROUTERS, ...addresses.map(solicitedNode)];
    assert.equal(expected.length, link === "lan" ? 4 : 3, `ff02::2 and the addresses of ${link}: ${addresses.join(", ")}`);
    for (const group of expected) assert.ok(groups.includes(group), `${group} of ${link} in ${groups.join(", ")}`);
    const known = async (): Promise<boolean> => {
      const listed = await asked(link);
      return expected.every((group) => listed.includes(`port ${link}-gateway grp ${group} `));
    };
    await home.until(known, { within: 10_000, what: `the switch of ${link} knows them`, dump: () => asked(link) });
  }
  // Servers are reached by ff02::1:2 (RFC 8415 7.1): who listens on their port joins it.
  const serves = (await home.gateway.exec("ss", "-6", "-H", "-l", "-u", "-n", "sport = 547")) !== "";
  assert.equal((await groupsOf(home, "lan")).includes(ALL_DHCP_SERVERS), serves);

  using gateway = watchLink(home.gateway, "lan");
  using laptop = watchLink(home.laptop);
  const arrives = async (target: Ip6): Promise<boolean> => {
    const before = gateway.ndp.length;
    laptop.say(PEER, { kind: "neighbor-solicitation", target, options: [] }, { to: solicitedNode(target) });
    await sleep(150);
    return gateway.ndp.slice(before).some(({ message }) => message.kind === "neighbor-solicitation" && message.target === target);
  };
  const stranger = ip6("fe80::dead:beef");
  await home.until(async () => !(await arrives(stranger)), { within: 10_000, what: "the switch holds back what nobody has asked for" });
  for (const address of await addressesOf(home, "lan")) assert.ok(await arrives(address), address);
  assert.ok(!(await arrives(stranger)), "it still does");
  const option = { kind: "source-link-layer-address", mac: PEER_MAC } as const;
  laptop.say(PEER, { kind: "router-solicitation", options: [option] }, { to: ALL_ROUTERS });
  const answered = () => laptop.advertisements.some(({ packet }) => packet.destination === PEER.linkLocal);
  await home.until(answered, { within: 5000, what: "a solicitation to all routers is answered" });
});

test("[ROB-12] a host that announces its new address to all routers gets a STALE entry, and its first packet from outside without a question before it", {
  skip: skipWithout("tcpdump", "tshark"),
}, async () => {
  await using home = await onlineHome();
  using lan = watchLink(home.laptop);
  const { prefix: subnet } = (await home.status()).lans[0]!.subnets[0]!;
  const address = hostAddress(prefix(subnet), 0x66n);
  const entry = async (): Promise<string> => home.gateway.exec("ip", "-6", "neigh", "show", address, "dev", "lan");
  assert.equal(await entry(), "");
  await using capture = await home.capture("lan");
  const options = [{ kind: "target-link-layer-address", mac: PEER_MAC } as const];
  const announcement = {
    kind: "neighbor-advertisement",
    router: false,
    solicited: false,
    override: false,
    target: address,
    options,
  } as const;
  lan.say({ mac: PEER_MAC, linkLocal: address }, announcement, { to: ALL_ROUTERS });
  await home.until(async () => (await entry()) !== "", { within: 2000, what: "there is an entry" });
  assert.match(await entry(), new RegExp(`lladdr ${PEER_MAC} STALE`));

  await home.net.attempt("ping", "-6", "-c", "1", "-W", "1", address);
  const frames = await home.until(
    async () => {
      const about = `(icmpv6.type == 128 && ipv6.dst == ${address}) || icmpv6.nd.ns.target_address == ${address}`;
      const found = await capture.packets(about, "icmpv6.type", "eth.dst", "ipv6.src");
      return found.length > 0 ? found : undefined;
    },
    { within: 5000, what: "the packet from outside is on the LAN" },
  );
  assert.deepEqual(frames[0], ["128", PEER_MAC, NET_ADDRESS]);
});
