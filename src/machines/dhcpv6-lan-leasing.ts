/**
 * How the server of the LANs treats identity associations: in each, one lease of every prefix that we hold, bounded by the life of that prefix and by
 * RFC 9096 L-15 and L-16, with what does not hold any more at lifetimes 0 beside it (RFC 9096 3.5). RFC 8415 18.3.1 to 18.3.8; RFC 9818 for IA_PD.
 */
import type { Duid } from "../addr/duid.ts";
import type { Ip6 } from "../addr/ip.ts";
import { contains, type Prefix, prefixAddress } from "../addr/prefix.ts";
import { after, deadline, type Instant, remaining, type Seconds, seconds } from "../addr/time.ts";
import { STATUS } from "../wire/dhcpv6.ts";
import { type Ia, type Leasing, leaseOption, namedIn, refused, unbound, withdrawnOption } from "./dhcpv6-answer.ts";
import type { Asker, LanBindings } from "./dhcpv6-lan-bindings.ts";
import { chooseAddress, choosePrefix } from "./dhcpv6-lan-prefixes.ts";
import type { Dhcpv6Service, Expiring, LanService } from "./dhcpv6-lan-service.ts";
import { LIMITS_OF_RFC_9096 } from "./ra-build.ts";

/** One message that is being answered. */
export interface LanExchange {
  readonly service: Dhcpv6Service;
  readonly lan: LanService;
  readonly link: string;
  readonly bindings: LanBindings;
  readonly client: Duid;
  readonly from: Ip6;
  readonly secret: Uint8Array;
  readonly now: Instant;
  /** Given to earlier identity associations of the same message. */
  readonly reserved: Set<Prefix>;
}

/** How long a declined address is avoided. */
const DECLINED = seconds(86_400);
/** A client has one or two; more in one message are refused. */
const MOST_ASSOCIATIONS = 16;
const NO_TIME = 0 as Seconds;

export function lanLeasing(exchange: LanExchange): Leasing {
  const each = (ias: readonly Ia[], treat: (ia: Ia) => Treated): readonly Ia[] =>
    withTimes(ias.map((ia, i) => (i < MOST_ASSOCIATIONS ? treat(ia) : { ia: refused(ia, []), live: [] })));
  return {
    offer: (ias) => each(ias, (ia) => offer(ia, exchange)),
    grant: (ias) => each(ias, (ia) => (isElsewhere(ia, exchange) ? { ia: notOnLink(ia), live: [] } : grant(ia, exchange))),
    // A binding that is not known here has been lost, or has ended: the client gets another.
    extend: (ias) => each(ias, (ia) => grant(ia, exchange)),
    takeBack: (ias, declined) => ias.slice(0, MOST_ASSOCIATIONS).flatMap((ia) => takeBack(ia, exchange, declined)),
    isOnLink: (addresses) => isOnLink(addresses, exchange.lan),
  };
}

/** An answer to an association, and what it promises. */
interface Treated {
  readonly ia: Ia;
  readonly live: readonly Promised[];
}

interface Promised {
  readonly prefix: Prefix;
  readonly preferred: Seconds;
  readonly valid: Seconds;
}

function offer(ia: Ia, exchange: LanExchange): Treated {
  const live = choose(ia, exchange);
  return { ia: live.length === 0 ? refused(ia, []) : filled(ia, live, []), live };
}

function grant(ia: Ia, exchange: LanExchange): Treated {
  const { bindings, from, now } = exchange;
  const asker = askerOf(ia, exchange);
  const live = choose(ia, exchange);
  const held = [...(bindings.find(asker)?.leases ?? []).map(({ prefix }) => prefix), ...namedIn(ia)];
  const withdrawn = [...new Set(held)].filter((prefix) => !live.some((promised) => promised.prefix === prefix));
  if (live.length === 0) return { ia: refused(ia, withdrawn), live };
  bindings.lease(
    asker,
    from,
    live.map(({ prefix, valid }) => ({ prefix, until: deadline(now, valid) })),
    now,
  );
  return { ia: filled(ia, live, withdrawn), live };
}

