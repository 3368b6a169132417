/**
 * Options that hosts were told and that no longer hold: resolvers and domains (RFC 8106 5.1), routes (RFC 4191 2.3), NAT64 prefixes (RFC 8781 4).
 * They are sent with lifetime 0 until no host can hold them any more. Prefixes of the link have stale-prefixes.ts.
 */
import type { Ip6 } from "../addr/ip.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Instant } from "../addr/time.ts";
import type { Advertisement } from "./facts.ts";

/** In a storm of changes the oldest are dropped: an advertisement stays small. */
const MOST_RETIRED = 16;

class Told<Value extends string> {
  /** Everything told, with the latest Instant at which a host may still hold it. */
  readonly #heldUntil = new Map<Value, Instant>();
  #live: ReadonlySet<Value> = new Set();

  /** These values hold from now on, and no others. */
  update(live: readonly Value[]): void {
    this.#live = new Set(live);
    const surplus = [...this.#heldUntil.keys()].filter((value) => !this.#live.has(value)).slice(0, -MOST_RETIRED);
    for (const value of surplus) this.#heldUntil.delete(value);
  }

  /** A lifetime is about to be sent. */
  promise(value: Value, until: Instant): void {
    this.#heldUntil.set(value, until);
  }

  /** The values that hosts may still hold at `now` although they don't hold any more. */
  retired(now: Instant): readonly Value[] {
    const retired: Value[] = [];
    for (const [value, until] of this.#heldUntil) {
      if (until <= now) this.#heldUntil.delete(value);
      else if (!this.#live.has(value)) retired.push(value);
    }
    return retired;
  }
}

/** Until when a host that hears an advertisement may hold what is in it. */
export interface HeldUntil {
  readonly routes: readonly { readonly destination: Prefix; readonly until: Instant }[];
  /** Resolvers, domains and the NAT64 prefix. */
  readonly other: Instant;
}

/** What is to be sent with lifetime 0. */
export interface Retired {
  readonly routes: readonly Prefix[];
  readonly resolvers: readonly Ip6[];
  readonly searchDomains: readonly string[];
  readonly pref64: readonly Prefix[];
}

/** All options of one link that may have to be taken back. */
export class RetiredOptions {
  readonly #routes = new Told<Prefix>();
  readonly #resolvers = new Told<Ip6>();
  readonly #searchDomains = new Told<string>();
  readonly #pref64 = new Told<Prefix>();

  /** This holds from now on, and nothing else. */
  update({ routes, resolvers, searchDomains, pref64 }: Advertisement): void {
    this.#routes.update(routes.map(({ destination }) => destination));
    this.#resolvers.update(resolvers);
    this.#searchDomains.update(searchDomains);
    this.#pref64.update(pref64 ? [pref64] : []);
  }

  /** The advertisement is about to be sent. */
  promise({ resolvers, searchDomains, pref64 }: Advertisement, held: HeldUntil): void {
    for (const { destination, until } of held.routes) this.#routes.promise(destination, until);
    for (const address of resolvers) this.#resolvers.promise(address, held.other);
    for (const domain of searchDomains) this.#searchDomains.promise(domain, held.other);
    if (pref64) this.#pref64.promise(pref64, held.other);
  }

  at(now: Instant): Retired {
    return {
      routes: this.#routes.retired(now),
      resolvers: this.#resolvers.retired(now),
      searchDomains: this.#searchDomains.retired(now),
      pref64: this.#pref64.retired(now),
    };
  }
}
