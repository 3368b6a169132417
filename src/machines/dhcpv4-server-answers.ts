/** The answers of a DHCPv4 server: what is in them (RFC 2131 table 3, RFC 6842), how long they may be, and where they go (4.1). */
import { type Ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import { host4, prefix4Length } from "../addr/prefix4.ts";
import type { Seconds } from "../addr/time.ts";
import {
  DHCPV4_CLIENT_PORT,
  DHCPV4_SERVER_PORT,
  type Dhcpv4Message,
  type Dhcpv4Option,
  type Dhcpv4Type,
  encodeDhcpv4,
  encodeOption,
  encodeOptionData,
  OPTION_CODES,
  optionOf,
} from "../wire/dhcpv4.ts";
import { Writer } from "../wire/bytes.ts";
import { FQDN_FLAG } from "../wire/dhcpv4-fqdn.ts";
import type { Dhcpv4Destination, Dhcpv4Serving } from "./dhcpv4-server-options.ts";

/** What every client can take (RFC 2131 2), and what one Ethernet frame can hold: octets with the headers of IP and UDP. */
const [SHORTEST_LIMIT, LONGEST_LIMIT, HEADERS] = [576, 1500, 28];
/** The fixed part of a message with the magic cookie, and END. */
const FRAME = 241;
/** Echoed by the server and put last: RFC 3046 2.2. */
const RELAY_AGENT = 82;
/** Of the lease's time, RFC 2131 4.4.5. */
const [T1, T2] = [0.5, 0.875];

const MOST_STARTS = 32;

interface Start {
  readonly type: Content["type"];
  readonly codes: readonly number[];
  readonly room: number;
  readonly bytes: Uint8Array;
}

type Raw = Extract<Dhcpv4Option, { readonly kind: "unknown" }>;

/** What the server makes of a message; `address` and `time` are absent in the answer to an INFORM. */
export interface Content {
  readonly type: Extract<Dhcpv4Type, "offer" | "ack">;
  readonly address?: Ip4;
  readonly time?: Seconds;
  /** What the device is called here. */
  readonly name?: string;
}

export interface Answer {
  readonly to: Dhcpv4Destination;
  readonly bytes: Uint8Array;
}

export class Dhcpv4Answers {
  readonly #serving: Dhcpv4Serving;
  readonly #serverId: Raw;
  readonly #mask: Raw;
  /** What a client may ask for, by code; in the order for those who do not say what they want. */
  readonly #parameters: ReadonlyMap<number, Raw>;
  readonly #all: readonly number[];
  /** How answers to a list of wishes begin: devices of one kind ask alike. */
  readonly #starts: Start[] = [];

  constructor(serving: Dhcpv4Serving) {
    const { router, network, resolvers, domain, searchDomains, mtu } = serving;
    const length = prefix4Length(network);
    const parameters: Dhcpv4Option[] = [
      { kind: "routers", addresses: [router] },
      ...(resolvers.length > 0 ? [{ kind: "resolvers", addresses: resolvers } as const] : []),
      ...(domain === undefined ? [] : [{ kind: "domain-name", text: domain } as const]),
      { kind: "broadcast-address", address: host4(network, 2 ** (32 - length) - 1) },
      ...(mtu === undefined ? [] : [{ kind: "mtu", octets: mtu } as const]),
      ...(searchDomains.length > 0 ? [{ kind: "domain-search", domains: searchDomains } as const] : []),
    ];
    this.#serving = serving;
    this.#serverId = raw({ kind: "server-id", address: router });
    this.#mask = raw({ kind: "subnet-mask", length });
    this.#parameters = new Map(parameters.map(raw).map((option) => [option.code, option]));
    this.#all = [...this.#parameters.keys()];
  }

  /** An OFFER or ACK. `from`: where the message came from. */
  positive(asked: Dhcpv4Message, from: Ip4, { type, address, time, name }: Content): Answer {
    const options: Dhcpv4Option[] = time === undefined ? [] : timers(time);
    this.#addNames(options, asked, name);
    addEchoes(options, asked);
    const room = limitOf(asked) - FRAME - sizeOf(options);
    const reply: Dhcpv4Message = {
      op: "reply",
      xid: asked.xid,
      secs: 0,
      broadcast: asked.broadcast,
      ciaddr: type === "ack" ? asked.ciaddr : UNSPECIFIED4,
      yiaddr: address ?? UNSPECIFIED4,
      siaddr: UNSPECIFIED4,
      giaddr: asked.giaddr,
      chaddr: asked.chaddr,
      options,
    };
    return {
      to: destination(reply, address === undefined ? from : UNSPECIFIED4),
      bytes: encodeDhcpv4(reply, this.#start(type, optionOf(asked, "parameter-list")?.codes ?? this.#all, room)),
    };
  }

  /** A NAK goes to all, as the client has a wrong address (RFC 2131 4.3.2); a relay is told to do the same. */
  negative(asked: Dhcpv4Message, why: string): Answer {
    const isRelayed = asked.giaddr !== UNSPECIFIED4;
    const options: Dhcpv4Option[] = [TYPE.nak, this.#serverId, { kind: "message", text: why }];
    addEchoes(options, asked);
    const none = { ciaddr: UNSPECIFIED4, yiaddr: UNSPECIFIED4, siaddr: UNSPECIFIED4 };
    const reply = { ...asked, ...none, op: "reply", secs: 0, broadcast: asked.broadcast || isRelayed, options } as const;
    return { to: isRelayed ? toRelay(asked) : { kind: "broadcast" }, bytes: encodeDhcpv4(reply) };
  }

  /** The type, what is always said, and what the client wants in its order, as far as there is room; all where it does not say. */
  #start(type: Content["type"], codes: readonly number[], room: number): Uint8Array {
    for (const known of this.#starts) {
      if (known.type === type && known.room === room && isSame(known.codes, codes)) return known.bytes;
    }
    const chosen: Dhcpv4Option[] = [TYPE[type], this.#serverId, this.#mask];
    let left = room - sizeOf(chosen);
    for (const code of new Set(codes)) {
      const option = this.#parameters.get(code);
      const size = option ? sizeOf([option]) : 0;
      if (!option || size > left) continue;
      chosen.push(option);
      left -= size;
    }
    const bytes = encoded(chosen);
    if (this.#starts.length >= MOST_STARTS) this.#starts.length = 0;
    this.#starts.push({ type, codes, room, bytes });
    return bytes;
  }

  #addNames(options: Dhcpv4Option[], asked: Dhcpv4Message, name: string | undefined): void {
    if (name === undefined) return;
    const fqdn = optionOf(asked, "client-fqdn");
    if (fqdn) options.push(this.#fqdn(fqdn.flags, name));
    else if (optionOf(asked, "parameter-list")?.codes.includes(OPTION_CODES["host-name"])) options.push({ kind: "host-name", text: name });
  }

  /** The name is in the local zone by our doing, whatever the client would like to do itself: RFC 4702 4. */
  #fqdn(asked: number, name: string): Dhcpv4Option {
    const { domain } = this.#serving;
    const wished = (asked & FQDN_FLAG.S) !== 0 ? 0 : FQDN_FLAG.O;
    const flags = (asked & FQDN_FLAG.E) | (domain === undefined ? FQDN_FLAG.N : FQDN_FLAG.S | wished);
    return { kind: "client-fqdn", flags, labels: domain === undefined ? [name] : [name, ...domain.split(".")] };
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const TYPE = {
  offer: raw({ kind: "message-type", type: "offer" }),
  ack: raw({ kind: "message-type", type: "ack" }),
  nak: raw({ kind: "message-type", type: "nak" }),
} as const;

function timers(time: Seconds): Dhcpv4Option[] {
  return [
    { kind: "lease-time", time },
    { kind: "renewal-time", time: Math.floor(time * T1) as Seconds },
    { kind: "rebinding-time", time: Math.floor(time * T2) as Seconds },
  ];
}

/** The client's identifier unaltered (RFC 6842 3), then what a relay has added. */
function addEchoes(options: Dhcpv4Option[], asked: Dhcpv4Message): void {
  const id = optionOf(asked, "client-id");
  if (id) options.push(id);
  const relay = asked.options.find((option) => option.kind === "unknown" && option.code === RELAY_AGENT);
  if (relay) options.push(relay);
}

/** RFC 2131 4.1. `fallback`: where a client that informs itself has sent from, should it not say its address. */
function destination(reply: Dhcpv4Message, fallback: Ip4): Dhcpv4Destination {
  if (reply.giaddr !== UNSPECIFIED4) return toRelay(reply);
  const known = reply.ciaddr === UNSPECIFIED4 ? fallback : reply.ciaddr;
  if (known !== UNSPECIFIED4) return { kind: "address", address: known, port: DHCPV4_CLIENT_PORT };
  if (reply.broadcast || reply.yiaddr === UNSPECIFIED4) return { kind: "broadcast" };
  return { kind: "hardware", mac: reply.chaddr, address: reply.yiaddr };
}

const toRelay = ({ giaddr }: Dhcpv4Message): Dhcpv4Destination => ({ kind: "address", address: giaddr, port: DHCPV4_SERVER_PORT });

/** The longest message that the client takes. */
function limitOf(asked: Dhcpv4Message): number {
  const wished = optionOf(asked, "max-size")?.octets ?? SHORTEST_LIMIT;
  return Math.min(Math.max(wished, SHORTEST_LIMIT), LONGEST_LIMIT) - HEADERS;
}

function raw(option: Dhcpv4Option): Raw {
  return { kind: "unknown", code: option.kind === "unknown" ? option.code : OPTION_CODES[option.kind], data: encodeOptionData(option) };
}

function encoded(options: readonly Dhcpv4Option[]): Uint8Array {
  const writer = new Writer();
  for (const option of options) encodeOption(writer, option);
  return writer.finish();
}

/** With their codes and lengths; a long one is several (RFC 3396). */
function sizeOf(options: readonly Dhcpv4Option[]): number {
  let sum = 0;
  for (const option of options) {
    const length = lengthOf(option);
    sum += length + 2 * Math.max(1, Math.ceil(length / 255));
  }
  return sum;
}

function lengthOf(option: Dhcpv4Option): number {
  if (option.kind === "unknown") return option.data.length;
  if (option.kind === "client-id") return option.id.length;
  return "time" in option ? 4 : encodeOptionData(option).length;
}
