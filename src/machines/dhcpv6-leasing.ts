/**
 * How the server of a provider treats identity associations: one lease each, out of one pool a kind. RFC 8415 18.3.1, 18.3.2, 18.3.4, 18.3.5, 18.3.7;
 * RFC 9096 3.5 for prefixes of before.
 */
import type { Duid } from "../addr/duid.ts";
import type { Ip6 } from "../addr/ip.ts";
import { contains, type Prefix, prefixAddress, prefixOf } from "../addr/prefix.ts";
import { after, deadline, type Instant, seconds } from "../addr/time.ts";
import { type Ia, type Leasing, leaseOption, namedIn, refused, unbound, withdrawnOption } from "./dhcpv6-answer.ts";
import type { Asker, Bindings } from "./dhcpv6-bindings.ts";
import type { Dhcpv6ServerOptions, Pool } from "./dhcpv6-server-options.ts";

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

/** How long a declined address is avoided. */
const DECLINED = seconds(86_400);

export function leasingOf(exchange: Exchange): Leasing {
  return {
    offer: (ias) => ias.map((ia) => offer(ia, exchange)),
    grant: (ias) => ias.map((ia) => grant(ia, exchange)),
    extend: (ias) => ias.flatMap((ia) => extend(ia, exchange) ?? []),
    takeBack: (ias, declined) => {
      if (declined) avoid(ias, exchange);
      return ias.flatMap((ia) => takeBack(ia, exchange) ?? []);
    },
    isOnLink: (addresses) => isOnLink(addresses, exchange.options),
  };
}

/** What an Advertise says to `ia`: nothing is leased. */
function offer(ia: Ia, exchange: Exchange): Ia {
  const prefix = choose(ia, exchange);
  return prefix === undefined ? refused(ia, []) : filled(ia, exchange, prefix, []);
}

/** Leases to `ia` what an offer named, or the nearest to it. */
function grant(ia: Ia, exchange: Exchange): Ia {
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
function extend(ia: Ia, exchange: Exchange): Ia | undefined {
  if (exchange.bindings.find(askerOf(ia, exchange)) || exchange.options.strangers === "adopt") return grant(ia, exchange);
  return exchange.options.strangers === "silence" ? undefined : unbound(ia);
}

/** Takes back the lease of `ia`; the answer for an identity association that has none. */
function takeBack(ia: Ia, exchange: Exchange): Ia | undefined {
  const asker = askerOf(ia, exchange);
  if (!exchange.bindings.find(asker)) return unbound(ia);
  exchange.bindings.release(asker);
  return undefined;
}

/** RFC 8415 18.3.8: somebody else has these addresses. */
function avoid(ias: readonly Ia[], { bindings, now }: Exchange): void {
  for (const ia of ias) if (ia.kind === "ia-na") for (const each of namedIn(ia)) bindings.decline(each, after(now, DECLINED));
}

function isOnLink(addresses: readonly Ip6[], options: Dhcpv6ServerOptions): boolean | undefined {
  const link = options.addresses && prefixOf(prefixAddress(options.addresses), 64);
  return link && addresses.every((each) => contains(link, each));
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
  const live = leaseOption(ia.kind, prefix, preferred, valid);
  return { ...ia, t1, t2, options: [live, ...withdrawn.map((each) => withdrawnOption(ia.kind, each))] };
}
