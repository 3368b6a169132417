/**
 * The DHCPv6 client of one provider link: RFC 8415 section 18.2 (kept by RFC 9915), RFC 6603, RFC 7084 WAA and WPD, RFC 9096. It asks for prefixes,
 * for an address if one is wanted, and for other configuration; it keeps its leases over restarts and changes of the link, and gives them back
 * only by command.
 */
import type { Ip6 } from "../addr/ip.ts";
import { uniform } from "../addr/random.ts";
import { after, type Duration, earliest, type Instant, instant, milliseconds, seconds } from "../addr/time.ts";
import { STATUS, statusOf } from "../wire/dhcpv6.ts";
import { firstEnd, sameIa, wordsOf } from "./dhcpv6-client-bindings.ts";
import { NOTHING_CONFIGURED } from "./dhcpv6-client-configuration.ts";
import { factOf, note, notesOf } from "./dhcpv6-client-fact.ts";
import { Informant } from "./dhcpv6-client-informant.ts";
import { Leasing } from "./dhcpv6-client-leasing.ts";
import { type Memory, memoryFromJson, memoryToJson, NOTHING_KNOWN } from "./dhcpv6-client-memory.ts";
import { type Dhcpv6ClientInput, type Dhcpv6ClientOptions, type Flags, permittedIas } from "./dhcpv6-client-options.ts";
import { takeConfiguration } from "./dhcpv6-client-reply.ts";
import { Transmitter } from "./dhcpv6-client-transmitter.ts";
import { examine, examineReconfigure, type Heard } from "./dhcpv6-client-validation.ts";
import type { Dhcpv6ClientFact } from "./facts.ts";
import type { Json, Machine, Note, Output, Packet } from "./machine.ts";

export type { Dhcpv6ClientInput, Dhcpv6ClientOptions } from "./dhcpv6-client-options.ts";

/** After a sign of life that led to nothing, the next one counts 30 s later, then 60 s ... 3600 s; it makes us ask within a second. */
const LEAST_HASTE = seconds(30);
const MOST_HASTE = seconds(3600);
const HASTE_DELAY = seconds(1);
/** Other configuration is asked for separately when so many Solicits brought no lease. */
const FRUITLESS_SOLICITS = 3;

/** A client that knows nothing, or what `saved` holds, whose Instants are moved by `shift`. Its first fact follows its first input. */
export function createDhcpv6Client(
  options: Dhcpv6ClientOptions,
  saved?: { readonly snapshot: Json; readonly shift: Duration },
): Machine<Dhcpv6ClientInput, Dhcpv6ClientFact> {
  const memory = saved ? memoryFromJson(saved.snapshot, options.duid, saved.shift) : NOTHING_KNOWN;
  const ours = permittedIas(options);
  return new Dhcpv6Client(options, { ...memory, bindings: memory.bindings.filter((binding) => ours.some((ia) => sameIa(ia, binding))) });
}

class Dhcpv6Client implements Machine<Dhcpv6ClientInput, Dhcpv6ClientFact> {
  readonly #options: Dhcpv6ClientOptions;
  readonly #transmitter: Transmitter;
  readonly #leasing: Leasing;
  readonly #informant: Informant;
  #up = false;
  /** The owner gave the leases back. */
  #released = false;
  /** Time of the first input, until the link has been up: the delay of the first message counts from here. */
  #bornAt: Instant | undefined;
  /** Signs of life count from here on. */
  #hasteAt: Instant = instant(0);
  #hastePause: Duration = LEAST_HASTE;
  /** Time of the latest input. */
  #turnAt: Instant = instant(0);
  /** What was saved and reported last, as text; nothing was reported before the first input. */
  #saved: string;
  #reported = "";
  readonly #notes: Note[] = [];

  constructor(options: Dhcpv6ClientOptions, memory: Memory) {
    this.#options = options;
    this.#transmitter = new Transmitter(options);
    this.#leasing = new Leasing(options, memory, this.#notes);
    this.#informant = new Informant(options.random);
    this.#saved = JSON.stringify(this.snapshot());
  }

