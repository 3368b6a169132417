/**
 * The identifiers of the gateway's own addresses on one LAN, as far as duplicate address detection has refused them: RFC 7217 sections 5 and 6. Each
 * prefix counts for itself. Who is given up is tried again after a while, and at once when the link or the prefix is another.
 */
import type { Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { type Prefix, prefixOf } from "../addr/prefix.ts";
import { earliest, type Instant } from "../addr/time.ts";
import { duplicateNote, isLastTry, nextCounter, refused, type Tries } from "./duplicate-tries.ts";
import type { FactOutput, Json, Machine, Note, Output, Tick } from "./machine.ts";
import { stableAddress } from "./stable-iid.ts";

export type LanIdentifiersInput =
  | Tick
  | { readonly kind: "link"; readonly up: boolean; readonly mac?: Mac }
  /** The /64s that the LAN has now. */
  | { readonly kind: "prefixes"; readonly prefixes: readonly Prefix[] }
  /** Duplicate address detection has refused this address; it may say so many times. */
  | { readonly kind: "duplicate"; readonly address: Ip6 }
  /** Addresses of ours that have passed it. */
  | { readonly kind: "ready"; readonly addresses: readonly Ip6[] };

/** A /64 in which the first identifier was taken. */
export interface RefusedIdentifier extends Tries {
  readonly prefix: Prefix;
  /** The last address that was tried before giving up; present until an address passes. */
  readonly gaveUp?: Ip6;
}

export interface LanIdentifiersOptions {
  /** RFC 7217 secret of this box. */
  readonly secret: Uint8Array;
  readonly interfaceName: string;
}

export type LanIdentifiersFact = readonly RefusedIdentifier[];

export function createLanIdentifiers(options: LanIdentifiersOptions): Machine<LanIdentifiersInput, LanIdentifiersFact> {
  return new LanIdentifiers(options);
}

class LanIdentifiers implements Machine<LanIdentifiersInput, LanIdentifiersFact> {
  readonly #options: LanIdentifiersOptions;
  #known: LanIdentifiersFact = [];
  #link: { readonly up: boolean; readonly mac?: Mac } = { up: false };

  constructor(options: LanIdentifiersOptions) {
    this.#options = options;
  }

  handle(input: LanIdentifiersInput, now: Instant): readonly Output<LanIdentifiersFact>[] {
    const before = this.#known;
    this.#known = before.map((own) => (own.replaceAt !== undefined && own.replaceAt <= now ? retried(own, nextCounter(own)) : own));
    const notes = this.#take(input, now);
    return [...notes, ...this.#tell(before)];
  }

  wakeAt(): Instant | undefined {
    return earliest(...this.#known.map(({ replaceAt }) => replaceAt));
  }

  snapshot(): Json {
    return null;
  }

  #take(input: LanIdentifiersInput, now: Instant): readonly Note[] {
    switch (input.kind) {
      case "duplicate":
        return this.#meetDuplicate(input.address, now);
      case "link":
        this.#seeLink(input);
        return [];
      case "prefixes":
        this.#known = this.#known.filter(({ prefix }) => input.prefixes.includes(prefix));
        return [];
      case "ready":
        this.#known = this.#known.map((own) => (input.addresses.includes(this.#addressOf(own)) ? settled(own) : own));
        return [];
      case "tick":
        return [];
    }
  }

  /** A refused address is reported for as long as the kernel shows it: only the one that is in use now counts. */
  #meetDuplicate(address: Ip6, now: Instant): readonly Note[] {
    const prefix = prefixOf(address, 64);
    const own = this.#known.find((known) => known.prefix === prefix) ?? { prefix, dadCounter: 0 };
    if (own.replaceAt !== undefined || address !== this.#addressOf(own)) return [];
    const last = isLastTry(own);
    const others = this.#known.filter((known) => known.prefix !== prefix);
    this.#known = [...others, { ...refused(own, now), ...(last && { gaveUp: address }) }];
    // The plan says that it was given up, and says it once.
    return last || own.gaveUp ? [] : [duplicateNote("lan-identifiers.duplicate", this.#options.interfaceName, address, false)];
  }

  #seeLink({ up, mac }: { readonly up: boolean; readonly mac?: Mac }): void {
    const changed = up && (!this.#link.up || mac !== this.#link.mac);
    this.#link = { up, ...(mac !== undefined && { mac }) };
    if (changed) this.#known = this.#known.map((own) => (own.gaveUp && own.replaceAt !== undefined ? retried(own, 0) : own));
  }

  #addressOf({ prefix, dadCounter }: RefusedIdentifier): Ip6 {
    return stableAddress({ ...this.#options, prefix, dadCounter });
  }

  #tell(before: LanIdentifiersFact): readonly FactOutput<LanIdentifiersFact>[] {
    return JSON.stringify(before) === JSON.stringify(this.#known) ? [] : [{ kind: "fact", fact: this.#known }];
  }
}

function retried(own: RefusedIdentifier, dadCounter: number): RefusedIdentifier {
  const { replaceAt: _, ...rest } = own;
  return { ...rest, dadCounter };
}

function settled(own: RefusedIdentifier): RefusedIdentifier {
  if (own.replaceAt !== undefined) return own;
  const { gaveUp: _, ...rest } = own;
  return rest;
}
