/** A forwarder with resolvers made up: what it sends is recorded, what they say is said by the test. */
import { ip6 } from "../addr/ip.ts";
import { seededRandom } from "../addr/random.ts";
import { after, type Instant, instant, milliseconds } from "../addr/time.ts";
import {
  decodeDns,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  encodeDns,
  NO_FLAGS,
  OPCODE,
  RCODE,
  RR_CLASS,
  RR_TYPE,
} from "../wire/dns.ts";
import type { Ears, Transport } from "./dns-exchange.ts";
import { type Asker, DnsForwarder, type ForwarderOptions, STREAM } from "./dns-forwarder.ts";
import { formatUpstream, type Upstream } from "./dns-upstream.ts";

export interface Sent {
  readonly upstream: string;
  readonly transport: Transport;
  readonly query: Uint8Array;
  readonly message: DnsMessage;
  readonly ears: Ears;
  isClosed: boolean;
}

export const upstream = (number: number): Upstream => ({ kind: "plain", address: ip6(`2a0d:7f00:1::${number}`), port: 53 });
export const question = (name: string, type: number = RR_TYPE.AAAA): DnsQuestion => ({ name, type, class: RR_CLASS.IN });

export function query(name: string, changes: Partial<DnsMessage> & { readonly type?: number } = {}): Uint8Array {
  const { type, ...rest } = changes;
  return encodeDns({
    id: 7,
    flags: { ...NO_FLAGS, recursionDesired: true },
    opcode: OPCODE.QUERY,
    rcode: RCODE.NOERROR,
    questions: [question(name, type)],
    answers: [],
    authorities: [],
    additionals: [],
    ...rest,
  });
}

export const EDNS = { size: 1232, version: 0, dnssecOk: false, flags: 0, options: [] };

export const aaaa = (name: string, address: string, ttl = 300): DnsRecord => ({
  name,
  type: RR_TYPE.AAAA,
  class: RR_CLASS.IN,
  ttl,
  data: { kind: "aaaa", address: ip6(address) },
});

export const soa = (name: string, ttl: number, minimum: number): DnsRecord => ({
  name,
  type: RR_TYPE.SOA,
  class: RR_CLASS.IN,
  ttl,
  data: { kind: "soa", mname: "ns", rname: "nobody", serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});

/** An answer to what was sent. */
export function answer({ message }: Pick<Sent, "message">, changes: Partial<DnsMessage> = {}): Uint8Array {
  const flags = { ...message.flags, response: true, recursionAvailable: true, authenticData: false };
  return encodeDns({ ...message, flags, ...(message.edns && { edns: EDNS }), ...changes });
}

export class ForwarderWorld {
  now: Instant = instant(1_000_000);
  readonly sent: Sent[] = [];
  readonly forwarder: DnsForwarder;
  readonly objected: string[] = [];

  constructor(upstreams = 1, options: Partial<ForwarderOptions> = {}) {
    this.forwarder = new DnsForwarder({
      random: seededRandom(1),
      local: () => undefined,
      objection: () => undefined,
      objected: (_question, why) => this.objected.push(why),
      ask: (to, bytes, transport, ears) => {
        const sent: Sent = { upstream: formatUpstream(to), transport, query: bytes, message: decodeDns(bytes), ears, isClosed: false };
        this.sent.push(sent);
        return { close: () => (sent.isClosed = true) };
      },
      ...options,
    });
    this.forwarder.setUpstreams(
      Array.from({ length: upstreams }, (_, index) => upstream(index + 1)),
      this.now,
    );
  }

  /** Asks as a client by UDP would, first in place, then in earnest; the replies so far and to come. */
  ask(bytes: Uint8Array, { room = 4096, who = "client" }: Partial<Pick<Asker, "room" | "who">> = {}): DnsMessage[] {
    const replies: DnsMessage[] = [];
    const slot = new Uint8Array(8192);
    slot.set(bytes, 100);
    const length = room === STREAM ? 0 : this.forwarder.answer(slot, 100, 100 + bytes.length, room, this.now);
    if (length > 0) replies.push(decodeDns(slot.slice(100, 100 + length)));
    else this.forwarder.ask({ who, query: bytes, room, reply: (message) => replies.push(decodeDns(message)) }, this.now);
    return replies;
  }

  /** Lets time pass, with the ticks that are wanted. */
  pass(span: number): void {
    const end = after(this.now, milliseconds(span));
    for (let at = this.forwarder.wakeAt(); at <= end; at = this.forwarder.wakeAt()) {
      this.now = at;
      this.forwarder.tick(at);
    }
    this.now = end;
  }

  hear(sent: Sent | undefined, bytes: Uint8Array): void {
    sent!.ears.heard(bytes, this.now);
  }
}
