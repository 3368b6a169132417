/**
 * IPv4, where it is in our hands: the leased address and the provider's routes on the WAN, a private network on each LAN. The address is a /32, as the
 * kernel would take later addresses of its network away together with the first; what is on-link the routes say, and they go with the address.
 */
import { type Ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import { contains4, DEFAULT_ROUTE4, overlaps4, type Prefix4, prefix4, prefix4Length, SHARED_ADDRESSES } from "../addr/prefix4.ts";
import { type Instant, NEVER } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import { formatOpening } from "../config/opening.ts";
import type { Dhcpv4Lease } from "../machines/facts.ts";
import type { Facts } from "./facts.ts";
import type { AddressState, RouteState, UnicastRoute } from "./kernel-state.ts";
import type { Notice } from "./notice.ts";

/** As in IPv6: ours win over those that others have made with the usual metrics. */
const [ON_LINK_METRIC, ROUTER_METRIC] = [250, 600];
const UNTRANSLATED: Notice = {
  name: "ipv4.untranslated",
  text: "This kernel refuses to translate IPv4 (nftables' nat chains): the devices have no way out by IPv4.",
  remedy: "Load what it lacks, modprobe nft_chain_nat nft_masq, or use a kernel with NFT_NAT and NFT_MASQ. It is tried again every minute.",
};
/** RFC 1918. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(prefix4);
/** Starlink's dish, and many a modem: on the link, but not in the leased network. */
const DISH = prefix4("192.168.100.1/32");

export interface Ipv4Plan {
  readonly addresses: readonly AddressState[];
  readonly routes: readonly RouteState[];
  /** Behind which the LANs reach the internet; undefined: nothing passes. */
  readonly translated: Ip4 | undefined;
  readonly notices: readonly Notice[];
}

export function planIpv4(config: Config, facts: Facts, now: Instant): Ipv4Plan {
  const lans = config.lans.flatMap(({ interface: name, ipv4 }) => (ipv4 ? [{ name, ...ipv4 }] : []));
  const held = config.wan.ipv4 === "dhcp" ? facts.dhcpv4?.lease : undefined;
  const clash = held && lans.find(({ network }) => overlapsLease(network, held));
  const lease = held && held.validUntil > now && !clash ? held : undefined;
  const networks = lans.map(({ network }) => network);
  const link = facts.links.find(({ name }) => name === config.wan.interface);
  return {
    addresses: [
      ...(lease ? [leased(config.wan.interface, lease)] : []),
      ...lans.map(({ name, address, network }) => lanAddress(name, address, network)),
    ],
    routes: [
      ...(lease ? wanRoutes(config.wan.interface, lease, networks, link?.mtu ?? 0) : []),
      ...lans.map(({ name, address, network }) => onLink(name, network, address)),
    ],
    translated: lans.length > 0 && !facts.isUntranslated ? lease?.address : undefined,
    notices: [
      ...(held && clash ? [overlap(held, clash.network)] : []),
      ...(lease ? hiddenDish(lease, lans) : []),
      ...(lease ? unreachableForwards(config, lease.address) : []),
      ...(lease && facts.isUntranslated ? [UNTRANSLATED] : []),
    ],
  };
}

const isPrivate = (address: Ip4): boolean => PRIVATE.some((range) => contains4(range, address));

/** A neighbour of the provider's that has an address of the LAN would never be reached, and the other way round. */
function overlapsLease(network: Prefix4, lease: Dhcpv4Lease): boolean {
  return overlaps4(network, lease.network) || lease.routes.some(({ router }) => contains4(network, router));
}

function leased(name: string, { address, validUntil }: Dhcpv4Lease): AddressState {
  return { interface: name, address, prefixLength: 32, preferredUntil: validUntil, validUntil };
}

function lanAddress(name: string, address: Ip4, network: Prefix4): AddressState {
  return { interface: name, address, prefixLength: prefix4Length(network), preferredUntil: NEVER, validUntil: NEVER };
}

function wanRoutes(name: string, lease: Dhcpv4Lease, lans: readonly Prefix4[], linkMtu: number): readonly UnicastRoute[] {
  const { address, network } = lease;
  const mtu = lease.mtu !== undefined && lease.mtu < linkMtu ? { mtu: lease.mtu } : {};
  const foreign = (destination: Prefix4): boolean => destination === DEFAULT_ROUTE4 || !lans.some((lan) => overlaps4(lan, destination));
  const offered = lease.routes
    .filter(({ destination }) => foreign(destination))
    .map(({ destination, router }) => {
      const route = { ...onLink(name, destination, address), ...mtu };
      return router === UNSPECIFIED4 ? route : { ...route, gateway: router, metric: ROUTER_METRIC };
    });
  const neighbors = prefix4Length(network) < 32 ? [onLink(name, network, address)] : [];
  // A private address is that of a router of the owner's, which knows the way to the dish itself.
  const dish = !isPrivate(address) && foreign(DISH) ? [onLink(name, DISH, address)] : [];
  return [...neighbors, ...dish, ...offered];
}

/** A home network around its address takes the dish's place. */
function hiddenDish({ address }: Dhcpv4Lease, lans: readonly { readonly network: Prefix4 }[]): readonly Notice[] {
  const lan = lans.find(({ network }) => overlaps4(network, DISH));
  if (!lan || !contains4(SHARED_ADDRESSES, address)) return [];
  return [
    {
      name: "ipv4.dish-hidden",
      text: `Starlink's dish has the address 192.168.100.1, which lies in the network of a LAN (${lan.network}): it can't be reached.`,
      remedy: `Give the LAN another network, such as ipv4 = "10.77.0.1/24".`,
    },
  ];
}

/** Who is behind an address that is not the home's alone can't be called by it. */
function unreachableForwards({ forwards, lans }: Config, address: Ip4): readonly Notice[] {
  const isShared = contains4(SHARED_ADDRESSES, address);
  if (forwards.length === 0 || !(isShared || isPrivate(address))) return [];
  const reason = isShared ? "the provider shares it among its customers (CGNAT)" : "it is a private address, behind another router";
  const ports = [...new Set(forwards.map(({ opening }) => formatOpening(opening)))].join(", ");
  const opening = `open = ["${formatOpening(forwards[0]!.opening)}"] in [lan.${lans[0]?.name ?? "home"}]`;
  return [
    {
      name: "ipv4.forwards-unreachable",
      text: `Nobody on the internet can reach the forwarded ports (${ports}) at ${address}: ${reason}.`,
      remedy: isShared
        ? `Let it in by IPv6, where every device has an address of its own: ${opening}. Or ask the provider for a public IPv4 address.`
        : `Forward the ports in that router too, or put it into bridge mode; by IPv6 it takes ${opening} only.`,
    },
  ];
}

function onLink(name: string, destination: Prefix4, source: Ip4): UnicastRoute {
  return { kind: "unicast", destination, interface: name, source, metric: ON_LINK_METRIC, preference: "medium", until: NEVER };
}

function overlap({ address, network }: Dhcpv4Lease, lan: Prefix4): Notice {
  return {
    name: "ipv4.overlap",
    text: `The provider leases ${address} in ${network}, which is the network of a LAN too (${lan}): IPv4 has no way out.`,
    remedy: `Give the LAN another network, such as ipv4 = "10.77.0.1/24", or put the provider's box into bridge mode.`,
  };
}
