/**
 * Other routers on a link where we advertise: RFC 4861 6.2.7. Nothing of ours changes by what they say; it is remembered and told, with the values
 * that contradict ours.
 */
import type { Ip6 } from "../addr/ip.ts";
import { after, between, type Duration, type Instant, milliseconds, NEVER, seconds } from "../addr/time.ts";
import { ndpOptionOf, ndpOptionsOf, type RouterAdvertisement } from "../wire/ndp.ts";
import type { RaServerFact } from "./facts.ts";

/** More than this are no routers but an attack; they are not remembered. */
const MOST_ROUTERS = 16;
/** A router that says more within this time is not listened to: a flood changes the fact as seldom as a real router does. */
const DEAF = seconds(3);
/** Lifetimes that count down differ by the time between two looks. Seconds. */
const TOLERANCE = 10;
/** The longest Router Lifetime of RFC 4861 6.2.1: no claim is believed longer. */
const LONGEST_CLAIM = seconds(9000);

interface Heard {
  readonly address: Ip6;
  readonly until: Instant;
  readonly claim: string;
  readonly heardAt: Instant;
}

export class OtherRouters {
  readonly #heard = new Map<Ip6, Heard>();

  get all(): RaServerFact["otherRouters"] {
    return [...this.#heard.values()].map(({ address, until, claim }) => ({ address, until, claim }));
  }

  /**
   * Takes an advertisement of another router. "news": a new router, another claim, or the end of one; "prolonged": the same claim holds longer;
   * undefined: nothing that matters.
   */
  hear(address: Ip6, theirs: RouterAdvertisement, ours: RouterAdvertisement | undefined, now: Instant): "news" | "prolonged" | undefined {
    const known = this.#heard.get(address);
    if (known ? now < after(known.heardAt, DEAF) : this.#heard.size >= MOST_ROUTERS) return undefined;
    const claim = describeClaim(theirs, ours);
    const until = after(now, claimedTime(theirs));
    if (until === now) return this.#heard.delete(address) ? "news" : undefined;
    const same = known?.claim === claim;
    const stillLong = same && between(now, known.until) > between(now, until) / 2;
    this.#heard.set(address, { address, claim, heardAt: now, until: stillLong ? known.until : until });
    if (!same) return "news";
    return stillLong ? undefined : "prolonged";
  }

  /** The claim of a router in words. */
  claimOf(address: Ip6): string | undefined {
    return this.#heard.get(address)?.claim;
  }

  /** Forgets those whose claim has ended. True when there was one. */
  expire(now: Instant): boolean {
    let ended = false;
    for (const { address, until } of this.#heard.values()) if (until <= now) ended = this.#heard.delete(address) || ended;
    return ended;
  }

  wakeAt(): Instant {
    let first = NEVER;
    for (const { until } of this.#heard.values()) if (until < first) first = until;
    return first;
  }
}

/** How long a host would believe any of it. */
function claimedTime(theirs: RouterAdvertisement): Duration {
  const lifetimes = ndpOptionsOf(theirs, "prefix-information").map(({ valid }) => valid);
  const more = ndpOptionsOf(theirs, "route-information").map(({ lifetime }) => lifetime);
  return milliseconds(Math.min(seconds(Math.max(theirs.routerLifetime, ...lifetimes, ...more)), LONGEST_CLAIM));
}

function describeClaim(theirs: RouterAdvertisement, ours: RouterAdvertisement | undefined): string {
  const parts = [theirs.routerLifetime > 0 ? "offers itself as default router" : "is no default router"];
  if (theirs.routerLifetime > 0 && theirs.preference !== "medium") parts.push(`with ${theirs.preference} preference`);
  const prefixes = ndpOptionsOf(theirs, "prefix-information").map(({ prefix }) => prefix);
  if (prefixes.length > 0) parts.push(`advertises ${prefixes.sort().join(", ")}`);
  const conflicts = ours ? conflictsBetween(theirs, ours) : [];
  if (conflicts.length > 0) parts.push(`contradicts us: ${conflicts.join(", ")}`);
  return parts.join("; ");
}

/** The values that RFC 4861 6.2.7 wants equal on all routers of a link; what one of the two leaves open does not conflict. */
function conflictsBetween(theirs: RouterAdvertisement, ours: RouterAdvertisement): readonly string[] {
  const conflicts: string[] = [];
  const compare = (name: string, a: number | undefined, b: number | undefined): void => {
    if (a && b && a !== b) conflicts.push(`${name} ${a} instead of ${b}`);
  };
  compare("hop limit", theirs.hopLimit, ours.hopLimit);
  if (theirs.managed !== ours.managed) conflicts.push(`M flag ${Number(theirs.managed)}`);
  if (theirs.other !== ours.other) conflicts.push(`O flag ${Number(theirs.other)}`);
  compare("reachable time", theirs.reachableTime, ours.reachableTime);
  compare("retransmission timer", theirs.retransTimer, ours.retransTimer);
  compare("MTU", ndpOptionOf(theirs, "mtu")?.mtu, ndpOptionOf(ours, "mtu")?.mtu);
  return [...conflicts, ...lifetimeConflicts(theirs, ours)];
}

function lifetimeConflicts(theirs: RouterAdvertisement, ours: RouterAdvertisement): readonly string[] {
  const own = new Map(ndpOptionsOf(ours, "prefix-information").map((option) => [option.prefix, option]));
  return ndpOptionsOf(theirs, "prefix-information").flatMap(({ prefix, valid, preferred }) => {
    const mine = own.get(prefix);
    const apart = mine && Math.max(Math.abs(mine.valid - valid), Math.abs(mine.preferred - preferred));
    return apart !== undefined && apart > TOLERANCE ? [`other lifetimes of ${prefix}`] : [];
  });
}
