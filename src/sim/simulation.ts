/** Virtual time: actions in a queue, carried out in the order of their instants. A night passes in a second. */
import { after, type Duration, type Instant, instant } from "../addr/time.ts";

interface Entry {
  readonly at: Instant;
  readonly order: number;
  readonly action: () => void;
}

/** Actions at one instant: more of them are a machine that wakes without doing anything. */
const MOST_AT_ONCE = 10_000;

export class Simulation {
  #now: Instant = instant(0);
  #order = 0;
  /** A binary heap by (at, order). */
  readonly #queue: Entry[] = [];

  get now(): Instant {
    return this.#now;
  }

  /** Carries out `action` at `at`, or at once when that has passed; actions of the same instant keep the order of their calls. */
  at(at: Instant, action: () => void): void {
    this.#push({ at: at < this.#now ? this.#now : at, order: this.#order++, action });
  }

  after(span: Duration, action: () => void): void {
    this.at(after(this.#now, span), action);
  }

  /** Lets `span` pass; `step` is called after each action. */
  pass(span: Duration, step: () => void = () => undefined): void {
    const end = after(this.#now, span);
    let atOnce = 0;
    for (let next = this.#queue[0]; next !== undefined && next.at <= end; next = this.#queue[0]) {
      this.#pop();
      atOnce = next.at > this.#now ? 0 : atOnce + 1;
      if (atOnce > MOST_AT_ONCE) throw new Error(`something wakes again and again at ${next.at} ms`);
      this.#now = next.at;
      next.action();
      step();
    }
    this.#now = end;
  }

  #push(entry: Entry): void {
    const queue = this.#queue;
    let at = queue.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(entry, queue[parent]!)) break;
      queue[at] = queue[parent]!;
      at = parent;
    }
    queue[at] = entry;
  }

  #pop(): void {
    const queue = this.#queue;
    const last = queue.pop();
    if (last === undefined || queue.length === 0) return;
    let at = 0;
    for (let child = 1; child < queue.length; child = 2 * at + 1) {
      if (child + 1 < queue.length && earlier(queue[child + 1]!, queue[child]!)) child++;
      if (!earlier(queue[child]!, last)) break;
      queue[at] = queue[child]!;
      at = child;
    }
    queue[at] = last;
  }
}

const earlier = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** One timer of something that says when it wants to wake, as machines do. */
export class Alarm {
  readonly #simulation: Simulation;
  readonly #ring: () => void;
  #set: Instant | undefined;

  constructor(simulation: Simulation, ring: () => void) {
    this.#simulation = simulation;
    this.#ring = ring;
  }

  /** Rings at `at` and not at the instant set before. */
  wakeAt(at: Instant | undefined): void {
    if (at === this.#set) return;
    this.#set = at;
    if (at === undefined || !Number.isFinite(at)) return;
    this.#simulation.at(at, () => {
      if (this.#set !== at) return;
      this.#set = undefined;
      this.#ring();
    });
  }
}