/** What the association may have now: one lease of each prefix that we hold. */
function choose(ia: Ia, exchange: LanExchange): readonly Promised[] {
  const { service, lan, bindings, secret, reserved, now } = exchange;
  const asker = askerOf(ia, exchange);
  if (!bindings.hasRoom(asker)) return [];
  const choice = { asker, bindings, hints: namedIn(ia), reserved, secret };
  const give = (holding: Expiring, prefix: Prefix | undefined): readonly Promised[] => {
    const promised = prefix && promise(holding, prefix, now);
    // A prefix that is on its way out is left to those who have it.
    if (!promised || promised.valid === 0 || (promised.preferred === 0 && !hasLease(asker, bindings, promised.prefix))) return [];
    reserved.add(promised.prefix);
    return [promised];
  };
  if (ia.kind === "ia-na") return lan.addresses ? lan.subnets.flatMap((subnet) => give(subnet, chooseAddress(subnet, choice))) : [];
  const { delegatedLength: length } = lan;
  return length === undefined ? [] : service.pools.flatMap((pool) => give(pool, choosePrefix(pool, length, choice)));
}

function promise({ preferredUntil, validUntil }: Expiring, prefix: Prefix, now: Instant): Promised {
  const valid = Math.min(remaining(now, validUntil), LIMITS_OF_RFC_9096.valid) as Seconds;
  const preferred = Math.min(remaining(now, preferredUntil), LIMITS_OF_RFC_9096.preferred, valid) as Seconds;
  return { prefix, preferred, valid };
}

function hasLease(asker: Asker, bindings: LanBindings, prefix: Prefix): boolean {
  return bindings.find(asker)?.leases.some((lease) => lease.prefix === prefix) ?? false;
}

/** Ends the lease of `ia`; the answer for an association that has none. */
function takeBack(ia: Ia, exchange: LanExchange, declined: boolean): readonly Ia[] {
  const { bindings, now } = exchange;
  const asker = askerOf(ia, exchange);
  const binding = bindings.find(asker);
  if (!binding) return [unbound(ia)];
  const own = namedIn(ia).filter((prefix) => hasLease(asker, bindings, prefix));
  if (declined && ia.kind === "ia-na") for (const address of own) bindings.decline(address, after(now, DECLINED));
  bindings.release(asker);
  return [];
}

/** RFC 8415 18.3.2: an address of another link. One of ours that is stale is withdrawn instead (RFC 9096 3.5). */
function isElsewhere(ia: Ia, { lan }: LanExchange): boolean {
  if (ia.kind !== "ia-na") return false;
  const ours = [...lan.subnets.map(({ prefix }) => prefix), ...lan.stale];
  return namedIn(ia).some((address) => !ours.some((subnet) => contains(subnet, prefixAddress(address))));
}

/** RFC 8415 18.3.3; nothing can be said while the link has no prefix. */
function isOnLink(addresses: readonly Ip6[], { subnets }: LanService): boolean | undefined {
  if (subnets.length === 0) return undefined;
  return addresses.every((address) => subnets.some(({ prefix }) => contains(prefix, address)));
}

function notOnLink(ia: Ia): Ia {
  const status = { kind: "status-code", status: STATUS.NotOnLink, message: "an address is not on this link" } as const;
  return { ...ia, t1: NO_TIME, t2: NO_TIME, options: [status] };
}

function filled(ia: Ia, live: readonly Promised[], withdrawn: readonly Prefix[]): Ia {
  const leases = live.map(({ prefix, preferred, valid }) => leaseOption(ia.kind, prefix, preferred, valid));
  return { ...ia, options: [...leases, ...withdrawn.map((prefix) => withdrawnOption(ia.kind, prefix))] };
}

/** RFC 8415 18.3.2: T1 and T2 are the same in all associations, 0.5 and 0.8 of the shortest preferred lifetime in any of them. */
function withTimes(treated: readonly Treated[]): readonly Ia[] {
  const live = treated.flatMap((one) => one.live);
  const preferred = live.map((one) => one.preferred).filter((time) => time > 0);
  const shortest = Math.min(...(preferred.length > 0 ? preferred : live.map(({ valid }) => valid)));
  const [t1, t2] = [Math.floor(shortest / 2) as Seconds, Math.floor(shortest * 0.8) as Seconds];
  return treated.map((one) => (one.live.length > 0 ? { ...one.ia, t1, t2 } : one.ia));
}

function askerOf({ kind, iaid }: Ia, { link, client }: LanExchange): Asker {
  return { link, kind, duid: client, iaid };
}
