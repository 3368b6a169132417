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
  encodeOptionData,
  OPTION_CODES,
  optionOf,
} from "../wire/dhcpv4.ts";
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
  /** What a client may ask for, by code, ready to be sent; in the order for those who do not say what they want. */
  readonly #parameters: ReadonlyMap<number, Raw>;

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
  }

  /** An OFFER or ACK. `from`: where the message came from. */
  positive(asked: Dhcpv4Message, from: Ip4, { type, address, time, name }: Content): Answer {
    const always: Dhcpv4Option[] = [TYPE[type], this.#serverId, ...(time === undefined ? [] : timers(time)), this.#mask];
    const echoed = echo(asked);
    let left = limitOf(asked) - FRAME - sizeOf(always) - sizeOf(echoed);
    for (const option of this.#wanted(asked, name)) {
      const size = sizeOf([option]);
      if (size > left) continue;
      left -= size;
      always.push(option);
    }
    const ciaddr = type === "ack" ? asked.ciaddr : UNSPECIFIED4;
    const reply = { ...asked, ciaddr, yiaddr: address ?? UNSPECIFIED4, options: [...always, ...echoed] };
    return { to: destination(reply, address === undefined ? from : UNSPECIFIED4), bytes: encode(reply) };
  }

  /** A NAK goes to all, as the client has a wrong address (RFC 2131 4.3.2); a relay is told to do the same. */
  negative(asked: Dhcpv4Message, why: string): Answer {
    const isRelayed = asked.giaddr !== UNSPECIFIED4;
    const options = [TYPE.nak, this.#serverId, { kind: "message", text: why } as const, ...echo(asked)];
    const reply = { ...asked, broadcast: asked.broadcast || isRelayed, ciaddr: UNSPECIFIED4, yiaddr: UNSPECIFIED4, options };
    return { to: isRelayed ? toRelay(asked) : { kind: "broadcast" }, bytes: encode(reply) };
  }

  /** In the order in which the client asks; all of them where it does not say. */
  *#wanted(asked: Dhcpv4Message, name: string | undefined): Iterable<Dhcpv4Option> {
    const fqdn = optionOf(asked, "client-fqdn");
    if (fqdn && name !== undefined) yield this.#fqdn(fqdn.flags, name);
    const codes = optionOf(asked, "parameter-list")?.codes ?? this.#parameters.keys();
    for (const code of new Set(codes)) {
      const option = this.#parameters.get(code);
      if (option) yield option;
      else if (code === OPTION_CODES["host-name"] && name !== undefined) yield { kind: "host-name", text: name };
    }
  }

  /** The name is in the local zone by our doing, whatever the client would like to do itself: RFC 4702 4. */
  #fqdn(asked: number, name: string): Dhcpv4Option {
    const { domain } = this.#serving;
    const wished = (asked & FQDN_FLAG.S) !== 0 ? 0 : FQDN_FLAG.O;
    const flags = (asked & FQDN_FLAG.E) | (domain === undefined ? FQDN_FLAG.N : FQDN_FLAG.S | wished);
    return { kind: "client-fqdn", flags, labels: domain === undefined ? [name] : [name, ...domain.split(".")] };
  }
}

const TYPE = {
  offer: raw({ kind: "message-type", type: "offer" }),
  ack: raw({ kind: "message-type", type: "ack" }),
  nak: raw({ kind: "message-type", type: "nak" }),
} as const;

function timers(time: Seconds): readonly Dhcpv4Option[] {
  return [
    { kind: "lease-time", time },
    { kind: "renewal-time", time: Math.floor(time * T1) as Seconds },
    { kind: "rebinding-time", time: Math.floor(time * T2) as Seconds },
  ];
}

/** The client's identifier unaltered (RFC 6842 3), then what a relay has added. */
function echo(asked: Dhcpv4Message): readonly Dhcpv4Option[] {
  const relay = asked.options.find((option) => option.kind === "unknown" && option.code === RELAY_AGENT);
  return [optionOf(asked, "client-id"), relay].filter((option) => option !== undefined);
}

const encode = (reply: Dhcpv4Message): Uint8Array => encodeDhcpv4({ ...reply, op: "reply", secs: 0, siaddr: UNSPECIFIED4 });

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

/** With their codes and lengths; a long one is several (RFC 3396). */
function sizeOf(options: readonly Dhcpv4Option[]): number {
  return options.reduce((sum, option) => {
    const { length } = option.kind === "unknown" ? option.data : option.kind.endsWith("-time") ? FOUR : encodeOptionData(option);
    return sum + length + 2 * Math.max(1, Math.ceil(length / 255));
  }, 0);
}

const FOUR = { length: 4 };
