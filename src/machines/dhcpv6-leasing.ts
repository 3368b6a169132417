/** How a DHCPv6 server treats identity associations: RFC 8415 18.3.1, 18.3.2, 18.3.4, 18.3.5, 18.3.7; RFC 9096 3.5 for prefixes of before. */
import type { Duid } from "../addr/duid.ts";
import { type Ip6, UNSPECIFIED } from "../addr/ip.ts";
import { type Prefix, prefixAddress, prefixOf } from "../addr/prefix.ts";
import { deadline, type Instant, type Seconds } from "../addr/time.ts";
import { type Dhcpv6Option, type IaNa, type IaPd, optionsOf, STATUS } from "../wire/dhcpv6.ts";
import type { Asker, Bindings } from "./dhcpv6-bindings.ts";
import type { Dhcpv6ServerOptions, Pool } from "./dhcpv6-server-options.ts";

export type Ia = IaNa | IaPd;

/** One message that is being answered. */
export interface Exchange {
  readonly options: Dhcpv6ServerOptions;
  readonly bindings: Bindings;
  readonly client: Duid;
  readonly from: Ip6;
  readonly now: Instant;
  /** Prefixes given to earlier identity associations of the same message. */
  readonly reserved: Set<Prefix>;
}

const NO_TIME = 0 as Seconds;
const REFUSALS = {
  "ia-pd": { status: STATUS.NoPrefixAvail, message: "no prefix is left" },
  "ia-na": { status: STATUS.NoAddrsAvail, message: "no address is left" },
} as const;

/** What an Advertise says to `ia`: nothing is leased. */
export function offer(ia: Ia, exchange: Exchange): Ia {
  const prefix = choose(ia, exchange);
  return prefix === undefined ? refused(ia, []) : filled(ia, exchange, prefix, []);
}

/** Leases to `ia` what an offer named, or the nearest to it. */
export function grant(ia: Ia, exchange: Exchange): Ia {
  const asker = askerOf(ia, exchange);
  const { bindings, options, now } = exchange;
  const former = [...namedIn(ia), ...(bindings.find(asker) ? [bindings.find(asker)!.prefix] : [])];
  const prefix = choose(ia, exchange);
  const withdrawn = options.formerPrefixes === "withdraw" ? former.filter((each) => each !== prefix) : [];
  if (prefix === undefined) {
    bindings.release(asker);
    return refused(ia, [...new Set(withdrawn)]);
  }
  bindings.lease(asker, prefix, poolFor(ia, options)!, deadline(now, options.valid));
  return filled(ia, exchange, prefix, [...new Set(withdrawn)]);
}

/** Prolongs the lease of `ia`; undefined when it shall not be mentioned. */
export function extend(ia: Ia, exchange: Exchange): Ia | undefined {
  if (exchange.bindings.find(askerOf(ia, exchange)) || exchange.options.strangers === "adopt") return grant(ia, exchange);
  return exchange.options.strangers === "silence" ? undefined : unknown(ia);
}

/** Takes back the lease of `ia`; the answer for an identity association that has none. */
export function takeBack(ia: Ia, exchange: Exchange): Ia | undefined {
  const asker = askerOf(ia, exchange);
  if (!exchange.bindings.find(asker)) return unknown(ia);
  exchange.bindings.release(asker);
  return undefined;
}

/** Prefixes or addresses (as prefixes of length 128) that the client names; an unspecified one is only a wish for a length. */
export function namedIn(ia: Ia): readonly Prefix[] {
  const named =
    ia.kind === "ia-pd"
      ? optionsOf(ia, "ia-prefix").map(({ prefix }) => prefix)
      : optionsOf(ia, "ia-address").map(({ address }) => prefixOf(address, 128));
  return named.filter((prefix) => prefixAddress(prefix) !== UNSPECIFIED);
}

/** Where the leases of this kind come from. */
export function poolFor({ kind }: { readonly kind: Ia["kind"] }, options: Dhcpv6ServerOptions): Pool | undefined {
  if (kind === "ia-pd") return options.delegation;
  return options.addresses && { prefix: options.addresses, length: 128 };
}

function askerOf({ kind, iaid }: Ia, { client, from }: Exchange): Asker {
  return { kind, iaid, duid: client, client: from };
}

function choose(ia: Ia, exchange: Exchange): Prefix | undefined {
  const pool = poolFor(ia, exchange.options);
  const prefix = pool && exchange.bindings.choose(askerOf(ia, exchange), pool, namedIn(ia), exchange.reserved);
  if (prefix) exchange.reserved.add(prefix);
  return prefix;
}

function filled(ia: Ia, { options }: Exchange, prefix: Prefix, withdrawn: readonly Prefix[]): Ia {
  const { t1, t2, preferred, valid } = options;
  const live = lease(ia, prefix, preferred, valid);
  return { ...ia, t1, t2, options: [live, ...withdrawn.map((each) => lease(ia, each, NO_TIME, NO_TIME))] };
}

function refused(ia: Ia, withdrawn: readonly Prefix[]): Ia {
  const status: Dhcpv6Option = { kind: "status-code", ...REFUSALS[ia.kind] };
  return { ...ia, t1: NO_TIME, t2: NO_TIME, options: [status, ...withdrawn.map((each) => lease(ia, each, NO_TIME, NO_TIME))] };
}

function unknown(ia: Ia): Ia {
  const status: Dhcpv6Option = { kind: "status-code", status: STATUS.NoBinding, message: "this lease is not known here" };
  return { ...ia, t1: NO_TIME, t2: NO_TIME, options: [status] };
}

function lease(ia: Ia, prefix: Prefix, preferred: Seconds, valid: Seconds): Dhcpv6Option {
  const lifetimes = { preferred, valid, options: [] };
  if (ia.kind === "ia-pd") return { kind: "ia-prefix", prefix, ...lifetimes };
  return { kind: "ia-address", address: prefixAddress(prefix), ...lifetimes };
}
