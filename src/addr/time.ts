/**
 * Time as values. Pure code never reads a clock: it is handed an Instant. An Instant counts on the boot-time clock, where suspend counts
 * and steps of the wall clock do not.
 */

declare const brand: unique symbol;

/** Milliseconds since boot (CLOCK_BOOTTIME). NEVER is a valid Instant: later than all others. */
export type Instant = number & { readonly [brand]: "Instant" };

/** A span in milliseconds; FOREVER is a valid Duration. */
export type Duration = number & { readonly [brand]: "Duration" };

/** A lifetime as protocols carry it: whole seconds, 0..0xffffffff, where 0xffffffff means infinity. */
export type Seconds = number & { readonly [brand]: "Seconds" };

export const NEVER = Number.POSITIVE_INFINITY as Instant;
export const FOREVER = Number.POSITIVE_INFINITY as Duration;
/** The infinite lifetime of RFC 4861 4.6.2 and RFC 8415 7.7. */
export const INFINITY = 0xffffffff as Seconds;

export const instant = (milliseconds: number): Instant => milliseconds as Instant;
export const milliseconds = (count: number): Duration => count as Duration;
export const seconds = (count: number): Duration => (count * 1000) as Duration;

/** The Instant `span` after `start`; NEVER when either is infinite. */
export const after = (start: Instant, span: Duration): Instant => (start + span) as Instant;

/** The time from `from` to `to`, negative when `to` is earlier. */
export const between = (from: Instant, to: Instant): Duration => (to === NEVER ? FOREVER : ((to - from) as Duration));

/** When a lifetime received at `now` ends: NEVER for 0xffffffff. */
export const deadline = (now: Instant, lifetime: Seconds): Instant => (lifetime === INFINITY ? NEVER : after(now, seconds(lifetime)));

/** The whole seconds left until `end`, rounded down so that no message promises more than is held: 0 when past, INFINITY for NEVER. */
export function remaining(now: Instant, end: Instant): Seconds {
  if (end === NEVER) return INFINITY;
  return Math.min(Math.max(0, Math.floor((end - now) / 1000)), INFINITY - 1) as Seconds;
}

/** The earliest of some instants; undefined entries do not count, and undefined is returned when there is none before NEVER. */
export function earliest(...instants: readonly (Instant | undefined)[]): Instant | undefined {
  let first: Instant | undefined;
  for (const candidate of instants) {
    if (candidate !== undefined && candidate !== NEVER && (first === undefined || candidate < first)) first = candidate;
  }
  return first;
}
