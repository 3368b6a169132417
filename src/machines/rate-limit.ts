/** A bound on what a client may send whatever it is told: RFC 8415 14.1. */
import { after, type Duration, type Instant } from "../addr/time.ts";

/** At most `count` messages in any `span`. */
export interface RateLimit {
  readonly count: number;
  readonly span: Duration;
}

/** The times of the latest messages, the oldest first; at most as many as the limit counts. */
export type RateHistory = readonly Instant[];

/** When the next message may be sent: not before `now`. */
export function allowedAt(limit: RateLimit, history: RateHistory, now: Instant): Instant {
  const oldest = history.at(-limit.count);
  if (oldest === undefined) return now;
  const free = after(oldest, limit.span);
  return free > now ? free : now;
}

/** The history with a message sent at `now`. */
export function recorded(limit: RateLimit, history: RateHistory, now: Instant): RateHistory {
  return [...history, now].slice(-limit.count);
}
