/** For tests: a DHCPv6 client in virtual time and the provider's answers, so that a test reads as the script of a conversation. */
import { type Duid, parseDuid } from "../addr/duid.ts";
import { type Ip6, ip6 } from "../addr/ip.ts";
import { type Prefix, prefix } from "../addr/prefix.ts";
import { seededRandom } from "../addr/random.ts";
import { type Duration, type Instant, instant, type Seconds, seconds } from "../addr/time.ts";
import {
  type ClientServerMessage,
  decodeDhcpv6,
  type Dhcpv6Kind,
  type Dhcpv6Option,
  encodeDhcpv6,
  type IaNa,
  type IaPd,
  optionOf,
  optionsOf,
  STATUS,
} from "../wire/dhcpv6.ts";
import { createDhcpv6Client, type Dhcpv6ClientInput, type Dhcpv6ClientOptions } from "./dhcpv6-client.ts";
import type { Dhcpv6ClientFact } from "./facts.ts";
import type { Json, Machine, Note, Output } from "./machine.ts";

export const CLIENT = parseDuid("00:04:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f")!;
export const SERVER = parseDuid("00:03:00:01:00:00:5e:00:01:01")!;
export const OTHER_SERVER = parseDuid("00:63:ab:cd")!;
export const ROUTER = ip6("fe80::200:5eff:fe00:101");
export const HOME = prefix("2605:59c8:1200::/56");
export const ELSEWHERE = prefix("2605:59c8:7700::/56");
export const ADDRESS = ip6("2605:59c8:1000::1234");

const OPTIONS: Omit<Dhcpv6ClientOptions, "random"> = {
  duid: CLIENT,
  iaidPrefix: 1,
  iaidAddress: 2,
  prefixHint: 56,
  requestAddress: "auto",
  rapidCommit: false,
};

/** A message that the client has sent, and when. */
export interface Sent {
  readonly at: number;
  readonly kind: Dhcpv6Kind;
  readonly to: Ip6;
  readonly message: ClientServerMessage;
}

/** The client with its clock. All times are seconds after the beginning of the script. */
export class Script {
  readonly client: Machine<Dhcpv6ClientInput, Dhcpv6ClientFact>;
  readonly sent: Sent[] = [];
  readonly notes: Note[] = [];
  /** Kinds of all outputs in their order. */
  readonly outputs: Output<Dhcpv6ClientFact>[] = [];
  /** Called for each message at once; what it returns reaches the client a millisecond later. */
  server: ((sent: Sent) => readonly Uint8Array[]) | undefined;
  #now: Instant;
  #fact: Dhcpv6ClientFact | undefined;
  readonly #start: Instant;

  constructor(
    options: Partial<Dhcpv6ClientOptions> = {},
    saved?: { readonly snapshot: Json; readonly shift: Duration },
    seed = 1,
    start = 0,
  ) {
    this.client = createDhcpv6Client({ ...OPTIONS, random: seededRandom(seed), ...options }, saved);
    this.#start = instant(start);
    this.#now = this.#start;
  }

