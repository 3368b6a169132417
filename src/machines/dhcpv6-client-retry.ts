/** When a bound client asks its server again: at T1 or, when that never comes, T2, and earlier for IAs that are wanted but not leased (RFC 8415 18.2.4, 18.2.10.1). */
import { after, type Duration, earliest, type Instant, NEVER, seconds } from "../addr/time.ts";
import type { Bindings } from "./dhcpv6-client-bindings.ts";

/** A question for what is missing. Timers that had already passed at `since` wait for it too: the server has just been asked. */
export interface Retry {
  readonly since: Instant;
  readonly at: Instant;
  readonly interval: Duration;
}

const FIRST_INTERVAL = seconds(5);
const LONGEST_INTERVAL = seconds(600);

/** The next question after `previous`: 5, 10, 20 ... 600 s. */
export function nextRetry(previous: Retry | undefined, now: Instant): Retry {
  const interval = previous ? (Math.min(previous.interval * 2, LONGEST_INTERVAL) as Duration) : FIRST_INTERVAL;
  return { since: now, at: after(now, interval), interval };
}

/** A question at a chosen time. */
export function retryAt(at: Instant, now: Instant): Retry {
  return { since: now, at, interval: FIRST_INTERVAL };
}

/** When the server is asked again; NEVER when there is no reason. */
export function contactAt(bindings: Bindings, retry: Retry | undefined): Instant {
  const timers = bindings.flatMap(({ renewAt, rebindAt }) => [renewAt, rebindAt]);
  if (!retry) return earliest(...timers) ?? NEVER;
  return earliest(retry.at, ...timers.filter((time) => time > retry.since)) ?? NEVER;
}
