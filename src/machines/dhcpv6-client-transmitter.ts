/** How messages of a DHCPv6 client get out: built, counted against the rate limit (RFC 8415 14.1), and their next repetition planned. */
import { ALL_DHCP_SERVERS } from "../addr/ip.ts";
import { type Instant, type Seconds, seconds } from "../addr/time.ts";
import { encodeDhcpv6 } from "../wire/dhcpv6.ts";
import { elapsedIn, type Exchange, isDue, scheduleOf, sent } from "./dhcpv6-client-exchange.ts";
import { draftMessage } from "./dhcpv6-client-messages.ts";
import type { Dhcpv6ClientOptions } from "./dhcpv6-client-options.ts";
import type { Send } from "./machine.ts";
import { allowedAt, type RateHistory, type RateLimit, recorded } from "./rate-limit.ts";
import { postponed } from "./retransmission.ts";

/** RFC 8415 14.1 suggests 20 messages in 20 s; a little more time, so that no other clock counts one too many. */
const RATE_LIMIT: RateLimit = { count: 20, span: seconds(21) };

/** Upper bounds of RT that servers have set. */
export interface Bounds {
  readonly solMaxRt: Seconds | undefined;
  readonly infMaxRt: Seconds | undefined;
}

export class Transmitter {
  readonly #options: Dhcpv6ClientOptions;
  readonly #limit: RateLimit;
  #history: RateHistory = [];
  #sends: Send[] = [];

  constructor(options: Dhcpv6ClientOptions) {
    this.#options = options;
    this.#limit = options.rateLimit ?? RATE_LIMIT;
  }

  /** Sends the exchange's message when its time has come and the rate limit permits it; returns the exchange as it stands then. */
  transmit(exchange: Exchange, bounds: Bounds, now: Instant): Exchange {
    if (!isDue(exchange, now)) return exchange;
    const allowed = allowedAt(this.#limit, this.#history, now);
    if (allowed > now) return { ...exchange, retransmission: postponed(exchange.retransmission, allowed) };
    this.#history = recorded(this.#limit, this.#history, now);
    this.#sends.push({ kind: "send", to: ALL_DHCP_SERVERS, bytes: this.#encode(exchange, now) });
    return sent(exchange, scheduleOf(exchange.activity, bounds.solMaxRt, bounds.infMaxRt), now, this.#options.random);
  }

  /** The messages since the last call. */
  take(): readonly Send[] {
    const sends = this.#sends;
    this.#sends = [];
    return sends;
  }

  #encode(exchange: Exchange, now: Instant): Uint8Array {
    const { duid, rapidCommit } = this.#options;
    return encodeDhcpv6(draftMessage({ ...exchange, client: duid, rapidCommit, elapsed: elapsedIn(exchange, now) }));
  }
}
