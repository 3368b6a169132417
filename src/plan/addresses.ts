/** The gateway's own addresses. None of them is made from a MAC address (RFC 8064, RFC 7217), and none outlives what it comes from (RFC 8415 18.2.10.1). */
import type { Ip6 } from "../addr/ip.ts";
import type { Instant } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import type { RefusedIdentifier } from "../machines/lan-identifiers.ts";
import { stableAddress } from "../machines/stable-iid.ts";
import type { Facts } from "./facts.ts";
import type { LanSubnet } from "./holdings.ts";
import type { AddressState } from "./kernel-state.ts";
import type { Notice } from "./notice.ts";

/**
 * One address in each /64 of a LAN, and on the WAN what was made from advertisements (SLAAC) or leased (IA_NA). Where the WAN gets none, the LANs'
 * addresses serve for the gateway's own traffic as well: a Linux box answers to each of its addresses on every link (RFC 7084 WAA-7).
 */
export function planAddresses(config: Config, facts: Facts, subnets: readonly LanSubnet[], now: Instant): readonly AddressState[] {
  const held = [...wanAddresses(config.wan.interface, facts), ...subnets.flatMap((subnet) => lanAddress(subnet, facts))];
  return distinct(held.filter(({ validUntil }) => validUntil > now));
}

/** A /128 each: what is on-link, the plan says with routes (RFC 5942 section 4, RFC 8415 18.2.10.1). */
function wanAddresses(name: string, { ra, dhcpv6 }: Facts): readonly AddressState[] {
  const held = [...(ra?.addresses ?? []), ...(dhcpv6?.addresses ?? [])];
  return held.map(({ address, preferredUntil, validUntil }) => ({
    interface: name,
    address,
    prefixLength: 128,
    preferredUntil,
    validUntil,
  }));
}

/** LANs on which another device has every address that was tried. */
export function addressNotices(facts: Facts, subnets: readonly LanSubnet[]): readonly Notice[] {
  return subnets.flatMap((subnet) => {
    const address = refusedIn(subnet, facts)?.gaveUp;
    return address === undefined ? [] : [duplicate(subnet, address)];
  });
}

/** The router's own in a LAN's /64: none while a refused one waits for its successor. */
export function lanAddress(subnet: LanSubnet, facts: Facts): readonly AddressState[] {
  const { lan, prefix, holding } = subnet;
  const { dadCounter = 0, replaceAt } = refusedIn(subnet, facts) ?? {};
  if (replaceAt !== undefined) return [];
  const address = stableAddress({ secret: facts.secret, prefix, interfaceName: lan.interface, dadCounter });
  const { preferredUntil, validUntil } = holding;
  return [{ interface: lan.interface, address, prefixLength: 64, preferredUntil, validUntil }];
}

function refusedIn({ lan, prefix }: LanSubnet, { refused }: Facts): RefusedIdentifier | undefined {
  return refused[lan.interface]?.find((own) => own.prefix === prefix);
}

function duplicate({ lan, prefix }: LanSubnet, address: Ip6): Notice {
  return {
    name: "address.duplicate",
    text: `Another device on LAN "${lan.name}" claims each address that was tried in ${prefix}, ${address} last: the gateway has none of its own there.`,
    remedy: `Find the device that answers for every address (tcpdump -e -i ${lan.interface} icmp6 shows its MAC) and stop it; a minute later, or when the link or the prefix changes, it is tried again.`,
  };
}

/** An address that the provider both advertises and leases is one address, with the longer life. */
function distinct(addresses: readonly AddressState[]): readonly AddressState[] {
  const byKey = new Map<string, AddressState>();
  for (const address of addresses) {
    const key = `${address.interface} ${address.address}`;
    const other = byKey.get(key);
    if (!other || other.validUntil < address.validUntil) byKey.set(key, address);
  }
  return [...byKey.values()];
}
