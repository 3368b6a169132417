/**
 * A gateway with the planned kernel state, and nobody but the test on its three links: the test sends whole frames into one link and sees what comes
 * out of all of them. The neighbours that the gateway needs are told to it, so that nothing waits for neighbor discovery.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Ip6, ip6 } from "../../src/addr/ip.ts";
import { type Mac, mac } from "../../src/addr/mac.ts";
import { prefix } from "../../src/addr/prefix.ts";
import { after, type Instant, seconds } from "../../src/addr/time.ts";
import type { Config } from "../../src/config/config.ts";
import { diff } from "../../src/diff/diff.ts";
import { apply } from "../../src/kernel/apply.ts";
import { bootNow } from "../../src/kernel/clock.ts";
import { closeHandles, type Handles, openHandles } from "../../src/kernel/handles.ts";
import { type Nftables, openNftables } from "../../src/kernel/nftables.ts";
import { observe } from "../../src/kernel/observe.ts";
import { openPacketSocket, type PacketSocket } from "../../src/kernel/packet-socket.ts";
import { createNamespace, type NetworkNamespace } from "../../src/kernel/setns.ts";
import { writeSysctl } from "../../src/kernel/sysctl.ts";
import type { RaClientFact } from "../../src/machines/facts.ts";
import type { Facts } from "../../src/plan/facts.ts";
import { isOfIpv6 } from "../../src/plan/kernel-state.ts";
import { plan } from "../../src/plan/plan.ts";
import { sysctlPaths } from "../../src/plan/sysctls.ts";
import { ETHERTYPE_IPV6, encodeEthernet } from "../../src/wire/ethernet.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { encodeIpv6, ICMPV6, type Ipv6Packet } from "../../src/wire/ipv6.ts";
import { bound, configOf, delegation, factsOf, heard, ROUTER, WAN } from "../fixtures/home-facts.ts";

export type Link = typeof WAN | "eth0" | "eth1";
const LINKS: readonly Link[] = [WAN, "eth0", "eth1"];

/** A host on the internet, hosts of two LANs, one with a unique local address, and one with an address that nobody advertises (any more). */
export const NET = ip6("2a00:1450:4001::8888");
export const LAPTOP = ip6("2605:59c8:1200::100");
export const GUEST = ip6("2605:59c8:1200:1::100");
export const LOCAL = ip6("fd12:3456:789a::100");
export const STRAY = ip6("2605:59c8:ff00::100");
const NEIGHBOURS: readonly (readonly [Ip6, Link, Mac])[] = [
  [ROUTER, WAN, mac("00:00:5e:00:01:01")],
  [LAPTOP, "eth0", mac("02:00:00:00:01:00")],
  [LOCAL, "eth0", mac("02:00:00:00:01:00")],
  [STRAY, "eth0", mac("02:00:00:00:01:00")],
  [ip6("fe80::99"), "eth0", mac("02:00:00:00:01:00")],
  [GUEST, "eth1", mac("02:00:00:00:02:00")],
];

/** A packet that came out of the gateway. */
export interface Seen {
  readonly link: Link;
  readonly packet: Ipv6Packet;
}

export class FirewallHome {
  readonly config: Config;
  readonly #gateway: NetworkNamespace;
  readonly #handles: Handles;
  readonly #nft: Nftables;
  readonly #macs: ReadonlyMap<string, Mac>;
  readonly #sockets = new Map<Link, PacketSocket>();
  #seen: Seen[] = [];

