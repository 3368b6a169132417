/** Prefixes of routers behind us: who is reached through whom, while the lease and our own last (RFC 9818 LPD-5). */
import { covers, overlaps } from "../addr/prefix.ts";
import type { Instant } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import type { LanDelegation } from "../machines/dhcpv6-lan-service.ts";
import type { Facts } from "./facts.ts";
import type { Holding, LanSubnet } from "./holdings.ts";
import type { UnicastRoute } from "./kernel-state.ts";
import { ON_LINK_METRIC, WITHDRAWN_METRIC } from "./routes.ts";

/** The delegations that hold, each no longer than what it is a part of. What a LAN has meanwhile is the LAN's. */
export function liveDelegations(
  { lans }: Config,
  { dhcpv6Server }: Facts,
  holdings: readonly Holding[],
  subnets: readonly LanSubnet[],
  now: Instant,
): readonly LanDelegation[] {
  return (dhcpv6Server?.delegations ?? []).flatMap((delegation) => {
    const { link, prefix, until, stale } = delegation;
    const holding = holdings.find((each) => covers(each.prefix, prefix));
    const isLan = lans.some((lan) => lan.interface === link);
    if (stale || !isLan || !holding || subnets.some((subnet) => overlaps(subnet.prefix, prefix))) return [];
    const end = Math.min(until, holding.validUntil) as Instant;
    return end > now ? [{ ...delegation, until: end }] : [];
  });
}

/**
 * Routes to the routers behind us. Those of delegations that are being withdrawn stay behind all others, so that who still speaks from such an address
 * hears the ICMPv6 error (RFC 7084 L-14).
 */
export function delegationRoutes(
  { lans }: Config,
  { dhcpv6Server }: Facts,
  live: readonly LanDelegation[],
  now: Instant,
): readonly UnicastRoute[] {
  const isLive = (delegation: LanDelegation): boolean =>
    live.some(({ prefix, link }) => prefix === delegation.prefix && link === delegation.link);
  const withdrawn = (dhcpv6Server?.delegations ?? []).filter(
    (delegation) => delegation.until > now && !isLive(delegation) && lans.some((lan) => lan.interface === delegation.link),
  );
  return [...live.map((each) => route(each, ON_LINK_METRIC)), ...withdrawn.map((each) => route(each, WITHDRAWN_METRIC))];
}

function route({ prefix: destination, link, client, until }: LanDelegation, metric: number): UnicastRoute {
  return { kind: "unicast", destination, interface: link, gateway: client, metric, preference: "medium", until };
}
