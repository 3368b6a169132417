/** What a series of new connections says about a cut: when it began, when it was over, how many got lost. */
import type { Try } from "../src/lab/traffic.ts";

/** Milliseconds between two tries. */
export const PACE = 50;
/** A SYN that was lost is repeated after 1 s (RFC 6298 2): a try that takes longer than this was cut, even if it succeeds in the end. */
export const PROMPT = 900;

/** Seconds, on the wall clock as the tries. */
export interface Cut {
  readonly from: number;
  /** Infinity: it is not over. */
  readonly until: number;
  readonly failed: number;
}

/** From the first try that failed to the first after the last that failed; undefined when none did. */
export function cutIn(tries: readonly Try[]): Cut | undefined {
  const failed = tries.filter(({ ok }) => !ok);
  const last = failed.at(-1);
  if (!last) return undefined;
  const back = tries.find(({ at, ok }) => ok && at > last.at);
  return { from: failed[0]!.at / 1000, until: back ? back.at / 1000 : Infinity, failed: failed.length };
}

/** When the first that began after a time in seconds succeeded. */
export function firstSuccess(tries: readonly Try[], after: number): number | undefined {
  const first = tries.find(({ at, ok }) => ok && at / 1000 > after);
  return first && (first.at + first.ms) / 1000;
}
