/**
 * One question on its way: whom it was sent to, what came back, what is tried next. RFC 5452 (what an answer must match), RFC 7766 section 5 (TCP after
 * TC), RFC 6891 6.2.2 (without EDNS after FORMERR), RFC 8767 section 5 (stale after 1.8 s).
 */
import { after, between, type Instant, milliseconds, seconds } from "../addr/time.ts";
import { RCODE } from "../wire/dns.ts";
import { type KeepableAnswer, keepable, failure, readResponse, type Response } from "./dns-response.ts";
import type { Upstream, Upstreams, UpstreamState } from "./dns-upstream.ts";

export type Transport = "udp" | "tcp";

/** What comes from an upstream in answer to one query. */
export interface Ears {
  heard(message: Uint8Array, now: Instant): void;
  /** Nothing more will come: refused, unreachable, closed. */
  failed(now: Instant): void;
}

/** Sends a query upstream: a UDP one from a random port that is used for nothing else. Returns how to end it. */
export type Ask = (upstream: Upstream, query: Uint8Array, transport: Transport, ears: Ears) => { close(): void };

/** Sends for one question, however many resolvers there are. */
const MOST_ATTEMPTS = 6;
const GIVE_UP = seconds(6);
/** RFC 8767 section 5: client response timer. */
const STALE_AFTER = milliseconds(1800);
/** So many wrong answers to one query are no accident: somebody guesses, and a TCP connection is harder to guess (RFC 5452 9.3). */
const MOST_STRANGERS = 16;
/** A connection has to be made first. */
const STREAM_PATIENCE = milliseconds(1000);

interface Attempt {
  readonly state: UpstreamState;
  readonly query: Uint8Array;
  readonly transport: Transport;
  readonly edns: boolean;
  readonly sentAt: Instant;
  /** Sent to learn how its resolver does: what it does not answer is not sent again. */
  readonly isProbe: boolean;
  timeoutAt: Instant | undefined;
  strangers: number;
  close: () => void;
}

