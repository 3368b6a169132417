/** What is leased to us, and what a Reply changes in it: RFC 8415 18.2.10.1. */
import { type Ip6, isLinkLocal, isMulticast, LOOPBACK, UNSPECIFIED } from "../addr/ip.ts";
import { overlaps, type Prefix, prefixAddress } from "../addr/prefix.ts";
import { deadline, earliest, type Instant, NEVER } from "../addr/time.ts";
import {
  type ClientServerMessage,
  type IaAddress,
  type IaNa,
  type IaPd,
  type IaPrefix,
  optionOf,
  optionsOf,
  STATUS,
  type StatusCode,
  statusOf,
} from "../wire/dhcpv6.ts";
import { areContradictory, timersOf } from "./dhcpv6-client-lifetimes.ts";

/** An identity association: addresses (IA_NA) and prefixes (IA_PD) number theirs independently. */
export interface IaKey {
  readonly kind: "ia-na" | "ia-pd";
  readonly iaid: number;
}

/** An address in an ia-na, a prefix in an ia-pd. */
export interface Lease {
  readonly value: Ip6 | Prefix;
  /** RFC 6603. */
  readonly excluded?: Prefix;
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
}

/** An identity association with at least one lease. */
export interface Binding extends IaKey {
  readonly renewAt: Instant;
  readonly rebindAt: Instant;
  readonly leases: readonly Lease[];
}

export type Bindings = readonly Binding[];

/** What a Reply makes of the bindings. */
export interface Verdict {
  readonly bindings: Bindings;
  /** IAs in which the Reply has a live lease. */
  readonly granted: readonly IaKey[];
  /** IAs of which the server has no record: NoBinding. */
  readonly unknown: readonly IaKey[];
  /** Some lease was taken away. */
  readonly revoked: boolean;
  /** The server's words for what it refuses. */
  readonly refusal?: string;
}

/** How leases are treated that a Reply does not mention although it has others for the same IA; RFC 8415 leaves them as they are. */
export type Unmentioned = "keep" | "deprecate" | "drop";

/** So many IAs in a message, leases in an IA of it, and leases in a binding count: a message of 64 kB must not cost seconds. */
const MOST = 16;

type Ia = IaNa | IaPd;
type LeaseOption = IaAddress | IaPrefix;

export const sameIa = (a: IaKey, b: IaKey): boolean => a.kind === b.kind && a.iaid === b.iaid;

/**
 * Applies the IAs of a Reply that are among `wanted`; others are not ours. A contradictory IA or lease is as if the server had not sent it.
 * A lease that is not mentioned stays as it is recorded, unless `unmentioned` says otherwise for its IA.
 */
export function applyReply(
  bindings: Bindings,
  reply: ClientServerMessage,
  wanted: readonly IaKey[],
  now: Instant,
  unmentioned: (ia: IaKey) => Unmentioned = () => "keep",
): Verdict {
  const ias = iasOf(reply).filter((ia) => wanted.some((key) => sameIa(key, ia)));
  const next = ias.reduce((current, ia) => applyIa(current, ia, unmentioned(ia), now), bindings);
  const granted = wanted.filter((key) => ias.some((ia) => sameIa(ia, key) && liveIn(ia).length > 0));
  const forgotten = statusOf(reply).status === STATUS.NoBinding ? wanted : ias.filter((ia) => statusOf(ia).status === STATUS.NoBinding);
  const refusal = refusalIn(reply);
  return {
    bindings: next,
    granted,
    unknown: forgotten.filter((key) => !granted.some((other) => sameIa(other, key))).map(({ kind, iaid }) => ({ kind, iaid })),
    revoked: ias.some((ia) => endedIn(ia).some((ended) => holds(bindings, ia, ended))),
    ...(refusal !== undefined && { refusal }),
  };
}

/** All sane IAs of a message. */
export function iasOf(message: ClientServerMessage): readonly Ia[] {
  return allIas(message).filter(({ t1, t2 }) => !areContradictory(t1, t2));
}

/** The addresses or prefixes in an IA that may be used. */
export function liveIn(ia: Ia): readonly LeaseOption[] {
  if (statusOf(ia).status !== STATUS.Success) return [];
  const ended = endedIn(ia);
  return leasesIn(ia).filter((lease) => !ended.includes(valueOf(lease)) && statusOf(lease).status === STATUS.Success);
}

/** The value of a lease option. */
export const valueOf = (lease: LeaseOption): Ip6 | Prefix => (lease.kind === "ia-prefix" ? lease.prefix : lease.address);

/** The server's words of refusal: of the message, else of the first IA, address or prefix that has some, e.g. "NoPrefixAvail: pool is empty". */
export function refusalIn(message: ClientServerMessage): string | undefined {
  const ias = allIas(message);
  const holders = [message, ...ias.flatMap((ia) => [ia, ...leasesIn(ia)])];
  const status = holders.map(statusOf).find(({ status }) => status !== STATUS.Success);
  return status && wordsOf(status);
}

/** A status in words, without control characters. */
export function wordsOf({ status, message }: StatusCode): string {
  const name = Object.entries(STATUS).find(([, code]) => code === status)?.[0] ?? `status ${status}`;
  const text = message.replace(/\p{C}/gu, "").slice(0, 200);
  return text === "" ? name : `${name}: ${text}`;
}

