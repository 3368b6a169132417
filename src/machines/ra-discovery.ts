/**
 * What a host learns from router advertisements, as pure steps: RFC 4861 6.3.4 (routers, prefixes, parameters), RFC 4191 (preferences, routes),
 * RFC 8106 (resolvers, domains), RFC 4862 5.5.3 (addresses).
 */
import { type Ip6, isLinkLocal, isMulticast, LOOPBACK, UNSPECIFIED } from "../addr/ip.ts";
import { DEFAULT_ROUTE, type Prefix, prefixAddress } from "../addr/prefix.ts";
import { deadline, type Instant, type Seconds } from "../addr/time.ts";
import type { NdpOption, Preference, PrefixInformation, RouterAdvertisement } from "../wire/ndp.ts";
import type { RaClientFact } from "./facts.ts";
import { type AutoAddress, advertisedPrefix, agedAddresses, agingAt, type SlaacOptions } from "./slaac.ts";

export interface Discovered extends Omit<RaClientFact, "addresses" | "unreachable"> {
  readonly addresses: readonly AutoAddress[];
}

export const NOTHING_DISCOVERED: Discovered = {
  heard: false,
  managed: false,
  other: false,
  routers: [],
  routes: [],
  onLink: [],
  addresses: [],
  resolvers: [],
  searchDomains: [],
};

export interface DiscoveryOptions extends SlaacOptions {
  readonly linkMtu: number;
}

/** RFC 8200 section 5. */
const LEAST_MTU = 1280;
/** Bounds of each list, so that a storm of advertisements can't fill the memory. RFC 8106 5.3.1 asks for three resolvers. */
const MOST_ITEMS = 64;
const MOST_NAMES = 16;

/** What is known after a valid advertisement of the router `from`. */
export function learn(known: Discovered, from: Ip6, ra: RouterAdvertisement, options: DiscoveryOptions, now: Instant): Discovered {
  const { managed, other, preference, routerLifetime } = ra;
  const before = { ...known, heard: true, managed, other, ...parameters(ra) };
  const headed = withRouter(before, from, preference, routerLifetime, now);
  return ra.options.reduce((state, option) => learnOption(state, from, option, options, now), headed);
}

/** Whether anything goes through this router. */
export function isOnPath({ routers, routes }: Discovered, address: Ip6): boolean {
  return routers.some((router) => router.address === address) || routes.some(({ router }) => router === address);
}

/** What is still true at `now`. */
export function age(known: Discovered, options: SlaacOptions, now: Instant): Discovered {
  const alive = <Item extends { readonly until: Instant }>(items: readonly Item[]) => items.filter((item) => item.until > now);
  return {
    ...known,
    routers: alive(known.routers),
    routes: alive(known.routes),
    onLink: alive(known.onLink),
    resolvers: alive(known.resolvers),
    searchDomains: alive(known.searchDomains),
    addresses: agedAddresses(known.addresses, options, now),
  };
}

/** The instants at which `age` may change something; those that have passed mean nothing. */
export function endings(known: Discovered): readonly (Instant | undefined)[] {
  const lists = [known.routers, known.routes, known.onLink, known.resolvers, known.searchDomains];
  return [...lists.flatMap((list) => list.map(({ until }) => until)), ...agingAt(known.addresses)];
}

/** The same on a link of this MTU: a larger one that was advertised is forgotten. */
export function fitted(known: Discovered, linkMtu: number): Discovered {
  if (known.mtu === undefined || known.mtu <= linkMtu) return known;
  const { mtu: _, ...rest } = known;
  return rest;
}

/** Zero means unspecified and changes nothing, RFC 4861 6.3.4. */
function parameters({ hopLimit, reachableTime, retransTimer }: RouterAdvertisement): Partial<Discovered> {
  return { ...(hopLimit > 0 && { hopLimit }), ...(reachableTime > 0 && { reachableTime }), ...(retransTimer > 0 && { retransTimer }) };
}

