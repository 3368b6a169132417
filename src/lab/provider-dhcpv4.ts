/** The provider's DHCPv4 server on one customer's link (RFC 2131 section 4.3), in frames: every client gets the same address again. */
import { BROADCAST4, type Ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { host4, type Prefix4, prefix4Length } from "../addr/prefix4.ts";
import type { Seconds } from "../addr/time.ts";
import { WireError } from "../wire/bytes.ts";
import {
  decodeDhcpv4,
  DHCPV4_CLIENT_PORT,
  DHCPV4_SERVER_PORT,
  type Dhcpv4Message,
  type Dhcpv4Option,
  encodeDhcpv4,
  optionOf,
} from "../wire/dhcpv4.ts";
import { BROADCAST, decodeEthernet, encodeEthernet, ETHERTYPE_IPV4 } from "../wire/ethernet.ts";
import { decodeIpv4, encodeIpv4 } from "../wire/ipv4.ts";
import { UDP } from "../wire/ipv6.ts";
import { decodeUdp, encodeUdp } from "../wire/udp.ts";

export interface Dhcpv4Leasing {
  readonly network: Prefix4;
  readonly router: Ip4;
  readonly time: Seconds;
  readonly resolvers: readonly Ip4[];
  readonly mtu?: number;
}

/** Where the customers' addresses begin in the network. */
const FIRST_HOST = 9;

export class ProviderDhcpv4 {
  #leasing: Dhcpv4Leasing;
  readonly #mac: Mac;
  /** Numbers of the clients, by identifier. */
  readonly #clients = new Map<string, number>();

  constructor(leasing: Dhcpv4Leasing, mac: Mac) {
    this.#leasing = leasing;
    this.#mac = mac;
  }

  set(change: Partial<Dhcpv4Leasing>): void {
    this.#leasing = { ...this.#leasing, ...change };
  }

  /** The frame that answers a frame, if anything does. */
  answer(frame: Uint8Array): Uint8Array | undefined {
    const asked = decode(frame);
    const reply = asked && this.#reply(asked);
    if (!asked || !reply) return undefined;
    const payload = encodeDhcpv4({ ...asked, op: "reply", secs: 0, ciaddr: UNSPECIFIED4, siaddr: UNSPECIFIED4, ...reply });
    const ends = { source: this.#leasing.router, destination: BROADCAST4 };
    const datagram = encodeUdp(ends.source, ends.destination, {
      sourcePort: DHCPV4_SERVER_PORT,
      destinationPort: DHCPV4_CLIENT_PORT,
      payload,
    });
    const packet = encodeIpv4({ ...ends, protocol: UDP, ttl: 64, payload: datagram });
    return encodeEthernet({ destination: BROADCAST, source: this.#mac, etherType: ETHERTYPE_IPV4, payload: packet });
  }

  #reply(asked: Dhcpv4Message): Pick<Dhcpv4Message, "yiaddr" | "options"> | undefined {
    const { router } = this.#leasing;
    const type = optionOf(asked, "message-type")?.type;
    const server = optionOf(asked, "server-id")?.address;
    if (server !== undefined && server !== router) return undefined;
    const address = this.#addressOf(asked);
    if (type === "discover") return { yiaddr: address, options: this.#options("offer") };
    if (type !== "request") return undefined;
    const wanted = optionOf(asked, "requested-address")?.address ?? asked.ciaddr;
    if (wanted === address) return { yiaddr: address, options: this.#options("ack") };
    const options: Dhcpv4Option[] = [
      { kind: "message-type", type: "nak" },
      { kind: "server-id", address: router },
      { kind: "message", text: `${wanted} is not yours` },
    ];
    return { yiaddr: UNSPECIFIED4, options };
  }

  #options(type: "offer" | "ack"): readonly Dhcpv4Option[] {
    const { network, router, time, resolvers, mtu } = this.#leasing;
    return [
      { kind: "message-type", type },
      { kind: "server-id", address: router },
      { kind: "lease-time", time },
      { kind: "subnet-mask", length: prefix4Length(network) },
      { kind: "routers", addresses: [router] },
      { kind: "resolvers", addresses: resolvers },
      ...(mtu === undefined ? [] : [{ kind: "mtu", octets: mtu } as const]),
    ];
  }

  #addressOf(asked: Dhcpv4Message): Ip4 {
    const id = optionOf(asked, "client-id")?.id.join() ?? asked.chaddr;
    const number = this.#clients.get(id) ?? this.#clients.size;
    this.#clients.set(id, number);
    return host4(this.#leasing.network, FIRST_HOST + number);
  }
}

function decode(frame: Uint8Array): Dhcpv4Message | undefined {
  try {
    const { etherType, payload } = decodeEthernet(frame);
    const packet = etherType === ETHERTYPE_IPV4 ? decodeIpv4(payload) : undefined;
    const datagram = packet?.protocol === UDP ? decodeUdp(packet.payload) : undefined;
    if (datagram?.destinationPort !== DHCPV4_SERVER_PORT) return undefined;
    const message = decodeDhcpv4(datagram.payload);
    return message.op === "request" ? message : undefined;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}
