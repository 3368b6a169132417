/** How long a DHCPv4 client waits: RFC 2131 4.1 (retransmission), 4.4.5 (RENEWING, REBINDING), 3.1 (after a conflict). */
import { type Random, uniform } from "../addr/random.ts";
import { after, between, type Duration, type Instant, NEVER, seconds } from "../addr/time.ts";

const [FIRST, LONGEST, FUZZ] = [4, 64, 1];
const LEAST_REST = seconds(60);
const AFTER_CONFLICT = seconds(10);
/** RFC 5227 2.1.1: MAX_CONFLICTS and RATE_LIMIT_INTERVAL. */
const MOST_CONFLICTS = 10;
const AFTER_MANY_CONFLICTS = seconds(60);

/** REQUESTs for one offer, or for a lease from before a restart, before something else is tried. */
export const MOST_REQUESTS = 4;
/** A lease of the booting dish is replaced as soon as there is another one to be had. */
export const PROVISIONAL_RETRY = seconds(10);
/** An offer of the booting dish waits so long for a better one. */
export const PROVISIONAL_PATIENCE = seconds(1);

/** 4, 8, 16, 32, 64 s, each a second more or less, after the message with that number (1, 2, ...). */
export function retransmissionDelay(sent: number, random: Random): Duration {
  return seconds(Math.min(FIRST * 2 ** (sent - 1), LONGEST) + uniform(random, -FUZZ, FUZZ));
}

/** Half of what is left until `end`, but a minute at least, and `end` at the latest. */
export function halfway(now: Instant, end: Instant): Instant {
  if (end === NEVER) return NEVER;
  const next = after(now, Math.max(between(now, end) / 2, LEAST_REST) as Duration);
  return next < end ? next : end;
}

/** A server that refuses what it has just offered is asked at once, then after 1, 2, 4 ... 64 s. */
export function delayAfterRefusal(count: number): Duration {
  return seconds(count <= 1 ? 0 : Math.min(2 ** (count - 2), LONGEST));
}

export function delayAfterConflict(count: number): Duration {
  return count > MOST_CONFLICTS ? AFTER_MANY_CONFLICTS : AFTER_CONFLICT;
}
