/**
 * From what the kernel has to what it shall have. The difference is always taken against the observed kernel, so that a route that somebody removed
 * comes back and a stray one of ours is swept. Law: after the changes there is no difference left.
 */
import { between, type Instant, milliseconds, NEVER, seconds } from "../addr/time.ts";
import type { AddressState, KernelState, Observed, RouteState, UnicastRoute } from "../plan/kernel-state.ts";
import { rulesetText } from "../wire/nft-json.ts";
import type { Change } from "./change.ts";

/** The kernel counts lifetimes in whole seconds, so that what it reports differs from what was set by up to one, each way. */
const TOLERANCE = seconds(2);
/** A route may end later than wanted, because it is taken away in time, but not sooner: the LANs are told of it. The kernel counts in ticks. */
const TICK = milliseconds(50);
/** An address that ends sooner than this is not worth adding: the kernel knows no lifetime of 0. */
const SHORTEST = seconds(1);

/**
 * The changes in the order in which no moment is unsafe: switches (advertisements from others are no longer obeyed, forwarding goes off), rules, links,
 * addresses and routes that come or change, forwarding goes on, and last what goes away. What stands on an interface that does not exist
 * waits for the interface.
 */
export function diff(desired: KernelState, observed: Observed, now: Instant): readonly Change[] {
  const present = new Set(observed.links.map((link) => link.name));
  const sysctls = diffSysctls(desired.sysctls, observed.sysctls).filter(({ path }) => standsOnPresent(path, present));
  const rules = diffRuleset(desired, observed);
  const addresses = diffAddresses(standing(desired.addresses, present, now), observed.addresses, now);
  const routes = diffRoutes(standingRoutes(desired.routes, present, now), observed.routes, now);
  return [
    ...sysctls.filter((change) => !opensForwarding(change)),
    ...rules.filter((change) => change.to !== undefined),
    ...diffLinks(desired.up, observed),
    ...addresses.reach,
    ...routes.reach,
    ...sysctls.filter(opensForwarding),
    ...routes.sweep,
    ...addresses.sweep,
    ...rules.filter((change) => change.to === undefined),
  ];
}

type SysctlChange = Extract<Change, { kind: "sysctl" }>;
type RulesetChange = Extract<Change, { kind: "ruleset" }>;

/** What brings the desired state about, and what then removes the rest. */
interface Steps {
  readonly reach: readonly Change[];
  readonly sweep: readonly Change[];
}

function diffSysctls(desired: KernelState["sysctls"], observed: KernelState["sysctls"]): SysctlChange[] {
  return Object.entries(desired)
    .filter(([path, to]) => observed[path] !== to)
    .map(([path, to]) => ({ kind: "sysctl", path, from: observed[path], to }));
}

/** Switches of one interface lie in a folder with its name. */
function standsOnPresent(path: string, present: ReadonlySet<string>): boolean {
  const name = /^net\/ipv[46]\/(?:conf|neigh)\/([^/]+)\//.exec(path)?.[1];
  return name === undefined || name === "all" || name === "default" || present.has(name);
}

function opensForwarding({ path, to }: SysctlChange): boolean {
  return (path.endsWith("forwarding") || path === "net/ipv4/ip_forward") && to !== "0";
}

function diffRuleset({ ruleset: to }: KernelState, { ruleset: from }: Observed): RulesetChange[] {
  if (to === from || (to && from && rulesetText(to) === rulesetText(from))) return [];
  return [{ kind: "ruleset", from, to }];
}

function diffLinks(up: readonly string[], observed: Observed): Change[] {
  const down = new Set(observed.links.filter((link) => !link.up).map((link) => link.name));
  return up.filter((name) => down.has(name)).map((name) => ({ kind: "link-up", interface: name }));
}

function standing(addresses: readonly AddressState[], present: ReadonlySet<string>, now: Instant): AddressState[] {
  return addresses.filter((address) => present.has(address.interface) && between(now, address.validUntil) >= SHORTEST);
}

function standingRoutes(routes: readonly RouteState[], present: ReadonlySet<string>, now: Instant): RouteState[] {
  return routes.filter((route) => route.kind === "unreachable" || (present.has(route.interface) && route.until > now));
}

function diffAddresses(desired: readonly AddressState[], observed: readonly AddressState[], now: Instant): Steps {
  const had = new Map(observed.map((address) => [addressKey(address), address]));
  const reach: Change[] = [];
  for (const [key, address] of new Map(desired.map((one) => [addressKey(one), one]))) {
    const from = had.get(key);
    had.delete(key);
    if (!from) reach.push({ kind: "address-add", address });
    else if (from.prefixLength !== address.prefixLength) {
      reach.push({ kind: "address-delete", address: from }, { kind: "address-add", address });
    } else if (!sameLifetimes(address, from, now)) reach.push({ kind: "address-update", address, from });
  }
  return { reach, sweep: [...had.values()].map((address) => ({ kind: "address-delete", address })) };
}

function addressKey({ interface: name, address }: AddressState): string {
  return `${address} ${name}`;
}

function sameLifetimes(a: AddressState, b: AddressState, now: Instant): boolean {
  return sameEnd(a.validUntil, b.validUntil, now) && sameEnd(preferredEnd(a), preferredEnd(b), now);
}

/** No address is preferred for longer than it is valid. */
function preferredEnd({ preferredUntil, validUntil }: AddressState): Instant {
  return preferredUntil < validUntil ? preferredUntil : validUntil;
}

/** Ends in the past are all alike. */
function sameEnd(a: Instant, b: Instant, now: Instant): boolean {
  if (a === NEVER || b === NEVER) return a === b;
  return Math.abs(Math.max(a, now) - Math.max(b, now)) <= TOLERANCE;
}

function diffRoutes(desired: readonly RouteState[], observed: readonly RouteState[], now: Instant): Steps {
  const had = new Map(observed.map((route) => [routeKey(route), route]));
  const reach: Change[] = [];
  for (const [key, route] of new Map(desired.map((one) => [routeKey(one), one]))) {
    const from = had.get(key);
    had.delete(key);
    if (!from) reach.push({ kind: "route-add", route });
    else if (route.kind === "unicast" && from.kind === "unicast" && !sameRoute(route, from, now)) {
      reach.push({ kind: "route-update", route, from });
    }
  }
  return { reach, sweep: [...had.values()].map((route) => ({ kind: "route-delete", route })) };
}

function routeKey(route: RouteState): string {
  const { kind, destination, metric } = route;
  return kind === "unicast" ? `${destination} ${metric} ${route.interface} ${route.gateway ?? ""}` : `${destination} ${metric}`;
}

function sameRoute(a: UnicastRoute, b: UnicastRoute, now: Instant): boolean {
  return (
    a.preference === b.preference && a.mtu === b.mtu && a.source === b.source && sameEnd(a.until, b.until, now) && b.until >= a.until - TICK
  );
}