  get now(): number {
    return (this.#now - this.#start) / 1000;
  }

  get fact(): Dhcpv6ClientFact {
    if (!this.#fact) throw new Error("no fact was reported");
    return this.#fact;
  }

  get prefixes(): readonly Prefix[] {
    return this.fact.delegated.map((delegated) => delegated.prefix);
  }

  /** Seconds left of the first delegated prefix: [preferred, valid]. */
  get lifetimes(): readonly [number, number] {
    const [first] = this.fact.delegated;
    if (!first) throw new Error("nothing is delegated");
    return [(first.preferredUntil - this.#now) / 1000, (first.validUntil - this.#now) / 1000];
  }

  /** Messages of one kind, or all. */
  of(kind: Dhcpv6Kind): readonly Sent[] {
    return this.sent.filter((sent) => sent.kind === kind);
  }

  /** The latest message. */
  get last(): Sent {
    const last = this.sent.at(-1);
    if (!last) throw new Error("nothing was sent");
    return last;
  }

  give(input: Dhcpv6ClientInput): readonly Output<Dhcpv6ClientFact>[] {
    const outputs = this.client.handle(input, this.#now);
    const answers: Uint8Array[] = [];
    for (const output of outputs) {
      this.outputs.push(output);
      if (output.kind === "fact") this.#fact = output.fact;
      else if (output.kind === "note") this.notes.push(output);
      else if (output.kind === "send") answers.push(...this.#onSend(output.to, output.bytes));
    }
    if (answers.length > 0) this.#now = (this.#now + 1) as Instant;
    for (const bytes of answers) this.hear(bytes);
    return outputs;
  }

  /** Lets time pass up to `at` seconds, with a tick whenever the client wants one. @throws Error when it wants one again and again. */
  until(at: number): this {
    const end = (this.#start + at * 1000) as Instant;
    let ticksLeft = 100 + 10 * (at - this.now);
    for (let wake = this.client.wakeAt(); wake !== undefined && wake <= end; wake = this.client.wakeAt()) {
      this.#now = Math.max(this.#now, wake) as Instant;
      this.give({ kind: "tick" });
      if (ticksLeft-- <= 0) throw new Error("the client spins");
    }
    this.#now = Math.max(this.#now, end) as Instant;
    return this;
  }

  pass(time: number): this {
    return this.until(this.now + time);
  }

  /** Lets time pass without the client noticing, as in suspend. */
  sleep(time: number): this {
    this.#now = (this.#now + seconds(time)) as Instant;
    return this;
  }

  link(up: boolean): this {
    this.give({ kind: "link", up });
    return this;
  }

  /** Delivers a message from the provider. */
  hear(bytes: Uint8Array, from: Ip6 = ROUTER, to: Ip6 = ip6("fe80::2"), sourcePort = 547): this {
    this.give({ kind: "packet", from, to, hopLimit: 64, sourcePort, bytes });
    return this;
  }

  /** Answers the latest message. */
  answer(kind: "advertise" | "reply", ...options: Dhcpv6Option[]): this {
    return this.hear(answerTo(this.last.message, kind, ...options));
  }

  /** Link up, Solicit, Advertise, Request, Reply: bound at about `now`. */
  bind(...options: Dhcpv6Option[]): this {
    this.link(true).pass(1);
    this.answer("advertise", ...options).pass(1.1);
    if (this.last.kind !== "request") throw new Error(`a Request was expected, not a ${this.last.kind}`);
    return this.answer("reply", ...options);
  }

  #onSend(to: Ip6, bytes: Uint8Array): readonly Uint8Array[] {
    const message = decodeDhcpv6(bytes);
    if (!("transactionId" in message)) throw new Error("a client sends no relay messages");
    const sent = { at: this.now, kind: message.kind, to, message };
    this.sent.push(sent);
    return this.server?.(sent) ?? [];
  }
}

/** The encoded answer of SERVER, or of the server that `options` name first. */
export function answerTo(question: ClientServerMessage, kind: Dhcpv6Kind, ...options: Dhcpv6Option[]): Uint8Array {
  const server: Dhcpv6Option[] = options.some((option) => option.kind === "server-id") ? [] : [serverId(SERVER)];
  return encodeDhcpv6({
    kind,
    transactionId: question.transactionId,
    options: [{ kind: "client-id", duid: CLIENT }, ...server, ...options],
  });
}

export const serverId = (duid: Duid): Dhcpv6Option => ({ kind: "server-id", duid });

interface Times {
  readonly preferred?: number;
  readonly valid?: number;
  readonly t1?: number;
  readonly t2?: number;
  readonly iaid?: number;
  readonly options?: readonly Dhcpv6Option[];
}

/** An IA_PD with one prefix of the named provider: 150/300 s, T1 and T2 left to the client. */
export function iaPd(value: Prefix, times: Times = {}): IaPd {
  return iaPdWith([iaPrefix(value, times)], times);
}

export function iaPdWith(options: readonly Dhcpv6Option[], { t1 = 0, t2 = 0, iaid = 1 }: Times = {}): IaPd {
  return { kind: "ia-pd", iaid, t1: t1 as Seconds, t2: t2 as Seconds, options };
}

export function iaPrefix(value: Prefix, { preferred = 150, valid = 300, options = [] }: Times = {}): Dhcpv6Option {
  return { kind: "ia-prefix", prefix: value, preferred: preferred as Seconds, valid: valid as Seconds, options };
}

export function iaNa(address: Ip6, times: Times = {}): IaNa {
  return iaNaWith([iaAddress(address, times)], times);
}

export function iaNaWith(options: readonly Dhcpv6Option[], { t1 = 0, t2 = 0, iaid = 2 }: Times = {}): IaNa {
  return { kind: "ia-na", iaid, t1: t1 as Seconds, t2: t2 as Seconds, options };
}

export function iaAddress(address: Ip6, { preferred = 150, valid = 300, options = [] }: Times = {}): Dhcpv6Option {
  return { kind: "ia-address", address, preferred: preferred as Seconds, valid: valid as Seconds, options };
}

export function status(name: keyof typeof STATUS, message = ""): Dhcpv6Option {
  return { kind: "status-code", status: STATUS[name], message };
}

/** The prefixes that a message names in its IA_PDs. */
export function namedPrefixes(message: ClientServerMessage): readonly Prefix[] {
  return optionsOf(message, "ia-pd").flatMap((ia) => optionsOf(ia, "ia-prefix").map((option) => option.prefix));
}

/** Gaps between messages in seconds. */
export function gaps(sent: readonly Sent[]): readonly number[] {
  return sent.slice(1).map(({ at }, i) => at - sent[i]!.at);
}

/** Whether each value is within a tenth of the expected one. */
export function about(values: readonly number[], expected: readonly number[]): boolean {
  return values.length === expected.length && values.every((value, i) => Math.abs(value - expected[i]!) <= expected[i]! * 0.1 + 0.002);
}

export const elapsedOf = (sent: Sent): number => optionOf(sent.message, "elapsed-time")?.hundredths ?? -1;
export const requestedOptions = (sent: Sent): readonly number[] => optionOf(sent.message, "oro")?.codes ?? [];
