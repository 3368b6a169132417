/**
 * What a host learns from router advertisements, as pure steps: RFC 4861 6.3.4 (routers, prefixes, parameters), RFC 4191 (preferences, routes),
 * RFC 8106 (resolvers, domains), RFC 4862 5.5.3 (addresses).
 */
import { type Ip6, isLinkLocal } from "../addr/ip.ts";
import { type Prefix, prefixAddress } from "../addr/prefix.ts";
import { deadline, type Instant } from "../addr/time.ts";
import type { NdpOption, RouterAdvertisement } from "../wire/ndp.ts";
import type { RaClientFact } from "./facts.ts";
import { type AutoAddress, advertisedPrefix, agedAddresses, agingAt, replacedDuplicate, type SlaacOptions } from "./slaac.ts";

export interface Discovered extends Omit<RaClientFact, "addresses"> {
  readonly addresses: readonly AutoAddress[];
  /** Duplicates met, by prefix (RFC 7217 DAD_Counter). */
  readonly dadCounters: Readonly<Record<Prefix, number>>;
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
  dadCounters: {},
};

export interface DiscoveryOptions extends SlaacOptions {
  readonly linkMtu: number;
}

/** RFC 7217 section 6. */
export const IDGEN_RETRIES = 3;
/** RFC 8200 section 5. */
const LEAST_MTU = 1280;

/** What is known after a valid advertisement of the router `from`. */
export function learn(known: Discovered, from: Ip6, ra: RouterAdvertisement, options: DiscoveryOptions, now: Instant): Discovered {
  const { preference, routerLifetime, managed, other } = ra;
  const routers = upsert(
    known.routers,
    { address: from, preference, until: deadline(now, routerLifetime) },
    now,
    (router) => router.address,
  );
  const before: Discovered = { ...known, heard: true, managed, other, routers, ...parameters(ra) };
  return ra.options.reduce((state, option) => learnOption(state, from, option, options, now), before);
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

/** The instants at which `age` changes something. */
export function endings(known: Discovered): readonly Instant[] {
  const lists = [known.routers, known.routes, known.onLink, known.resolvers, known.searchDomains];
  return [...lists.flatMap((list) => list.map(({ until }) => until)), ...agingAt(known.addresses)];
}

/** With another identifier in place of a duplicate one, or without it when the tries are used up. */
export function evade(known: Discovered, duplicate: AutoAddress, options: SlaacOptions): Discovered {
  const counter = (known.dadCounters[duplicate.prefix] ?? 0) + 1;
  const others = known.addresses.filter((own) => own !== duplicate);
  const addresses = counter > IDGEN_RETRIES ? others : [...others, replacedDuplicate(duplicate, counter, options)];
  return { ...known, addresses, dadCounters: { ...known.dadCounters, [duplicate.prefix]: counter } };
}

/** Zero and absent values change nothing, RFC 4861 6.3.4. */
function parameters({ hopLimit, reachableTime, retransTimer }: RouterAdvertisement): Partial<Discovered> {
  return { ...(hopLimit > 0 && { hopLimit }), ...(reachableTime > 0 && { reachableTime }), ...(retransTimer > 0 && { retransTimer }) };
}

function learnOption(known: Discovered, from: Ip6, option: NdpOption, options: DiscoveryOptions, now: Instant): Discovered {
  switch (option.kind) {
    case "prefix-information": {
      // Link-local prefixes are ignored altogether, RFC 4861 6.3.4.
      if (isLinkLocal(prefixAddress(option.prefix))) return known;
      const { prefix, valid, onLink } = option;
      const link = onLink ? upsert(known.onLink, { prefix, until: deadline(now, valid) }, now, (item) => item.prefix) : known.onLink;
      const addresses = advertisedPrefix(known.addresses, option, known.dadCounters[prefix] ?? 0, options, now);
      return { ...known, onLink: link, addresses };
    }
    case "route-information": {
      const { prefix: destination, preference, lifetime } = option;
      const route = { destination, router: from, preference, until: deadline(now, lifetime) };
      return { ...known, routes: upsert(known.routes, route, now, (item) => `${item.destination} ${item.router}`) };
    }
    case "rdnss": {
      const items = option.addresses.map((address) => ({ address, until: deadline(now, option.lifetime) }));
      return { ...known, resolvers: items.reduce((list, item) => upsert(list, item, now, ({ address }) => address), known.resolvers) };
    }
    case "dnssl": {
      const items = option.domains.map((domain) => ({ domain, until: deadline(now, option.lifetime) }));
      return {
        ...known,
        searchDomains: items.reduce((list, item) => upsert(list, item, now, ({ domain }) => domain), known.searchDomains),
      };
    }
    case "mtu":
      return option.mtu >= LEAST_MTU && option.mtu <= options.linkMtu ? { ...known, mtu: option.mtu } : known;
    default:
      return known;
  }
}

/** The list with `item` in place of the one with the same key; what has ended leaves it. */
function upsert<Item extends { readonly until: Instant }>(
  list: readonly Item[],
  item: Item,
  now: Instant,
  key: (item: Item) => string,
): readonly Item[] {
  const at = list.findIndex((other) => key(other) === key(item));
  const rest = list.filter((other) => key(other) !== key(item));
  if (item.until <= now) return rest;
  return at < 0 ? [...rest, item] : rest.toSpliced(at, 0, item);
}
