/**
 * A provider that does exactly what a test tells it, because no real server sends what a client must withstand. It lives in the test's own process and
 * speaks Ethernet in the namespace `isp` of a home whose provider is "none":
 *
 *     await using home = await createHome({ isp: "none" });
 *     using provider = scriptedProvider(home);
 *     await home.startSkylan();
 *     provider.answer(await provider.next("solicit", { within: 10_000 }), { preferred: 20, valid: 40 });
 *     provider.answer(await provider.next("request"), { status: "NoPrefixAvail", prefixes: [] });
 *     provider.serve({ t1: 5, t2: 8 });          // from now on everything is answered like this ...
 *     provider.serve(({ kind }) => (kind === "renew" ? undefined : {}));   // ... or as a function says; undefined is silence
 *     provider.mute();                           // ... or not at all
 *
 * Every message of the client is recorded (`provider.heard`), whether it is answered or not. Times are seconds since the provider was opened, as the
 * kernel stamped the frames; what is awaited has its limit in milliseconds, as everywhere in the lab.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ALL_NODES, type Ip6 } from "../../src/addr/ip.ts";
import { BROADCAST } from "../../src/wire/ethernet.ts";
import type { Mac } from "../../src/addr/mac.ts";
import type { Prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { type Frame, openPacketSocket, type PacketSocket } from "../../src/kernel/packet-socket.ts";
import { NDP_AND_DHCPV6 } from "../../src/kernel/packet-filter.ts";
import { openNamespace } from "../../src/kernel/setns.ts";
import type { Home } from "../../src/lab/home.ts";
import { STARLINK, STARLINK_LINK } from "../../src/lab/provider-profile.ts";
import { until } from "../../src/lab/until.ts";
import { CLIENT_PORT, type ClientServerMessage, type Dhcpv6Kind, SERVER_PORT } from "../../src/wire/dhcpv6.ts";
import { decodeFrame, encodeIcmpv6Frame, encodeUdpFrame } from "../../src/wire/frame.ts";
import { encodeNdp, type NdpMessage, type NdpOption } from "../../src/wire/ndp.ts";
import { type Answer, encodeAnswer } from "./scripted-answer.ts";

/** Longest wait for a message where the test names none: the first Solicit comes when duplicate address detection and a random second are over. */
const PATIENCE = 10_000;

/** A message of the client. */
export interface Heard {
  /** Seconds since the provider was opened. */
  readonly at: number;
  readonly kind: Dhcpv6Kind;
  readonly message: ClientServerMessage;
  readonly from: Ip6;
  readonly to: Ip6;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly hopLimit: number;
  readonly sourceMac: Mac;
  readonly destinationMac: Mac;
  /** The UDP payload. */
  readonly bytes: Uint8Array;
}

/** How a message travels; by default from the router's link-local address and port 547 to the client's address and MAC. */
export interface Manner {
  readonly from?: Ip6;
  readonly to?: Ip6;
  readonly sourcePort?: number;
  readonly sourceMac?: Mac;
  readonly destinationMac?: Mac;
  readonly hopLimit?: number;
}

/** Starlink's habit: from a global address and another port to the Ethernet broadcast address. */
export const STARLINK_MANNER: Manner = {
  from: "2605:59c8:1:8a00::1" as Ip6,
  sourcePort: 49_152,
  destinationMac: BROADCAST,
};

/** How an RA differs from Starlink's. */
export interface Advertised extends Manner {
  readonly managed?: boolean;
  readonly other?: boolean;
  /** Seconds; 300 by default. */
  readonly routerLifetime?: number;
  /** For SLAAC; "none": no prefix. */
  readonly prefix?: Prefix | "none";
  readonly preferred?: number;
  readonly valid?: number;
  /** Put behind the others. */
  readonly options?: readonly NdpOption[];
}

export type Script = (Answer & Manner) | ((heard: Heard) => (Answer & Manner) | undefined);

/** Where a server is: in a host, on one of its interfaces. */
export interface ServerPlace {
  readonly host: string;
  readonly interface: string;
}

const AT_THE_PROVIDER: ServerPlace = { host: "isp", interface: "customer" };

