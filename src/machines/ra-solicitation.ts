/** When a host asks for router advertisements: RFC 4861 6.3.7 and 10, without end by RFC 7559 section 2. */
import { type Random, uniform } from "../addr/random.ts";
import { after, FOREVER, type Instant, milliseconds, seconds } from "../addr/time.ts";
import { firstAt, type Retransmission, type Schedule, transmitted } from "./retransmission.ts";

export interface Soliciting {
  /** The solicitations to come, absent when none are. */
  readonly exchange?: Retransmission;
  /** A router has spoken of itself since the exchange began. */
  readonly answered: boolean;
  /** A solicitation was sent since the link came up. */
  readonly greeted: boolean;
  readonly lastSentAt?: Instant;
}

export const NOT_SOLICITING: Soliciting = { answered: false, greeted: false };

/** RFC 7559 section 2: neither MRC nor MRD. */
const RS_SCHEDULE: Schedule = { IRT: seconds(4), MRT: seconds(3600), MRC: Number.POSITIVE_INFINITY, MRD: FOREVER };
/** RFC 4861 10. */
const MAX_RTR_SOLICITATION_DELAY = seconds(1);
export const RTR_SOLICITATION_INTERVAL = seconds(4);

/**
 * The link can be used from now on. The first solicitation comes a random time after `since`, when the cable was plugged in, so that a street does not ask
 * in chorus after a power cut; duplicate address detection in between is part of that time (RFC 4861 6.3.7).
 */
export function greeting(state: Soliciting, random: Random, since: Instant, now: Instant): Soliciting {
  const at = after(since, milliseconds(uniform(random, 0, MAX_RTR_SOLICITATION_DELAY)));
  return { ...begun(state, at > now ? at : now), greeted: false };
}

/** Asks at `at` with a fresh backoff, whatever went on before. */
export function begun(state: Soliciting, at: Instant): Soliciting {
  return { ...state, exchange: firstAt(at), answered: false };
}

/** Asks at `at` unless that goes on already; a router that comes and goes is not asked more often than any other. */
export function asking(state: Soliciting, at: Instant): Soliciting {
  if (state.exchange) return state;
  const allowedAt = state.lastSentAt === undefined ? at : after(state.lastSentAt, RTR_SOLICITATION_INTERVAL);
  return begun(state, at > allowedAt ? at : allowedAt);
}

/** A router is there. The first solicitation is sent all the same: its answer may tell more than what was heard by chance (RFC 4861 6.3.7). */
export function answered(state: Soliciting): Soliciting {
  return state.greeted ? silent(state) : { ...state, answered: true };
}

/** Asks no more. */
export function silent(state: Soliciting): Soliciting {
  const { exchange: _, ...rest } = state;
  return rest;
}

/** Whether a solicitation must be sent now. */
export function isDue({ exchange }: Soliciting, now: Instant): boolean {
  return exchange !== undefined && exchange.nextAt <= now;
}

/** After the solicitation that was due has been sent. */
export function sent(state: Soliciting, random: Random, now: Instant): Soliciting {
  const greeted = { ...state, greeted: true, lastSentAt: now };
  if (state.answered || !state.exchange) return silent(greeted);
  return { ...greeted, exchange: transmitted(RS_SCHEDULE, state.exchange, now, random) };
}
