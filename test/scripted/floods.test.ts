/** Peers that ask without end, on a LAN and from the internet: memory and tables stay bounded, and the home notices nothing. Every flood is counted. */
// Needs: atk6-flood_rs6, rdisc6
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ALL_DHCP_SERVERS, ALL_ROUTERS, type Ip6, ip6, ip6FromBigInt, ip6ToBigInt, UNSPECIFIED } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import { hostAddress, prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import type { Namespace } from "../../src/lab/namespace.ts";
import { converse, fetchWeb, serveWeb, webUrl } from "../../src/lab/traffic.ts";
import { encodeEthernet, ETHERTYPE_IPV6, multicastMac } from "../../src/wire/ethernet.ts";
import { encodeIcmpv6Frame } from "../../src/wire/frame.ts";
import { encodeIpv6, type Ipv6Packet } from "../../src/wire/ipv6.ts";
import { encodeNdp, type NdpMessage } from "../../src/wire/ndp.ts";
import { memoryOf, processorTimeOf } from "../fixtures/belongings.ts";
import { leases, type LinkWatch, plainRa, watchLink } from "../fixtures/link-watch.ts";
import { type Between, ping, tcp, udp } from "./packets.ts";

/** The attacker has a LAN of its own: plain hosts beside it would believe its advertisements, and that is not the router's doing. */
const lans = [
  { name: "home", interface: "lan", hosts: ["laptop"] },
  { name: "guests", interface: "guests", hosts: ["attacker"] },
];
const OPEN = 8080;
/** What a flood may cost at most, MiB: the garbage of some thousand packets, and no more with more of them. */
const ROOM = 150;
/**
 * Linux keeps 1024 entries for all links, and of all namespaces of the machine: who fills them breaks the tests that run beside this one. So inventions are
 * few, however often they are repeated.
 */
const MOST_NEIGHBORS = 700;
/** Of a sweep, milliseconds: the limits let some 300 probes pass in it. */
const SWEEP = 1500;
const STRANGERS = 60;
const ATTACKER = mac("02:00:00:00:00:66");

describe("floods", () => {
  let home: Home;
  let pid: number;
  let attack: LinkWatch;
  let provider: LinkWatch;

  before(async () => {
    home = await createHome({ lans });
    [attack, provider] = [watchLink(home.host("attacker")), watchLink(home.host("isp"), "customer")];
    await home.isp.command({ kind: "lifetimes", preferred: 8 as Seconds, valid: 16 as Seconds });
    ({ pid } = (await home.startSkylan({ lan: { home: { open: [`tcp/${OPEN}`] } } })).process);
    await Promise.all([home.globalAddress("laptop"), serveWeb(home.laptop, OPEN), serveWeb(home.net, 80)]);
  });
  after(async () => {
    for (const watch of [attack, provider]) watch?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  const neighbors = async (): Promise<number> => (await home.gateway.exec("ip", "-6", "neigh", "show")).split("\n").length - 1;

  /** Whatever goes on elsewhere: the LAN is told when it asks, the internet is there, the owner gets answers, the lease is kept. */
  async function assertServed(what: string): Promise<void> {
    const from = Date.now() / 1000;
    const { code, stdout, stderr } = await home.laptop.attempt("rdisc6", "-1", "-r", "5", "-w", "3000", "eth0");
    assert.equal(code, 0, `${what}: ${stdout}${stderr}`);
    await fetchWeb(home.laptop, webUrl(NET_ADDRESS), { within: 10_000 });
    await home.status();
    await home.until(() => leases(provider).some(({ at }) => at > from), { within: 15_000, what: `the lease is renewed during ${what}` });
    assert.deepEqual(new Set((await home.addresses("laptop")).map(({ state }) => state)), new Set(["preferred"]), what);
  }

  /** While `flood` runs, and after it, the home is served; then there is quiet, and what it cost is bounded. */
  async function during(what: string, flood: () => Promise<unknown>): Promise<void> {
    const memory = memoryOf(pid);
    const flooded = flood().then(neighbors);
    await sleep(200);
    await assertServed(what);
    assert.ok((await flooded) < MOST_NEIGHBORS, `${await flooded} neighbours after ${what}`);
    await assertServed(`after ${what}`);
    await home.until(async () => await isQuiet(pid), { within: 10_000, what: `nothing is left to do after ${what}` });
    assert.ok(memoryOf(pid) < memory + ROOM, `${what}: ${memory} MiB, then ${memoryOf(pid)} MiB`);
  }

  const say = (message: NdpMessage, source: Ip6, to: Ip6): void =>
    attack.send(encodeIcmpv6Frame({ sourceMac: ATTACKER, source, destination: to, hopLimit: 255 }, encodeNdp(message)));
  const option = { kind: "source-link-layer-address", mac: ATTACKER } as const;

  test("[ROB-8] solicitations of routers without end, from one source, from :: and from many (case 27)", async () => {
    await during("a flood of router solicitations", async () => {
      await forAWhile(home.host("attacker"), "atk6-flood_rs6", "eth0");
      await repeat(4000, {}, (i) => {
        if (i % 2 === 0) say({ kind: "router-solicitation", options: [] }, UNSPECIFIED, ALL_ROUTERS);
        else say({ kind: "router-solicitation", options: [option] }, stranger(i % STRANGERS), ALL_ROUTERS);
      });
    });
  });

  test("[ROB-8] advertisements of many other routers on a LAN", async () => {
    await during("a flood of router advertisements", () =>
      repeat(4000, {}, (i) => {
        const subnet = ip6FromBigInt((0x2a0d_7f00_0066n << 80n) + (BigInt(i % 500) << 64n));
        const information = { onLink: true, autonomous: true, preferred: 900 as Seconds, valid: 900 as Seconds };
        const options = [option, { kind: "prefix-information", prefix: prefix(`${subnet}/64`), ...information } as const];
        say(plainRa({ routerLifetime: 1800 as Seconds, preference: "high", options }), stranger(i % STRANGERS), ip6("ff02::1"));
      }),
    );
    assert.ok((await home.status()).lans[1]!.otherRouters.length <= 16);
  });

  test("[ROB-8] DHCPv6 without end: clients on a LAN, and answers that nobody has asked for, on both sides", async () => {
    const [gatewayMac, wanMac] = await Promise.all(["guests", "wan"].map((link) => macOf(home, link)));
    const [lanAddress, wanAddress] = await Promise.all(["guests", "wan"].map((link) => linkLocalOf(home, link)));
    const from = ip6("fe80::200:5eff:fe00:101");
    await during("a flood of DHCPv6", async () => {
      await forAWhile(home.host("attacker"), "atk6-flood_dhcpc6", "-1", "-N", "eth0");
      await repeat(4000, {}, (i) => {
        const nonsense = udp({ from: stranger(i % STRANGERS), to: ALL_DHCP_SERVERS }, 547, 546, i % 200);
        attack.send(frame(nonsense, multicastMac(ALL_DHCP_SERVERS)));
        attack.send(frame(udp({ from: stranger(i % STRANGERS), to: lanAddress! }, 546, 547, i % 200), gatewayMac!));
        provider.send(frame(udp({ from, to: wanAddress! }, 546, 547, i % 200), wanMac!));
      });
    });
  });

  test("[ROB-8] a sweep of a LAN's /64 from the internet, at an open port and by pings: few of them make the router ask (case 27)", async () => {
    const subnet = prefix((await home.status()).lans[0]!.subnets[0]!.prefix);
    const address = (await home.addresses("laptop"))[0]!.address;
    const wanMac = await macOf(home, "wan");
    await using conversation = await converse(home.laptop, home.net, NET_ADDRESS, 9000);
    const sweep = (probe: (between: Between, i: number) => Ipv6Packet) => () =>
      repeat(3000, { within: SWEEP }, (i) => {
        const to = hostAddress(subnet, 0x1000n + BigInt(i));
        provider.send(frame(probe({ from: ip6(NET_ADDRESS), to }, i), wanMac));
      });
    await during(
      "a sweep at an open port",
      sweep((between, i) => tcp(between, OPEN, 1024 + i)),
    );
    assert.match(await fetchWeb(home.net, webUrl(address, OPEN), { within: 10_000 }), /laptop/);
    await during("a sweep by pings", sweep(ping));
    assert.deepEqual(
      conversation.results().filter((echo) => "ended" in echo),
      [],
    );
  });
});

/** Less than a tenth of a processor over half a second. */
async function isQuiet(pid: number): Promise<boolean> {
  const before = processorTimeOf(pid);
  await sleep(500);
  return processorTimeOf(pid) - before < 0.05;
}

/** Three seconds of one of the tools of thc-ipv6, which has no count. */
async function forAWhile(host: Namespace, ...command: readonly string[]): Promise<void> {
  await host.attempt("timeout", "3", ...command);
}

/** At most two thousand a second: more than any home has, and the kernel's queues still hold them. */
async function repeat(count: number, { within = Number.POSITIVE_INFINITY }, act: (i: number) => void): Promise<void> {
  const deadline = performance.now() + within;
  for (let i = 0; i < count && performance.now() < deadline; i++) {
    act(i);
    if (i % 40 === 39) await sleep(20);
  }
}

const stranger = (number: number): Ip6 => ip6FromBigInt(ip6ToBigInt(ip6("fe80::6600:0")) + BigInt(number));

function frame(packet: Ipv6Packet, destination: ReturnType<typeof mac>): Uint8Array {
  return encodeEthernet({ destination, source: ATTACKER, etherType: ETHERTYPE_IPV6, payload: encodeIpv6(packet) });
}

async function macOf(home: Home, link: string): Promise<ReturnType<typeof mac>> {
  return mac((await home.gateway.exec("cat", `/sys/class/net/${link}/address`)).trim());
}

async function linkLocalOf(home: Home, link: string): Promise<Ip6> {
  return ip6(/inet6 (fe80::[0-9a-f:]+)/.exec(await home.gateway.exec("ip", "-6", "addr", "show", "dev", link))![1]!);
}
