/** When a router advertises: RFC 4861 6.2.4 (unsolicited), 6.2.6 (solicited) and section 10 (constants); RFC 7772 5.1 (unicast answers). */
import type { Ip6 } from "../addr/ip.ts";
import { type Random, uniform } from "../addr/random.ts";
import { after, type Duration, earliest, type Instant, milliseconds, NEVER, seconds } from "../addr/time.ts";

const MAX_INITIAL_RTR_ADVERT_INTERVAL = seconds(16);
const MAX_INITIAL_RTR_ADVERTISEMENTS = 3;
const MAX_FINAL_RTR_ADVERTISEMENTS = 3;
export const MIN_DELAY_BETWEEN_RAS = seconds(3);
export const MAX_RA_DELAY_TIME = milliseconds(500);

/** More solicitors than this within one delay are answered by one multicast: memory and bandwidth stay bounded in a flood. */
const MOST_ANSWERS = 64;

/** News between two multicasts that are told early. */
const MOST_EARLY = 2;

/** Bounds of the time between unsolicited advertisements. */
export interface Interval {
  readonly min: Duration;
  readonly max: Duration;
}

/** What is to be sent now. */
export interface Due {
  readonly multicast: boolean;
  /** To everybody that is known, one by one: there is news, and the next multicast has to wait. */
  readonly early: boolean;
  /** Solicitors that get an answer of their own. */
  readonly unicast: readonly Ip6[];
}

const NOTHING_DUE: Due = { multicast: false, early: false, unicast: [] };

/** Shares of the shortest lifetime: at 150 s between 7 and 20 s, so that a host misses many advertisements before an address is deprecated. */
const MAX_SHARE = 2 / 15;
const MIN_SHARE = 1 / 3;
const LEAST: Interval = { min: seconds(3), max: seconds(4) };

/** The owner's bounds, shortened so that several advertisements fall within `shortest`, the shortest lifetime that is advertised. */
export function intervalFor(owner: Interval, shortest: Duration): Interval {
  const max = Math.max(LEAST.max, Math.min(owner.max, wholeSeconds(shortest * MAX_SHARE)));
  const wanted = max < owner.max ? Math.min(owner.min, Math.round((max * MIN_SHARE) / 1000) * 1000) : owner.min;
  const min = Math.max(LEAST.min, Math.min(wanted, max * 0.75));
  return { min: milliseconds(min), max: milliseconds(max) };
}

const wholeSeconds = (span: number): number => Math.floor(span / 1000) * 1000;

/** The clockwork of one advertising interface. It decides when, never what. */
export class RaSchedule {
  readonly #random: Random;
  readonly #maxDelay: Duration;
  readonly #answers = new Map<Ip6, Instant>();
  #answerAt: Instant = NEVER;
  #multicastAt: Instant = NEVER;
  #lastMulticast: Instant | undefined;
  #interval: Interval = LEAST;
  /** Advertisements that still follow each other quickly. */
  #initial = 0;
  /** News that may still be told before the next multicast. */
  #earlyLeft = MOST_EARLY;
  #early = false;
  /** Advertisements after which nothing follows; undefined while advertising. */
  #final: number | undefined;

  constructor(random: Random, maxDelay: Duration) {
    this.#random = random;
    this.#maxDelay = maxDelay;
  }

  /**
   * Something has changed: one advertisement as soon as the gap of 3 s permits, then up to two more quickly. The gap is for what goes to all nodes
   * (RFC 4861 6.2.6): while it lasts, the nodes that are known are told one by one.
   */
  announce(interval: Interval, now: Instant): void {
    this.#interval = interval;
    this.#initial = MAX_INITIAL_RTR_ADVERTISEMENTS;
    this.#multicastAt = earliest(this.#multicastAt, this.#permitted(now)) ?? NEVER;
    this.#tellEarly(now);
  }

  /** An advertisement of an earlier run may have gone out just now: the gap counts from here. */
  assumeSent(now: Instant): void {
    this.#lastMulticast ??= now;
  }

  /** What was due has left only now, because the work before it took its time: the gap counts from here. */
  left(now: Instant): void {
    if (this.#lastMulticast === undefined) return;
    this.#lastMulticast = now;
    this.#multicastAt = Math.max(this.#multicastAt, this.#permitted(now)) as Instant;
  }

  /** A solicitation that can be answered to its sender alone. */
  answer(solicitor: Ip6, now: Instant): void {
    if (this.#answers.has(solicitor)) return;
    if (this.#answers.size >= MOST_ANSWERS) return this.answerAll(now);
    const at = after(now, this.#delay());
    this.#answers.set(solicitor, at);
    if (at < this.#answerAt) this.#answerAt = at;
  }

  /** A solicitation that is answered to all nodes. */
  answerAll(now: Instant): void {
    if (this.#multicastAt <= after(now, this.#maxDelay)) return;
    this.#multicastAt = earliest(this.#multicastAt, after(this.#permitted(now), this.#delay())) ?? NEVER;
  }

  /** The last advertisements before the interface stops advertising. */
  finish(now: Instant): void {
    this.halt();
    this.#final = MAX_FINAL_RTR_ADVERTISEMENTS;
    this.#multicastAt = this.#permitted(now);
  }

  /** The link is gone: nothing is due. */
  halt(): void {
    this.#answers.clear();
    this.#answerAt = NEVER;
    this.#multicastAt = NEVER;
    this.#early = false;
    this.#initial = 0;
  }

  /** Takes what is due off the clockwork; the caller sends it. */
  due(now: Instant): Due {
    const multicast = this.#multicastAt <= now;
    const early = this.#early && !multicast;
    this.#early = false;
    if (!multicast && !early && this.#answerAt > now) return NOTHING_DUE;
    if (multicast) this.#sent(now);
    return { multicast, early, unicast: this.#dueAnswers(now) };
  }

  wakeAt(): Instant | undefined {
    return earliest(this.#multicastAt, this.#answerAt);
  }

  /** The bounds in use, for lifetimes that are made from them. */
  get interval(): Interval {
    return this.#interval;
  }

  #permitted(now: Instant): Instant {
    if (this.#lastMulticast === undefined) return now;
    return Math.max(now, after(this.#lastMulticast, MIN_DELAY_BETWEEN_RAS)) as Instant;
  }

  #tellEarly(now: Instant): void {
    if (this.#permitted(now) <= now || this.#earlyLeft === 0) return;
    this.#earlyLeft--;
    this.#early = true;
  }

  #delay(): Duration {
    return this.#maxDelay === 0 ? this.#maxDelay : milliseconds(uniform(this.#random, 0, this.#maxDelay));
  }

  #sent(now: Instant): void {
    this.#lastMulticast = now;
    this.#earlyLeft = MOST_EARLY;
    if (this.#final !== undefined) {
      this.#final--;
      this.#multicastAt = this.#final > 0 ? after(now, MIN_DELAY_BETWEEN_RAS) : NEVER;
      return;
    }
    if (this.#initial > 0) this.#initial--;
    const drawn = uniform(this.#random, this.#interval.min, this.#interval.max);
    this.#multicastAt = after(now, milliseconds(this.#initial > 0 ? Math.min(drawn, MAX_INITIAL_RTR_ADVERT_INTERVAL) : drawn));
  }

  #dueAnswers(now: Instant): readonly Ip6[] {
    const due: Ip6[] = [];
    this.#answerAt = NEVER;
    for (const [solicitor, at] of this.#answers) {
      if (at <= now) {
        due.push(solicitor);
        this.#answers.delete(solicitor);
      } else if (at < this.#answerAt) this.#answerAt = at;
    }
    return due;
  }
}
