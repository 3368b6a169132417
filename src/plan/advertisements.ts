/** What each LAN is told: RFC 7084 L-3 to L-13, RFC 9096 3.4. */
import type { Prefix } from "../addr/prefix.ts";
import type { Instant } from "../addr/time.ts";
import type { Config, LanConfig } from "../config/config.ts";
import type { Advertisement } from "../machines/facts.ts";
import type { Facts } from "./facts.ts";
import type { Holding, LanSubnet } from "./holdings.ts";

/** RFC 7084 L-3 and the conformance suites: hosts must take this many. */
const MOST_ROUTES = 17;

/** By LAN interface. `wayOut`: a default route leads to the internet. */
export function planAdvertisements(
  config: Config,
  facts: Facts,
  holdings: readonly Holding[],
  subnets: readonly LanSubnet[],
  wayOut: boolean,
): Readonly<Record<string, Advertisement>> {
  const routes = holdings.map(({ prefix, validUntil }) => ({ destination: prefix, until: validUntil })).slice(0, MOST_ROUTES);
  return Object.fromEntries(config.lans.map((lan) => [lan.interface, advertisement(lan, facts, subnets, routes, wayOut)]));
}

function advertisement(
  lan: LanConfig,
  facts: Facts,
  subnets: readonly LanSubnet[],
  routes: readonly { readonly destination: Prefix; readonly until: Instant }[],
  wayOut: boolean,
): Advertisement {
  const own = subnets.filter((subnet) => subnet.lan.name === lan.name);
  const { resolvers, searchDomains, mtu, pref64, captivePortal, maxInterval, minInterval } = lan.advertise;
  return {
    defaultRouter: wayOut && own.some(({ holding }) => holding.kind === "delegated"),
    managed: false,
    other: true,
    prefixes: own.map(({ prefix, holding: { preferredUntil, validUntil } }) => ({
      prefix,
      onLink: true,
      autonomous: true,
      preferredUntil,
      validUntil,
    })),
    routes,
    resolvers: resolvers ?? upstreamResolvers(facts),
    searchDomains,
    ...(mtu !== undefined && { mtu }),
    ...(pref64 && { pref64 }),
    ...(captivePortal !== undefined && { captivePortal }),
    maxInterval,
    minInterval,
  };
}

/** The provider's resolvers survive a renumbering of the home: they are passed on as they are. */
function upstreamResolvers({ dhcpv6, ra }: Facts): Advertisement["resolvers"] {
  const advertised = (ra?.resolvers ?? []).map((resolver) => resolver.address);
  return [...new Set([...(dhcpv6?.resolvers ?? []), ...advertised])];
}