/** Opens the provider of a home made with `isp: "none"`, or a server elsewhere. It hears from now on, and answers nothing. @throws KernelError */
export function scriptedProvider(home: Home, place = AT_THE_PROVIDER): ScriptedProvider {
  return new ScriptedProvider(home, place);
}

export class ScriptedProvider implements Disposable {
  /** All messages of the client, in their order. */
  readonly heard: Heard[] = [];
  /** All Neighbor Discovery messages of the client: solicitations of routers, probes of addresses. */
  readonly neighbors: { readonly at: number; readonly from: Ip6; readonly message: NdpMessage }[] = [];
  readonly #home: Home;
  readonly #socket: PacketSocket;
  readonly #start = BigInt(Date.now()) * 1_000_000n;
  #script: ((heard: Heard) => (Answer & Manner) | undefined) | undefined;
  #advertised: Advertised | undefined;
  readonly #defended = new Set<Ip6>();
  /** Messages before this one have been given by `next` or passed over by it. */
  #awaited = 0;

  constructor(home: Home, place: ServerPlace) {
    this.#home = home;
    const namespace = openNamespace(`/proc/${home.host(place.host).pid}/ns/net`);
    const receive = (frames: readonly Frame[]): void => frames.forEach((frame) => this.#receive(frame));
    this.#socket = namespace.run(() => openPacketSocket({ interface: place.interface, filter: NDP_AND_DHCPV6, receive }));
    namespace.close();
  }

  /** The wall clock, seconds since 1970, when the provider was opened: for comparing with captures. */
  get epoch(): number {
    return Number(this.#start / 1_000_000n) / 1000;
  }

  /** Seconds since the provider was opened. */
  get now(): number {
    return (Date.now() - Number(this.#start / 1_000_000n)) / 1000;
  }

  /** The messages of one kind. */
  of(kind: Dhcpv6Kind): readonly Heard[] {
    return this.heard.filter((heard) => heard.kind === kind);
  }

  /** The messages since a time. */
  since(at: number): readonly Heard[] {
    return this.heard.filter((heard) => heard.at >= at);
  }

  /**
   * The next message of a kind, heard already or to come, after the one that `next` gave before; what came in between is passed over. @throws NotInTime
   */
  next(kind: Dhcpv6Kind, { within = PATIENCE }: { readonly within?: number } = {}): Promise<Heard> {
    const take = (): Heard | undefined => {
      const index = this.heard.findIndex((heard, i) => i >= this.#awaited && heard.kind === kind);
      if (index >= 0) this.#awaited = index + 1;
      return this.heard[index];
    };
    return until(take, { within, what: `the client has sent a ${kind}`, every: 5, dump: () => this.#describe() });
  }

  /** Passes over what was heard so far: `next` gives what comes after now. */
  passOver(): void {
    this.#awaited = this.heard.length;
  }

  /** What comes within so many milliseconds. */
  async listen(time: number): Promise<readonly Heard[]> {
    const before = this.heard.length;
    await sleep(time);
    return this.heard.slice(before);
  }

  /** Answers a message. */
  answer(heard: Heard, answer: Answer & Manner = {}): void {
    this.sendBytes(encodeAnswer(heard.message, answer), { to: heard.from, destinationMac: heard.sourceMac, ...answer });
  }

  /** From now on answers every message like this, and every router solicitation by an RA, unless that is "none". */
  serve(script: Script = {}, advertised: Advertised | "none" = {}): void {
    this.#script = typeof script === "function" ? script : () => script;
    this.#advertised = advertised === "none" ? undefined : advertised;
  }

  /** From now on answers nothing by itself. */
  mute(): void {
    this.#script = undefined;
    this.#advertised = undefined;
  }

  /** Leads the client from its first Solicit to its lease; returns the Request that got it. @throws NotInTime */
  async bind(answer: Answer & Manner = {}): Promise<Heard> {
    this.answer(await this.next("solicit", { within: 2 * PATIENCE }), answer);
    const request = await this.next("request");
    this.answer(request, answer);
    await this.#home.until(async () => (await this.#home.status()).delegations.length > 0, { within: 5000, what: "the lease is held" });
    return request;
  }

  /** Sends a UDP payload to the client, which must have been heard before unless `manner` names where to. */
  sendBytes(payload: Uint8Array, manner: Manner = {}): void {
    const { sourcePort = SERVER_PORT } = manner;
    const client = this.heard.at(-1);
    const header = { ...this.#header(manner), destination: manner.to ?? client!.from };
    const destinationMac = manner.destinationMac ?? client!.sourceMac;
    this.sendFrame(encodeUdpFrame({ ...header, destinationMac }, { sourcePort, destinationPort: CLIENT_PORT, payload }));
  }

  /** Sends an RA, by default to all nodes. */
  sendRa(advertised: Advertised = {}): void {
    const header = { ...this.#header({ hopLimit: 255, ...advertised }), destination: advertised.to ?? ALL_NODES };
    const { destinationMac } = advertised;
    const frame = { ...header, ...(destinationMac === undefined ? {} : { destinationMac }) };
    this.sendFrame(encodeIcmpv6Frame(frame, encodeNdp(routerAdvertisement(advertised))));
  }

  /** From now on answers whoever probes this address (RFC 4862 5.4.3), as a node that has it. */
  defend(address: Ip6): void {
    this.#defended.add(address);
  }

  /** Puts a whole Ethernet frame on the wire. @throws KernelError */
  sendFrame(frame: Uint8Array): void {
    const refusal = this.#socket.send(frame);
    if (refusal) throw refusal;
  }

  [Symbol.dispose](): void {
    this.mute();
    this.#socket.close();
  }

  #header({ from = STARLINK.linkLocal, sourceMac = STARLINK.mac, hopLimit = 64 }: Manner) {
    return { source: from, sourceMac, hopLimit };
  }

  #receive(frame: Frame): void {
    const decoded = decodeFrame(frame.bytes);
    if (frame.sent || decoded.kind !== "ipv6") return;
    const { ethernet, packet, content } = decoded;
    const at = Number(frame.at - this.#start) / 1e9;
    if (content.kind === "ndp") this.#receiveNeighbor(content.message, packet.source, at);
    if (content.kind !== "dhcpv6" || !("transactionId" in content.message)) return;
    const { message, datagram } = content;
    const { sourcePort, destinationPort, payload } = datagram;
    const ports = { sourcePort, destinationPort, bytes: payload };
    const place = { from: packet.source, to: packet.destination, sourceMac: ethernet.source, destinationMac: ethernet.destination };
    const heard: Heard = { at, kind: message.kind, message, hopLimit: packet.hopLimit, ...place, ...ports };
    this.heard.push(heard);
    const answer = this.#script?.(heard);
    if (answer) this.answer(heard, answer);
  }

  #receiveNeighbor(message: NdpMessage, from: Ip6, at: number): void {
    this.neighbors.push({ at, from, message });
    if (message.kind === "router-solicitation" && this.#advertised) this.sendRa(this.#advertised);
    if (message.kind !== "neighbor-solicitation" || !this.#defended.has(message.target)) return;
    const { target } = message;
    const options = [{ kind: "target-link-layer-address", mac: STARLINK.mac }] as const;
    const defence = { kind: "neighbor-advertisement", router: false, solicited: false, override: true, target, options } as const;
    this.sendFrame(encodeIcmpv6Frame({ ...this.#header({ from: target, hopLimit: 255 }), destination: ALL_NODES }, encodeNdp(defence)));
  }

  async #describe(): Promise<string> {
    const list = this.heard.map(({ at, kind, message }) => `${at.toFixed(3)} ${kind} ${message.transactionId.toString(16)}`);
    return ["-- the provider has heard", ...list, await this.#home.describe()].join("\n");
  }
}

export function routerAdvertisement(advertised: Advertised): NdpMessage {
  const { managed = false, other = true, routerLifetime = 300, prefix = STARLINK_LINK, preferred = 150, valid = 300 } = advertised;
  const information: NdpOption[] =
    prefix === "none"
      ? []
      : [{ kind: "prefix-information", prefix, onLink: true, autonomous: true, preferred: preferred as Seconds, valid: valid as Seconds }];
  return {
    kind: "router-advertisement",
    hopLimit: 64,
    managed,
    other,
    preference: "medium",
    routerLifetime: routerLifetime as Seconds,
    reachableTime: 0,
    retransTimer: 0,
    options: [
      { kind: "source-link-layer-address", mac: advertised.sourceMac ?? STARLINK.mac },
      ...information,
      ...(advertised.options ?? []),
    ],
  };
}
