/**
 * Which prefixes the hosts of a link may still believe in (RFC 9096 3.5). Each prefix ever advertised is remembered with the latest Instant at which
 * a host may still hold it; one that is no longer advertised as live is withdrawn (lifetimes 0) until no host can hold it any more. The memory
 * survives restarts and power cuts, and it is written rarely: what is stored is a bound that lies hours ahead.
 */
import { type Prefix, parsePrefix } from "../addr/prefix.ts";
import { after, type Duration, type Instant, milliseconds, NEVER, seconds } from "../addr/time.ts";
import type { AdvertisedPrefix } from "./facts.ts";
import type { Json } from "./machine.ts";

/** How far the stored bound lies ahead: a prefix that is renewed every minute causes four writes a day. */
const RESERVE = seconds(6 * 3600);
/** In a storm of new prefixes the ones that end first are dropped. */
const MOST_STALE = 32;

/** A prefix that is being taken back. */
export interface StalePrefix {
  readonly prefix: Prefix;
  readonly onLink: boolean;
  readonly autonomous: boolean;
  /** How long the withdrawal is repeated. */
  readonly until: Instant;
}

interface Told {
  readonly prefix: Prefix;
  readonly onLink: boolean;
  readonly autonomous: boolean;
  /** No host holds the prefix longer than this. */
  heldUntil: Instant;
  /** The same, as it is stored: later than `heldUntil` by a whole withdrawal at least, while the prefix is live. */
  storedUntil: Instant;
  /** The longest valid lifetime ever sent. */
  lifetime: Duration;
  stale: boolean;
}

/** A valid lifetime that is about to be sent. */
export interface Promised {
  readonly prefix: AdvertisedPrefix;
  /** No host that hears it holds the prefix longer than this. */
  readonly heldUntil: Instant;
  readonly lifetime: Duration;
}

export class StalePrefixes {
  readonly #told = new Map<Prefix, Told>();

  /** `saved` is a `snapshot()` whose Instants are moved by `shift`; what is unreadable in it is left out. */
  constructor(saved?: { readonly snapshot: Json; readonly shift: Duration }) {
    if (saved) for (const told of restore(saved.snapshot, saved.shift)) this.#told.set(told.prefix, told);
  }

  /**
   * These prefixes are advertised as live from now on, and no others: the others are withdrawn for as long as the longest valid lifetime they were
   * sent with. True when the set of stale prefixes has changed.
   */
  update(live: readonly AdvertisedPrefix[], now: Instant): boolean {
    const names = new Set(live.map(({ prefix }) => prefix));
    let changed = false;
    for (const told of this.#told.values()) {
      const stale = !names.has(told.prefix);
      if (stale === told.stale) continue;
      told.stale = stale;
      changed = true;
      if (stale) this.#withdraw(told, now);
    }
    return this.#bound() || changed;
  }

  /** Records what is about to be sent. True when the snapshot must be saved first. */
  promise(promises: readonly Promised[]): boolean {
    let unsaved = false;
    for (const promised of promises) unsaved = this.#promiseOne(promised) || unsaved;
    return unsaved;
  }

  /** Forgets what no host can hold any more. True when a withdrawal has ended. */
  expire(now: Instant): boolean {
    let ended = false;
    for (const told of this.#told.values()) {
      if (told.heldUntil > now) continue;
      ended ||= told.stale;
      if (told.stale) this.#told.delete(told.prefix);
    }
    return ended;
  }

  /** The prefixes to be sent with lifetimes 0, longest withdrawal last. */
  get stale(): readonly StalePrefix[] {
    const stale = [...this.#told.values()].filter((told) => told.stale);
    return stale
      .sort((a, b) => a.heldUntil - b.heldUntil)
      .map(({ prefix, onLink, autonomous, heldUntil }) => ({ prefix, onLink, autonomous, until: heldUntil }));
  }

  /** When the next withdrawal ends. */
  wakeAt(): Instant {
    let first = NEVER;
    for (const { stale, heldUntil } of this.#told.values()) if (stale && heldUntil < first) first = heldUntil;
    return first;
  }

  snapshot(): Json {
    return [...this.#told.values()].map(({ prefix, onLink, autonomous, storedUntil, lifetime }) => {
      return { prefix, onLink, autonomous, storedUntil, lifetime };
    });
  }

  #withdraw(told: Told, now: Instant): void {
    if (told.heldUntil <= now) {
      this.#told.delete(told.prefix);
      return;
    }
    told.heldUntil = Math.min(after(now, told.lifetime), told.storedUntil) as Instant;
    told.storedUntil = told.heldUntil;
  }

  #bound(): boolean {
    const surplus = this.stale.slice(0, -MOST_STALE);
    for (const { prefix } of surplus) this.#told.delete(prefix);
    return surplus.length > 0;
  }

  #promiseOne({ prefix, heldUntil, lifetime }: Promised): boolean {
    const told = this.#told.get(prefix.prefix);
    if (lifetime === 0 && !told) return false;
    const kept = told?.onLink === prefix.onLink && told.autonomous === prefix.autonomous;
    if (told && kept && lifetime <= told.lifetime && after(heldUntil, told.lifetime) <= told.storedUntil) {
      told.heldUntil = Math.max(told.heldUntil, heldUntil) as Instant;
      return false;
    }
    const { onLink, autonomous } = prefix;
    this.#told.set(prefix.prefix, {
      prefix: prefix.prefix,
      onLink,
      autonomous,
      heldUntil: Math.max(told?.heldUntil ?? 0, heldUntil) as Instant,
      storedUntil: after(heldUntil, RESERVE),
      lifetime: milliseconds(Math.max(told?.lifetime ?? 0, lifetime)),
      stale: false,
    });
    return true;
  }
}

/** After a restart nobody knows what the last advertisement said: each prefix may be held as long as it ever could. */
function restore(snapshot: Json, shift: Duration): readonly Told[] {
  if (!Array.isArray(snapshot)) return [];
  return (snapshot as readonly Json[]).flatMap((json) => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) return [];
    const { prefix, onLink, autonomous, storedUntil, lifetime } = json as Readonly<Record<string, Json>>;
    const parsed = typeof prefix === "string" ? parsePrefix(prefix) : undefined;
    if (!parsed || typeof storedUntil !== "number" || typeof lifetime !== "number") return [];
    const until = after(storedUntil as Instant, shift);
    const flags = { onLink: onLink === true, autonomous: autonomous === true };
    return [{ prefix: parsed, ...flags, heldUntil: until, storedUntil: until, lifetime: milliseconds(lifetime), stale: false }];
  });
}