export interface ExchangeOptions {
  readonly ask: Ask;
  readonly upstreams: Upstreams;
  /** The query with a new random id, with or without EDNS. */
  readonly makeQuery: (edns: boolean) => Uint8Array;
  readonly done: (answer: KeepableAnswer, response: Response | undefined, now: Instant) => void;
  /** No answer yet: a stale one would do. */
  readonly late: (now: Instant) => void;
  /** An answer that belongs to no question of ours. */
  readonly stranger: () => void;
}

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #startedAt: Instant;
  #attempts: Attempt[] = [];
  readonly #asked: UpstreamState[] = [];
  #refusal: Response | undefined;
  #isLate = false;
  #isOver = false;

  constructor(options: ExchangeOptions, now: Instant) {
    this.#options = options;
    this.#startedAt = now;
  }

  start(now: Instant): void {
    const { upstreams } = this.#options;
    const first = upstreams.choose([]);
    if (!first) return this.#finish(failure(RCODE.SERVFAIL, seconds(0)), undefined, now);
    for (const probe of upstreams.probes(first, now)) this.#send(probe, "udp", probe.useEdns(now), true, now);
    this.#send(first, "udp", first.useEdns(now), false, now);
  }

  /** Whether the question is answered; what is still open is only waited for to learn how a resolver does. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isIdle(): boolean {
    return this.#isOver && this.#attempts.length === 0;
  }

  wakeAt(): Instant {
    let first = this.#isOver ? Number.POSITIVE_INFINITY : after(this.#startedAt, this.#isLate ? GIVE_UP : STALE_AFTER);
    for (const { timeoutAt } of this.#attempts) if (timeoutAt !== undefined && timeoutAt < first) first = timeoutAt;
    return first as Instant;
  }

  tick(now: Instant): void {
    for (const attempt of this.#attempts) {
      if (attempt.timeoutAt === undefined || attempt.timeoutAt > now) continue;
      attempt.timeoutAt = undefined;
      attempt.state.failedAt(now);
      // One that is late may still be answered: it is left open while the question is.
      if (attempt.isProbe || this.#isOver) this.#end(attempt);
      if (!attempt.isProbe) this.#next(now);
    }
    if (this.#isOver) return;
    const waited = between(this.#startedAt, now);
    if (waited >= GIVE_UP) return this.#finish(this.#lastWord(), this.#refusal, now);
    if (waited < STALE_AFTER || this.#isLate) return;
    this.#isLate = true;
    this.#options.late(now);
  }

  /** Ends it without an answer. */
  close(): void {
    this.#isOver = true;
    for (const attempt of this.#attempts) this.#end(attempt);
  }

  #next(now: Instant): void {
    if (this.#isOver) return;
    const state = this.#asked.length < MOST_ATTEMPTS ? this.#options.upstreams.choose(this.#asked) : undefined;
    if (!state) return;
    // A resolver, or something before it, may drop what has EDNS (RFC 6891 6.2.2 speaks of errors alone): the third question to one that has never
    // answered such a question does without.
    const dropped = !state.knowsEdns && this.#asked.filter((each) => each === state).length >= 2;
    this.#send(state, "udp", state.useEdns(now) && !dropped, false, now);
  }

  #send(state: UpstreamState, transport: Transport, edns: boolean, isProbe: boolean, now: Instant): void {
    const query = this.#options.makeQuery(edns);
    const isStream = transport === "tcp" || state.upstream.kind !== "plain";
    const timeoutAt = after(now, isStream ? STREAM_PATIENCE : state.patience);
    const attempt: Attempt = { state, query, transport, edns, sentAt: now, isProbe, timeoutAt, strangers: 0, close: () => undefined };
    this.#attempts.push(attempt);
    if (!isProbe) this.#asked.push(state);
    state.asked++;
    const way = this.#options.ask(state.upstream, query, transport, {
      heard: (message, at) => this.#hear(attempt, message, at),
      failed: (at) => this.#fail(attempt, at),
    });
    attempt.close = () => way.close();
    // It may have failed at once.
    if (!this.#attempts.includes(attempt)) way.close();
  }

  #hear(attempt: Attempt, message: Uint8Array, now: Instant): void {
    if (!this.#attempts.includes(attempt)) return;
    const response = readResponse(message, attempt.query);
    if (response === undefined) return this.#hearStranger(attempt, now);
    this.#end(attempt);
    const { state } = attempt;
    state.answeredAfter(between(attempt.sentAt, now));
    if (this.#isOver) return;
    if (response === "malformed") return this.#next(now);
    if (response === "truncated") {
      if (attempt.transport === "tcp") this.#next(now);
      else this.#send(state, "tcp", attempt.edns, false, now);
      return;
    }
    this.#judge(attempt, response, now);
  }

  #judge({ state, transport, edns }: Attempt, response: Response, now: Instant): void {
    const { rcode, edns: theirs } = response.message;
    if (rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN) {
      if (edns && theirs) state.knowsEdns = true;
      else if (!edns && !state.knowsEdns) state.refuseEdns(now);
      return this.#finish(keepable(response), response, now);
    }
    if (edns && (rcode === RCODE.FORMERR || rcode === RCODE.NOTIMP || rcode === RCODE.BADVERS)) {
      return this.#send(state, transport, false, false, now);
    }
    this.#refusal = response;
    const others = this.#options.upstreams.states.some((other) => !this.#asked.includes(other));
    if (others) this.#next(now);
    else if (!this.#attempts.some(({ isProbe }) => !isProbe)) this.#finish(this.#lastWord(), response, now);
  }

  #hearStranger(attempt: Attempt, now: Instant): void {
    this.#options.stranger();
    if (++attempt.strangers < MOST_STRANGERS || attempt.transport === "tcp") return;
    this.#end(attempt);
    this.#send(attempt.state, "tcp", attempt.edns, attempt.isProbe, now);
  }

  #fail(attempt: Attempt, now: Instant): void {
    if (!this.#attempts.includes(attempt)) return;
    this.#end(attempt);
    attempt.state.failedAt(now);
    if (attempt.isProbe || this.#isOver) return;
    const untried = this.#options.upstreams.states.some((other) => !this.#asked.includes(other));
    if (untried) return this.#next(now);
    // All have failed: those that are late may still answer, and otherwise there is nothing to wait for.
    if (this.#attempts.length === 0) this.#finish(this.#lastWord(), this.#refusal, now);
  }

  #lastWord(): KeepableAnswer {
    return this.#refusal ? keepable(this.#refusal) : failure(RCODE.SERVFAIL, seconds(1));
  }

  #finish(answer: KeepableAnswer, response: Response | undefined, now: Instant): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Whether the others would have answered in time is worth knowing.
    for (const attempt of this.#attempts) if (attempt.timeoutAt === undefined) this.#end(attempt);
    this.#options.done(answer, response, now);
  }

  #end(attempt: Attempt): void {
    this.#attempts = this.#attempts.filter((each) => each !== attempt);
    attempt.close();
  }
}