function learnOption(known: Discovered, from: Ip6, option: NdpOption, options: DiscoveryOptions, now: Instant): Discovered {
  switch (option.kind) {
    case "prefix-information":
      return learnPrefix(known, option, options, now);
    case "route-information":
      return learnRoute(known, from, option, now);
    case "rdnss": {
      const usable = option.addresses.filter(isUsableResolver);
      const found = usable.map((address) => ({ address, until: deadline(now, option.lifetime) }));
      return { ...known, resolvers: merged(known.resolvers, found, ({ address }) => address, MOST_NAMES, now) };
    }
    case "dnssl": {
      const found = option.domains.map((domain) => ({ domain, until: deadline(now, option.lifetime) }));
      return { ...known, searchDomains: merged(known.searchDomains, found, ({ domain }) => domain.toLowerCase(), MOST_NAMES, now) };
    }
    case "mtu":
      return option.mtu >= LEAST_MTU && option.mtu <= options.linkMtu ? { ...known, mtu: option.mtu } : known;
    case "source-link-layer-address":
    case "target-link-layer-address":
    case "redirected-header":
    case "nonce":
    case "captive-portal":
    case "pref64":
    case "unknown":
      return known;
  }
}

/** L clear says nothing about the link, neither for nor against (RFC 4861 6.3.4, RFC 5942 4); the two-hour rule is for addresses alone. */
function learnPrefix(known: Discovered, option: PrefixInformation, options: SlaacOptions, now: Instant): Discovered {
  const { prefix, valid, onLink } = option;
  if (isOfOneLink(prefix)) return known;
  const found = onLink ? [{ prefix, until: deadline(now, valid) }] : [];
  return {
    ...known,
    onLink: merged(known.onLink, found, (item) => item.prefix, MOST_ITEMS, now),
    addresses: advertisedPrefix(known.addresses, option, options, now),
  };
}

/** A route to ::/0 replaces preference and lifetime of the message's header, RFC 4191 3.1. */
function learnRoute(known: Discovered, from: Ip6, option: Extract<NdpOption, { kind: "route-information" }>, now: Instant): Discovered {
  const { prefix: destination, preference, lifetime } = option;
  if (destination === DEFAULT_ROUTE) return withRouter(known, from, preference, lifetime, now);
  if (isOfOneLink(destination)) return known;
  const route = { destination, router: from, preference, until: deadline(now, lifetime) };
  return { ...known, routes: merged(known.routes, [route], (item) => `${item.destination} ${item.router}`, MOST_ITEMS, now) };
}

function withRouter(known: Discovered, address: Ip6, preference: Preference, lifetime: Seconds, now: Instant): Discovered {
  const router = { address, preference, until: deadline(now, lifetime) };
  return { ...known, routers: merged(known.routers, [router], (item) => item.address, MOST_ITEMS, now) };
}

/** Link-local prefixes are ignored (RFC 4861 6.3.4), and multicast is no place to send from or through. */
function isOfOneLink(prefix: Prefix): boolean {
  const address = prefixAddress(prefix);
  return isLinkLocal(address) || isMulticast(address);
}

/** A link-local resolver means nothing without its link, and nobody below us is on that link. */
function isUsableResolver(address: Ip6): boolean {
  return !isLinkLocal(address) && !isMulticast(address) && address !== UNSPECIFIED && address !== LOOPBACK;
}

/**
 * The list with each of `found` in place of the one with its key, else at the end; what has ended leaves it. In a full list the newest takes the place of the
 * newest before it: a flood of inventions costs us nothing that we had, and what is true afterwards still finds a place.
 */
function merged<Item extends { readonly until: Instant }>(
  list: readonly Item[],
  found: readonly Item[],
  key: (item: Item) => string,
  most: number,
  now: Instant,
): readonly Item[] {
  const byKey = new Map(list.map((item) => [key(item), item]));
  for (const item of found) {
    if (item.until > now) byKey.set(key(item), item);
    else byKey.delete(key(item));
  }
  const all = [...byKey.values()];
  return all.length <= most ? all : [...all.slice(0, most - 1), all.at(-1)!];
}
