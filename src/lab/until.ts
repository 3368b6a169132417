/** Waiting with a deadline: what did not happen in time is said in a sentence, with what is known then. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Waiting {
  /** Milliseconds. */
  readonly within: number;
  /** What is awaited, as a statement: "laptop has a global address". */
  readonly what: string;
  /** Milliseconds between two looks; 50 by default. */
  readonly every?: number;
  /** Ends the waiting early, as if time were up. */
  readonly signal?: AbortSignal;
  /** What shall be read beside the sentence when time is up. */
  readonly dump?: () => string | Promise<string>;
}

/** The deadline has passed. */
export class NotInTime extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = "NotInTime";
  }
}

type Missing = undefined | null | false | 0 | "";

/**
 * Looks until `probe` gives something truthy, and gives that. A probe that throws counts as "not yet"; its last error is shown at the end.
 * @throws NotInTime
 */
export async function until<T>(
  probe: () => T | Promise<T>,
  { within, what, every = 50, signal, dump }: Waiting,
): Promise<Exclude<T, Missing>> {
  const deadline = performance.now() + within;
  let last: unknown;
  do {
    try {
      const value = await probe();
      if (value) return value as Exclude<T, Missing>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(every);
  } while (performance.now() < deadline && !signal?.aborted);
  if (signal?.aborted) throw new NotInTime(`given up before ${what}`);
  const parts = [`after ${within / 1000} s it is still not so that ${what}`];
  if (last !== undefined) parts.push(last instanceof Error ? last.message : JSON.stringify(last));
  if (dump) parts.push(await dump());
  throw new NotInTime(parts.join("\n"));
}
