/**
 * What a DHCPv6 server has leased to whom (RFC 8415 section 12 and 6.3). Addresses are handled as prefixes of length 128, so that both kinds
 * share one memory.
 */
import { type Duid, parseDuid } from "../addr/duid.ts";
import { type Ip6, parseIp6 } from "../addr/ip.ts";
import {
  covers,
  type Prefix,
  parsePrefix,
  prefixAddress,
  prefixLength,
  prefixOf,
  subnet,
  subnetCount,
  subnetIndex,
} from "../addr/prefix.ts";
import { after, type Duration, earliest, type Instant } from "../addr/time.ts";
import type { Pool } from "./dhcpv6-server-options.ts";
import type { Json } from "./machine.ts";

/** A flood of invented clients can't take more memory than this. */
const MOST_BINDINGS = 10_000;

export type IaKind = "ia-pd" | "ia-na";

/** Who asks: one identity association of one client. */
export interface Asker {
  readonly kind: IaKind;
  readonly duid: Duid;
  readonly iaid: number;
  /** Where the client was heard. */
  readonly client: Ip6;
}

export interface Binding extends Asker {
  readonly prefix: Prefix;
  /** The number of the prefix in its pool, kept when the pool changes. */
  readonly index: number;
  readonly validUntil: Instant;
}

const keyOf = ({ kind, duid, iaid }: Omit<Asker, "client">): string => `${kind}/${duid}/${iaid}`;

export class Bindings {
  readonly #bindings = new Map<string, Binding>();
  readonly #taken = new Map<Prefix, string>();
  /** Where the search for a free prefix begins: one that was given back or forgotten is not the next one to be given. */
  readonly #cursor: Record<IaKind, number> = { "ia-pd": 0, "ia-na": 1 };
  /** Addresses that somebody else was found to use, and how long they are avoided. */
  readonly #declined = new Map<Prefix, Instant>();

  constructor(saved?: { readonly snapshot: Json; readonly shift: Duration }) {
    if (saved) for (const binding of restore(saved.snapshot, saved.shift)) this.#put(binding);
  }

  get all(): readonly Binding[] {
    return [...this.#bindings.values()];
  }

  find(asker: Asker): Binding | undefined {
    return this.#bindings.get(keyOf(asker));
  }

  /**
   * The prefix for `asker`: the one it has, else one of its hints that is free, else near or instead of the one it had, else the next free one.
   * undefined when there is none. Nothing is leased yet; `reserved` ones are not chosen.
   */
  choose(asker: Asker, pool: Pool, hints: readonly Prefix[], reserved: ReadonlySet<Prefix>): Prefix | undefined {
    const key = keyOf(asker);
    const had = this.#bindings.get(key);
    if (!had && this.#bindings.size + reserved.size >= MOST_BINDINGS) return undefined;
    const usable = (candidate: Prefix): boolean => isFrom(pool, candidate) && !reserved.has(candidate) && this.#isFree(candidate, key);
    const wanted = had ? [had.prefix, ...hints, ...alike(had, pool)] : hints;
    return wanted.find(usable) ?? this.#next(asker.kind, pool, reserved.size, usable);
  }

  /** Leases `prefix` to `asker` until `validUntil`. */
  lease(asker: Asker, prefix: Prefix, pool: Pool, validUntil: Instant): void {
    const { kind, duid, iaid, client } = asker;
    this.release(asker);
    const index = subnetIndex(pool.prefix, prefix) ?? 0;
    this.#put({ kind, duid, iaid, client, prefix, validUntil, index });
    this.#cursor[kind] = Math.max(this.#cursor[kind], index + 1);
  }

  release(asker: Omit<Asker, "client">): void {
    const key = keyOf(asker);
    const binding = this.#bindings.get(key);
    if (!binding) return;
    this.#bindings.delete(key);
    this.#taken.delete(binding.prefix);
  }

  /** Keeps an address out of the pool: somebody else uses it (RFC 8415 18.3.8). */
  decline(address: Prefix, until: Instant): void {
    this.#declined.set(address, until);
  }

  /** Frees what has run out. True when a lease was among it. */
  expire(now: Instant): boolean {
    for (const [address, until] of this.#declined) if (until <= now) this.#declined.delete(address);
    const ended = this.all.filter(({ validUntil }) => validUntil <= now);
    for (const binding of ended) this.release(binding);
    return ended.length > 0;
  }

  forget(): void {
    this.#bindings.clear();
    this.#taken.clear();
  }

  wakeAt(): Instant | undefined {
    return earliest(...this.all.map(({ validUntil }) => validUntil));
  }

  snapshot(): Json {
    return this.all.map((binding) => ({ ...binding }));
  }

  #put(binding: Binding): void {
    const key = keyOf(binding);
    this.#bindings.set(key, binding);
    this.#taken.set(binding.prefix, key);
  }

  #isFree(prefix: Prefix, key: string): boolean {
    const holder = this.#taken.get(prefix);
    return (holder === undefined || holder === key) && !this.#declined.has(prefix);
  }

  #next(kind: IaKind, pool: Pool, reserved: number, usable: (candidate: Prefix) => boolean): Prefix | undefined {
    const count = subnetCount(pool.prefix, pool.length);
    const tries = Math.min(count, this.#taken.size + this.#declined.size + reserved + 1);
    for (let i = 0; i < tries; i++) {
      const candidate = subnet(pool.prefix, pool.length, (this.#cursor[kind] + i) % count);
      if (usable(candidate)) return candidate;
    }
    return undefined;
  }
}

/** Whether `candidate` is one of the prefixes that the pool gives. */
export function isFrom(pool: Pool, candidate: Prefix): boolean {
  return prefixLength(candidate) === pool.length && covers(pool.prefix, candidate);
}

/** The same place in another length, and the same number in another pool. */
function alike(had: Binding, pool: Pool): readonly Prefix[] {
  const sameNumber = had.index < subnetCount(pool.prefix, pool.length) ? [subnet(pool.prefix, pool.length, had.index)] : [];
  return [prefixOf(prefixAddress(had.prefix), pool.length), ...sameNumber];
}

function restore(snapshot: Json, shift: Duration): readonly Binding[] {
  if (!Array.isArray(snapshot)) return [];
  return (snapshot as readonly Json[]).flatMap((json) => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) return [];
    const { kind, duid, iaid, client, prefix, index, validUntil } = json as Readonly<Record<string, Json>>;
    const [who, where, what] = [parseDuid(text(duid)), parseIp6(text(client)), parsePrefix(text(prefix))];
    if (!who || !where || !what || (kind !== "ia-pd" && kind !== "ia-na")) return [];
    if (typeof iaid !== "number" || typeof index !== "number" || typeof validUntil !== "number") return [];
    return [{ kind, duid: who, iaid, client: where, prefix: what, index, validUntil: after(validUntil as Instant, shift) }];
  });
}

const text = (json: Json | undefined): string => (typeof json === "string" ? json : "");
