/** T1 and T2 of an identity association as points in time: RFC 8415 14.2, 21.4 and 21.21. */
import { after, FOREVER, INFINITY, type Instant, milliseconds, type Seconds, seconds } from "../addr/time.ts";

export interface Lifetimes {
  readonly preferred: Seconds;
  readonly valid: Seconds;
}

export interface Timers {
  /** T1: the lease is renewed with its server. */
  readonly renewAt: Instant;
  /** T2: any server is asked. */
  readonly rebindAt: Instant;
}

/** RFC 8415 21.4 recommends these parts of the shortest preferred lifetime to servers; we take them where a server leaves the choice to us. */
const T1_PART = 0.5;
const T2_PART = 0.8;
const T1_OF_T2 = T1_PART / T2_PART;

/** Whether the pair must be discarded together with its IA: RFC 8415 21.4 and 21.21. */
export function areContradictory(t1: Seconds, t2: Seconds): boolean {
  return t1 > t2 && t2 > 0;
}

/**
 * When to renew and rebind an IA that arrived at `now` with these live leases. 0 leaves the choice to the client: never at once. Infinity means
 * never. A finite time that lies beyond the shortest lifetime is moved before its end: a lease that can be extended must not be lost.
 */
export function timersOf(t1: Seconds, t2: Seconds, leases: readonly Lifetimes[], now: Instant): Timers {
  const useful = Math.min(...leases.map(({ preferred, valid }) => span(preferred > 0 ? preferred : valid)));
  const end = Math.min(...leases.map(({ valid }) => span(valid)));
  const rebind = rebindAfter(t1, t2, useful, end);
  const renew = renewAfter(t1, useful, rebind, end);
  return { renewAt: after(now, milliseconds(renew)), rebindAt: after(now, milliseconds(rebind)) };
}

function rebindAfter(t1: Seconds, t2: Seconds, useful: number, end: number): number {
  if (t2 === INFINITY) return FOREVER;
  const own = t2 > 0 ? span(t2) : Math.max(useful * T2_PART, span(t1) / T1_OF_T2);
  return own < end ? own : end * T2_PART;
}

function renewAfter(t1: Seconds, useful: number, rebind: number, end: number): number {
  if (t1 === INFINITY) return FOREVER;
  const own = t1 > 0 ? span(t1) : useful * T1_PART;
  if (own <= rebind && (own < end || own === FOREVER)) return own;
  return Math.min(rebind * T1_OF_T2, end * T1_PART);
}

/** Milliseconds; infinite for the infinite lifetime. */
function span(lifetime: Seconds): number {
  return lifetime === INFINITY ? FOREVER : seconds(lifetime);
}