/** The bindings without leases whose valid lifetime has ended at `now`, and without IAs that have none left. */
export function unexpired(bindings: Bindings, now: Instant): Bindings {
  return withLeases(bindings, (lease) => lease.validUntil > now);
}

/** The bindings without one address. */
export function withoutAddress(bindings: Bindings, address: Ip6): Bindings {
  return withLeases(bindings, (lease) => lease.value !== address);
}

/** When the first lease ends; undefined when none does. */
export function firstEnd(bindings: Bindings): Instant | undefined {
  return earliest(...bindings.flatMap(({ leases }) => leases.map(({ validUntil }) => validUntil)));
}

/** When the last lease ends, NEVER when one does not. */
export function lastEnd(bindings: Bindings): Instant {
  return Math.max(...bindings.flatMap(({ leases }) => leases.map(({ validUntil }) => validUntil))) as Instant;
}

/** Earliest T1 and T2: all IAs are renewed together (RFC 8415 18.2.4). NEVER when they never come. */
export function timersOfAll(bindings: Bindings): { readonly renewAt: Instant; readonly rebindAt: Instant } {
  return {
    renewAt: earliest(...bindings.map(({ renewAt }) => renewAt)) ?? NEVER,
    rebindAt: earliest(...bindings.map(({ rebindAt }) => rebindAt)) ?? NEVER,
  };
}

function applyIa(bindings: Bindings, ia: Ia, unmentioned: Unmentioned, now: Instant): Bindings {
  const former = bindings.find((binding) => sameIa(binding, ia));
  const live = liveIn(ia);
  const ended = endedIn(ia);
  const kept = (former?.leases ?? []).filter(({ value }) => !ended.includes(value) && !isSuperseded(value, live));
  const others = live.length > 0 ? kept.flatMap((lease) => outcome(lease, unmentioned, now)) : kept;
  const fresh = live.filter((lease, i) => !isSuperseded(valueOf(lease), live.slice(i + 1)));
  const leases = [...others, ...fresh.map((lease) => leaseOf(lease, now))].slice(-MOST);
  const rest = bindings.filter((binding) => !sameIa(binding, ia));
  if (leases.length === 0) return rest;
  const timers = live.length > 0 || !former ? timersOf(ia.t1, ia.t2, live, now) : former;
  const binding: Binding = { kind: ia.kind, iaid: ia.iaid, renewAt: timers.renewAt, rebindAt: timers.rebindAt, leases };
  return former ? bindings.map((other) => (other === former ? binding : other)) : [...rest, binding];
}

function outcome(lease: Lease, unmentioned: Unmentioned, now: Instant): readonly Lease[] {
  if (unmentioned === "drop") return [];
  if (unmentioned === "keep" || lease.preferredUntil <= now) return [lease];
  return [{ ...lease, preferredUntil: now }];
}

/** The same prefix with another length takes the place of the former one. */
function isSuperseded(former: Ip6 | Prefix, by: readonly LeaseOption[]): boolean {
  return by.some((lease) => (lease.kind === "ia-prefix" ? overlaps(lease.prefix, former as Prefix) : lease.address === former));
}

function allIas(message: ClientServerMessage): readonly Ia[] {
  return [...optionsOf(message, "ia-pd").slice(0, MOST), ...optionsOf(message, "ia-na").slice(0, MOST)];
}

/** Addresses or prefixes that end at once: valid lifetime 0, whatever the status says. */
function endedIn(ia: Ia): readonly (Ip6 | Prefix)[] {
  return leasesIn(ia)
    .filter(({ valid }) => valid === 0)
    .map(valueOf);
}

/** RFC 8415 21.6 and 21.22: a preferred lifetime above the valid one spoils its lease alone. */
function leasesIn(ia: Ia): readonly LeaseOption[] {
  const all: readonly LeaseOption[] = ia.kind === "ia-pd" ? optionsOf(ia, "ia-prefix") : optionsOf(ia, "ia-address");
  return all.slice(0, MOST).filter((lease) => lease.preferred <= lease.valid && isUsable(lease));
}

/** Nothing that could never be routed to us. */
function isUsable(lease: LeaseOption): boolean {
  const address = lease.kind === "ia-prefix" ? prefixAddress(lease.prefix) : lease.address;
  return !isLinkLocal(address) && !isMulticast(address) && address !== UNSPECIFIED && address !== LOOPBACK;
}

function leaseOf(lease: LeaseOption, now: Instant): Lease {
  const excluded = lease.kind === "ia-prefix" ? optionOf(lease, "pd-exclude")?.prefix : undefined;
  return {
    value: valueOf(lease),
    ...(excluded && { excluded }),
    preferredUntil: deadline(now, lease.preferred),
    validUntil: deadline(now, lease.valid),
  };
}

function holds(bindings: Bindings, ia: IaKey, value: Ip6 | Prefix): boolean {
  return bindings.some((binding) => sameIa(binding, ia) && binding.leases.some((lease) => lease.value === value));
}

function withLeases(bindings: Bindings, keep: (lease: Lease) => boolean): Bindings {
  if (bindings.every(({ leases }) => leases.every(keep))) return bindings;
  return bindings.map((binding) => ({ ...binding, leases: binding.leases.filter(keep) })).filter(({ leases }) => leases.length > 0);
}
