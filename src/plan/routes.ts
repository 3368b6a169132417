/** Routes: out by the provider's routers, in to the LANs, and nowhere for the rest of what is ours. */
import type { Ip6 } from "../addr/ip.ts";
import { covers, DEFAULT_ROUTE, overlaps, type Prefix, prefix, UNIQUE_LOCAL } from "../addr/prefix.ts";
import type { Instant } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import type { RaClientFact, RouterPreference } from "../machines/facts.ts";
import type { Facts } from "./facts.ts";
import type { Holding, LanSubnet } from "./holdings.ts";
import type { RejectRoute, RouteState, UnicastRoute } from "./kernel-state.ts";
import { without } from "./prefix-difference.ts";

/**
 * The smaller metric wins among routes of one destination. The kernel tells routes apart by destination, metric and next hop: with its own metrics (256
 * on-link, 1024 from advertisements) ours would collide with those that it made itself before we came, and ours must win over them.
 */
export const ON_LINK_METRIC = 250;
/** Two routers of one preference differ too: the kernel would spread flows over equal routes, although each may drop the other's addresses. */
const ROUTER_METRIC: Readonly<Record<RouterPreference, number>> = { high: 500, medium: 600, low: 700 };
/** RFC 4861 6.3.6: a router that does not answer is used when there is no other. */
const UNREACHABLE_METRIC = 800;
/** Behind everything that lives: the /64 may be in use on another LAN by now. */
export const WITHDRAWN_METRIC = 900;
/** A catch-all: any route of the same destination that means something is better. */
const REJECT_METRIC = 65_536;

/** RFC 4191 gives no bound; a link with more is not worth the memory. */
const MOST_ROUTERS = 16;
const MOST_WAN_ROUTES = 64;
const NOT_ROUTED = ["fe80::/10", "ff00::/8", UNIQUE_LOCAL].map(prefix);

export function planRoutes(
  config: Config,
  facts: Facts,
  holdings: readonly Holding[],
  subnets: readonly LanSubnet[],
  now: Instant,
): readonly RouteState[] {
  const wan = facts.ra ? wanRoutes(config.wan.interface, facts.ra, holdings, now) : [];
  return [...wan, ...lanRoutes(config, facts, subnets, now), ...rejects(holdings)];
}

/** Whether a route leads out of the home: without one nobody may be offered us as default router (RFC 7084 G-4, G-5). */
export function hasWayOut({ ra, links }: Facts, wan: string, now: Instant): boolean {
  const carrier = links.some((link) => link.name === wan && link.up && link.carrier);
  return carrier && ra !== undefined && defaultRouters(ra, now).some(({ reachable }) => reachable);
}

interface Gateway {
  readonly address: Ip6;
  readonly preference: RouterPreference;
  readonly until: Instant;
}

interface DefaultRouter extends Gateway {
  readonly reachable: boolean;
}

/** A route information option for ::/0 says more than the header of its advertisement (RFC 4191 3.1, type C hosts). */
function defaultRouters({ routers, routes, unreachable }: RaClientFact, now: Instant): readonly DefaultRouter[] {
  const advertised = routers.map(({ address, preference, until }) => ({ router: address, preference, until }));
  const optional = routes.filter(({ destination }) => destination === DEFAULT_ROUTE);
  const byAddress = new Map<Ip6, DefaultRouter>();
  for (const { router: address, preference, until } of [...advertised, ...optional]) {
    byAddress.set(address, { address, preference, until, reachable: !unreachable.includes(address) });
  }
  return [...byAddress.values()].filter(({ until }) => until > now).slice(0, MOST_ROUTERS);
}

function wanRoutes(name: string, ra: RaClientFact, holdings: readonly Holding[], now: Instant): readonly UnicastRoute[] {
  const foreign = (destination: Prefix): boolean => isForeign(destination, holdings);
  const ranks = new Map<number, number>();
  const byRouter = (destination: Prefix, { address, preference, until }: Gateway, metric: number): UnicastRoute => ({
    kind: "unicast",
    destination,
    interface: name,
    gateway: address,
    metric,
    preference,
    until,
  });
  const routers = defaultRouters(ra, now);
  const defaults = routers.map((router) => {
    const base = router.reachable ? ROUTER_METRIC[router.preference] : UNREACHABLE_METRIC;
    const rank = ranks.get(base) ?? 0;
    ranks.set(base, rank + 1);
    return byRouter(DEFAULT_ROUTE, router, base + rank);
  });
  const specific = ra.routes
    .filter(({ destination, until }) => destination !== DEFAULT_ROUTE && until > now && foreign(destination))
    // It would win over the default route of a router that answers.
    .filter(({ router }) => !ra.unreachable.includes(router))
    .map(({ destination, router, preference, until }) =>
      byRouter(destination, { address: router, preference, until }, ROUTER_METRIC[preference] + rankOf(routers, router)),
    );
  const links = ra.onLink
    .filter(({ prefix: value, until }) => until > now && foreign(value))
    .map((link) => onLink(name, link.prefix, link.until));
  return [...defaults, ...specific.slice(0, MOST_WAN_ROUTES), ...links.slice(0, MOST_WAN_ROUTES)];
}

/** The place of a router among the default routers; one that is none comes last. */
function rankOf(routers: readonly DefaultRouter[], address: Ip6): number {
  const rank = routers.findIndex((router) => router.address === address);
  return rank < 0 ? MOST_ROUTERS : rank;
}

/** The provider's link has no say about what is ours, except in the part that it has kept for itself (RFC 6603). */
function isForeign(destination: Prefix, holdings: readonly Holding[]): boolean {
  if (NOT_ROUTED.some((range) => covers(range, destination))) return false;
  return !holdings.some((holding) => overlaps(holding.prefix, destination) && !(holding.excluded && covers(holding.excluded, destination)));
}

/**
 * The LANs' own /64s, and those that are being withdrawn: a host that still uses one is told so with an ICMPv6 error (RFC 7084 L-14), and without this
 * route the error would leave by the WAN or die in a reject route.
 */
function lanRoutes(config: Config, { lans }: Facts, subnets: readonly LanSubnet[], now: Instant): readonly UnicastRoute[] {
  const live = subnets.map(({ lan, prefix: value, holding }) => onLink(lan.interface, value, holding.validUntil));
  const names = new Set(live.map((route) => `${route.interface} ${route.destination}`));
  const withdrawn = config.lans.flatMap(({ interface: name }) =>
    (lans[name]?.withdrawing ?? [])
      .filter(({ prefix: value, until }) => until > now && !names.has(`${name} ${value}`))
      .map(({ prefix: value, until }) => ({ ...onLink(name, value, until), metric: WITHDRAWN_METRIC })),
  );
  return [...live, ...withdrawn];
}

function onLink(name: string, destination: Prefix, until: Instant): UnicastRoute {
  return { kind: "unicast", destination, interface: name, metric: ON_LINK_METRIC, preference: "medium", until };
}

/**
 * What of a delegation is on no LAN comes back as an error instead of bouncing between us and the provider (RFC 7084 WPD-5); ULAs never leave (ULA-4).
 * The part that the provider has kept is reached by it.
 */
function rejects(holdings: readonly Holding[]): readonly RejectRoute[] {
  const ours = holdings.flatMap((holding) => (holding.excluded ? without(holding.prefix, holding.excluded) : [holding.prefix]));
  return [...new Set([UNIQUE_LOCAL, ...ours])].map((destination) => ({ kind: "unreachable", destination, metric: REJECT_METRIC }));
}
