/** The gateway's own addresses. None of them is made from a MAC address (RFC 8064, RFC 7217), and none outlives what it comes from (RFC 8415 18.2.10.1). */
import { hostAddress } from "../addr/prefix.ts";
import type { Instant } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import { stableIid } from "../machines/stable-iid.ts";
import type { Facts } from "./facts.ts";
import type { LanSubnet } from "./holdings.ts";
import type { AddressState } from "./kernel-state.ts";

/**
 * One address in each /64 of a LAN, and on the WAN what was made from advertisements (SLAAC) or leased (IA_NA). Where the WAN gets none, the LANs'
 * addresses serve for the gateway's own traffic as well: a Linux box answers to each of its addresses on every link (RFC 7084 WAA-7).
 */
export function planAddresses(config: Config, facts: Facts, subnets: readonly LanSubnet[], now: Instant): readonly AddressState[] {
  const held = [...wanAddresses(config.wan.interface, facts), ...subnets.map((subnet) => lanAddress(subnet, facts))];
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

function lanAddress({ lan, prefix, holding }: LanSubnet, { secret, dadCounters }: Facts): AddressState {
  const name = lan.interface;
  const iid = stableIid({ secret, prefix, interfaceName: name, dadCounter: dadCounters[name] ?? 0 });
  const { preferredUntil, validUntil } = holding;
  return { interface: name, address: hostAddress(prefix, iid), prefixLength: 64, preferredUntil, validUntil };
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
