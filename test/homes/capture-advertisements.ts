/** Invariants of the router's advertisements over time: their distance, and that they promise no more than the provider has leased. */
import type { Duid } from "../../src/addr/duid.ts";
import { isMulticast, isUniqueLocal } from "../../src/addr/ip.ts";
import { covers, type Prefix, prefixAddress } from "../../src/addr/prefix.ts";
import { INFINITY, type Seconds } from "../../src/addr/time.ts";
import { optionOf, optionsOf, STATUS, statusOf } from "../../src/wire/dhcpv6.ts";
import type { NdpOption } from "../../src/wire/ndp.ts";
import type { Link, Rule, Scene, Seen, Violation } from "./capture-scene.ts";
import { dhcpv6Messages, ourAdvertisements, violation } from "./capture-scene.ts";

/** MIN_DELAY_BETWEEN_RAS, RFC 4861 10. Seconds. */
const LEAST_GAP = 3;
/** What the scheduler may have delayed the first of two packets. Seconds. */
const JITTER = 0.05;
/** Octets of the options that fill a link's usual MTU: advertisements that together need more are one that was split (RFC 4861 6.2.3). */
const FULL = 1400;
/** Between the provider's Reply on the wire and the machine's clock, and back. Seconds. */
const TOLERANCE = 0.5;

/** RFC 4861 6.2.6: two advertisements to all nodes are at least 3 s apart. */
export const advertisementGap: Rule = ({ lans }) =>
  lans.flatMap((link) => {
    const sent = ourAdvertisements(link).filter(({ frame }) => isMulticast(frame.packet.destination));
    return sent.flatMap((seen, i) => {
      const before = sent[i - 1];
      if (!before || seen.time - before.time >= LEAST_GAP - JITTER) return [];
      const isSplit = seen.time - before.time < JITTER && before.frame.packet.payload.length + seen.frame.packet.payload.length > FULL;
      return isSplit ? [] : [violation("ra-gap", link, seen, `${(seen.time - before.time).toFixed(3)} s after the one before`)];
    });
  });

/** RFC 4861 4.6.2: a preferred lifetime is not longer than the valid one. */
export const preferredWithinValid: Rule = ({ lans }) =>
  lans.flatMap((link) =>
    ourAdvertisements(link).flatMap((seen) =>
      prefixesOf(seen.message.options)
        .filter(({ preferred, valid }) => preferred > valid)
        .map(({ prefix, preferred, valid }) => violation("preferred-beyond-valid", link, seen, `${prefix}: ${preferred} s of ${valid} s`)),
    ),
  );

/** What the provider has leased, from the moment when its Reply passed. */
interface Lease {
  readonly prefix: Prefix;
  readonly from: number;
  /** Seconds since 1970; Infinity for ever. */
  readonly preferredUntil: number;
  readonly validUntil: number;
}

/** RFC 8415 18.2.10.1, RFC 9096 3.3: no lifetime is longer than what is left of the lease; nothing is advertised that is not held. */
export const lifetimesWithinLease = (scene: Scene, options: { readonly heldAtStart: boolean }): readonly Violation[] => {
  const leases = scene.wans.flatMap(leasesOf);
  const firstReply = Math.min(...leases.map((lease) => lease.from));
  return scene.lans.flatMap((link) =>
    ourAdvertisements(link)
      .filter((seen) => !options.heldAtStart || seen.time >= firstReply)
      .flatMap((seen) => seen.message.options.flatMap((option) => excess(option, seen, link, leases))),
  );
};

function excess(option: NdpOption, seen: Seen, link: Link, leases: readonly Lease[]): readonly Violation[] {
  const promise = promiseOf(option);
  if (!promise || promise.valid === 0 || isUniqueLocal(prefixAddress(promise.prefix))) return [];
  const held = leasesAt(seen.time, leases).filter((lease) => covers(lease.prefix, promise.prefix));
  if (held.length === 0) return [violation("ra-beyond-lease", link, seen, `${promise.prefix} is advertised but not leased`)];
  const check = (what: "preferred" | "valid", ends: readonly number[]): readonly Violation[] => {
    const rest = Math.max(...ends) - seen.time;
    if (promise[what] === 0 || seconds(promise[what]) <= rest + TOLERANCE) return [];
    const text = `${promise.prefix} is ${what} for ${promise[what]} s, leased so for ${rest.toFixed(1)} s more`;
    return [violation("ra-beyond-lease", link, seen, text)];
  };
  return [
    ...check(
      "valid",
      held.map((lease) => lease.validUntil),
    ),
    ...check(
      "preferred",
      held.map((lease) => lease.preferredUntil),
    ),
  ];
}

/** What counts at a time: of each prefix the latest word. */
function leasesAt(time: number, leases: readonly Lease[]): readonly Lease[] {
  return [...new Map(leases.filter((lease) => lease.from <= time).map((lease) => [lease.prefix, lease])).values()];
}

interface Promise {
  readonly prefix: Prefix;
  readonly preferred: Seconds;
  readonly valid: Seconds;
}

function promiseOf(option: NdpOption): Promise | undefined {
  if (option.kind === "prefix-information") return option;
  if (option.kind !== "route-information") return undefined;
  return { prefix: option.prefix, preferred: 0 as Seconds, valid: option.lifetime };
}

function prefixesOf(options: readonly NdpOption[]) {
  return options.filter((option) => option.kind === "prefix-information");
}

/** Those of the Replies that a client must accept (RFC 8415 16.10, 18.2.10, 21.21, 21.22), later ones last. */
function leasesOf(link: Link): Lease[] {
  const asked = new Map<number, Duid | undefined>();
  return dhcpv6Messages(link).flatMap(({ fromUs, time, message }) => {
    if (!("transactionId" in message)) return [];
    if (fromUs) {
      asked.set(message.transactionId, optionOf(message, "client-id")?.duid);
      return [];
    }
    const isOurs = asked.has(message.transactionId) && optionOf(message, "client-id")?.duid === asked.get(message.transactionId);
    if (message.kind !== "reply" || !isOurs || !optionOf(message, "server-id") || statusOf(message).status !== STATUS.Success) return [];
    return optionsOf(message, "ia-pd")
      .filter(({ t1, t2 }) => t2 === 0 || t1 <= t2)
      .flatMap((association) => optionsOf(association, "ia-prefix"))
      .filter(({ preferred, valid }) => preferred <= valid)
      .map(({ prefix, preferred, valid }) => {
        return { prefix, from: time, preferredUntil: time + seconds(preferred), validUntil: time + seconds(valid) };
      });
  });
}

function seconds(lifetime: Seconds): number {
  return lifetime === INFINITY ? Number.POSITIVE_INFINITY : lifetime;
}
