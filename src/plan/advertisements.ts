/** What each LAN is told: RFC 7084 L-3 to L-13, RFC 9096 3.4. The ra-server makes lifetimes of the deadlines and bounds them. */
import type { Ip6 } from "../addr/ip.ts";
import { isLinkLocal } from "../addr/ip.ts";
import { type Instant, NEVER } from "../addr/time.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Config, LanConfig } from "../config/config.ts";
import type { Advertisement } from "../machines/facts.ts";
import { lanAddress } from "./addresses.ts";
import type { Facts } from "./facts.ts";
import type { Holding, LanSubnet } from "./holdings.ts";
import { isNumberable } from "./subnets.ts";

/** RFC 7084 L-3 and the conformance suites: hosts must take this many. */
const MOST_ROUTES = 17;
/** Hosts use three; a provider that names more names them in order of preference. */
const MOST_RESOLVERS = 8;

interface Common {
  /** A default route leads to the internet. */
  readonly wayOut: boolean;
  readonly routes: readonly { readonly destination: Prefix; readonly until: Instant }[];
  readonly resolvers: readonly Ip6[];
}

/** By LAN interface. */
export function planAdvertisements(
  config: Config,
  facts: Facts,
  holdings: readonly Holding[],
  subnets: readonly LanSubnet[],
  wayOut: boolean,
  now: Instant,
): Readonly<Record<string, Advertisement>> {
  const passedOn = config.dns.enabled ? [] : upstreamResolvers(facts, now);
  const byLan = Map.groupBy(subnets, ({ lan }) => lan.name);
  return Object.fromEntries(
    config.lans.map((lan) => {
      const own = byLan.get(lan.name) ?? [];
      const resolvers = config.dns.enabled ? ownResolver(lan, own, facts) : passedOn;
      return [lan.interface, advertisement(lan, own, { wayOut, routes: homeRoutes(holdings), resolvers })];
    }),
  );
}

/** All of the home is reached through us, whether or not the internet is: the ULA first, so that it never falls off the end. */
function homeRoutes(holdings: readonly Holding[]): Common["routes"] {
  return holdings
    .filter(({ prefix }) => isNumberable(prefix))
    .toSorted((a, b) => Number(b.validUntil === NEVER) - Number(a.validUntil === NEVER))
    .slice(0, MOST_ROUTES)
    .map(({ prefix, validUntil }) => ({ destination: prefix, until: validUntil }));
}

function advertisement(lan: LanConfig, subnets: readonly LanSubnet[], { wayOut, routes, resolvers: upstream }: Common): Advertisement {
  const { resolvers, searchDomains, mtu, pref64, captivePortal, maxInterval, minInterval, otherInformation } = lan.advertise;
  return {
    // With unique local addresses alone nobody gets out: RFC 7084 ULA-5.
    defaultRouter: wayOut && subnets.some(({ holding }) => holding.kind === "delegated"),
    managed: lan.dhcpv6.addresses,
    other: otherInformation,
    prefixes: subnets.map(({ prefix, holding: { preferredUntil, validUntil } }) => ({
      prefix,
      onLink: true,
      autonomous: true,
      preferredUntil,
      validUntil,
    })),
    routes,
    resolvers: resolvers ?? upstream,
    searchDomains,
    ...(mtu !== undefined && { mtu }),
    ...(pref64 && { pref64 }),
    ...(captivePortal !== undefined && { captivePortal }),
    maxInterval,
    minInterval,
  };
}

/**
 * This box, by an address that no renumbering touches: a unique local one where there is one, and else the link-local one (RFC 8106 5.1 allows both, RFC 9096
 * wants what lasts).
 */
function ownResolver(lan: LanConfig, subnets: readonly LanSubnet[], facts: Facts): readonly Ip6[] {
  const ula = subnets.filter(({ holding }) => holding.kind === "ula");
  const unique = ula.flatMap((subnet) => lanAddress(subnet, facts)).map(({ address }) => address as Ip6);
  const linkLocal = facts.links.find(({ name }) => name === lan.interface)?.linkLocal;
  return unique.length > 0 ? unique : linkLocal === undefined ? [] : [linkLocal];
}

/** The provider's resolvers survive a renumbering of the home: they are passed on as they are. Link-local ones are for its own link. */
function upstreamResolvers({ dhcpv6, ra }: Facts, now: Instant): readonly Ip6[] {
  const advertised = (ra?.resolvers ?? []).filter(({ until }) => until > now).map(({ address }) => address);
  const all = new Set([...(dhcpv6?.resolvers ?? []), ...advertised]);
  return [...all].filter((address) => !isLinkLocal(address)).slice(0, MOST_RESOLVERS);
}
