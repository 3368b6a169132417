/** A DHCPv4 client in invented time, with a server and neighbours that say what the test wants. */
import { parseDuid } from "../addr/duid.ts";
import { type Ip4, ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import { type Mac, mac } from "../addr/mac.ts";
import { type Random, seededRandom } from "../addr/random.ts";
import { type Instant, instant, type Seconds, seconds } from "../addr/time.ts";
import { type ArpPacket, decodeArp } from "../wire/arp.ts";
import { decodeDhcpv4, type Dhcpv4Message, type Dhcpv4Option, type Dhcpv4Type, encodeDhcpv4, optionOf } from "../wire/dhcpv4.ts";
import { BROADCAST, decodeEthernet, encodeEthernet, ETHERTYPE_ARP, ETHERTYPE_IPV4 } from "../wire/ethernet.ts";
import { decodeIpv4, encodeIpv4 } from "../wire/ipv4.ts";
import { decodeUdp, encodeUdp } from "../wire/udp.ts";
import { createDhcpv4Client, type Dhcpv4ClientInput } from "./dhcpv4-client.ts";
import { arpFrame } from "./dhcpv4-client-messages.ts";
import type { Dhcpv4ClientFact } from "./facts.ts";
import type { Json, Machine, Note } from "./machine.ts";

export const MAC = mac("02:00:00:00:00:01");
export const ROUTER_MAC = mac("00:00:5e:00:01:01");
export const SERVER = ip4("100.64.0.1");
export const ADDRESS = ip4("100.79.3.9");
export const START = instant(1_000_000);
const DUID = parseDuid("0004000102030405060708090a0b0c0d0e0f")!;
/** As Starlink leases. */
export const STARLINK: readonly Dhcpv4Option[] = [
  { kind: "lease-time", time: 300 as Seconds },
  { kind: "subnet-mask", length: 10 },
  { kind: "routers", addresses: [SERVER] },
  { kind: "resolvers", addresses: [ip4("1.1.1.1"), ip4("8.8.8.8")] },
];

export interface Said {
  readonly at: Instant;
  readonly type: Dhcpv4Type;
  readonly message: Dhcpv4Message;
  readonly source: Ip4;
  readonly destination: Ip4;
  readonly to: Mac;
}

export class ClientScene {
  now: Instant;
  readonly said: Said[] = [];
  readonly arp: { readonly at: Instant; readonly packet: ArpPacket }[] = [];
  readonly notes: Note[] = [];
  /** Numbers of messages said before each save. */
  readonly saved: number[] = [];
  fact: Dhcpv4ClientFact | undefined;
  readonly client: Machine<Dhcpv4ClientInput, Dhcpv4ClientFact>;

  constructor({ now = START, random = seededRandom(7), saved }: { now?: Instant; random?: Random; saved?: Json } = {}) {
    this.now = now;
    const past = saved === undefined ? undefined : { snapshot: structuredClone(saved), shift: seconds(0) };
    this.client = createDhcpv4Client({ random, duid: DUID, iaid: 1 }, past);
  }

  give(input: Dhcpv4ClientInput): this {
    for (const output of this.client.handle(input, this.now)) {
      if (output.kind === "send-frame") this.#record(output.bytes);
      else if (output.kind === "fact") this.fact = output.fact;
      else if (output.kind === "note") this.notes.push(output);
      else if (output.kind === "save") this.saved.push(this.said.length);
    }
    return this;
  }

  up(): this {
    return this.give({ kind: "link", up: true, mac: MAC });
  }

  /** Lets time pass; every wish for a tick is fulfilled at its time. */
  pass(count: number): this {
    const end = this.now + seconds(count);
    for (let wake = this.client.wakeAt(); wake !== undefined && wake <= end; wake = this.client.wakeAt()) {
      this.now = instant(Math.max(wake, this.now));
      this.give({ kind: "tick" });
    }
    this.now = instant(end);
    return this;
  }

  get last(): Said {
    return this.said.at(-1)!;
  }

  types(): string[] {
    return this.said.map(({ type }) => type);
  }

  /** Seconds between one message and the next. */
  gaps(): number[] {
    return this.said.slice(1).map(({ at }, index) => (at - this.said[index]!.at) / 1000);
  }

  /** The server answers the latest message. */
  answer(type: Dhcpv4Type, options = STARLINK, { yiaddr = ADDRESS, server = SERVER, ...changes }: Answer = {}): this {
    const message: Dhcpv4Message = {
      op: "reply",
      xid: this.last.message.xid,
      secs: 0,
      broadcast: false,
      ciaddr: UNSPECIFIED4,
      yiaddr,
      siaddr: UNSPECIFIED4,
      giaddr: UNSPECIFIED4,
      chaddr: MAC,
      options: [{ kind: "message-type", type }, ...(server ? [{ kind: "server-id" as const, address: server }] : []), ...options],
      ...changes,
    };
    return this.give({ kind: "frame", bytes: answerFrame(encodeDhcpv4(message)) });
  }

  /** From nothing to a lease. */
  lease(options = STARLINK, yiaddr = ADDRESS): this {
    return this.up().answer("offer", options, { yiaddr }).answer("ack", options, { yiaddr });
  }

  hearArp(packet: ArpPacket): this {
    return this.give({ kind: "frame", bytes: arpFrame(packet) });
  }

  #record(bytes: Uint8Array): void {
    const { etherType, payload, destination: to } = decodeEthernet(bytes);
    if (etherType === ETHERTYPE_ARP) return void this.arp.push({ at: this.now, packet: decodeArp(payload) });
    const packet = decodeIpv4(payload);
    const message = decodeDhcpv4(decodeUdp(packet.payload).payload);
    const { type } = optionOf(message, "message-type")!;
    this.said.push({ at: this.now, type, message, source: packet.source, destination: packet.destination, to });
  }
}

type Answer = Partial<Dhcpv4Message> & { readonly server?: Ip4 | null };

export function answerFrame(payload: Uint8Array): Uint8Array {
  const ends = { source: SERVER, destination: ip4("255.255.255.255") };
  const datagram = encodeUdp(ends.source, ends.destination, { sourcePort: 67, destinationPort: 68, payload });
  const packet = encodeIpv4({ ...ends, protocol: 17, ttl: 64, payload: datagram });
  return encodeEthernet({ destination: BROADCAST, source: ROUTER_MAC, etherType: ETHERTYPE_IPV4, payload: packet });
}
