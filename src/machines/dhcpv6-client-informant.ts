/** Other configuration without leases: Information-request and its refresh, RFC 8415 18.2.6, 18.2.12, 21.23. */
import { type Random, uniform } from "../addr/random.ts";
import { after, deadline, type Instant, instant, milliseconds, type Seconds, seconds } from "../addr/time.ts";
import { type ClientServerMessage, optionOf } from "../wire/dhcpv6.ts";
import { ACTIVITIES } from "./dhcpv6-client-activity.ts";
import { beginExchange, departedAt, type Exchange, wakeOf } from "./dhcpv6-client-exchange.ts";
import type { Bounds, Transmitter } from "./dhcpv6-client-transmitter.ts";
import { firstAt, hastened } from "./retransmission.ts";

/** IRT_DEFAULT and IRT_MINIMUM, RFC 8415 7.6. */
const REFRESH_DEFAULT = 86_400 as Seconds;
const REFRESH_MINIMUM = 600 as Seconds;
/** News of the link make us ask again at most this often, RFC 8415 18.2.12. */
const LEAST_REFRESH = seconds(30);

export class Informant {
  readonly #random: Random;
  #exchange: Exchange | undefined;
  /** When to ask (again). */
  #at: Instant = instant(0);
  #receivedAt: Instant | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Whether it asks, or has an answer. */
  get isUsed(): boolean {
    return this.#exchange !== undefined || this.#receivedAt !== undefined;
  }

  /** Whether a question is under way. */
  get isBusy(): boolean {
    return this.#exchange !== undefined;
  }

  wakeAt(needed: boolean): Instant | undefined {
    if (this.#exchange) return wakeOf(this.#exchange);
    return needed ? this.#at : undefined;
  }

  expects(transactionId: number): boolean {
    return this.#exchange?.transactionId === transactionId;
  }

  /** Asks at `at`. */
  begin(at: Instant): void {
    this.#exchange = beginExchange({ activity: "inform", retransmission: firstAt(at), claims: [] }, this.#random);
  }

  /** The link came up, or the machine was suspended: what was received may be out of date. */
  onLink(now: Instant): void {
    this.#exchange = undefined;
    const least = this.#receivedAt === undefined ? now : after(this.#receivedAt, LEAST_REFRESH);
    this.#at = least > now ? least : now;
  }

  /** Leases bring their own configuration. When they are gone, it is asked for again. */
  stop(): void {
    this.#exchange = undefined;
    this.#at = instant(0);
  }

  /** The message of this turn has left: the next one waits from here. */
  haveLeft(handedOut: Instant, now: Instant): void {
    if (this.#exchange) this.#exchange = departedAt(this.#exchange, handedOut, now);
  }

  hasten(at: Instant): void {
    if (this.#exchange) this.#exchange = { ...this.#exchange, retransmission: hastened(this.#exchange.retransmission, at) };
  }

  /** Takes the time of the next refresh from a Reply. */
  receive(reply: ClientServerMessage, now: Instant): void {
    const time = optionOf(reply, "information-refresh-time")?.time ?? REFRESH_DEFAULT;
    this.#exchange = undefined;
    this.#receivedAt = now;
    this.#at = deadline(now, time > REFRESH_MINIMUM ? time : REFRESH_MINIMUM);
  }

  advance(needed: boolean, transmitter: Transmitter, bounds: Bounds, now: Instant): void {
    if (!this.#exchange && needed && this.#at <= now)
      this.begin(after(now, milliseconds(uniform(this.#random, 0, ACTIVITIES.inform.delay))));
    if (this.#exchange) this.#exchange = transmitter.transmit(this.#exchange, bounds, now);
  }
}
