/**
 * The DHCPv4 client of one provider link: RFC 2131 section 4.4, RFC 4361 (who we are), RFC 5227 (whether the address is ours alone). It starts without
 * the random delay of RFC 2131 4.4.1, and uses an address while its probes are still running (docs/adr/0012).
 */
import type { Ip4 } from "../addr/ip.ts";
import type { Duid } from "../addr/duid.ts";
import { type Mac, mac as macOf } from "../addr/mac.ts";
import type { Random } from "../addr/random.ts";
import { after, between, type Duration, earliest, type Instant, NEVER } from "../addr/time.ts";
import type { ArpPacket } from "../wire/arp.ts";
import { type Dhcpv4Message, optionOf } from "../wire/dhcpv4.ts";
import { type AddressClaim, advance, claimAt, type ClaimStep, contest, isUnopposed } from "./address-claim.ts";
import * as messages from "./dhcpv4-client-messages.ts";
import { awaits, begun, chosen, type Offer, offered, STOPPED, transmitted } from "./dhcpv4-client-exchange.ts";
import { delayAfterConflict, delayAfterRefusal, halfway, MOST_REQUESTS, PROVISIONAL_RETRY } from "./dhcpv4-client-timers.ts";
import { isHostAddress, isProvisional, leaseFromJson, leaseOf, leaseToJson } from "./dhcpv4-lease.ts";
import type { Dhcpv4ClientFact, Dhcpv4Lease, Dhcpv4State } from "./facts.ts";
import type { FrameIn, Json, Machine, Note, Output, Tick } from "./machine.ts";

export interface Dhcpv4ClientOptions {
  readonly random: Random;
  readonly duid: Duid;
  readonly iaid: number;
}

export type Dhcpv4ClientInput =
  | FrameIn
  | Tick
  /** `up`: there is a carrier. */
  | { readonly kind: "link"; readonly up: boolean; readonly mac?: Mac }
  /** The machine was suspended: the lease is verified. */
  | { readonly kind: "resume" }
  /** The owner wants the provider asked now. */
  | { readonly kind: "refresh" }
  /** The owner gives the lease back; nothing is asked for until `refresh` or a restart. */
  | { readonly kind: "release" };

/** A client that knows nothing, or the lease that `saved` holds. Its first fact follows its first input. */
export function createDhcpv4Client(
  options: Dhcpv4ClientOptions,
  saved?: { readonly snapshot: Json; readonly shift: Duration },
): Machine<Dhcpv4ClientInput, Dhcpv4ClientFact> {
  return new Dhcpv4Client(options, saved && leaseFromJson(saved.snapshot, saved.shift));
}

class Dhcpv4Client implements Machine<Dhcpv4ClientInput, Dhcpv4ClientFact> {
  readonly #random: Random;
  readonly #clientId: Uint8Array;
  #mac: Mac = macOf("00:00:00:00:00:00");
  #exchange = STOPPED;
  /** In use until it ends, is refused or replaced. */
  #lease: Dhcpv4Lease | undefined;
  /** The latest address, asked for again. */
  #former: Ip4 | undefined;
  #claim: AddressClaim | undefined;
  #refusals = 0;
  #conflicts = 0;
  #said = "";
  #out: Output<Dhcpv4ClientFact>[] = [];

  constructor({ random, duid, iaid }: Dhcpv4ClientOptions, lease: Dhcpv4Lease | undefined) {
    this.#random = random;
    this.#clientId = messages.clientIdOf(iaid, duid);
    this.#lease = lease;
    this.#former = lease?.address;
  }

