/** The gateway's own addresses. None of them is made from a MAC address (RFC 8064, RFC 7217), and none outlives what it comes from (RFC 8415 18.2.10.1). */
import { hostAddress } from "../addr/prefix.ts";
import type { Config } from "../config/config.ts";
import { stableIid } from "../machines/stable-iid.ts";
import type { Facts } from "./facts.ts";
import type { LanSubnet } from "./holdings.ts";
import type { AddressState } from "./kernel-state.ts";

export function planAddresses(config: Config, facts: Facts, subnets: readonly LanSubnet[]): readonly AddressState[] {
  return [...wanAddresses(config.wan.interface, facts), ...subnets.map((subnet) => lanAddress(subnet, facts))];
}

/** A /128 each: what is on-link, the plan says with routes (RFC 5942, RFC 8415 18.2.10.1). */
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
