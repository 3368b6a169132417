/** One conversation of a DHCPv4 client with servers, as pure steps: its transaction, what was offered, and when its next message is due. */
import type { Ip4 } from "../addr/ip.ts";
import type { Random } from "../addr/random.ts";
import { after, type Duration, type Instant, instant, NEVER, seconds } from "../addr/time.ts";
import { PROVISIONAL_PATIENCE, retransmissionDelay } from "./dhcpv4-client-timers.ts";
import { isProvisional } from "./dhcpv4-lease.ts";
import type { Dhcpv4State } from "./facts.ts";

export interface Offer {
  readonly address: Ip4;
  readonly server: Ip4;
}

export interface Exchange {
  readonly state: Dhcpv4State;
  readonly xid: number;
  readonly began: Instant;
  /** Messages so far. */
  readonly sent: number;
  readonly offer?: Offer;
  readonly nextAt: Instant;
}

export const STOPPED: Exchange = { state: "stopped", xid: 0, began: instant(0), sent: 0, nextAt: NEVER };

/** A new transaction, whose first step is due after `wait`. */
export function begun(state: Dhcpv4State, now: Instant, random: Random, wait = seconds(0)): Exchange {
  return { state, xid: random.uint32(), began: now, sent: 0, nextAt: after(now, wait) };
}

/** The exchange after a message, that is repeated when nobody answers, after `most` at the latest. */
export function transmitted(exchange: Exchange, now: Instant, random: Random, most?: Duration): Exchange {
  const sent = exchange.sent + 1;
  const delay = retransmissionDelay(sent, random);
  return { ...exchange, sent, nextAt: after(now, most !== undefined && most < delay ? most : delay) };
}

/** The first real offer is taken at once; one of the booting dish waits for a better one. */
export function offered(exchange: Exchange, offer: Offer, now: Instant): Exchange {
  if (exchange.state !== "selecting") return exchange;
  if (!isProvisional(offer.address)) return chosen({ ...exchange, offer }, now);
  return exchange.offer ? exchange : { ...exchange, offer, nextAt: after(now, PROVISIONAL_PATIENCE) };
}

/** The offer is about to be requested, in the same transaction (RFC 2131 4.4.1). */
export function chosen(exchange: Exchange, now: Instant): Exchange {
  return { ...exchange, state: "requesting", sent: 0, nextAt: now };
}

/** Whether an ACK or NAK of this server is one to our question. */
export function awaits({ state, offer }: Exchange, server: Ip4): boolean {
  if (state === "requesting") return server === offer?.server;
  return state === "rebooting" || state === "renewing" || state === "rebinding";
}
