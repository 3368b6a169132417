/** What the DHCPv6 server of the LANs gives: what each LAN is told in advertisements, and prefixes from what the LANs leave (RFC 9818 LPD-2 to LPD-4). */
import { overlaps } from "../addr/prefix.ts";
import type { Config, LanConfig } from "../config/config.ts";
import type { Dhcpv6Service, LanService } from "../machines/dhcpv6-lan-service.ts";
import type { Advertisement } from "../machines/facts.ts";
import type { Facts } from "./facts.ts";
import type { Holding, LanSubnet } from "./holdings.ts";

export function planDhcpv6Service(
  { lans }: Config,
  facts: Facts,
  holdings: readonly Holding[],
  subnets: readonly LanSubnet[],
  advertisements: Readonly<Record<string, Advertisement>>,
): Dhcpv6Service {
  return {
    lans: Object.fromEntries(lans.map((lan) => [lan.interface, lanService(lan, facts, advertisements[lan.interface]!)])),
    pools: holdings.map(({ prefix, excluded, preferredUntil, validUntil }) => ({
      prefix,
      preferredUntil,
      validUntil,
      taken: [...subnets.map((subnet) => subnet.prefix).filter((each) => overlaps(prefix, each)), ...(excluded ? [excluded] : [])],
    })),
  };
}

function lanService({ interface: link, dhcpv6 }: LanConfig, facts: Facts, advertisement: Advertisement): LanService {
  const { prefixes, resolvers, searchDomains, captivePortal } = advertisement;
  const live = prefixes.map(({ prefix, preferredUntil, validUntil }) => ({ prefix, preferredUntil, validUntil }));
  return {
    ...dhcpv6,
    subnets: live,
    stale: (facts.lans[link]?.withdrawing ?? []).map(({ prefix }) => prefix),
    resolvers,
    searchDomains,
    ...(captivePortal !== undefined && { captivePortal }),
    passedOn: facts.dhcpv6?.passedOn ?? [],
  };
}