  handle(input: Dhcpv6ClientInput, now: Instant): readonly Output<Dhcpv6ClientFact>[] {
    if (input.kind === "sent") return this.#haveLeft(now);
    this.#turnAt = now;
    const before = this.#leasing.memory.bindings;
    if (this.#reported === "") this.#bornAt = now;
    this.#leasing.expire(now);
    this.#take(input, now);
    if (this.#up) this.#advance(now);
    const { bindings } = this.#leasing.memory;
    this.#notes.push(...notesOf(before, bindings));
    if (bindings !== before) this.#hastePause = LEAST_HASTE;
    if (before.length === 0 && bindings.length > 0) this.#informant.stop();
    return this.#report();
  }

  wakeAt(): Instant | undefined {
    const { bindings } = this.#leasing.memory;
    if (this.#reported === "") return bindings.length > 0 ? instant(0) : undefined;
    if (!this.#up) return firstEnd(bindings);
    return earliest(this.#leasing.wakeAt(), this.#informant.wakeAt(this.#needsInformation()));
  }

  snapshot(): Json {
    return memoryToJson(this.#leasing.memory, this.#options.duid);
  }

  #haveLeft(now: Instant): readonly [] {
    this.#leasing.haveLeft(this.#turnAt, now);
    this.#informant.haveLeft(this.#turnAt, now);
    return [];
  }

  #take(input: Exclude<Dhcpv6ClientInput, { kind: "sent" }>, now: Instant): void {
    switch (input.kind) {
      case "packet":
        return this.#up ? this.#hear(input, now) : undefined;
      case "tick":
        return;
      case "link":
        return this.#onLink(input.up, input.since, now);
      case "resume":
        return this.#up ? this.#check(now, now) : undefined;
      case "flags":
        return this.#onFlags(input, now);
      case "provider-heard":
        return this.#hasten(now);
      case "duplicate":
        return this.#leasing.decline(input.address, this.#up, now);
      case "release":
        return this.#release(now);
      case "refresh":
        return this.#refresh(now);
    }
  }

  #advance(now: Instant): void {
    if (this.#released) this.#leasing.conclude(this.#transmitter, now);
    else this.#leasing.advance(this.#transmitter, now);
    this.#informant.advance(this.#needsInformation(), this.#transmitter, this.#leasing.memory, now);
  }

  /** What must be saved comes before what others see of it. */
  #report(): readonly Output<Dhcpv6ClientFact>[] {
    const { memory, exchange, refusal } = this.#leasing;
    const snapshot = JSON.stringify(this.snapshot());
    const informs = this.#up && !this.#released && this.#informant.isUsed;
    const fact = factOf({ memory, activity: exchange?.activity, informs, refusal });
    const text = JSON.stringify(fact);
    const outputs: Output<Dhcpv6ClientFact>[] = this.#notes.splice(0);
    if (snapshot !== this.#saved) outputs.push({ kind: "save" });
    if (text !== this.#reported) outputs.push({ kind: "fact", fact });
    outputs.push(...this.#transmitter.take());
    this.#saved = snapshot;
    this.#reported = text;
    return outputs;
  }

  #hear(packet: Packet, now: Instant): void {
    const heard = examine(packet, this.#options.duid);
    const complaint = heard.kind === "ignored" ? heard.why : this.#obey(packet, heard, now);
    if (complaint !== undefined) this.#notes.push(note("debug", "dhcpv6.ignored", `A DHCPv6 message is ignored: ${complaint}.`));
  }

  /** Undefined, or why the message is ignored. */
  #obey(packet: Packet, heard: Heard, now: Instant): string | undefined {
    switch (heard.kind) {
      case "advertise":
        return this.#leasing.takeAdvertise(heard);
      case "reply":
        if (this.#informant.expects(heard.message.transactionId)) return this.#takeInformation(heard, packet.from, now);
        return this.#leasing.takeReply(heard, packet.from, now);
      case "reconfigure":
        return this.#reconfigure(packet, heard, now);
    }
  }

  #takeInformation(heard: Heard, from: Ip6, now: Instant): string | undefined {
    const status = statusOf(heard.message);
    if (status.status !== STATUS.Success) return wordsOf(status);
    this.#leasing.memory = takeConfiguration(this.#leasing.memory, heard, from);
    this.#informant.receive(heard.message, now);
    return undefined;
  }

  /** RFC 8415 18.2.11: one at a time, and no lease is ever dropped because of it. */
  #reconfigure(packet: Packet, heard: Heard, now: Instant): string | undefined {
    const { key, server, bindings } = this.#leasing.memory;
    if (this.#leasing.exchange || this.#informant.isBusy) return "a Reconfigure during another exchange";
    const order = examineReconfigure(packet, heard, key?.server === server?.duid ? key : undefined);
    if (order.kind === "ignored") return order.why;
    if (order.activity !== "inform" && bindings.length === 0) return "a Reconfigure of leases without leases";
    this.#leasing.memory = { ...this.#leasing.memory, key: order.key };
    if (order.activity === "inform") this.#informant.begin(now);
    else this.#leasing.begin(order.activity, now);
    return undefined;
  }

  #onLink(up: boolean, since: Instant | undefined, now: Instant): void {
    if (up === this.#up) return;
    this.#up = up;
    this.#leasing.stop();
    if (!up) return;
    this.#check(since ?? this.#bornAt ?? now, now);
    this.#bornAt = undefined;
  }

  #check(since: Instant, now: Instant): void {
    if (this.#released) return;
    this.#informant.onLink(now);
    this.#leasing.check(since, now);
  }

  /** A flag that is set for the first time may add an IA; nothing ever takes one away (RFC 7084bis WAA-12). */
  #onFlags({ managed, other }: Flags, now: Instant): void {
    const { flags, wanted } = this.#leasing;
    this.#leasing.flags = { managed: flags.managed || managed, other: flags.other || other || managed };
    if (this.#leasing.wanted.length > wanted.length && this.#up) this.#leasing.widen(now);
  }

  #hasten(now: Instant): void {
    if (now < this.#hasteAt) return;
    this.#hasteAt = after(now, this.#hastePause);
    this.#hastePause = milliseconds(Math.min(2 * this.#hastePause, MOST_HASTE));
    const at = after(now, milliseconds(uniform(this.#options.random, 0, HASTE_DELAY)));
    this.#leasing.hasten(at, now);
    this.#informant.hasten(at);
  }

  #refresh(now: Instant): void {
    this.#released = false;
    if (!this.#up) return;
    this.#leasing.refresh(now);
    this.#informant.onLink(now);
  }

  #release(now: Instant): void {
    this.#released = true;
    this.#leasing.release(this.#up, now);
    this.#leasing.memory = { ...this.#leasing.memory, configuration: NOTHING_CONFIGURED };
    this.#informant.stop();
  }

  /** Whether other configuration must be asked for by itself: no lease is wanted, or Solicits bring none although an RA has the O flag. */
  #needsInformation(): boolean {
    const { memory, wanted, flags, exchange } = this.#leasing;
    if (this.#released || memory.bindings.length > 0) return false;
    if (wanted.length === 0) return flags.other || this.#options.requestPrefix === "never";
    return flags.other && exchange?.activity === "solicit" && exchange.retransmission.sent >= FRUITLESS_SOLICITS;
  }
}
