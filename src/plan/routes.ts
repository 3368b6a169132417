/** Routes: out by the provider's routers, in to the LANs, and nowhere for the rest of what is ours. */
import { DEFAULT_ROUTE, UNIQUE_LOCAL } from "../addr/prefix.ts";
import type { Config } from "../config/config.ts";
import type { RouterPreference } from "../machines/facts.ts";
import type { Facts } from "./facts.ts";
import type { Holding, LanSubnet } from "./holdings.ts";
import type { RejectRoute, RouteState, UnicastRoute } from "./kernel-state.ts";

/**
 * The kernel tells routes apart by destination, metric and next hop: with its own metrics (256, 1024) ours would collide with those that it
 * made itself before we came. On-link routes win over everything with the same destination.
 */
const ON_LINK_METRIC = 250;
/** The better router has the smaller metric. */
const ROUTER_METRIC: Readonly<Record<RouterPreference, number>> = { high: 500, medium: 1000, low: 2000 };
/** A catch-all: any route of the same destination that means something is better. */
const REJECT_METRIC = 65_536;

export function planRoutes(
  config: Config,
  facts: Facts,
  holdings: readonly Holding[],
  subnets: readonly LanSubnet[],
): readonly RouteState[] {
  return distinct([...wanRoutes(config, facts), ...lanRoutes(subnets), ...withdrawnRoutes(config, facts), ...rejects(holdings)]);
}

function wanRoutes(config: Config, { ra }: Facts): readonly UnicastRoute[] {
  const name = config.wan.interface;
  const mtu = ra?.mtu === undefined ? {} : { mtu: ra.mtu };
  const byRouter = (destination: UnicastRoute["destination"], gateway: UnicastRoute["gateway"] & string, preference: RouterPreference) => ({
    kind: "unicast" as const,
    destination,
    interface: name,
    gateway,
    metric: ROUTER_METRIC[preference],
    preference,
    ...mtu,
  });
  return [
    ...(ra?.routers ?? []).map(({ address, preference, until }) => ({ ...byRouter(DEFAULT_ROUTE, address, preference), until })),
    ...(ra?.routes ?? []).map(({ destination, router, preference, until }) => ({ ...byRouter(destination, router, preference), until })),
    ...(ra?.onLink ?? []).map(({ prefix, until }) => ({ ...onLink(name, prefix, until), ...mtu })),
  ];
}

function lanRoutes(subnets: readonly LanSubnet[]): readonly UnicastRoute[] {
  return subnets.map(({ lan, prefix, holding }) => onLink(lan.interface, prefix, holding.validUntil));
}

/**
 * A /64 that is being withdrawn stays on its LAN: a host that still uses it is told so with an ICMPv6 error (RFC 7084 L-14), and without this route the
 * error would leave by the WAN or die in the reject route.
 */
function withdrawnRoutes(config: Config, { lans }: Facts): readonly UnicastRoute[] {
  return config.lans.flatMap(({ interface: name }) =>
    (lans[name]?.withdrawing ?? []).map(({ prefix, until }) => onLink(name, prefix, until)),
  );
}

/** What of a delegation is on no LAN comes back as an error instead of bouncing between us and the provider (RFC 7084 WPD-5); ULAs never leave (ULA-4). */
function rejects(holdings: readonly Holding[]): readonly RejectRoute[] {
  return [UNIQUE_LOCAL, ...holdings.map(({ prefix }) => prefix)].map((destination) => ({
    kind: "unreachable",
    destination,
    metric: REJECT_METRIC,
  }));
}

function onLink(name: string, destination: UnicastRoute["destination"], until: UnicastRoute["until"]): UnicastRoute {
  return { kind: "unicast", destination, interface: name, metric: ON_LINK_METRIC, preference: "medium", until };
}

/** The first of those that the kernel could not tell apart. */
function distinct(routes: readonly RouteState[]): readonly RouteState[] {
  const known = new Map<string, RouteState>();
  for (const route of routes) {
    const via = route.kind === "unicast" ? `${route.interface} ${route.gateway ?? ""}` : "";
    const key = `${route.destination} ${route.metric} ${via}`;
    if (!known.has(key)) known.set(key, route);
  }
  return [...known.values()];
}

/** Whether a route leads out of the home: without one nobody may be offered us as default router (RFC 7084 G-4). */
export function hasWayOut({ ra, links }: Facts, wan: string): boolean {
  const carrier = links.some((link) => link.name === wan && link.up && link.carrier);
  return carrier && ra !== undefined && ra.routers.length > 0;
}
