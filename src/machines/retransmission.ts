/** When a client's message is sent again, and when its exchange has failed: RFC 8415 section 15. */
import { type Random, uniform } from "../addr/random.ts";
import { after, type Duration, FOREVER, type Instant, milliseconds, NEVER } from "../addr/time.ts";

/** The parameters of RFC 8415 section 15; what the RFC writes as 0 ("no limit") is FOREVER or Infinity here. */
export interface Schedule {
  /** Initial retransmission time. */
  readonly IRT: Duration;
  /** Maximum retransmission time. */
  readonly MRT: Duration;
  /** Maximum retransmission count: how often the message is sent in all. */
  readonly MRC: number;
  /** Maximum retransmission duration, from the first transmission on. */
  readonly MRD: Duration;
  /** The first RT is greater than IRT, never less: Solicit only, RFC 8415 18.2.1. */
  readonly firstAbove?: true;
}

/** How far an exchange has come. */
export interface Retransmission {
  readonly sent: number;
  /** RT of the latest transmission; before the first one, the RT that shall be doubled for it, 0 for a fresh start. */
  readonly timeout: Duration;
  /** Time of the first transmission. */
  readonly firstAt?: Instant;
  /** When the exchange fails whatever its MRD says. */
  readonly until: Instant;
  /** When the message is sent (again), or the exchange has failed. */
  readonly nextAt: Instant;
}

/** RAND of RFC 8415 section 15. */
const RAND = 0.1;

/** An exchange whose first message goes out at `at`; it fails at `until` at the latest. */
export function firstAt(at: Instant, until: Instant = NEVER): Retransmission {
  return { sent: 0, timeout: milliseconds(0), until, nextAt: at };
}

/** An exchange that goes on with the patience of an earlier one, whose last RT was `timeout`: its first message waits for that long. */
export function continuedAt(timeout: Duration, now: Instant): Retransmission {
  return { sent: 0, timeout, until: NEVER, nextAt: after(now, timeout) };
}

/** The exchange with a fresh RT, and its next message at `at` unless that comes earlier by itself. */
export function hastened(state: Retransmission, at: Instant): Retransmission {
  return at < state.nextAt ? { ...state, timeout: milliseconds(0), nextAt: at } : state;
}

/** The exchange whose next message must wait for `at`, unless the exchange ends before. */
export function postponed(state: Retransmission, at: Instant): Retransmission {
  return { ...state, nextAt: earlier(at, state.until) };
}

/** The exchange after its message has been sent at `now`. */
export function transmitted(schedule: Schedule, state: Retransmission, now: Instant, random: Random): Retransmission {
  const first = state.firstAt ?? now;
  const until = earlier(state.until, after(first, schedule.MRD));
  const timeout = nextTimeout(schedule, state.timeout, random);
  return { sent: state.sent + 1, timeout, firstAt: first, until, nextAt: earlier(after(now, timeout), until) };
}

/** The exchange whose message was handed out at `handedOut` and has left only at `now`, because other work came between: RT counts from here. */
export function departed(state: Retransmission, handedOut: Instant, now: Instant): Retransmission {
  if (state.sent === 0 || state.nextAt !== earlier(after(handedOut, state.timeout), state.until)) return state;
  const nextAt = earlier(after(now, state.timeout), state.until);
  return state.sent === 1 ? { ...state, firstAt: now, nextAt } : { ...state, nextAt };
}

/** Whether the exchange, when its next step is due at `now`, has failed instead. */
export function hasFailed(schedule: Schedule, state: Retransmission, now: Instant): boolean {
  return state.sent >= schedule.MRC || now >= state.until;
}

/** RT = IRT + RAND*IRT at first, then 2*RTprev + RAND*RTprev, and MRT + RAND*MRT where that exceeds MRT. */
function nextTimeout(schedule: Schedule, previous: Duration, random: Random): Duration {
  if (previous === 0) return firstTimeout(schedule, random);
  const doubled = previous * (2 + uniform(random, -RAND, RAND));
  return milliseconds(doubled > schedule.MRT ? spread(schedule.MRT, random) : doubled);
}

function firstTimeout({ IRT, firstAbove }: Schedule, random: Random): Duration {
  return milliseconds(firstAbove ? IRT * (1 + RAND - uniform(random, 0, RAND)) : spread(IRT, random));
}

/** `span` and up to a tenth more or less, so that many clients do not fall into step. */
export function spread(span: Duration, random: Random): Duration {
  return milliseconds(span * (1 + uniform(random, -RAND, RAND)));
}

export const UNLIMITED = { MRT: FOREVER, MRC: Number.POSITIVE_INFINITY, MRD: FOREVER } as const;

function earlier(a: Instant, b: Instant): Instant {
  return a < b ? a : b;
}
