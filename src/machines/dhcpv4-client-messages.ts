/** What a DHCPv4 client says (RFC 2131 table 5) and what it hears, as frames: it speaks before it has an address, and when the kernel has no route. */
import { type Duid, duidToBytes } from "../addr/duid.ts";
import { BROADCAST4, type Ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { type ArpPacket, decodeArp, encodeArp } from "../wire/arp.ts";
import { WireError, Writer } from "../wire/bytes.ts";
import {
  decodeDhcpv4,
  DHCPV4_CLIENT_PORT,
  DHCPV4_SERVER_PORT,
  type Dhcpv4Message,
  type Dhcpv4Option,
  type Dhcpv4Type,
  encodeDhcpv4,
  OPTION_CODES,
  optionOf,
} from "../wire/dhcpv4.ts";
import { BROADCAST, decodeEthernet, encodeEthernet, ETHERTYPE_ARP, ETHERTYPE_IPV4 } from "../wire/ethernet.ts";
import { decodeIpv4, encodeIpv4 } from "../wire/ipv4.ts";
import { UDP } from "../wire/ipv6.ts";
import { decodeUdp, encodeUdp } from "../wire/udp.ts";
import type { Dhcpv4Lease } from "./facts.ts";

const TTL = 64;
/** A whole Ethernet frame's worth, RFC 2132 9.10. */
const MAX_SIZE = 1500;
/** Classless routes before routers (RFC 3442), and all that a lease can hold. */
const PARAMETERS = (
  ["subnet-mask", "classless-routes", "routers", "resolvers", "domain-name", "mtu", "ntp-servers", "domain-search"] as const
).map((kind) => OPTION_CODES[kind]);
const LONGEST_SECS = 0xffff;

/** Who we are, and in which exchange. */
export interface Speaker {
  readonly mac: Mac;
  readonly clientId: Uint8Array;
  readonly xid: number;
  /** Whole seconds since the exchange began. */
  readonly secs: number;
}

/** RFC 4361 section 6.1: the same identity as in DHCPv6. */
export function clientIdOf(iaid: number, duid: Duid): Uint8Array {
  return new Writer().uint8(255).uint32(iaid).bytes(duidToBytes(duid)).finish();
}

export function discover(speaker: Speaker, wish: Ip4 | undefined): Uint8Array {
  return broadcast(UNSPECIFIED4, message(speaker, "discover", UNSPECIFIED4, [...requested(wish), ...ASKING]), speaker);
}

/** Takes an offer, or (without `server`) verifies a lease from before a restart. */
export function request(speaker: Speaker, address: Ip4, server?: Ip4): Uint8Array {
  const chosen: Dhcpv4Option[] = server === undefined ? [] : [{ kind: "server-id", address: server }];
  return broadcast(UNSPECIFIED4, message(speaker, "request", UNSPECIFIED4, [...chosen, ...requested(address), ...ASKING]), speaker);
}

/** Extends a lease: with its server (RENEWING) or with any (REBINDING). */
export function extend(speaker: Speaker, lease: Dhcpv4Lease, who: "server" | "any"): Uint8Array {
  const asking = message(speaker, "request", lease.address, ASKING);
  return who === "any" ? broadcast(lease.address, asking, speaker) : unicast(lease, asking, speaker);
}

export function decline(speaker: Speaker, { address, server }: Pick<Dhcpv4Lease, "address" | "server">): Uint8Array {
  return broadcast(
    UNSPECIFIED4,
    message(speaker, "decline", UNSPECIFIED4, [{ kind: "server-id", address: server }, ...requested(address)]),
    speaker,
  );
}

export function release(speaker: Speaker, lease: Dhcpv4Lease): Uint8Array {
  return unicast(lease, message(speaker, "release", lease.address, [{ kind: "server-id", address: lease.server }]), speaker);
}

/** ARP to the whole link. */
export function arpFrame(packet: ArpPacket): Uint8Array {
  return encodeEthernet({ destination: BROADCAST, source: packet.senderMac, etherType: ETHERTYPE_ARP, payload: encodeArp(packet) });
}

export type Heard =
  | { readonly kind: "arp"; readonly packet: ArpPacket }
  | { readonly kind: "dhcp"; readonly message: Dhcpv4Message; readonly type: Dhcpv4Type; readonly from: Mac };

/**
 * What a frame says to a DHCP client; undefined when nothing. The UDP checksum is not looked at: between virtual machines and in namespaces it is left to
 * a network card that does not exist, and what is damaged has no right transaction id.
 */
export function hear(frame: Uint8Array): Heard | undefined {
  try {
    const { etherType, payload, source } = decodeEthernet(frame);
    if (etherType === ETHERTYPE_ARP) return { kind: "arp", packet: decodeArp(payload) };
    const packet = etherType === ETHERTYPE_IPV4 ? decodeIpv4(payload) : undefined;
    const datagram = packet?.protocol === UDP ? decodeUdp(packet.payload) : undefined;
    if (datagram?.destinationPort !== DHCPV4_CLIENT_PORT) return undefined;
    const heard = decodeDhcpv4(datagram.payload);
    const type = optionOf(heard, "message-type")?.type;
    return heard.op === "reply" && type !== undefined ? { kind: "dhcp", message: heard, type, from: source } : undefined;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}

/** Whether an answer is to us: RFC 2131 4.4.1; a client identifier that is not ours is somebody else's (RFC 6842 section 3). */
export function isTo({ mac, clientId, xid }: Speaker, answer: Dhcpv4Message): boolean {
  const echoed = optionOf(answer, "client-id")?.id;
  return answer.xid === xid && answer.chaddr === mac && (echoed === undefined || echoed.join() === clientId.join());
}

const ASKING: readonly Dhcpv4Option[] = [
  { kind: "max-size", octets: MAX_SIZE },
  { kind: "parameter-list", codes: PARAMETERS },
];

function requested(address: Ip4 | undefined): readonly Dhcpv4Option[] {
  return address === undefined ? [] : [{ kind: "requested-address", address }];
}

function message({ mac, clientId, xid, secs }: Speaker, type: Dhcpv4Type, ciaddr: Ip4, options: readonly Dhcpv4Option[]): Uint8Array {
  return encodeDhcpv4({
    op: "request",
    xid,
    secs: Math.min(secs, LONGEST_SECS),
    // We hear frames, so that answers may be unicast.
    broadcast: false,
    ciaddr,
    yiaddr: UNSPECIFIED4,
    siaddr: UNSPECIFIED4,
    giaddr: UNSPECIFIED4,
    chaddr: mac,
    options: [{ kind: "message-type", type }, { kind: "client-id", id: clientId }, ...options],
  });
}

function broadcast(source: Ip4, payload: Uint8Array, { mac }: Speaker): Uint8Array {
  return frame({ source, destination: BROADCAST4 }, { source: mac, destination: BROADCAST }, payload);
}

/** Whoever brought the server's last answer on the link takes ours back: so neither a route nor ARP is needed. */
function unicast(lease: Dhcpv4Lease, payload: Uint8Array, { mac }: Speaker): Uint8Array {
  return frame({ source: lease.address, destination: lease.server }, { source: mac, destination: lease.via }, payload);
}

interface Ends<Address> {
  readonly source: Address;
  readonly destination: Address;
}

function frame(ends: Ends<Ip4>, macs: Ends<Mac>, payload: Uint8Array): Uint8Array {
  const datagram = { sourcePort: DHCPV4_CLIENT_PORT, destinationPort: DHCPV4_SERVER_PORT, payload };
  const packet = encodeIpv4({ ...ends, protocol: UDP, ttl: TTL, payload: encodeUdp(ends.source, ends.destination, datagram) });
  return encodeEthernet({ ...macs, etherType: ETHERTYPE_IPV4, payload: packet });
}
