/**
 * What has been leased on the LANs, and what clients may still hold of it: the bindings of RFC 8415 section 6 with the memory that RFC 9096 3.5 demands.
 * A prefix that does not hold any more stays in its binding as stale, to be told with lifetimes 0, for as long as the longest valid lifetime that the
 * client was told. What is stored is a bound that lies one such lifetime ahead, so that most renewals write nothing.
 */
import { type Duid, duidMac } from "../addr/duid.ts";
import type { Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Prefix } from "../addr/prefix.ts";
import { after, type Duration, earliest, type Instant, milliseconds, NEVER } from "../addr/time.ts";
import { bindingsFromJson, bindingsToJson } from "./dhcpv6-lan-memory.ts";
import type { Json } from "./machine.ts";

/** "addr-reg": addresses that a host made itself and registered (RFC 9686). */
export type BindingKind = "ia-pd" | "ia-na" | "addr-reg";

/** One identity association of one client on one link. */
export interface Asker {
  readonly link: string;
  readonly kind: BindingKind;
  readonly duid: Duid;
  readonly iaid: number;
}

export interface Lease {
  /** An address is a prefix of length 128. */
  readonly prefix: Prefix;
  /** No client holds it longer than this. */
  until: Instant;
  storedUntil: Instant;
  /** The longest valid lifetime that the client was told. */
  lifetime: Duration;
  /** It does not hold any more, and is told with lifetimes 0 until this Instant. */
  staleUntil?: Instant;
}

export interface Binding extends Asker {
  /** Where the client was heard last. */
  client: Ip6;
  /** In the DUID, where it is of a kind that tells. */
  readonly mac: Mac | undefined;
  hostname?: string;
  leases: Lease[];
}

/** A flood of invented clients on one LAN takes no more memory than this, and nothing from the other LANs. */
const MOST_ON_A_LINK: Readonly<Record<BindingKind, number>> = { "addr-reg": 1024, "ia-na": 2048, "ia-pd": 256 };
/** In a storm of new prefixes the oldest ones of a client are forgotten. */
const MOST_LEASES = 24;
const MOST_DECLINED = 1024;

const keyOf = ({ link, kind, duid, iaid }: Asker): string => `${link}/${kind}/${duid}/${iaid}`;

export class LanBindings {
  readonly #bindings = new Map<string, Binding>();
  readonly #holders = new Map<Prefix, Binding>();
  readonly #counts = new Map<string, number>();
  /** Addresses that somebody else was found to use, and how long they are avoided. */
  readonly #declined = new Map<Prefix, Instant>();
  /** Nothing ends before this: a message need not look at all leases. */
  #firstEnd: Instant = NEVER;
  #unsaved = false;
  #changed = false;

  /** `saved` is a `snapshot()` whose Instants are moved by `shift`; what is unreadable in it is left out. */
  constructor(saved?: { readonly snapshot: Json; readonly shift: Duration }) {
    if (!saved) return;
    const { bindings, declined } = bindingsFromJson(saved.snapshot, saved.shift);
    for (const binding of bindings) this.#put(binding);
    for (const [prefix, until] of declined) this.#avoid(prefix, until);
    this.#changed = bindings.length > 0;
  }

  get all(): Iterable<Binding> {
    return this.#bindings.values();
  }

  find(asker: Asker): Binding | undefined {
    return this.#bindings.get(keyOf(asker));
  }

  /** Whether `asker` may have a binding: it has one, or there is room on its link. */
  hasRoom(asker: Asker): boolean {
    return this.#bindings.has(keyOf(asker)) || (this.#counts.get(countKey(asker)) ?? 0) < MOST_ON_A_LINK[asker.kind];
  }

  /** Whether nobody but `asker` has the prefix, and nobody who does not ask. */
  isFree(prefix: Prefix, asker: Asker): boolean {
    const holder = this.#holders.get(prefix);
    return (holder === undefined || keyOf(holder) === keyOf(asker)) && !this.#declined.has(prefix);
  }

  /** Leases the prefixes to `asker`, each until an Instant of its own; what else it has, it keeps. Who had one of them before has it no more. */
  lease(asker: Asker, client: Ip6, promised: readonly { readonly prefix: Prefix; readonly until: Instant }[], now: Instant): void {
    const { link, kind, duid, iaid } = asker;
    const binding = this.find(asker) ?? { link, kind, duid, iaid, client, mac: duidMac(duid), leases: [] };
    this.#unsaved ||= binding.client !== client;
    this.#changed = true;
    binding.client = client;
    for (const { prefix, until } of promised) {
      this.#takeFrom(prefix, binding);
      this.#promise(binding, prefix, until, now);
    }
    this.#bound(binding);
    if (binding.leases.length > 0) this.#put(binding);
  }

  /** What the client calls itself. */
  name(asker: Asker, hostname: string | undefined): void {
    const binding = this.find(asker);
    if (!binding || binding.hostname === hostname) return;
    if (hostname === undefined) delete binding.hostname;
    else binding.hostname = hostname;
    this.#changed = true;
    this.#unsaved = true;
  }

