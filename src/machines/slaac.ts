/** Stateless address autoconfiguration: RFC 4862 5.5.3 and 5.5.4; stable identifiers by RFC 7217, temporary addresses by RFC 8981 section 3. */
import type { Ip6 } from "../addr/ip.ts";
import { hostAddress, type Prefix, prefixLength } from "../addr/prefix.ts";
import { type Random, uniform } from "../addr/random.ts";
import { after, between, deadline, type Instant, instant, milliseconds, seconds } from "../addr/time.ts";
import type { PrefixInformation } from "../wire/ndp.ts";
import { nextCounter, type Tries } from "./duplicate-tries.ts";
import { stableAddress, temporaryIid } from "./stable-iid.ts";

/** An address made from an advertised prefix. */
export interface AutoAddress extends Tries {
  readonly address: Ip6;
  readonly prefix: Prefix;
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
  /** Present on temporary addresses: no RA extends them beyond these. */
  readonly limits?: Limits;
}

export interface Limits {
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
}

export interface SlaacOptions {
  readonly random: Random;
  /** RFC 7217 secret of this box. */
  readonly secret: Uint8Array;
  readonly interfaceName: string;
  readonly temporaryAddresses: boolean;
}

/** RFC 4862 5.5.3(e): an unauthenticated RA does not cut a valid lifetime below this. */
const TWO_HOURS = seconds(7200);
/** RFC 8981 3.8. */
const TEMP_VALID_LIFETIME = seconds(2 * 86_400);
const TEMP_PREFERRED_LIFETIME = seconds(86_400);
/** 0.4 * TEMP_PREFERRED_LIFETIME. */
const MAX_DESYNC_FACTOR = seconds(0.4 * 86_400);
/** 2 + TEMP_IDGEN_RETRIES * DupAddrDetectTransmits * RetransTimer / 1000. */
const REGEN_ADVANCE = seconds(5);
/** Prefixes with addresses at one time. */
const MOST_PREFIXES = 16;

/** The addresses after a prefix was advertised; `agedAddresses` adds the temporary ones. */
export function advertisedPrefix(
  addresses: readonly AutoAddress[],
  option: PrefixInformation,
  options: SlaacOptions,
  now: Instant,
): readonly AutoAddress[] {
  const { prefix, autonomous, preferred, valid } = option;
  if (!autonomous || preferred > valid) return addresses;
  const known = addresses.some((own) => own.prefix === prefix);
  if (known) return addresses.map((own) => (own.prefix === prefix ? extended(own, option, now) : own));
  if (valid === 0 || prefixLength(prefix) !== 64) return addresses;
  return withRoom(addresses).concat(lastingAddress(option, options, now));
}

/** Addresses that are still valid; refused ones get another identifier when it is time, temporary ones that near their end a successor. */
export function agedAddresses(addresses: readonly AutoAddress[], options: SlaacOptions, now: Instant): readonly AutoAddress[] {
  const current = addresses
    .filter((own) => own.validUntil > now && (options.temporaryAddresses || !own.limits))
    .map((own) => (own.replaceAt !== undefined && own.replaceAt <= now ? replaced(own, options) : own));
  if (!options.temporaryAddresses) return current;
  return current.concat(
    current.filter((own) => wantsTemporary(own, current, now)).map((own) => temporaryAddress(own, options.random, now)),
  );
}

/** When `agedAddresses` may have something to do; instants that have passed mean nothing. */
export function agingAt(addresses: readonly AutoAddress[]): readonly (Instant | undefined)[] {
  return addresses.flatMap((own) => [own.validUntil, own.replaceAt, own.limits && regenerationAt(own.limits)]);
}

function replaced(duplicate: AutoAddress, options: SlaacOptions): AutoAddress {
  const { replaceAt: _, ...own } = duplicate;
  const { prefix, limits } = own;
  const dadCounter = nextCounter(own);
  const address = limits ? hostAddress(prefix, temporaryIid(options.random)) : stableAddress({ ...options, prefix, dadCounter });
  return { ...own, dadCounter, address };
}

function lastingAddress({ prefix, preferred, valid }: PrefixInformation, options: SlaacOptions, now: Instant): AutoAddress {
  const address = stableAddress({ ...options, prefix, dadCounter: 0 });
  return { address, prefix, preferredUntil: deadline(now, preferred), validUntil: deadline(now, valid), dadCounter: 0 };
}

function extended(own: AutoAddress, { preferred, valid }: PrefixInformation, now: Instant): AutoAddress {
  return {
    ...own,
    preferredUntil: sooner(deadline(now, preferred), own.limits?.preferredUntil),
    validUntil: sooner(extendedValidity(own.validUntil, deadline(now, valid), now), own.limits?.validUntil),
  };
}

/** RFC 4862 5.5.3(e): the valid lifetime follows the RA upwards at once, downwards to two hours and no further. */
function extendedValidity(held: Instant, offered: Instant, now: Instant): Instant {
  const bound = after(now, TWO_HOURS);
  if (offered > bound || offered > held) return offered;
  return sooner(held, bound);
}

/** One temporary address that is not near its end, as long as the stable one is preferred: RFC 8981 3.4 and 3.5. */
function wantsTemporary(own: AutoAddress, all: readonly AutoAddress[], now: Instant): boolean {
  if (own.limits || between(now, own.preferredUntil) <= REGEN_ADVANCE) return false;
  return !all.some((other) => other.prefix === own.prefix && other.limits && regenerationAt(other.limits) > now);
}

function temporaryAddress({ prefix, preferredUntil, validUntil }: AutoAddress, random: Random, now: Instant): AutoAddress {
  const desyncFactor = uniform(random, 0, MAX_DESYNC_FACTOR);
  const limits = {
    preferredUntil: after(now, milliseconds(TEMP_PREFERRED_LIFETIME - desyncFactor)),
    validUntil: after(now, TEMP_VALID_LIFETIME),
  };
  return {
    address: hostAddress(prefix, temporaryIid(random)),
    prefix,
    preferredUntil: sooner(preferredUntil, limits.preferredUntil),
    validUntil: sooner(validUntil, limits.validUntil),
    limits,
    dadCounter: 0,
  };
}

function regenerationAt({ preferredUntil }: Limits): Instant {
  return instant(preferredUntil - REGEN_ADVANCE);
}

/** The addresses without those of the newest prefix when there are as many prefixes as there may be: a flood of them costs us no address that we had. */
function withRoom(addresses: readonly AutoAddress[]): readonly AutoAddress[] {
  const prefixes = [...new Set(addresses.map((own) => own.prefix))];
  return prefixes.length < MOST_PREFIXES ? addresses : addresses.filter((own) => own.prefix !== prefixes.at(-1));
}

function sooner(a: Instant, b: Instant | undefined): Instant {
  return b === undefined || a < b ? a : b;
}
