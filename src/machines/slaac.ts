/** Stateless address autoconfiguration: RFC 4862 5.5.3 and 5.5.4; stable identifiers by RFC 7217, temporary addresses by RFC 8981 section 3. */
import { type Ip6, isLinkLocal } from "../addr/ip.ts";
import { hostAddress, type Prefix, prefixAddress, prefixLength } from "../addr/prefix.ts";
import { type Random, uniform } from "../addr/random.ts";
import { after, between, deadline, type Duration, type Instant, milliseconds, seconds } from "../addr/time.ts";
import type { PrefixInformation } from "../wire/ndp.ts";
import { stableIid, temporaryIid } from "./stable-iid.ts";

/** An address made from an advertised prefix. */
export interface AutoAddress {
  readonly address: Ip6;
  readonly prefix: Prefix;
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
  /** Present on temporary addresses: no RA extends them beyond these. */
  readonly limits?: { readonly preferredUntil: Instant; readonly validUntil: Instant };
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

/** The addresses after an advertised prefix, with `dadCounter` for a stable identifier that is not known yet. */
export function advertisedPrefix(
  addresses: readonly AutoAddress[],
  option: PrefixInformation,
  dadCounter: number,
  options: SlaacOptions,
  now: Instant,
): readonly AutoAddress[] {
  if (!option.autonomous || isLinkLocal(prefixAddress(option.prefix)) || option.preferred > option.valid) return addresses;
  const known = addresses.some((own) => own.prefix === option.prefix && !own.limits);
  if (known) return addresses.map((own) => (own.prefix === option.prefix ? extended(own, option, now) : own));
  if (option.valid === 0 || prefixLength(option.prefix) !== 64) return addresses;
  return withTemporary([...addresses, stableAddress(option, dadCounter, options, now)], option.prefix, options, now);
}

/** Addresses that are still valid; a temporary one that nears its preferred end gets a successor. */
export function agedAddresses(addresses: readonly AutoAddress[], options: SlaacOptions, now: Instant): readonly AutoAddress[] {
  const valid = addresses.filter((own) => own.validUntil > now);
  return valid.filter((own) => !own.limits).reduce<readonly AutoAddress[]>((all, own) => withTemporary(all, own.prefix, options, now), valid);
}

/** When `agedAddresses` next has something to do. */
export function agingAt(addresses: readonly AutoAddress[]): readonly Instant[] {
  return addresses.flatMap((own) => [
    own.validUntil,
    ...(own.limits ? [after(own.limits.preferredUntil, milliseconds(-REGEN_ADVANCE))] : []),
  ]);
}

/** RFC 7217 section 6: the same prefix with an identifier for the next DAD counter. */
export function replacedDuplicate(own: AutoAddress, dadCounter: number, options: SlaacOptions): AutoAddress {
  const { secret, interfaceName } = options;
  const iid = own.limits ? temporaryIid(options.random) : stableIid({ secret, prefix: own.prefix, interfaceName, dadCounter });
  return { ...own, address: hostAddress(own.prefix, iid) };
}

function stableAddress(option: PrefixInformation, dadCounter: number, { secret, interfaceName }: SlaacOptions, now: Instant): AutoAddress {
  const { prefix, preferred, valid } = option;
  const address = hostAddress(prefix, stableIid({ secret, prefix, interfaceName, dadCounter }));
  return { address, prefix, preferredUntil: deadline(now, preferred), validUntil: deadline(now, valid) };
}

/** RFC 4862 5.5.3(e): the preferred lifetime always follows the RA, the valid one only upwards or down to two hours. */
function extended(own: AutoAddress, { preferred, valid }: PrefixInformation, now: Instant): AutoAddress {
  const offered = deadline(now, valid);
  const left = between(now, own.validUntil);
  const validUntil =
    offered > own.validUntil || offered > after(now, TWO_HOURS) ? offered : left <= TWO_HOURS ? own.validUntil : after(now, TWO_HOURS);
  const preferredUntil = deadline(now, preferred);
  if (!own.limits) return { ...own, preferredUntil, validUntil };
  return {
    ...own,
    preferredUntil: sooner(preferredUntil, own.limits.preferredUntil),
    validUntil: sooner(validUntil, own.limits.validUntil),
  };
}

/** One temporary address that is preferred for longer than REGEN_ADVANCE, as long as the stable one is: RFC 8981 3.4 and 3.5. */
function withTemporary(addresses: readonly AutoAddress[], prefix: Prefix, options: SlaacOptions, now: Instant): readonly AutoAddress[] {
  const stable = addresses.find((own) => own.prefix === prefix && !own.limits);
  if (!options.temporaryAddresses || !stable || between(now, stable.preferredUntil) <= REGEN_ADVANCE) return addresses;
  const fresh = addresses.some((own) => own.prefix === prefix && own.limits && between(now, own.limits.preferredUntil) > REGEN_ADVANCE);
  return fresh ? addresses : [...addresses, temporaryAddress(stable, options.random, now)];
}

function temporaryAddress(stable: AutoAddress, random: Random, now: Instant): AutoAddress {
  const desync: Duration = milliseconds(uniform(random, 0, MAX_DESYNC_FACTOR));
  const limits = {
    preferredUntil: after(now, milliseconds(TEMP_PREFERRED_LIFETIME - desync)),
    validUntil: after(now, TEMP_VALID_LIFETIME),
  };
  return {
    address: hostAddress(stable.prefix, temporaryIid(random)),
    prefix: stable.prefix,
    preferredUntil: sooner(stable.preferredUntil, limits.preferredUntil),
    validUntil: sooner(stable.validUntil, limits.validUntil),
    limits,
  };
}

const sooner = (a: Instant, b: Instant): Instant => (a < b ? a : b);
