/** How a DHCPv6 client gets, keeps and loses its leases: the exchanges of RFC 8415 18.2.1 to 18.2.5 and 18.2.7 to 18.2.10, one at a time. */
import type { Ip6 } from "../addr/ip.ts";
import { uniform } from "../addr/random.ts";
import { after, type Duration, earliest, type Instant, milliseconds, seconds } from "../addr/time.ts";
import { optionOf, STATUS, statusOf } from "../wire/dhcpv6.ts";
import { ACTIVITIES, type Activity } from "./dhcpv6-client-activity.ts";
import { firstEnd, type IaKey, lastEnd, sameIa, timersOfAll, unexpired, withoutAddress, wordsOf } from "./dhcpv6-client-bindings.ts";
import { type Beginning, beginExchange, departedAt, type Exchange, isOver, wakeOf } from "./dhcpv6-client-exchange.ts";
import { note } from "./dhcpv6-client-fact.ts";
import type { Memory } from "./dhcpv6-client-memory.ts";
import { type Claim, claimsOf, hintFor } from "./dhcpv6-client-messages.ts";
import { HIGHEST_PREFERENCE, type Offer, takeAdvertise } from "./dhcpv6-client-offers.ts";
import { type Dhcpv6ClientOptions, type Flags, wantedIas } from "./dhcpv6-client-options.ts";
import { takeLeases } from "./dhcpv6-client-reply.ts";
import { contactAt, nextRetry, type Retry, retryAt } from "./dhcpv6-client-retry.ts";
import type { Transmitter } from "./dhcpv6-client-transmitter.ts";
import type { Heard } from "./dhcpv6-client-validation.ts";
import type { Note } from "./machine.ts";
import { continuedAt, firstAt, hastened } from "./retransmission.ts";

/** SOL_MAX_DELAY and CNF_MAX_DELAY, RFC 8415 7.6. */
const FIRST_DELAY = seconds(1);
/** The LAN hears of the end before the provider does: its router advertisements may be 3 s apart. */
const RELEASE_DELAY = seconds(3.5);
const DECLINE_PAUSE = seconds(10);
/** The least pause before another Solicit when a server advertised something and then refused it. */
const FIRST_PATIENCE = seconds(1);
/** Exchanges whose retransmissions may be far apart. */
const HASTENED: ReadonlySet<Activity> = new Set(["solicit", "request", "renew", "rebind"]);

export class Leasing {
  /** What must survive a restart; others change only what is not about leases. */
  memory: Memory;
  flags: Flags = { managed: false, other: false };
  readonly #options: Dhcpv6ClientOptions;
  readonly #notes: Note[];
  #exchange: Exchange | undefined;
  #retry: Retry | undefined;
  /** RT of the latest Solicit whose answers came to nothing. */
  #patience: Duration = FIRST_PATIENCE;
  #refusal: string | undefined;

  /** `notes` collects what people should read. */
  constructor(options: Dhcpv6ClientOptions, memory: Memory, notes: Note[]) {
    this.#options = options;
    this.memory = memory;
    this.#notes = notes;
  }

