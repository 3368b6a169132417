/** One message exchange of a DHCPv6 client: RFC 8415 sections 15 and 16.1. */
import type { Duid } from "../addr/duid.ts";
import type { Random } from "../addr/random.ts";
import { after, between, type Duration, earliest, type Instant, milliseconds, type Seconds, seconds } from "../addr/time.ts";
import { ACTIVITIES, type Activity } from "./dhcpv6-client-activity.ts";
import type { IaKey } from "./dhcpv6-client-bindings.ts";
import type { Claim } from "./dhcpv6-client-messages.ts";
import type { Offer } from "./dhcpv6-client-offers.ts";
import { departed, hasFailed, type Retransmission, type Schedule, transmitted } from "./retransmission.ts";

export interface Exchange {
  readonly activity: Activity;
  /** 24 random bits, the same in every retransmission. */
  readonly transactionId: number;
  readonly retransmission: Retransmission;
  readonly claims: readonly Claim[];
  /** Whom the message names, when it names a server. */
  readonly server: Duid | undefined;
  /** solicit: what was offered so far; request: what other servers offered. */
  readonly offers: readonly Offer[];
  /** solicit: how long offers are compared; after that the first one is taken. */
  readonly collectUntil: Instant | undefined;
  /** solicit: values of SOL_MAX_RT in the Advertises so far. */
  readonly solMaxRts: readonly Seconds[];
  /** request: IAs of which the server had no record. */
  readonly unknown: readonly IaKey[];
}

export type Beginning = Pick<Exchange, "activity" | "retransmission" | "claims"> & Partial<Pick<Exchange, "server" | "offers" | "unknown">>;

/** The longest first RT of a Solicit: IRT and a tenth. */
const LONGEST_COLLECTING = 1100;

/** A new exchange with a transaction id of its own. */
export function beginExchange(beginning: Beginning, random: Random): Exchange {
  const nothing = { server: undefined, offers: [], collectUntil: undefined, solMaxRts: [], unknown: [] };
  return { ...nothing, ...beginning, transactionId: random.uint32() >>> 8 };
}

/** The rules of retransmission, with the bounds that a server has set. */
export function scheduleOf(activity: Activity, solMaxRt: Seconds | undefined, infMaxRt: Seconds | undefined): Schedule {
  const { schedule } = ACTIVITIES[activity];
  const bound = activity === "solicit" ? solMaxRt : activity === "inform" ? infMaxRt : undefined;
  return bound === undefined ? schedule : { ...schedule, MRT: seconds(bound) };
}

/** The exchange after its message has gone out at `now`. */
export function sent(exchange: Exchange, schedule: Schedule, now: Instant, random: Random): Exchange {
  const retransmission = transmitted(schedule, exchange.retransmission, now, random);
  if (exchange.activity !== "solicit" || exchange.collectUntil !== undefined) return { ...exchange, retransmission };
  const collecting = milliseconds(Math.min(retransmission.timeout, LONGEST_COLLECTING));
  return { ...exchange, retransmission, collectUntil: after(now, collecting) };
}

/** The exchange when the message that was handed out at `handedOut` has left at `now`; unchanged when it was not its message. */
export function departedAt(exchange: Exchange, handedOut: Instant, now: Instant): Exchange {
  const retransmission = departed(exchange.retransmission, handedOut, now);
  if (retransmission === exchange.retransmission) return exchange;
  const { collectUntil } = exchange;
  const isFirst = retransmission.sent === 1 && collectUntil !== undefined;
  return { ...exchange, retransmission, collectUntil: isFirst ? after(collectUntil, between(handedOut, now)) : collectUntil };
}

/** Time since the first transmission; 0 in the first message. */
export function elapsedIn({ retransmission }: Exchange, now: Instant): Duration {
  return between(retransmission.firstAt ?? now, now);
}

/** When the exchange wants a tick. */
export function wakeOf({ activity, retransmission, offers, collectUntil }: Exchange): Instant | undefined {
  const choice = activity === "solicit" && offers.length > 0 ? collectUntil : undefined;
  return earliest(retransmission.nextAt, choice);
}

export function isDue({ retransmission }: Exchange, now: Instant): boolean {
  return retransmission.nextAt <= now;
}

/** Whether there is no answer to be hoped for any more. */
export function isOver(exchange: Exchange, now: Instant): boolean {
  return isDue(exchange, now) && hasFailed(ACTIVITIES[exchange.activity].schedule, exchange.retransmission, now);
}