  constructor(t: TestContext, config: Config) {
    const [gateway, outside] = [createNamespace(), createNamespace()];
    t.after(() => [gateway, outside].forEach((namespace) => namespace.close()));
    outside.run(() => writeSysctl("net/ipv6/conf/default/disable_ipv6", "1"));
    gateway.run(() => prepare(outside));
    outside.run(() => shell(LINKS.map((link) => `ip link set ${link}-out up`).join("; ")));
    this.config = config;
    this.#gateway = gateway;
    this.#handles = gateway.run(openHandles);
    this.#nft = gateway.run(openNftables);
    this.#macs = new Map(gateway.run(() => this.#look()).links.map((link) => [link.name, link.mac]));
    outside.run(() => LINKS.forEach((link) => this.#sockets.set(link, this.#listen(link))));
    t.after(() => {
      for (const socket of this.#sockets.values()) socket.close();
      closeHandles(this.#handles);
    });
  }

  /** Makes the gateway what the plan says for these facts. */
  reach(facts: Partial<Facts> = {}): void {
    const now = bootNow();
    const desired = plan(this.config, livingFacts(now, facts), now).kernel;
    this.#gateway.run(() => {
      apply(diff(desired, this.#look(), now), this.#handles);
      for (const [address, link, lladdr] of NEIGHBOURS) shell(`ip neigh replace ${address} lladdr ${lladdr} dev ${link} nud permanent`);
    });
  }

  /** What the provider's router says, with lifetimes that count from now. */
  living(ra: Partial<RaClientFact> = {}): RaClientFact {
    return { ...livingFacts(bootNow(), {}).ra!, ...ra };
  }

  /** ICMPv6 errors as rare as Linux makes them by default; the other tests see each one. */
  limitErrors(): void {
    this.#gateway.run(() => writeSysctl("net/ipv6/icmp/ratelimit", "1000"));
  }

  /** Sends a packet into a link; what then comes out of the gateway, on whichever link. Its own discovery and listener reports do not count. */
  async send(link: Link, packet: Ipv6Packet): Promise<readonly Seen[]> {
    this.#seen = [];
    this.fire(link, packet);
    for (let quiet = 0, before = 0; quiet < 4; quiet = this.#seen.length === before ? quiet + 1 : 0) {
      before = this.#seen.length;
      await sleep(10);
    }
    return this.#seen;
  }

  /** Sends a packet without waiting for what becomes of it: the kernel has dealt with it when this returns. */
  fire(link: Link, packet: Ipv6Packet): void {
    const frame = {
      destination: this.#macs.get(link)!,
      source: mac("02:00:00:00:99:99"),
      etherType: ETHERTYPE_IPV6,
      payload: encodeIpv6(packet),
    };
    assert.equal(this.#sockets.get(link)!.send(encodeEthernet(frame)), undefined);
  }

  /** Packets that the rule of a chain with this comment has counted. */
  counted(chain: string, comment: string): number {
    const listing = this.#nft.run([{ list: { chain: { family: "inet", table: "skylan", name: chain } } }], "list a chain");
    const rules = listing.flatMap(({ rule }) =>
      rule ? [rule as { comment?: string; expr: readonly { counter?: { packets: number } }[] }] : [],
    );
    return rules.find((rule) => rule.comment === comment)!.expr.find(({ counter }) => counter)!.counter!.packets;
  }

  addressOn(link: Link): Ip6 {
    return this.#gateway
      .run(() => this.#look())
      .addresses.filter(isOfIpv6)
      .find((own) => own.interface === link && !own.address.startsWith("fd"))!.address;
  }

  linkLocalOf(link: Link): Ip6 {
    return this.#gateway.run(() => this.#look()).links.find((own) => own.name === link)!.linkLocal!;
  }

  #look() {
    return observe({ interfaces: [...LINKS], sysctls: sysctlPaths(this.config) }, this.#handles);
  }

  #listen(link: Link): PacketSocket {
    const everything = [{ code: 0x06, jt: 0, jf: 0, k: 0xffff }];
    return openPacketSocket({
      interface: `${link}-out`,
      filter: everything,
      receive: (frames) => {
        for (const { sent, bytes } of frames) {
          const frame = decodeFrame(bytes);
          if (!sent && frame.kind === "ipv6" && !isHousekeeping(frame.packet)) this.#seen.push({ link, packet: frame.packet });
        }
      },
    });
  }
}

/** "eth8 udp" for what was passed on, "eth0 icmpv6 1/5" for an ICMPv6 message with its type and code. */
export function words(seen: readonly { readonly link: string; readonly packet: Ipv6Packet }[]): readonly string[] {
  return seen.map(
    ({ link, packet: { protocol, payload } }) =>
      `${link} ${protocol === ICMPV6 ? `icmpv6 ${payload[0]}/${payload[1]}` : (NAMES[protocol] ?? protocol)}`,
  );
}

const NAMES: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 50: "esp" };

/** Two LANs, a ULA, and openings to this box and to the first LAN. */
export function openedHome(): Config {
  const openings = `[gateway]\nopen = ["tcp/22"]\n[ula]\nprefix = "auto"\n`;
  const { lans, ...rest } = configOf(["home", "guest"], openings);
  const open = [
    { protocol: "tcp", from: 8080, to: 8080 },
    { protocol: "udp", from: 5000, to: 5010 },
  ] as const;
  return { ...rest, lans: lans.map((lan) => (lan.name === "home" ? { ...lan, open } : lan)) };
}

/** The facts of the fixture with lifetimes that count from now. */
function livingFacts(now: Instant, facts: Partial<Facts>): Facts {
  const later = after(now, seconds(600));
  const life = { preferredUntil: later, validUntil: later };
  const ra = heard({
    routers: [{ address: ROUTER, preference: "medium", until: later }],
    onLink: [{ prefix: prefix("2605:59c8:8000::/64"), until: later }],
    addresses: heard().addresses.map((own) => ({ ...own, ...life })),
  });
  return factsOf({ ra, dhcpv6: bound([delegation("2605:59c8:1200::/56", life)]), ...facts });
}

function prepare(outside: NetworkNamespace): void {
  writeSysctl("net/ipv6/conf/default/accept_dad", "0");
  writeSysctl("net/ipv6/icmp/ratelimit", "0");
  shell("ip link set lo up");
  for (const link of LINKS) shell(`ip link add ${link} type veth peer name ${link}-out netns ${outside.path}; ip link set ${link} up`);
}

/** Neighbor discovery (133 to 137) and multicast listener reports (130 to 132, 143). */
export function isHousekeeping({ protocol, payload }: Ipv6Packet): boolean {
  const type = payload[0] ?? 0;
  return protocol === ICMPV6 && ((type >= 130 && type <= 137) || type === 143);
}

function shell(command: string): string {
  const { status, stdout, stderr } = spawnSync("sh", ["-ec", command], { encoding: "utf8" });
  assert.equal(status, 0, `${command}: ${stderr}`);
  return stdout;
}