  get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  /** The server's latest words of refusal. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** The IAs that are asked for. */
  get wanted(): readonly IaKey[] {
    return wantedIas(this.#options, this.flags, this.memory.bindings);
  }

  /** When something is due while the link is up. */
  wakeAt(): Instant | undefined {
    const { bindings } = this.memory;
    const next = this.#exchange ? wakeOf(this.#exchange) : bindings.length > 0 ? contactAt(bindings, this.#retry) : undefined;
    return earliest(firstEnd(bindings), next);
  }

  /** Does what is due: takes the best offer, gives up, begins the next exchange, sends. */
  advance(transmitter: Transmitter, now: Instant): void {
    this.#chooseOffer(now);
    this.#giveUp(now);
    if (!this.#exchange) this.#beginNext(now);
    this.#send(transmitter, now);
  }

  /** Like advance, but begins nothing new. */
  conclude(transmitter: Transmitter, now: Instant): void {
    this.#giveUp(now);
    this.#send(transmitter, now);
  }

  /** The message of this turn has left: the next one waits from here. */
  haveLeft(handedOut: Instant, now: Instant): void {
    if (this.#exchange) this.#exchange = departedAt(this.#exchange, handedOut, now);
  }

  /** Ends the exchange, whatever it is. */
  stop(): void {
    this.#exchange = undefined;
  }

  /** RFC 8415 18.2.12: after news of the link, delegated prefixes are verified by Rebind, addresses alone by Confirm. No answer changes nothing. */
  check(since: Instant, now: Instant): void {
    const { bindings } = this.memory;
    this.#exchange = undefined;
    this.#retry = undefined;
    this.#patience = FIRST_PATIENCE;
    const at = this.#delayed(since, now);
    if (bindings.length > 0) this.begin(bindings.some(({ kind }) => kind === "ia-pd") ? "verify" : "confirm", at);
    else if (this.wanted.length > 0) this.begin("solicit", at);
  }

  /** Begins an exchange with its first message at `at`. */
  begin(activity: Activity, at: Instant, particulars: Partial<Beginning> = {}): void {
    const retransmission = firstAt(at, this.#endOf(activity));
    const beginning = { activity, retransmission, claims: this.#claimsFor(activity), server: this.memory.server?.duid, ...particulars };
    this.#exchange = beginExchange(beginning, this.#options.random);
  }

  /** Other IAs are wanted than before. The Solicit that names them is another exchange; a first delay that is still running is kept. */
  widen(now: Instant): void {
    if (this.memory.bindings.length > 0) this.#retry = retryAt(now, now);
    else if (this.#exchange?.activity === "solicit") {
      const { sent, nextAt } = this.#exchange.retransmission;
      this.begin("solicit", sent === 0 && nextAt > now ? nextAt : now);
    }
  }

  /** After a long outage the next retransmission may be an hour away: a sign of life brings it near. The transaction stays. */
  hasten(at: Instant, now: Instant): void {
    const exchange = this.#exchange;
    if (exchange && HASTENED.has(exchange.activity)) {
      this.#exchange = { ...exchange, retransmission: hastened(exchange.retransmission, at) };
    }
    if (this.#retry && this.#retry.at > at) this.#retry = retryAt(at, now);
  }

  /** Asks the provider now, whatever the timers say. */
  refresh(now: Instant): void {
    if (this.memory.bindings.length > 0) this.#retry = retryAt(now, now);
    else if (!this.#exchange && this.wanted.length > 0) this.begin("solicit", now);
    this.hasten(now, now);
  }

  /** RFC 8415 18.2.8. The address is given up; `tell` its server, unless the link is down. */
  decline(address: Ip6, tell: boolean, now: Instant): void {
    const { bindings, former } = this.memory;
    const holder = bindings.find(({ leases }) => leases.some(({ value }) => value === address));
    if (!holder) return;
    const hints = former.filter((claim) => !sameIa(claim, holder));
    this.memory = { ...this.memory, bindings: withoutAddress(bindings, address), former: hints };
    this.#notes.push(note("warning", "dhcpv6.duplicate", `Another node on the provider's link uses ${address}; it is declined.`));
    if (tell) this.begin("decline", now, { claims: [{ kind: holder.kind, iaid: holder.iaid, values: [address] }] });
  }

  /** RFC 8415 18.2.7: the leases are not used any more before the server hears of it; `tell` it, unless the link is down. */
  release(tell: boolean, now: Instant): void {
    const claims = claimsOf(this.memory.bindings);
    this.#retry = undefined;
    this.#exchange = undefined;
    this.memory = { ...this.memory, bindings: [], former: [] };
    if (tell && claims.length > 0) this.begin("release", after(now, RELEASE_DELAY), { claims });
  }

  /** Drops leases whose valid lifetime has ended; an exchange that only upheld them ends with the last. */
  expire(now: Instant): void {
    const exchange = this.#exchange;
    const bindings = unexpired(this.memory.bindings, now);
    if (bindings === this.memory.bindings) return;
    this.memory = { ...this.memory, bindings };
    if (bindings.length === 0) this.#retry = undefined;
    else if (!exchange) this.#retry ??= nextRetry(undefined, now);
    if (!exchange || !ACTIVITIES[exchange.activity].upholds) return;
    this.#exchange = bindings.length === 0 ? undefined : { ...exchange, claims: this.#claimsFor(exchange.activity) };
  }

  /** Takes an Advertise; undefined, or why it is ignored. */
  takeAdvertise(heard: Heard): string | undefined {
    const exchange = this.#exchange;
    if (exchange?.activity !== "solicit" || exchange.transactionId !== heard.message.transactionId) return "an unasked Advertise";
    const taken = takeAdvertise(this.memory, exchange, heard, this.wanted);
    this.memory = taken.memory;
    this.#exchange = taken.exchange;
    this.refuse(taken.refusal);
    return undefined;
  }

  /** Takes a Reply about leases; undefined, or why it is ignored. */
  takeReply(heard: Heard, from: Ip6, now: Instant): string | undefined {
    const exchange = this.#exchange;
    if (exchange?.transactionId !== heard.message.transactionId) return "an unasked Reply";
    if (ACTIVITIES[exchange.activity].addressed && exchange.server !== heard.server) return "the Reply of a server that was not asked";
    switch (exchange.activity) {
      case "solicit":
        if (!this.#options.rapidCommit || !optionOf(heard.message, "rapid-commit")) return "a Reply to a Solicit without Rapid Commit";
        this.#takeLeases(exchange, heard, from, now);
        break;
      case "request":
      case "renew":
      case "rebind":
      case "verify":
        this.#takeLeases(exchange, heard, from, now);
        break;
      case "confirm":
        this.#takeConfirmation(heard, now);
        break;
      case "inform":
      case "release":
      case "decline":
        this.#finish(exchange.activity, now);
        break;
    }
    return undefined;
  }

  /** Remembers the server's words, and tells them when they are new. */
  refuse(refusal: string | undefined): void {
    if (refusal !== undefined && refusal !== this.#refusal) {
      this.#notes.push(note("warning", "dhcpv6.refused", `The provider's DHCPv6 server refuses: ${refusal}.`));
    }
    this.#refusal = refusal;
  }

  #takeLeases(exchange: Exchange, heard: Heard, from: Ip6, now: Instant): void {
    const { memory, next, refusal } = takeLeases(this.memory, exchange, heard, from, this.wanted, now);
    this.memory = memory;
    this.refuse(refusal);
    switch (next.kind) {
      case "wait":
        return;
      case "request":
        return this.begin("request", now, { server: heard.server, unknown: next.unknown });
      case "refused":
        return this.#tryNext(exchange, now);
      case "settled":
        this.#exchange = undefined;
        this.#patience = FIRST_PATIENCE;
        this.#retry = next.missing && memory.bindings.length > 0 ? nextRetry(this.#retry, now) : undefined;
    }
  }

  /** RFC 8415 18.2.10.1: addresses that fit the link stay, others are given up. */
  #takeConfirmation({ message }: Heard, now: Instant): void {
    const status = statusOf(message);
    if (status.status === STATUS.NotOnLink) {
      this.refuse(wordsOf(status));
      this.memory = { ...this.memory, bindings: [], former: this.memory.former.filter(({ kind }) => kind !== "ia-na") };
    }
    if (status.status === STATUS.NotOnLink || status.status === STATUS.Success) this.#finish("confirm", now);
  }

  #chooseOffer(now: Instant): void {
    const exchange = this.#exchange;
    if (exchange?.activity !== "solicit" || exchange.offers.length === 0) return;
    const urgent = exchange.offers.some(({ preference }) => preference === HIGHEST_PREFERENCE);
    if (!urgent && exchange.collectUntil !== undefined && now < exchange.collectUntil) return;
    this.#patience = exchange.retransmission.timeout;
    this.#request(exchange.offers, now);
  }

  #request([best, ...others]: readonly Offer[], now: Instant): void {
    if (best) this.begin("request", now, { server: best.server, offers: others, claims: this.#claimsFor("request", best.claims) });
  }

  /** A server gave nothing or is mute: the next one that made an offer, then all again, at the pace of the Solicits so far. */
  #tryNext(exchange: Exchange, now: Instant): void {
    this.#exchange = undefined;
    if (exchange.activity === "request" && exchange.offers.length > 0) return this.#request(exchange.offers, now);
    if (exchange.activity === "solicit") this.#patience = exchange.retransmission.timeout;
    if (this.memory.bindings.length > 0) this.#retry = nextRetry(this.#retry, now);
    else this.begin("solicit", now, { retransmission: continuedAt(this.#patience, now) });
  }

  #send(transmitter: Transmitter, now: Instant): void {
    if (this.#exchange) this.#exchange = transmitter.transmit(this.#exchange, this.memory, now);
  }

  #giveUp(now: Instant): void {
    const exchange = this.#exchange;
    if (!exchange || !isOver(exchange, now)) return;
    this.#notes.push(note("debug", "dhcpv6.unanswered", `No answer to ${exchange.retransmission.sent} ${exchange.activity} messages.`));
    if (exchange.activity === "request") this.#tryNext(exchange, now);
    else this.#finish(exchange.activity, now);
  }

  /** Ends an exchange that was not about getting leases. */
  #finish(activity: Activity, now: Instant): void {
    this.#exchange = undefined;
    if (activity !== "decline") return;
    const at = after(now, DECLINE_PAUSE);
    if (this.memory.bindings.length > 0) this.#retry = retryAt(at, now);
    else if (this.wanted.length > 0) this.begin("solicit", at);
  }

  #beginNext(now: Instant): void {
    const { bindings } = this.memory;
    if (bindings.length === 0) {
      if (this.wanted.length > 0) this.begin("solicit", this.#delayed(now, now));
    } else if (contactAt(bindings, this.#retry) <= now) {
      this.begin(timersOfAll(bindings).rebindAt <= now ? "rebind" : "renew", now);
    }
  }

  /** RFC 8415 18.2.4, 18.2.5: Renew until T2, whatever upholds leases until the last of them has ended. */
  #endOf(activity: Activity): Instant | undefined {
    const { bindings } = this.memory;
    if (activity === "renew") return earliest(timersOfAll(bindings).rebindAt, lastEnd(bindings));
    return ACTIVITIES[activity].upholds ? lastEnd(bindings) : undefined;
  }

  /** A random time after `since`, which may have passed already. */
  #delayed(since: Instant, now: Instant): Instant {
    const at = after(since, milliseconds(uniform(this.#options.random, 0, FIRST_DELAY)));
    return at > now ? at : now;
  }

  /** What a message names: the leases in the bindings, for other wanted IAs what is offered, or a hint. */
  #claimsFor(activity: Activity, offered: readonly Claim[] = []): readonly Claim[] {
    const { bindings, former } = this.memory;
    const bound = claimsOf(bindings);
    if (activity === "confirm") return bound;
    const known = [...offered, ...bound];
    return this.wanted.map((ia) => known.find((claim) => sameIa(claim, ia)) ?? hintFor(ia, former, this.#options.prefixHint));
  }
}