  handle(input: Dhcpv4ClientInput, now: Instant): readonly Output<Dhcpv4ClientFact>[] {
    this.#out = [];
    if (this.#lease && now >= this.#lease.validUntil) this.#expire(now);
    this.#take(input, now);
    if (now >= this.#exchange.nextAt) this.#act(now);
    if (this.#claim) this.#step(advance(this.#claim, now, this.#random));
    this.#tell();
    return this.#out;
  }

  wakeAt(): Instant | undefined {
    return earliest(this.#exchange.nextAt, this.#lease?.validUntil, this.#claim?.nextAt);
  }

  snapshot(): Json {
    return leaseToJson(this.#lease);
  }

  #take(input: Dhcpv4ClientInput, now: Instant): void {
    switch (input.kind) {
      case "tick":
        break;
      case "frame":
        this.#hear(input.bytes, now);
        break;
      case "link":
        this.#mac = input.mac ?? this.#mac;
        if (input.up) this.#restart(now);
        else this.#pause();
        break;
      case "resume":
      case "refresh":
        if (this.#exchange.state !== "stopped" || input.kind === "refresh") this.#restart(now);
        break;
      case "release":
        if (this.#lease) this.#send(messages.release(this.#speaker(now), this.#lease));
        this.#drop("info", "dhcpv4.released", "given back");
        this.#pause();
        break;
    }
  }

  #pause(): void {
    this.#exchange = STOPPED;
    this.#claim = undefined;
  }

  /** INIT-REBOOT with a lease, INIT without one. A lease of the dish is no reason to ask for it again. */
  #restart(now: Instant): void {
    this.#begin(this.#lease && !isProvisional(this.#lease.address) ? "rebooting" : "selecting", now);
  }

  #begin(state: Dhcpv4State, now: Instant, wait?: Duration): void {
    this.#exchange = begun(state, now, this.#random, wait);
  }

  /** What is due in this state. */
  #act(now: Instant): void {
    const { state, sent, offer } = this.#exchange;
    const again = sent < MOST_REQUESTS;
    switch (state) {
      case "stopped":
        break;
      case "waiting":
      case "bound":
        return this.#leave(now);
      case "selecting":
        return offer ? this.#choose(now) : this.#discover(now);
      case "requesting":
        return again && offer ? this.#request(offer.address, offer.server, now) : this.#reselect(now);
      case "rebooting":
        return again && this.#lease ? this.#request(this.#lease.address, undefined, now) : this.#settle();
      case "renewing":
      case "rebinding":
        return this.#extend(now);
    }
  }

  /** The lease is old enough to be extended, or so poor that there must be a better one. */
  #leave(now: Instant): void {
    if (this.#lease === undefined || isProvisional(this.#lease.address)) return this.#reselect(now);
    this.#begin("renewing", now);
    this.#extend(now);
  }

  #reselect(now: Instant): void {
    this.#begin("selecting", now);
    this.#discover(now);
  }

  #discover(now: Instant): void {
    this.#send(messages.discover(this.#speaker(now), this.#former));
    this.#exchange = transmitted(this.#exchange, now, this.#random, this.#lease && PROVISIONAL_RETRY);
  }

