/**
 * DHCPv4 clients that send exactly what a test tells them, from a host of the LAN or from the provider's side, and see what comes back on the wire.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BROADCAST4, type Ip4, UNSPECIFIED4 } from "../../src/addr/ip.ts";
import type { Mac } from "../../src/addr/mac.ts";
import { type Frame, openPacketSocket, type PacketSocket } from "../../src/kernel/packet-socket.ts";
import { openNamespace } from "../../src/kernel/setns.ts";
import type { Namespace } from "../../src/lab/namespace.ts";
import { until } from "../../src/lab/until.ts";
import { decodeDhcpv4, type Dhcpv4Message, type Dhcpv4Option, type Dhcpv4Type, encodeDhcpv4, optionOf } from "../../src/wire/dhcpv4.ts";
import { BROADCAST, decodeEthernet, encodeEthernet, ETHERTYPE_IPV4 } from "../../src/wire/ethernet.ts";
import { decodeIpv4, encodeIpv4 } from "../../src/wire/ipv4.ts";
import { UDP } from "../../src/wire/ipv6.ts";
import { decodeUdp, encodeUdp } from "../../src/wire/udp.ts";

/** An answer as it was on the wire. */
export interface Answered {
  readonly type: Dhcpv4Type | undefined;
  readonly message: Dhcpv4Message;
  readonly toMac: Mac;
  readonly from: Ip4;
  readonly to: Ip4;
  readonly port: number;
  /** Octets of the DHCP message. */
  readonly length: number;
}

export interface Asking extends Partial<Omit<Dhcpv4Message, "options">> {
  readonly options?: readonly Dhcpv4Option[];
  readonly from?: Ip4;
  readonly to?: Ip4;
  readonly toMac?: Mac;
  /** Has the last word on the octets. */
  readonly bytes?: (bytes: Uint8Array) => Uint8Array;
}

/** Longest time for an answer: a probe is in it. */
const PATIENCE = 5_000;
const SILENCE = 600;
const EVERYTHING = [{ code: 0x06, jt: 0, jf: 0, k: 0xffff }];

let transactions = 1;

export class ScriptedClients implements Disposable {
  readonly #socket: PacketSocket;
  readonly #answers: Answered[] = [];

  /** @throws KernelError */
  constructor(host: Namespace, interfaceName = "eth0") {
    const namespace = openNamespace(`/proc/${host.pid}/ns/net`);
    this.#socket = namespace.run(() =>
      openPacketSocket({ interface: interfaceName, filter: EVERYTHING, receive: (frames) => this.#see(frames) }),
    );
    namespace.close();
  }

  /** Sends a message, and does not wait. Returns its transaction. */
  send(type: Dhcpv4Type, chaddr: Mac, asking: Asking = {}): number {
    const { options = [], from = UNSPECIFIED4, to = BROADCAST4, toMac = BROADCAST, bytes = (all) => all, ...change } = asking;
    const xid = transactions++;
    const none = { ciaddr: UNSPECIFIED4, yiaddr: UNSPECIFIED4, siaddr: UNSPECIFIED4, giaddr: UNSPECIFIED4 };
    const message: Dhcpv4Message = {
      op: "request",
      xid,
      secs: 0,
      broadcast: false,
      ...none,
      chaddr,
      ...change,
      options: [{ kind: "message-type", type }, ...options],
    };
    const ports = change.giaddr === undefined ? { sourcePort: 68, destinationPort: 67 } : { sourcePort: 67, destinationPort: 67 };
    const payload = encodeUdp(from, to, { ...ports, payload: bytes(encodeDhcpv4(message)) });
    const packet = encodeIpv4({ source: from, destination: to, protocol: UDP, ttl: 64, payload });
    this.#socket.send(encodeEthernet({ destination: toMac, source: chaddr, etherType: ETHERTYPE_IPV4, payload: packet }));
    return xid;
  }

  /** The answer. @throws NotInTime */
  async ask(type: Dhcpv4Type, chaddr: Mac, asking: Asking = {}): Promise<Answered> {
    const xid = this.send(type, chaddr, asking);
    return (await until(() => this.answersTo(xid)[0], { within: PATIENCE, every: 5, what: `the ${type} is answered` }))!;
  }

  /** Answers that come although none should: waits a while. */
  async unanswered(type: Dhcpv4Type, chaddr: Mac, asking: Asking = {}): Promise<readonly Answered[]> {
    const xid = this.send(type, chaddr, asking);
    await sleep(SILENCE);
    return this.answersTo(xid);
  }

  /** DISCOVER to ACK; the ACK. @throws NotInTime */
  async lease(chaddr: Mac, asking: Asking = {}): Promise<Answered> {
    const offer = await this.ask("discover", chaddr, asking);
    const server = optionOf(offer.message, "server-id")!;
    const kept = (asking.options ?? []).filter(({ kind }) => kind !== "requested-address");
    const options = [...kept, server, { kind: "requested-address", address: offer.message.yiaddr } as const];
    return await this.ask("request", chaddr, { ...asking, options });
  }

  answersTo(xid: number): readonly Answered[] {
    return this.#answers.filter(({ message }) => message.xid === xid);
  }

  get answers(): readonly Answered[] {
    return this.#answers;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #see(frames: readonly Frame[]): void {
    for (const { sent, bytes } of frames) {
      const frame = decodeEthernet(bytes);
      if (sent || frame.etherType !== ETHERTYPE_IPV4) continue;
      const { source: from, destination: to, protocol, payload: datagram } = decodeIpv4(frame.payload);
      if (protocol !== UDP) continue;
      const { payload, sourcePort, destinationPort: port } = decodeUdp(datagram);
      if (sourcePort !== 67) continue;
      const message = decodeDhcpv4(payload);
      const type = optionOf(message, "message-type")?.type;
      if (message.op === "reply") this.#answers.push({ type, message, toMac: frame.destination, from, to, port, length: payload.length });
    }
  }
}
