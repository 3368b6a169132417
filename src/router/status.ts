/** From what the loop knows to what people are shown. */
import type { Instant } from "../addr/time.ts";
import { contains } from "../addr/prefix.ts";
import type { DelegationStatus, Dhcpv6Status, LanStatus, RouteStatus, Status, WanStatus } from "../api/status.ts";
import type { Config, LanConfig, Opening } from "../config/config.ts";
import { type Ip6AddressState, isOfIpv6, type RouteState } from "../plan/kernel-state.ts";
import type { Identity } from "./identity.ts";
import { left } from "./left.ts";
import type { Loop } from "./loop.ts";
import { describeHolders } from "./status-leases.ts";
import { describeIpv4, describeLanIpv4 } from "./status-ipv4.ts";

type View = ReturnType<Loop["view"]>;

/** The constant address of Starlink's routers: VRRP group 1 as modified EUI-64. */
const STARLINK_ROUTER = "fe80::200:5eff:fe00:101";

/** The part of the status that the loop's view holds. Pure. */
export function describe(
  config: Config,
  identity: Identity,
  view: View,
  now: Instant,
): Pick<Status, "wan" | "dhcpv6" | "ipv4" | "delegations" | "lans" | "routes" | "forwarding" | "gatewayOpen"> {
  const ipv4 = describeIpv4(config, view, now);
  return {
    wan: describeWan(config, view, now),
    dhcpv6: describeDhcpv6(identity, view, now),
    ...(ipv4 && { ipv4 }),
    delegations: describeDelegations(view, now),
    lans: config.lans.map((lan) => describeLan(lan, view, now)),
    routes: (view.desired?.kernel.routes ?? []).map((route) => describeRoute(route, now)),
    forwarding: view.desired?.forwarding ?? false,
    gatewayOpen: config.gateway.open.map(formatOpening),
  };
}

/** "tcp/22" or "udp/5000-5010". */
export function formatOpening({ protocol, from, to }: Opening): string {
  return from === to ? `${protocol}/${from}` : `${protocol}/${from}-${to}`;
}

function describeWan(config: Config, { facts, desired, observed }: View, now: Instant): WanStatus {
  const name = config.wan.interface;
  const link = facts.links.find((candidate) => candidate.name === name);
  const { ra, dhcpv6 } = facts;
  const addresses = (desired?.kernel.addresses ?? []).filter(isOfIpv6).filter((address) => address.interface === name);
  return {
    interface: name,
    carrier: link?.carrier ?? false,
    ...(link?.linkLocal && { linkLocal: link.linkLocal }),
    ...(ra?.routers.some((router) => router.address === STARLINK_ROUTER) && { provider: "Starlink" }),
    routers: (ra?.routers ?? []).map(({ address, preference, until }) => ({
      address,
      preference,
      left: left(now, until),
      ...(ra?.unreachable.includes(address) && { unreachable: true as const }),
    })),
    ...(ra?.heard && { flags: { managed: ra.managed, other: ra.other } }),
    addresses: addresses.map((address) => ({
      address: address.address,
      origin: originOf(address, facts),
      state: stateOf(address, observed),
      preferred: left(now, address.preferredUntil),
      valid: left(now, address.validUntil),
    })),
    ...(ra?.mtu !== undefined && { mtu: ra.mtu }),
    resolvers: unique([...(dhcpv6?.resolvers ?? []), ...(ra?.resolvers ?? []).map((resolver) => resolver.address)]),
    searchDomains: unique([...(dhcpv6?.searchDomains ?? []), ...(ra?.searchDomains ?? []).map((search) => search.domain)]),
  };
}

function originOf({ address }: Ip6AddressState, { ra, dhcpv6 }: View["facts"]): "slaac" | "temporary" | "leased" {
  if (dhcpv6?.addresses.some((leased) => leased.address === address)) return "leased";
  return ra?.addresses.some((own) => own.address === address && own.temporary) ? "temporary" : "slaac";
}

function stateOf({ address }: Ip6AddressState, observed: View["observed"]): "ready" | "tentative" | "duplicate" {
  if (observed?.duplicates.some((duplicate) => duplicate.address === address)) return "duplicate";
  return observed?.tentative.includes(address) ? "tentative" : "ready";
}

function describeDhcpv6(identity: Identity, { facts: { dhcpv6 } }: View, now: Instant): Dhcpv6Status {
  return {
    state: dhcpv6?.state ?? "stopped",
    duid: identity.duid,
    ...(dhcpv6?.serverDuid && { serverDuid: dhcpv6.serverDuid }),
    ...(dhcpv6?.serverAddress && { serverAddress: dhcpv6.serverAddress }),
    ...(dhcpv6?.renewAt !== undefined && { renewIn: left(now, dhcpv6.renewAt) }),
    ...(dhcpv6?.rebindAt !== undefined && { rebindIn: left(now, dhcpv6.rebindAt) }),
    ...(dhcpv6?.refusal && { refusal: dhcpv6.refusal }),
  };
}

function describeDelegations({ facts: { dhcpv6 } }: View, now: Instant): readonly DelegationStatus[] {
  return (dhcpv6?.delegated ?? []).map(({ prefix, excluded, preferredUntil, validUntil }) => ({
    prefix,
    ...(excluded && { excluded }),
    preferred: left(now, preferredUntil),
    valid: left(now, validUntil),
  }));
}

function describeLan(lan: LanConfig, { facts, desired }: View, now: Instant): LanStatus {
  const advertisement = desired?.advertisements[lan.interface];
  const server = facts.lans[lan.interface];
  const addresses = (desired?.kernel.addresses ?? []).filter(isOfIpv6).filter((address) => address.interface === lan.interface);
  return {
    name: lan.name,
    interface: lan.interface,
    carrier: facts.links.find((link) => link.name === lan.interface)?.carrier ?? false,
    ...describeLanIpv4(lan),
    subnets: (advertisement?.prefixes ?? []).flatMap(({ prefix, preferredUntil, validUntil }) =>
      addresses
        .filter((own) => contains(prefix, own.address))
        .map((own) => ({ prefix, address: own.address, preferred: left(now, preferredUntil), valid: left(now, validUntil) })),
    ),
    withdrawing: (server?.withdrawing ?? []).map(({ prefix, until }) => ({ prefix, left: left(now, until) })),
    defaultRouter: advertisement?.defaultRouter ?? false,
    resolvers: advertisement?.resolvers ?? [],
    open: lan.open.map(formatOpening),
    otherRouters: (server?.otherRouters ?? []).map(({ address, claim }) => ({ address, claim })),
    ...describeHolders(lan, facts.dhcpv6Server, now),
    dhcpv6Servers: (facts.lanServers[lan.interface]?.servers ?? []).map(({ address, duid }) => ({ address, duid })),
  };
}

function describeRoute(route: RouteState, now: Instant): RouteStatus {
  const { kind, destination, metric } = route;
  if (kind === "unreachable") return { kind, destination, metric, left: null };
  return {
    kind,
    destination,
    metric,
    interface: route.interface,
    ...(route.gateway && { via: route.gateway }),
    left: left(now, route.until),
  };
}

const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];
