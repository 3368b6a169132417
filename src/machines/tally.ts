/** Notes about what may happen thousands of times a second: the first at once, the others once a minute with their number. */
import { after, type Instant, seconds } from "../addr/time.ts";
import type { Note } from "./machine.ts";

const SILENCE = seconds(60);

interface Count {
  readonly saidAt: Instant;
  /** Since then. */
  readonly untold: number;
}

export class Tally {
  readonly #counts = new Map<string, Count>();

  /** `text` is given how often it has happened since the note before, this time included. `event` is one of few. */
  count(level: Note["level"], event: string, now: Instant, text: (times: number) => string): readonly Note[] {
    const known = this.#counts.get(event);
    if (known && now < after(known.saidAt, SILENCE)) {
      this.#counts.set(event, { saidAt: known.saidAt, untold: known.untold + 1 });
      return [];
    }
    this.#counts.set(event, { saidAt: now, untold: 0 });
    return [{ kind: "note", level, event, text: text((known?.untold ?? 0) + 1) }];
  }
}
