/** Time that is left, as people are shown it. */
import { between, type Instant, NEVER } from "../addr/time.ts";
import type { Left } from "../api/status.ts";

/** Whole seconds from `now` to `end`; null when it never comes. */
export function left(now: Instant, end: Instant): Left {
  return end === NEVER ? null : Math.max(0, Math.floor(between(now, end) / 1000));
}
