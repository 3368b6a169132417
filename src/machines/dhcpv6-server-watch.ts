/**
 * Looks for DHCPv6 servers on a LAN, where only the owner can know whether they belong: it asks as a client that wants nothing but information
 * (RFC 8415 18.2.6), because servers answer only who asks, and remembers who answers. Nothing that they say is used.
 */
import type { Duid } from "../addr/duid.ts";
import { ALL_DHCP_SERVERS, type Ip6 } from "../addr/ip.ts";
import { type Random, uniform } from "../addr/random.ts";
import { after, earliest, type Instant, milliseconds, seconds } from "../addr/time.ts";
import { WireError } from "../wire/bytes.ts";
import { decodeDhcpv6, type Dhcpv6Message, encodeDhcpv6, OPTION_CODES, optionOf } from "../wire/dhcpv6.ts";
import type { Machine, Note, Output, Packet, Tick } from "./machine.ts";

export interface Dhcpv6ServerWatchFact {
  /** In the order in which they were found. */
  readonly servers: readonly Dhcpv6ServerSeen[];
}

export interface Dhcpv6ServerSeen {
  readonly address: Ip6;
  readonly duid: Duid;
  /** Forgotten then, unless it answers again. */
  readonly until: Instant;
}

export type Dhcpv6ServerWatchInput = Packet | Tick | { readonly kind: "link"; readonly up: boolean };

/** INF_MAX_DELAY, RFC 8415 7.6. */
const FIRST_DELAY = seconds(1);
const INTERVAL = seconds(600);
/** Two questions or answers may get lost. */
const MEMORY = seconds(3 * 600 + 10);
/** More than this are no servers but an attack; they are not remembered. */
const MOST_SERVERS = 8;

export interface Dhcpv6ServerWatchOptions {
  readonly random: Random;
  /** Names us in the questions; what carries it as its server is ourselves. */
  readonly duid: Duid;
}

export function createDhcpv6ServerWatch(options: Dhcpv6ServerWatchOptions): Machine<Dhcpv6ServerWatchInput, Dhcpv6ServerWatchFact> {
  return new Dhcpv6ServerWatch(options);
}

class Dhcpv6ServerWatch implements Machine<Dhcpv6ServerWatchInput, Dhcpv6ServerWatchFact> {
  readonly #random: Random;
  readonly #duid: Duid;
  #servers: readonly Dhcpv6ServerSeen[] = [];
  #transactionId = 0;
  /** When to ask next; undefined while the link is down. */
  #askAt: Instant | undefined;

  constructor({ random, duid }: Dhcpv6ServerWatchOptions) {
    this.#random = random;
    this.#duid = duid;
  }

  handle(input: Dhcpv6ServerWatchInput, now: Instant): readonly Output<Dhcpv6ServerWatchFact>[] {
    const before = this.#servers;
    this.#servers = before.filter(({ until }) => until > now);
    if (input.kind === "link") this.#onLink(input.up, now);
    const notes = input.kind === "packet" ? this.#hear(input, now) : [];
    const questions = this.#askAt !== undefined && this.#askAt <= now ? [this.#ask(now)] : [];
    const changed = this.#servers.length !== before.length || notes.length > 0;
    return [...notes, ...(changed ? [{ kind: "fact", fact: { servers: this.#servers } } as const] : []), ...questions];
  }

  wakeAt(): Instant | undefined {
    return earliest(this.#askAt, ...this.#servers.map(({ until }) => until));
  }

  snapshot(): null {
    return null;
  }

  #onLink(up: boolean, now: Instant): void {
    if (up === (this.#askAt !== undefined)) return;
    this.#askAt = up ? after(now, milliseconds(uniform(this.#random, 0, FIRST_DELAY))) : undefined;
    if (!up) this.#servers = [];
  }

  #ask(now: Instant): Output<never> {
    this.#askAt = after(now, INTERVAL);
    this.#transactionId = this.#random.uint32() >>> 8;
    const bytes = encodeDhcpv6({
      kind: "information-request",
      transactionId: this.#transactionId,
      options: [
        { kind: "client-id", duid: this.#duid },
        { kind: "elapsed-time", hundredths: 0 },
        { kind: "oro", codes: [OPTION_CODES["dns-servers"], OPTION_CODES["information-refresh-time"], OPTION_CODES["inf-max-rt"]] },
      ],
    });
    return { kind: "send", to: ALL_DHCP_SERVERS, bytes };
  }

  #hear(packet: Packet, now: Instant): readonly Note[] {
    const duid = this.#serverOf(packet);
    if (duid === undefined) return [];
    const known = this.#servers.find((server) => server.duid === duid);
    if (!known && this.#servers.length >= MOST_SERVERS) return [];
    const seen = { address: packet.from, duid, until: after(now, MEMORY) };
    this.#servers = known ? this.#servers.map((server) => (server === known ? seen : server)) : [...this.#servers, seen];
    return known ? [] : [stranger(seen)];
  }

  /** The server that answers our question; undefined for everything else. */
  #serverOf({ bytes }: Packet): Duid | undefined {
    const message = readMessage(bytes);
    if (message?.kind !== "reply" || message.transactionId !== this.#transactionId) return undefined;
    const duid = optionOf(message, "server-id")?.duid;
    return duid === this.#duid ? undefined : duid;
  }
}

function readMessage(bytes: Uint8Array): Dhcpv6Message | undefined {
  try {
    return decodeDhcpv6(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function stranger({ address, duid }: Dhcpv6ServerSeen): Note {
  const text = `A DHCPv6 server at ${address} (DUID ${duid}) answers on this LAN; devices may take resolvers and addresses from it.`;
  return { kind: "note", level: "warning", event: "dhcpv6.other-server", text };
}
