/** A night of mishaps, drawn at random from a seed: everything that providers, cables and processes do to a home. */
import { ip4, ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { type Prefix, prefix, subnet } from "../addr/prefix.ts";
import { prefix4 } from "../addr/prefix4.ts";
import { type Random, uniform } from "../addr/random.ts";
import { type Duration, type Seconds, seconds } from "../addr/time.ts";
import { STARLINK } from "../lab/provider-profile.ts";
import { arpAnnouncement, encodeArp } from "../wire/arp.ts";
import { BROADCAST, encodeEthernet, ETHERTYPE_ARP } from "../wire/ethernet.ts";
import type { SimHome } from "./home.ts";

interface Mishap {
  readonly name: string;
  happen(home: SimHome, random: Random): void;
}

const POOL = prefix("2605:59c8::/32");
const LENGTHS = [48, 56, 56, 56, 60, 62, 63, 64];

const MISHAPS: readonly Mishap[] = [
  { name: "cable out", happen: (home, random) => forAWhile(home, random, (out) => home.wan.setCarrier(!out)) },
  { name: "provider silent", happen: (home, random) => forAWhile(home, random, (on) => home.provider.command({ kind: "mute", on })) },
  {
    name: "DHCPv6 silent",
    happen: (home, random) => forAWhile(home, random, (on) => home.provider.command({ kind: "mute", on, protocol: "dhcpv6" })),
  },
  { name: "lossy WAN", happen: (home, random) => forAWhile(home, random, (on) => void (home.wan.loss = on ? 0.3 : 0)) },
  {
    name: "lossy LANs",
    happen: (home, random) => forAWhile(home, random, (on) => home.lans.forEach((lan) => void (lan.loss = on ? 0.2 : 0))),
  },
  { name: "leases forgotten", happen: (home) => home.provider.command({ kind: "forget" }) },
  { name: "another prefix", happen: (home, random) => home.provider.command({ kind: "renumber", pool: somePool(random) }) },
  { name: "another length", happen: (home, random) => home.provider.command({ kind: "length", length: pick(LENGTHS, random) }) },
  {
    name: "other lifetimes",
    happen: (home, random) => {
      const preferred = Math.floor(uniform(random, 30, 600));
      home.provider.command({ kind: "lifetimes", preferred: preferred as Seconds, valid: (preferred * 2) as Seconds });
    },
  },
  { name: "killed and restarted", happen: (home, random) => restart(home, seconds(uniform(random, 0, 20))) },
  { name: "router withdrawn", happen: (home) => home.provider.command({ kind: "router-lifetime", lifetime: 0 as Seconds }) },
  { name: "router back", happen: (home) => home.provider.command({ kind: "router-lifetime", lifetime: 300 as Seconds }) },
];

/** What happens besides where IPv4 is in skylan's hands. */
const IPV4_MISHAPS: readonly Mishap[] = [
  {
    name: "DHCPv4 silent",
    happen: (home, random) => forAWhile(home, random, (on) => home.provider.command({ kind: "mute", on, protocol: "dhcpv4" })),
  },
  {
    name: "the dish boots",
    happen: (home, random) =>
      forAWhile(home, random, (on) => home.provider.command({ kind: "dhcpv4", options: on ? BOOTING_DISH : STARLINK.dhcpv4 })),
  },
  {
    name: "another IPv4 network",
    happen: (home, random) => home.provider.command({ kind: "dhcpv4", options: pick([STARLINK.dhcpv4, ELSEWHERE, OVERLAPPING], random) }),
  },
  {
    name: "other IPv4 leases",
    happen: (home, random) => home.provider.command({ kind: "dhcpv4", options: { time: Math.floor(uniform(random, 10, 900)) as Seconds } }),
  },
  { name: "the IPv4 address claimed", happen: (home) => claimLease(home) },
];

const BOOTING_DISH = { network: prefix4("192.168.100.0/24"), router: ip4("192.168.100.1") };
const ELSEWHERE = { network: prefix4("100.72.0.0/16"), router: ip4("100.72.0.1") };
/** With the first LAN. */
const OVERLAPPING = { network: prefix4("192.168.1.0/24"), router: ip4("192.168.1.254") };
const STRANGER = mac("02:00:00:00:99:01");

/** Another device of the provider's link says that the gateway's address is its own. */
function claimLease({ gateway, wan, simulation }: SimHome): void {
  const address = gateway.loop?.view().facts.dhcpv4?.lease?.address;
  if (address === undefined) return;
  const payload = encodeArp(arpAnnouncement(STRANGER, address));
  const bytes = encodeEthernet({ destination: BROADCAST, source: STRANGER, etherType: ETHERTYPE_ARP, payload });
  const stranger = { address: ip6("fe80::9:9"), hear: () => undefined, seeCarrier: () => undefined };
  // Twice: the first claim is met with a defence.
  for (const wait of [0, 3]) simulation.after(seconds(wait), () => wan.send(stranger, { protocol: "frames", bytes }));
}

/** Lets `span` pass with a mishap every few minutes. Returns what happened, for the report of a failure. */
export function passNight(home: SimHome, span: Duration): readonly string[] {
  const { simulation, random } = home;
  const end = simulation.now + span;
  const story: string[] = [];
  const mishaps = home.config.wan.ipv4 === "dhcp" ? [...MISHAPS, ...IPV4_MISHAPS] : MISHAPS;
  while (simulation.now < end) {
    const mishap = pick(mishaps, random);
    story.push(`${Math.round(simulation.now / 1000)} s: ${mishap.name}`);
    mishap.happen(home, random);
    home.pass(seconds(uniform(random, 1, 600)));
  }
  return story;
}

/** What a disturbed home is like again when nothing is wrong with the provider any more. */
export function mend(home: SimHome): void {
  home.wan.loss = 0;
  for (const lan of home.lans.values()) lan.loss = 0;
  home.wan.setCarrier(true);
  home.provider.command({ kind: "mute", on: false });
  home.provider.command({ kind: "router-lifetime", lifetime: 300 as Seconds });
  home.provider.command({ kind: "length", length: 56 });
  home.provider.command({ kind: "dhcpv4", options: STARLINK.dhcpv4 });
}

export function restart(home: SimHome, pause: Duration): void {
  home.gateway.kill();
  home.simulation.after(pause, () => home.gateway.loop ?? home.gateway.start());
}

function forAWhile(home: SimHome, random: Random, set: (on: boolean) => void): void {
  set(true);
  home.simulation.after(seconds(uniform(random, 1, 900)), () => set(false));
}

function somePool(random: Random): Prefix {
  return subnet(POOL, 40, Math.floor(uniform(random, 0, 256)));
}

function pick<Item>(items: readonly Item[], random: Random): Item {
  return items[Math.floor(uniform(random, 0, items.length))]!;
}
