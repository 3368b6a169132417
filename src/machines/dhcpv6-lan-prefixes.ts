/** Which prefix and which address a client of the LANs gets: the one it has, else the place it has elsewhere, else one that follows from who it is. */
import { ip6ToBigInt, type Ip6 } from "../addr/ip.ts";
import {
  contains,
  covers,
  hostAddress,
  overlaps,
  type Prefix,
  prefix,
  prefixAddress,
  prefixLength,
  prefixOf,
  subnet,
  subnetCount,
  subnetIndex,
} from "../addr/prefix.ts";
import type { Asker, LanBindings } from "./dhcpv6-lan-bindings.ts";
import type { DelegationPool, Expiring } from "./dhcpv6-lan-service.ts";
import { stableIid } from "./stable-iid.ts";

/** What is known when a prefix or an address is chosen. */
export interface Choice {
  readonly asker: Asker;
  readonly bindings: LanBindings;
  /** Prefixes that the client would like. */
  readonly hints: readonly Prefix[];
  /** Given in the same message already, to this association or to another. */
  readonly reserved: ReadonlySet<Prefix>;
  /** RFC 7217 secret of this box. */
  readonly secret: Uint8Array;
}

/** Collisions of 64 random bits, or declined addresses. */
const MOST_TRIES = 16;
const ANY_PREFIX = prefix("::/64");

/** A prefix of `length` out of `pool`; undefined when none is left. */
export function choosePrefix(pool: DelegationPool, length: number, choice: Choice): Prefix | undefined {
  const { asker, bindings, hints, reserved } = choice;
  const had = (bindings.find(asker)?.leases ?? []).map((lease) => lease.prefix);
  const count = subnetCount(pool.prefix, length);
  const kept = had.find((each) => isDelegable(pool, length, each));
  if (kept || count === 0) return kept;
  const occupied = occupiedNumbers(pool, length, choice);
  const alike = [...had, ...reserved].filter((each) => prefixLength(each) === length).map((each) => numberOf(each, count));
  const wished = hints.filter((each) => prefixLength(each) === length).flatMap((each) => subnetIndex(pool.prefix, each) ?? []);
  const free = [...wished, ...alike].find((number) => !occupied.has(number));
  const number = free ?? search(occupied, count, hashOf(asker));
  return number === undefined ? undefined : subnet(pool.prefix, length, number);
}

/** Whether a prefix can be delegated from this pool to somebody. */
export function isDelegable(pool: DelegationPool, length: number, value: Prefix): boolean {
  return prefixLength(value) === length && covers(pool.prefix, value) && !pool.taken.some((part) => overlaps(part, value));
}

/** An address in the /64, as a prefix of length 128; undefined when none is found. */
export function chooseAddress(link: Expiring, { asker, bindings, reserved, secret }: Choice): Prefix | undefined {
  const had = (bindings.find(asker)?.leases ?? []).map((lease) => lease.prefix);
  const kept = had.find((each) => contains(link.prefix, prefixAddress(each)));
  if (kept) return kept;
  const alike = [...had, ...reserved].map((each) => ip6ToBigInt(prefixAddress(each)));
  const own = Array.from({ length: MOST_TRIES }, (_, dadCounter) => () => {
    return stableIid({ secret, prefix: ANY_PREFIX, interfaceName: `dhcpv6 ${asker.duid} ${asker.iaid}`, dadCounter });
  });
  for (const iid of [...alike.map((value) => () => value), ...own]) {
    const candidate = prefixOf(hostAddress(link.prefix, iid()) as Ip6, 128);
    if (!reserved.has(candidate) && bindings.isFree(candidate, asker)) return candidate;
  }
  return undefined;
}

/** The numbers, among the prefixes of this length, of all that is taken by LANs and by others. */
function occupiedNumbers(pool: DelegationPool, length: number, { asker, bindings, reserved }: Choice): ReadonlySet<number> {
  const numbers = new Set<number>();
  const occupy = (value: Prefix): void => {
    if (!overlaps(pool.prefix, value)) return;
    const shorter = Math.max(prefixLength(value), prefixLength(pool.prefix));
    const part = prefixOf(prefixAddress(covers(value, pool.prefix) ? pool.prefix : value), Math.min(shorter, length));
    const first = subnetIndex(pool.prefix, part)! * subnetCount(part, length);
    for (let i = 0; i < subnetCount(part, length); i++) numbers.add(first + i);
  };
  for (const part of [...pool.taken, ...reserved]) occupy(part);
  const own = bindings.find(asker);
  for (const binding of bindings.all) {
    if (binding.kind !== "ia-pd" || binding === own) continue;
    for (const lease of binding.leases) occupy(lease.prefix);
  }
  return numbers;
}

/** From the upper half on, so that LANs that come later find the lower numbers free. */
function search(occupied: ReadonlySet<number>, count: number, hash: number): number | undefined {
  const half = Math.floor(count / 2);
  const start = half + (hash % (count - half));
  const tries = Math.min(count, occupied.size + 1);
  for (let i = 0; i < tries; i++) {
    const number = (start + i) % count;
    if (!occupied.has(number)) return number;
  }
  return undefined;
}

/** The last bits of a prefix: its number in a pool with so many. */
function numberOf(value: Prefix, count: number): number {
  return Number((ip6ToBigInt(prefixAddress(value)) >> BigInt(128 - prefixLength(value))) & BigInt(count - 1));
}

/** FNV-1a: also after a loss of all memory, a client is likely to get what it had. */
function hashOf({ duid, iaid }: Asker): number {
  let hash = 0x811c9dc5;
  for (const letter of `${duid}/${iaid}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return hash;
}