  #choose(now: Instant): void {
    this.#exchange = chosen(this.#exchange, now);
    this.#act(now);
  }

  #request(address: Ip4, server: Ip4 | undefined, now: Instant): void {
    this.#send(messages.request(this.#speaker(now), address, server));
    this.#exchange = transmitted(this.#exchange, now, this.#random);
  }

  #extend(now: Instant): void {
    const lease = this.#lease!;
    if (this.#exchange.state === "renewing" && now >= lease.rebindAt) this.#begin("rebinding", now);
    const renewing = this.#exchange.state === "renewing";
    this.#send(messages.extend(this.#speaker(now), lease, renewing ? "server" : "any"));
    this.#exchange = { ...this.#exchange, nextAt: halfway(now, renewing ? lease.rebindAt : lease.validUntil) };
  }

  /** Also when nobody has answered after a restart: the lease is kept to its end, RFC 2131 3.2. */
  #settle(retryAt?: Instant): void {
    this.#exchange = { ...this.#exchange, state: "bound", nextAt: earliest(this.#lease?.renewAt, retryAt) ?? NEVER };
  }

  #hear(bytes: Uint8Array, now: Instant): void {
    const heard = messages.hear(bytes);
    if (heard?.kind === "arp") return this.#hearArp(heard.packet, now);
    if (!heard || !messages.isTo(this.#speaker(now), heard.message)) return;
    const server = optionOf(heard.message, "server-id")?.address;
    if (server === undefined) return;
    if (heard.type === "offer") this.#weigh({ address: heard.message.yiaddr, server }, now);
    else if (heard.type === "ack") this.#accept(heard.message, heard.from, server, now);
    else if (heard.type === "nak") this.#refuse(heard.message, server, now);
  }

  #weigh(offer: Offer, now: Instant): void {
    if (isHostAddress(offer.address)) this.#exchange = offered(this.#exchange, offer, now);
  }

  #accept(ack: Dhcpv4Message, from: Mac, server: Ip4, now: Instant): void {
    if (!awaits(this.#exchange, server)) return;
    const lease = leaseOf(ack, from, now);
    if (!lease) return;
    const before = this.#lease;
    const { state } = this.#exchange;
    const proved = before?.address === lease.address && (state === "renewing" || state === "rebinding");
    if (!proved) this.#claim = claimAt(lease.address, this.#mac, now, this.#random);
    this.#lease = lease;
    this.#former = lease.address;
    this.#refusals = 0;
    this.#out.push({ kind: "save" });
    if (before?.address !== lease.address) this.#note("info", "dhcpv4.leased", `The provider leases us ${lease.address}.`);
    this.#settle(isProvisional(lease.address) ? after(now, PROVISIONAL_RETRY) : undefined);
  }

  #refuse(nak: Dhcpv4Message, server: Ip4, now: Instant): void {
    if (!awaits(this.#exchange, server)) return;
    const reason = optionOf(nak, "message")?.text ?? "";
    this.#drop("warning", "dhcpv4.refused", `refused by the server${reason === "" ? "" : `: ${reason}`}`);
    this.#former = undefined;
    this.#begin("waiting", now, delayAfterRefusal(++this.#refusals));
  }

  #hearArp(packet: ArpPacket, now: Instant): void {
    const outcome = this.#claim && contest(this.#claim, packet, now);
    if (outcome === "lost") this.#lose(packet.senderMac, now);
    else if (outcome) this.#step(outcome);
  }

  #step({ claim, send }: ClaimStep): void {
    this.#claim = claim;
    if (isUnopposed(claim)) this.#conflicts = 0;
    if (send) this.#send(messages.arpFrame(send));
  }

  /** Another node has our address: the server shall not give it to anybody, RFC 2131 3.1.5. */
  #lose(other: Mac, now: Instant): void {
    if (this.#lease) this.#send(messages.decline(this.#speaker(now), this.#lease));
    this.#drop("warning", "dhcpv4.conflict", `used by another device too, ${other}`);
    this.#former = undefined;
    this.#begin("waiting", now, delayAfterConflict(++this.#conflicts));
  }

  #expire(now: Instant): void {
    this.#drop("warning", "dhcpv4.expired", "at its end");
    if (!["stopped", "selecting", "requesting"].includes(this.#exchange.state)) this.#begin("selecting", now);
  }

  /** The address is no longer used, from this very turn on. */
  #drop(level: Note["level"], event: string, why: string): void {
    if (!this.#lease) return;
    this.#note(level, event, `The lease of ${this.#lease.address} is ${why}.`);
    this.#lease = undefined;
    this.#claim = undefined;
    this.#out.push({ kind: "save" });
  }

  #speaker(now: Instant): messages.Speaker {
    const { xid, began } = this.#exchange;
    return { mac: this.#mac, clientId: this.#clientId, xid, secs: Math.floor(between(began, now) / 1000) };
  }

  #send(bytes: Uint8Array): void {
    this.#out.push({ kind: "send-frame", bytes });
  }

  #note(level: Note["level"], event: string, text: string): void {
    this.#out.push({ kind: "note", level, event, text });
  }

  #tell(): void {
    const fact: Dhcpv4ClientFact = { state: this.#exchange.state, ...(this.#lease && { lease: this.#lease }) };
    const said = JSON.stringify(fact);
    if (said === this.#said) return;
    this.#said = said;
    this.#out.push({ kind: "fact", fact });
  }
}
