/**
 * A DHCPv4 server for one link: RFC 2131 section 4.3, with the client identifiers of RFC 6842. It speaks for this link alone and with authority: a client
 * that asks for an address of another network is told so at once.
 */
import { type Ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import { mac, type Mac } from "../addr/mac.ts";
import { contains4 } from "../addr/prefix4.ts";
import { after, type Instant, NEVER, type Seconds, seconds } from "../addr/time.ts";
import { WireError } from "../wire/bytes.ts";
import { decodeDhcpv4, type Dhcpv4Message, optionOf } from "../wire/dhcpv4.ts";
import { toHex } from "../addr/hex.ts";
import { deviceOf, Dhcpv4Bindings, type Held } from "./dhcpv4-bindings.ts";
import { Dhcpv4Probes } from "./dhcpv4-probes.ts";
import { type Content, Dhcpv4Answers } from "./dhcpv4-server-answers.ts";
import { nameOf } from "./dhcpv4-server-names.ts";
import type { Dhcpv4Binding, Dhcpv4Record, Dhcpv4ServerInput, Dhcpv4ServerOutput, Dhcpv4Serving } from "./dhcpv4-server-options.ts";
import type { Note } from "./machine.ts";
import { Tally } from "./tally.ts";

export type * from "./dhcpv4-server-options.ts";

type Outputs = readonly Dhcpv4ServerOutput[];

/** How long an offered address is kept for the client that has not taken it yet. */
const OFFER_HOLD = seconds(10);
/** How long an address is left alone that somebody else has. After it, the probe decides again. */
const ASIDE = seconds(600);
/** A client may wish for a shorter lease, but not for one that keeps the disk busy. */
const SHORTEST_LEASE = 120;
const NO_MAC = mac("00:00:00:00:00:00");

/** A message that can be answered, and who has sent it. */
interface Exchange {
  readonly asked: Dhcpv4Message;
  readonly from: Ip4;
  readonly mac: Mac;
  readonly clientId: string | undefined;
  /** Option 50. */
  readonly requested: Ip4 | undefined;
  readonly held: Held | undefined;
  readonly now: Instant;
}

export class Dhcpv4Server {
  #serving: Dhcpv4Serving;
  #answers: Dhcpv4Answers;
  #bindings: Dhcpv4Bindings;
  readonly #probes = new Dhcpv4Probes<Exchange>();
  readonly #tally = new Tally();

  /** With the bindings that an earlier one has left; those that no longer fit are dropped. */
  constructor(serving: Dhcpv4Serving, saved: Iterable<Dhcpv4Binding> = []) {
    this.#serving = serving;
    this.#answers = new Dhcpv4Answers(serving);
    this.#bindings = new Dhcpv4Bindings(serving, saved);
  }

  /** Takes one input; the outputs are in the order in which they must take effect. Never throws for anything that a peer has sent. */
  handle(input: Dhcpv4ServerInput, now: Instant): Outputs {
    switch (input.kind) {
      case "packet":
        return this.#hear(input.bytes, input.from, now);
      case "tick":
        return this.#probes.unclaimed(now).flatMap(({ address, subject }) => this.#offer(this.#again(subject, now), address));
      case "claimed":
        return this.#claimed(input.address, input.mac, now);
      case "flush":
        return input.bindings.map((binding) => this.#forget(binding));
      case "serve":
        this.#serving = input.serving;
        this.#answers = new Dhcpv4Answers(input.serving);
        this.#bindings = this.#bindings.serve(input.serving);
        return [];
    }
  }

  /** When a probe ends. */
  wakeAt(): Instant | undefined {
    return this.#probes.wakeAt();
  }

  /** What must survive a restart: all bindings, also those that have ended. */
  bindings(): Iterable<Dhcpv4Binding> {
    return this.#bindings.leases();
  }

  /** How many addresses the pool has for those without a reservation. */
  get poolSize(): number {
    return this.#bindings.poolSize;
  }

  #hear(bytes: Uint8Array, from: Ip4, now: Instant): Outputs {
    const asked = decode(bytes);
    const problem = typeof asked === "string" ? asked : this.#fault(asked);
    if (typeof asked === "string" || problem !== undefined) {
      return this.#tally.count(
        "debug",
        "dhcpv4.discarded",
        now,
        (times) => `${times} messages are discarded, the latest because of this: ${problem}.`,
      );
    }
    const id = optionOf(asked, "client-id")?.id;
    const clientId = id && id.length > 0 ? toHex(id) : undefined;
    const requested = optionOf(asked, "requested-address")?.address;
    const held = this.#bindings.of(clientId ?? asked.chaddr);
    return this.#answer({ asked, from, mac: asked.chaddr, clientId, requested, held, now });
  }

  #answer(exchange: Exchange): Outputs {
    switch (optionOf(exchange.asked, "message-type")?.type) {
      case "discover":
        return this.#discover(exchange);
      case "request":
        return this.#request(exchange);
      case "decline":
        return this.#decline(exchange);
      case "release":
        return this.#release(exchange);
      case "inform":
        return this.#inform(exchange);
      case "offer":
      case "ack":
      case "nak":
      case undefined:
        return [];
    }
  }

  /** A relay of another network is none of ours: there are no addresses for it. */
  #fault({ op, giaddr, chaddr, options }: Dhcpv4Message): string | undefined {
    if (op !== "request") return "it is an answer";
    if (giaddr !== UNSPECIFIED4 && !contains4(this.#serving.network, giaddr)) return `the relay ${giaddr} is of another network`;
    if (chaddr === NO_MAC && !options.some(({ kind }) => kind === "client-id")) return "it does not say who asks";
    return undefined;
  }

  #discover(exchange: Exchange): Outputs {
    const { held, requested, now } = exchange;
    const address = this.#bindings.choose(exchange, requested, now);
    if (address === undefined) return this.#poolIsDry(now);
    if (this.#probes.repeat(address, exchange)) return [];
    // Whoever has the address by us, or was just offered it, would answer the probe himself.
    const isKnown = held?.address === address && held.until > now;
    if (isKnown || !this.#probes.begin(address, exchange, now)) return this.#offer(exchange, address);
    this.#hold(exchange, address);
    return [{ kind: "probe", address }];
  }

  #offer(exchange: Exchange, address: Ip4): Outputs {
    this.#hold(exchange, address);
    return [this.#positive(exchange, { type: "offer", address, time: this.#timeFor(exchange) })];
  }

  /** A lease that runs is not shortened by an offer. */
  #hold(exchange: Exchange, address: Ip4): void {
    const { held, now, mac: hardware, clientId } = exchange;
    if (held?.address === address && held.until > after(now, OFFER_HOLD)) return;
    const leased = held?.address === address && held.leased;
    const name = leased ? held.name : undefined;
    const who = { mac: hardware, ...(clientId !== undefined && { clientId }), ...(name !== undefined && { name }) };
    this.#bindings.put({ address, ...who, until: after(now, OFFER_HOLD), leased });
  }

  /** Who answers the probe has the address, unless it is the one who asks for it. */
  #claimed(address: Ip4, claimant: Mac, now: Instant): Outputs {
    const waiting = this.#probes.claimed(address, claimant);
    if (!waiting) return [];
    this.#bindings.setAside(address, after(now, ASIDE));
    const { asked } = waiting;
    const note = this.#tally.count("warning", "dhcpv4.squatter", now, (times) => {
      const others = times > 1 ? ` (and ${times - 1} more like it)` : "";
      return `${claimant} uses ${address}, which it has not got from us${others}: ${asked.chaddr} gets another address.`;
    });
    return [...note, ...this.#discover(this.#again(waiting, now))];
  }

  /** What a message means some time after it came. */
  #again(exchange: Exchange, now: Instant): Exchange {
    return { ...exchange, held: this.#bindings.of(deviceOf(exchange)), now };
  }

  /** RFC 2131 4.3.2: which state the client is in shows in what it has filled in. */
  #request(exchange: Exchange): Outputs {
    const { asked, requested, held, now } = exchange;
    const server = optionOf(asked, "server-id")?.address;
    if (server !== undefined && server !== this.#serving.router) return this.#lostTo(server, exchange);
    const wanted = requested ?? asked.ciaddr;
    if (wanted === UNSPECIFIED4) return [];
    if (!contains4(this.#serving.network, wanted)) return [this.#negative(exchange, `${wanted} is not of this network`)];
    const isRebooting = server === undefined && asked.ciaddr === UNSPECIFIED4;
    // Another server may know this client.
    const isStranger = held?.leased !== true && this.#bindings.reservationOf(exchange)?.address === undefined;
    if (isRebooting && isStranger) return [];
    const isOther = isRebooting && held?.leased === true && held.address !== wanted;
    if (isOther || !this.#bindings.mayHave(exchange, wanted, now)) return [this.#negative(exchange, `${wanted} is not yours`)];
    return this.#lease(exchange, wanted);
  }

  /** The client has taken another server's offer, and tells everybody: so the other server is found, whose own words we do not hear. */
  #lostTo(server: Ip4, { held, now, mac: hardware }: Exchange): Outputs {
    if (held && !held.leased) this.#bindings.forget(held);
    return this.#tally.count("warning", "dhcpv4.other-server", now, (times) => {
      const others = times > 1 ? ` (and ${times - 1} more like it)` : "";
      return `${hardware} takes its address from another DHCP server on this LAN, ${server}${others}: switch that one off, or this LAN's own with [lan.NAME.dhcp] enabled = false.`;
    });
  }

  #lease(exchange: Exchange, address: Ip4): Outputs {
    const { asked, held, now, mac: hardware, clientId } = exchange;
    const time = this.#timeFor(exchange);
    const name = this.#bindings.reservationOf(exchange)?.name ?? nameOf(asked, this.#serving.reservedNames) ?? held?.name;
    const until = after(now, seconds(time));
    const record: Dhcpv4Record = {
      address,
      mac: hardware,
      ...(clientId !== undefined && { clientId }),
      ...(name !== undefined && { name }),
      until,
    };
    const isNews = held?.address !== address || !held.leased;
    this.#bindings.put({ ...record, leased: true });
    const answer = this.#positive(exchange, { type: "ack", address, time, ...(name !== undefined && { name }) });
    const words = `${name ?? hardware} has ${address}`;
    return [
      ...(isNews
        ? this.#tally.count("info", "dhcpv4.leased", now, (times) =>
            times > 1 ? `${words}, and ${times - 1} others theirs.` : `${words}.`,
          )
        : []),
      { ...answer, record },
    ];
  }

  #decline(exchange: Exchange): Outputs {
    const { requested, held, now } = exchange;
    if (!this.#isForUs(exchange) || held === undefined || held.address !== requested) return [];
    this.#bindings.setAside(held.address, after(now, ASIDE));
    const note = this.#tally.count("warning", "dhcpv4.declined", now, (times) => {
      const others = times > 1 ? ` (and ${times - 1} more like it)` : "";
      return `${held.mac} says that another device uses ${held.address}${others}: the address is left alone for ten minutes.`;
    });
    return [...note, ...(held.leased ? [{ kind: "record", record: gone(held) } as const] : [])];
  }

  #release(exchange: Exchange): Outputs {
    const { asked, held, now } = exchange;
    if (!this.#isForUs(exchange) || held === undefined || held.address !== asked.ciaddr) return [];
    const { leased, ...binding } = { ...held, until: now };
    this.#bindings.put({ ...binding, leased });
    return leased ? [{ kind: "record", record: binding }] : [];
  }

  /** No lease time and no address: the client has its own (RFC 2131 4.3.5). */
  #inform(exchange: Exchange): Outputs {
    const { asked, from } = exchange;
    const address = asked.ciaddr === UNSPECIFIED4 ? from : asked.ciaddr;
    if (!contains4(this.#serving.network, address)) return [];
    return [this.#positive(exchange, { type: "ack" })];
  }

  #forget(binding: Dhcpv4Binding): Dhcpv4ServerOutput {
    const held = this.#bindings.at(binding.address);
    if (held) this.#bindings.forget(held);
    return { kind: "record", record: gone(binding) };
  }

  #poolIsDry(now: Instant): readonly Note[] {
    const { first, last } = this.#serving.pool;
    return this.#tally.count("error", "dhcpv4.pool-dry", now, (times) => {
      const size = this.#bindings.poolSize;
      return `All ${size} addresses from ${first} to ${last} are in use: ${times === 1 ? "a new device gets none" : `${times} messages of new devices were not answered`}. Make the pool larger, or the lease shorter.`;
    });
  }

  #positive(exchange: Exchange, content: Content): Extract<Dhcpv4ServerOutput, { readonly kind: "answer" }> {
    return { kind: "answer", ...this.#answers.positive(exchange.asked, exchange.from, content) };
  }

  #negative(exchange: Exchange, why: string): Dhcpv4ServerOutput {
    return { kind: "answer", ...this.#answers.negative(exchange.asked, why) };
  }

  #isForUs({ asked }: Exchange): boolean {
    return (optionOf(asked, "server-id")?.address ?? this.#serving.router) === this.#serving.router;
  }

  /** The client may wish for less than is usual. */
  #timeFor({ asked }: Exchange): Seconds {
    const wished = Math.max(SHORTEST_LEASE, optionOf(asked, "lease-time")?.time ?? NEVER);
    return Math.min(this.#serving.lease, wished) as Seconds;
  }
}

function gone({ address, mac: hardware, clientId, name, until }: Dhcpv4Binding): Dhcpv4Record {
  return {
    address,
    mac: hardware,
    ...(clientId !== undefined && { clientId }),
    ...(name !== undefined && { name }),
    until,
    forgotten: true,
  };
}

/** The message, or what is wrong with it. */
function decode(bytes: Uint8Array): Dhcpv4Message | string {
  try {
    return decodeDhcpv4(bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.message;
  }
}
