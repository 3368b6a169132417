/**
 * Options that hosts were told and that no longer hold: resolvers and domains (RFC 8106 5.1), routes (RFC 4191 2.3), NAT64 prefixes (RFC 8781 4).
 * They are sent with lifetime 0 until no host can hold them any more. Prefixes of the link have stale-prefixes.ts.
 */
import type { Instant } from "../addr/time.ts";

/** In a storm of changes the oldest are dropped: an advertisement stays small. */
const MOST_RETIRED = 16;

export class Retired<Value extends string> {
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

  /** The values to be sent with lifetime 0 at `now`. */
  at(now: Instant): readonly Value[] {
    const retired: Value[] = [];
    for (const [value, until] of this.#heldUntil) {
      if (until <= now) this.#heldUntil.delete(value);
      else if (!this.#live.has(value)) retired.push(value);
    }
    return retired;
  }
}
