/**
 * From what shall be advertised to the octets of router advertisements: RFC 4861 4.2 and 6.2.3, lifetimes by RFC 9096 3.4, RFC 4191, RFC 8106,
 * RFC 8781 4, RFC 8910 2.2.
 */
import type { Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { type Prefix, prefixLength } from "../addr/prefix.ts";
import { after, type Duration, type Instant, milliseconds, remaining, type Seconds, seconds } from "../addr/time.ts";
import { encodeNdp, type NdpOption, type RouterAdvertisement } from "../wire/ndp.ts";
import type { AdvertisedPrefix, Advertisement } from "./facts.ts";
import type { HeldUntil, Retired } from "./ra-retired.ts";
import type { Promised, StalePrefix } from "./stale-prefixes.ts";

/** Upper bounds of lifetimes, RFC 9096 3.4. */
export interface LifetimeLimits {
  /** PIO preferred. */
  readonly preferred: Seconds;
  /** PIO valid, RIO, RDNSS, DNSSL. */
  readonly valid: Seconds;
  readonly router: Seconds;
}

/** ND_PREFERRED_LIMIT and ND_VALID_LIMIT. */
export const LIMITS_OF_RFC_9096: LifetimeLimits = { preferred: 2700 as Seconds, valid: 5400 as Seconds, router: 2700 as Seconds };

/** What was advertised and is sent with lifetime 0. */
export interface TakenBack extends Retired {
  readonly prefixes: readonly StalePrefix[];
}

export interface Material {
  readonly advertisement: Advertisement;
  readonly takenBack: TakenBack;
  readonly limits: LifetimeLimits;
  /** MaxRtrAdvInterval in use. */
  readonly maxInterval: Duration;
  readonly mac: Mac | undefined;
  /** Octets of the longest packet on the link. */
  readonly linkMtu: number;
}

export interface Built {
  /** One advertisement in as many messages as its options need. */
  readonly messages: readonly Uint8Array[];
  /** The lifetimes in the messages are right before this Instant. */
  readonly until: Instant;
  /** The valid lifetimes that they promise. */
  readonly prefixes: readonly Promised[];
  readonly heldUntil: HeldUntil;
}

const IPV6_HEADER = 40;
/** RFC 4861 6.2.1 AdvCurHopLimit. */
const CUR_HOP_LIMIT = 64;
/** RFC 4191 section 4: no more in the advertisements of one link. */
const MOST_ROUTES = 17;
const ADDRESSES_AN_OPTION = 16;
const DOMAINS_AN_OPTION = 4;
/** RFC 8781 4.1: 13 bits in units of 8 s. */
const LONGEST_SCALED = 8191;
const PREF64_LENGTHS: ReadonlySet<number> = new Set([96, 64, 56, 48, 40, 32]);
const NO_TIME = 0 as Seconds;

/** The messages that advertise `material` at `now`. */
export function buildAdvertisement(material: Material, now: Instant): Built {
  const { advertisement, limits } = material;
  const until = sameSecondUntil(advertisement, now);
  const prefixes = advertisement.prefixes.map((prefix) => promise(prefix, limits, now, until));
  const other = otherLifetime(material, now);
  const options = [
    ...advertisement.prefixes.map((prefix) => livePrefix(prefix, limits, now)),
    ...material.takenBack.prefixes.map(withdrawnPrefix),
    ...routes(material, now),
    ...names(material, other),
    ...extras(material),
  ];
  const held = (end: Instant): Instant => Math.min(end, after(until, seconds(limits.valid))) as Instant;
  const heldRoutes = advertisement.routes.map((each) => ({ destination: each.destination, until: held(each.until) }));
  return { messages: split(material, options), until, prefixes, heldUntil: { routes: heldRoutes, other: after(until, seconds(other)) } };
}

/** How long all deadlines keep their whole seconds; a second at most. */
function sameSecondUntil({ prefixes, routes: more }: Advertisement, now: Instant): Instant {
  const ends = [...prefixes.flatMap(({ preferredUntil, validUntil }) => [preferredUntil, validUntil]), ...more.map((route) => route.until)];
  const rests = ends.filter((end) => end > now && Number.isFinite(end)).map((end) => (end - now) % 1000);
  return after(now, milliseconds(Math.min(1000, ...rests)));
}

const atMost = (end: Instant, now: Instant, limit: Seconds): Seconds => Math.min(remaining(now, end), limit) as Seconds;

function promise(prefix: AdvertisedPrefix, limits: LifetimeLimits, now: Instant, until: Instant): Promised {
  const lifetime = seconds(atMost(prefix.validUntil, now, limits.valid));
  return { prefix, lifetime, heldUntil: after(until, lifetime) };
}

function livePrefix(
  { prefix, onLink, autonomous, preferredUntil, validUntil }: AdvertisedPrefix,
  limits: LifetimeLimits,
  now: Instant,
): NdpOption {
  const valid = atMost(validUntil, now, limits.valid);
  const preferred = Math.min(atMost(preferredUntil, now, limits.preferred), valid) as Seconds;
  return { kind: "prefix-information", prefix, onLink, autonomous, valid, preferred };
}

function withdrawnPrefix({ prefix, onLink, autonomous }: StalePrefix): NdpOption {
  return { kind: "prefix-information", prefix, onLink, autonomous, valid: NO_TIME, preferred: NO_TIME };
}

function routes({ advertisement, takenBack, limits }: Material, now: Instant): readonly NdpOption[] {
  const live = advertisement.routes.map(({ destination, until }) => route(destination, atMost(until, now, limits.valid)));
  return [...live, ...takenBack.routes.map((destination) => route(destination, NO_TIME))].slice(0, MOST_ROUTES);
}

const route = (prefix: Prefix, lifetime: Seconds): NdpOption => ({ kind: "route-information", prefix, preference: "medium", lifetime });

/** The lifetime of resolvers, domains and NAT64 prefixes: as long as the prefix that holds longest, or some intervals when there is none. */
function otherLifetime({ advertisement, limits, maxInterval }: Material, now: Instant): Seconds {
  const longest = Math.max(0, ...advertisement.prefixes.map(({ validUntil }) => remaining(now, validUntil)));
  return Math.min(longest > 0 ? longest : (3 * maxInterval) / 1000, limits.valid) as Seconds;
}

function names({ advertisement, takenBack }: Material, lifetime: Seconds): readonly NdpOption[] {
  const resolvers = (addresses: readonly Ip6[], time: Seconds): NdpOption[] =>
    chunks(addresses, ADDRESSES_AN_OPTION).map((chunk) => ({ kind: "rdnss", addresses: chunk, lifetime: time }));
  const domains = (list: readonly string[], time: Seconds): NdpOption[] =>
    chunks(list, DOMAINS_AN_OPTION).map((chunk) => ({ kind: "dnssl", domains: chunk, lifetime: time }));
  return [
    ...resolvers(advertisement.resolvers, lifetime),
    ...resolvers(takenBack.resolvers, NO_TIME),
    ...domains(
      advertisement.searchDomains.filter((domain) => domain !== ""),
      lifetime,
    ),
    ...domains(takenBack.searchDomains, NO_TIME),
  ];
}

function extras({ advertisement, takenBack, maxInterval }: Material): readonly NdpOption[] {
  const { pref64, captivePortal } = advertisement;
  const options: NdpOption[] = takenBack.pref64.map((prefix) => ({ kind: "pref64", prefix, lifetime: NO_TIME }));
  if (pref64 && PREF64_LENGTHS.has(prefixLength(pref64)))
    options.push({ kind: "pref64", prefix: pref64, lifetime: scaledLifetime(maxInterval) });
  if (captivePortal !== undefined) options.push({ kind: "captive-portal", uri: captivePortal });
  return options;
}

/** Seconds in whole units of 8 s, RFC 8781 4.1. */
function scaledLifetime(maxInterval: Duration): Seconds {
  return (8 * Math.min(Math.ceil((3 * maxInterval) / 8000), LONGEST_SCALED)) as Seconds;
}

/** RFC 4861 6.2.3: options that don't fit go into further advertisements, each with the same header; none is ever fragmented. */
function split(material: Material, options: readonly NdpOption[]): readonly Uint8Array[] {
  const { mac, advertisement, linkMtu } = material;
  const common: NdpOption[] = [];
  if (mac) common.push({ kind: "source-link-layer-address", mac });
  if (advertisement.mtu !== undefined) common.push({ kind: "mtu", mtu: advertisement.mtu });
  const messages: Uint8Array[] = [];
  let content = common;
  let bytes = encodeNdp(message(material, content));
  for (const option of options) {
    const longer = encodeNdp(message(material, [...content, option]));
    const fits = longer.length <= linkMtu - IPV6_HEADER;
    if (!fits && content.length > common.length) messages.push(bytes);
    content = fits ? [...content, option] : [...common, option];
    bytes = fits ? longer : encodeNdp(message(material, content));
  }
  return [...messages, bytes];
}

function message({ advertisement, limits }: Material, options: readonly NdpOption[]): RouterAdvertisement {
  const { managed, other, defaultRouter } = advertisement;
  return {
    kind: "router-advertisement",
    hopLimit: CUR_HOP_LIMIT,
    managed,
    other,
    preference: "medium",
    routerLifetime: defaultRouter ? limits.router : NO_TIME,
    reachableTime: 0,
    retransTimer: 0,
    options,
  };
}

function chunks<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