  release(asker: Asker): void {
    const binding = this.find(asker);
    if (!binding) return;
    this.#bindings.delete(keyOf(asker));
    this.#counts.set(countKey(asker), this.#counts.get(countKey(asker))! - 1);
    for (const { prefix } of binding.leases) this.#holders.delete(prefix);
    this.#changed = true;
    this.#unsaved = true;
  }

  /** Ends the binding that has this address or prefix. */
  forget(value: Ip6 | Prefix): void {
    const holder = this.#holders.get((value.includes("/") ? value : `${value}/128`) as Prefix);
    if (holder) this.release(holder);
  }

  /** Keeps an address out: somebody else uses it (RFC 8415 18.3.8). */
  decline(address: Prefix, until: Instant): void {
    if (this.#declined.size >= MOST_DECLINED) return;
    this.#avoid(address, until);
    this.#unsaved = true;
  }

  /** What does not hold any more is stale from now on, what holds again is not. */
  judge(isLive: (binding: Binding, prefix: Prefix) => boolean, now: Instant): void {
    for (const binding of this.#bindings.values()) {
      for (const lease of binding.leases) {
        const live = isLive(binding, lease.prefix);
        if (live === (lease.staleUntil === undefined)) continue;
        if (live) delete lease.staleUntil;
        else lease.staleUntil = after(now, lease.lifetime);
        this.#noteEnd(lease);
        this.#changed = true;
        this.#unsaved = true;
      }
    }
  }

  /** Frees what has run out. */
  expire(now: Instant): void {
    if (now < this.#firstEnd) return;
    for (const [address, until] of this.#declined) if (until <= now) this.#declined.delete(address);
    for (const binding of this.#bindings.values()) {
      const ended = binding.leases.filter((lease) => endOf(lease) <= now);
      if (ended.length === 0) continue;
      if (ended.length === binding.leases.length) {
        this.release(binding);
        continue;
      }
      binding.leases = binding.leases.filter((lease) => !ended.includes(lease));
      for (const { prefix } of ended) this.#holders.delete(prefix);
      this.#changed = true;
      this.#unsaved = true;
    }
    this.#firstEnd = Math.min(NEVER, ...this.#declined.values()) as Instant;
    for (const { leases } of this.#bindings.values()) for (const lease of leases) this.#noteEnd(lease);
  }

  /** When to look at what has ended; it may be that nothing has. */
  wakeAt(): Instant | undefined {
    return earliest(this.#firstEnd);
  }

  /** What has happened since the last call: whether there is something to tell, and whether it must be on disk first. */
  takeNews(): { readonly changed: boolean; readonly unsaved: boolean } {
    const news = { changed: this.#changed, unsaved: this.#unsaved };
    this.#changed = false;
    this.#unsaved = false;
    return news;
  }

  snapshot(): Json {
    return bindingsToJson([...this.#bindings.values()], this.#declined);
  }

  #put(binding: Binding): void {
    const key = keyOf(binding);
    if (!this.#bindings.has(key)) this.#counts.set(countKey(binding), (this.#counts.get(countKey(binding)) ?? 0) + 1);
    this.#bindings.set(key, binding);
    for (const lease of binding.leases) {
      this.#holders.set(lease.prefix, binding);
      this.#noteEnd(lease);
    }
  }

  #avoid(address: Prefix, until: Instant): void {
    this.#declined.set(address, until);
    this.#firstEnd = Math.min(this.#firstEnd, until) as Instant;
  }

  #noteEnd(lease: Lease): void {
    if (endOf(lease) < this.#firstEnd) this.#firstEnd = endOf(lease);
  }

  #takeFrom(prefix: Prefix, binding: Binding): void {
    const holder = this.#holders.get(prefix);
    if (holder === undefined || holder === binding) return;
    holder.leases = holder.leases.filter((lease) => lease.prefix !== prefix);
    if (holder.leases.length === 0) this.release(holder);
  }

  #bound(binding: Binding): void {
    const surplus = Math.max(0, binding.leases.length - MOST_LEASES);
    const ordered = [...binding.leases.filter(isStale), ...binding.leases.filter((lease) => !isStale(lease))];
    for (const lease of ordered.slice(0, surplus)) {
      this.#holders.delete(lease.prefix);
      binding.leases.splice(binding.leases.indexOf(lease), 1);
    }
  }

  #promise(binding: Binding, prefix: Prefix, until: Instant, now: Instant): void {
    const lifetime = milliseconds(until - now);
    const known = binding.leases.find((lease) => lease.prefix === prefix);
    if (!known) {
      binding.leases.push({ prefix, until, storedUntil: after(until, lifetime), lifetime });
      this.#unsaved = true;
      return;
    }
    known.lifetime = milliseconds(Math.max(known.lifetime, lifetime));
    known.until = until;
    if (until <= known.storedUntil) return;
    known.storedUntil = after(until, lifetime);
    this.#unsaved = true;
  }
}

/** The last Instant at which the lease means anything to anybody. */
const endOf = ({ until, staleUntil }: Lease): Instant => staleUntil ?? until;

const isStale = ({ staleUntil }: Lease): boolean => staleUntil !== undefined;

const countKey = ({ link, kind }: Asker): string => `${link}/${kind}`;
