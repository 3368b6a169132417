/**
 * A provider's DHCPv4 server that does exactly what a test tells it, in the namespace `isp` of a home whose provider is "none":
 *
 *     await using home = await createHome({ isp: "none" });
 *     using provider = scriptedDhcpv4(home);
 *     await home.startSkylan(WITH_IPV4);
 *     provider.answer(await provider.next("discover"), { yiaddr: ip4("100.64.0.7") });
 *     provider.answer(await provider.next("request"), { type: "nak" });
 *     provider.serve({ time: 20 });    // from now on everything is answered like this, or as a function says; undefined is silence
 *
 * Every message and every ARP packet of the gateway is recorded, and so are the sources from which it speaks IPv4. Times are seconds since the provider was
 * opened, as the kernel stamped the frames; what is awaited has its limit in milliseconds.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BROADCAST4, type Ip4, ip4, UNSPECIFIED4 } from "../../src/addr/ip.ts";
import type { Mac } from "../../src/addr/mac.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { type Frame, openPacketSocket, type PacketSocket } from "../../src/kernel/packet-socket.ts";
import { openNamespace } from "../../src/kernel/setns.ts";
import type { Home } from "../../src/lab/home.ts";
import { STARLINK } from "../../src/lab/provider-profile.ts";
import { until } from "../../src/lab/until.ts";
import { type ArpPacket, decodeArp, encodeArp } from "../../src/wire/arp.ts";
import { WireError } from "../../src/wire/bytes.ts";
import { decodeDhcpv4, type Dhcpv4Message, type Dhcpv4Option, type Dhcpv4Type, encodeDhcpv4, optionOf } from "../../src/wire/dhcpv4.ts";
import { BROADCAST, decodeEthernet, encodeEthernet, ETHERTYPE_ARP, ETHERTYPE_IPV4 } from "../../src/wire/ethernet.ts";
import { decodeIpv4, encodeIpv4 } from "../../src/wire/ipv4.ts";
import { UDP } from "../../src/wire/ipv6.ts";
import { decodeUdp, encodeUdp } from "../../src/wire/udp.ts";

export const WITH_IPV4 = { wan: { ipv4: "dhcp" } };
export const PROVIDER = STARLINK.dhcpv4.router;
export const LEASED = ip4("100.64.0.9");

const PATIENCE = 10_000;
/** A kernel without an address says by it from 0.0.0.0 which groups it hears (RFC 3376 4.2.13). */
const IGMP = 2;
const EVERYTHING = [{ code: 0x06, jt: 0, jf: 0, k: 0xffff }];

/** A message of the client. */
export interface HeardDhcpv4 {
  readonly at: number;
  readonly type: Dhcpv4Type;
  readonly message: Dhcpv4Message;
  readonly from: Ip4;
  readonly to: Ip4;
  readonly toMac: Mac;
}

/** How an answer differs from the right one. */
export interface Dhcpv4Answer {
  /** By default an offer to a DISCOVER and an ACK to a REQUEST. */
  readonly type?: Dhcpv4Type;
  readonly yiaddr?: Ip4;
  readonly server?: Ip4;
  /** Of the lease, seconds; 300 by default. */
  readonly time?: number;
  /** T1, seconds; by default it is not named, and neither is T2. */
  readonly renew?: number;
  readonly rebind?: number;
  /** In place of mask, router and resolvers. */
  readonly options?: readonly Dhcpv4Option[];
  readonly changes?: Partial<Dhcpv4Message>;
  /** Has the last word on the octets. */
  readonly bytes?: (bytes: Uint8Array) => Uint8Array;
}

export type Dhcpv4Script = Dhcpv4Answer | ((heard: HeardDhcpv4) => Dhcpv4Answer | undefined);

/** What Starlink says besides the times. */
export const STARLINK_OPTIONS: readonly Dhcpv4Option[] = [
  { kind: "subnet-mask", length: 10 },
  { kind: "routers", addresses: [PROVIDER] },
  { kind: "resolvers", addresses: STARLINK.dhcpv4.resolvers },
];

/** It hears from now on, and answers nothing. @throws KernelError */
export function scriptedDhcpv4(home: Home): ScriptedDhcpv4 {
  return new ScriptedDhcpv4(home);
}

export class ScriptedDhcpv4 implements Disposable {
  readonly heard: HeardDhcpv4[] = [];
  readonly arp: { readonly at: number; readonly packet: ArpPacket }[] = [];
  /** When the gateway has last spoken from each source, DHCP aside. */
  readonly spokenFrom = new Map<Ip4, number>();
  readonly #home: Home;
  readonly #socket: PacketSocket;
  readonly #start = BigInt(Date.now()) * 1_000_000n;
  #script: ((heard: HeardDhcpv4) => Dhcpv4Answer | undefined) | undefined;
  #awaited = 0;

  constructor(home: Home) {
    this.#home = home;
    const namespace = openNamespace(`/proc/${home.host("isp").pid}/ns/net`);
    const receive = (frames: readonly Frame[]): void => frames.forEach((frame) => this.#receive(frame));
    this.#socket = namespace.run(() => openPacketSocket({ interface: "customer", filter: EVERYTHING, receive }));
    namespace.close();
  }

  /** Seconds since the provider was opened. */
  get now(): number {
    return (Date.now() - Number(this.#start / 1_000_000n)) / 1000;
  }

  of(type: Dhcpv4Type): readonly HeardDhcpv4[] {
    return this.heard.filter((heard) => heard.type === type);
  }

  /** The next message of a type, heard already or to come, after the one that `next` gave before. @throws NotInTime */
  next(type: Dhcpv4Type, { within = PATIENCE }: { readonly within?: number } = {}): Promise<HeardDhcpv4> {
    const take = (): HeardDhcpv4 | undefined => {
      const index = this.heard.findIndex((heard, i) => i >= this.#awaited && heard.type === type);
      if (index >= 0) this.#awaited = index + 1;
      return this.heard[index];
    };
    return until(take, { within, what: `the client has sent a ${type}`, every: 5, dump: () => this.#describe() });
  }

  /** What comes within so many milliseconds. */
  async listen(time: number): Promise<readonly HeardDhcpv4[]> {
    const before = this.heard.length;
    await sleep(time);
    return this.heard.slice(before);
  }

  /** Answers a message; returns when, as `now` counts. */
  answer(heard: HeardDhcpv4, answer: Dhcpv4Answer = {}): number {
    this.#send(heard.message, answer);
    return this.now;
  }

  serve(script: Dhcpv4Script = {}): void {
    this.#script = typeof script === "function" ? script : () => script;
  }

  mute(): void {
    this.#script = undefined;
  }

  /** Leads the client to its lease, and waits until the kernel has it; returns when the ACK was sent. @throws NotInTime */
  async lease(answer: Dhcpv4Answer = {}): Promise<number> {
    this.answer(await this.next("discover"), answer);
    const at = this.answer(await this.next("request"), answer);
    await this.#home.until(async () => (await addressesOf(this.#home)).includes(answer.yiaddr ?? LEASED), {
      within: 5000,
      what: "the lease is used",
    });
    return at;
  }

  sendArp(packet: ArpPacket): void {
    this.#put({ destination: BROADCAST, source: packet.senderMac, etherType: ETHERTYPE_ARP, payload: encodeArp(packet) });
  }

  [Symbol.dispose](): void {
    this.mute();
    this.#socket.close();
  }

  #send(question: Dhcpv4Message, answer: Dhcpv4Answer): void {
    const message = answerMessage(question, answer);
    const bytes = encodeDhcpv4(message);
    const payload = answer.bytes?.(bytes) ?? bytes;
    const ends = { source: answer.server ?? PROVIDER, destination: BROADCAST4 };
    const datagram = encodeUdp(ends.source, ends.destination, { sourcePort: 67, destinationPort: 68, payload });
    const packet = encodeIpv4({ ...ends, protocol: UDP, ttl: 64, payload: datagram });
    this.#put({ destination: question.chaddr, source: STARLINK.mac, etherType: ETHERTYPE_IPV4, payload: packet });
  }

  #put(frame: Parameters<typeof encodeEthernet>[0]): void {
    const refusal = this.#socket.send(encodeEthernet(frame));
    if (refusal) throw refusal;
  }

  #receive(frame: Frame): void {
    if (frame.sent) return;
    try {
      this.#hear(frame, Number(frame.at - this.#start) / 1e9);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }

  #hear({ bytes }: Frame, at: number): void {
    const { etherType, payload, destination: toMac } = decodeEthernet(bytes);
    if (etherType === ETHERTYPE_ARP) return void this.arp.push({ at, packet: decodeArp(payload) });
    if (etherType !== ETHERTYPE_IPV4) return;
    const packet = decodeIpv4(payload);
    const datagram = packet.protocol === UDP ? decodeUdp(packet.payload) : undefined;
    if (packet.protocol === IGMP) return;
    if (datagram?.destinationPort !== 67) return void this.spokenFrom.set(packet.source, at);
    const message = decodeDhcpv4(datagram.payload);
    const heard = { at, type: optionOf(message, "message-type")!.type, message, from: packet.source, to: packet.destination, toMac };
    this.heard.push(heard);
    const answer = this.#script?.(heard);
    if (answer) this.answer(heard, answer);
  }

  async #describe(): Promise<string> {
    const list = this.heard.map(({ at, type, from }) => `${at.toFixed(3)} ${type} from ${from}`);
    return ["-- the provider has heard", ...list, await this.#home.describe()].join("\n");
  }
}

/** The IPv4 addresses of the gateway's WAN. */
export async function addressesOf(home: Home): Promise<readonly Ip4[]> {
  const shown = await home.gateway.exec("ip", "-4", "-brief", "addr", "show", "dev", "wan");
  return [...shown.matchAll(/([0-9.]+)\/32/g)].map(([, address]) => ip4(address!));
}

function answerMessage(question: Dhcpv4Message, answer: Dhcpv4Answer): Dhcpv4Message {
  const { server = PROVIDER, time = 300, renew, rebind, options = STARLINK_OPTIONS } = answer;
  const type = answer.type ?? (optionOf(question, "message-type")?.type === "discover" ? "offer" : "ack");
  const lease: readonly Dhcpv4Option[] = [
    { kind: "lease-time", time: time as Seconds },
    ...(renew === undefined ? [] : [{ kind: "renewal-time", time: renew as Seconds } as const]),
    ...(rebind === undefined ? [] : [{ kind: "rebinding-time", time: rebind as Seconds } as const]),
    ...options,
  ];
  return {
    ...question,
    op: "reply",
    secs: 0,
    ciaddr: UNSPECIFIED4,
    yiaddr: type === "nak" ? UNSPECIFIED4 : (answer.yiaddr ?? LEASED),
    options: [{ kind: "message-type", type }, { kind: "server-id", address: server }, ...(type === "nak" ? [] : lease)],
    ...answer.changes,
  };
}
