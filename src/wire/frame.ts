/** From an Ethernet frame to what it says, through all layers (RFC 2464, 8200, 768, 4443, 4861, 8415; 826, 791, 2131), and back for the messages of IPv6. */
import type { Ip6 } from "../addr/ip.ts";
import { isMulticast } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { type ArpPacket, decodeArp } from "./arp.ts";
import { WireError } from "./bytes.ts";
import { icmpv6Checksum, pseudoHeaderChecksum } from "./checksum.ts";
import { decodeDhcpv4, DHCPV4_CLIENT_PORT, DHCPV4_SERVER_PORT, type Dhcpv4Message } from "./dhcpv4.ts";
import { CLIENT_PORT, decodeDhcpv6, type Dhcpv6Message, SERVER_PORT } from "./dhcpv6.ts";
import {
  decodeEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  type EthernetFrame,
  encodeEthernet,
  multicastMac,
} from "./ethernet.ts";
import { decodeIpv4, type Ipv4Packet } from "./ipv4.ts";
import { decodeIpv6, encodeIpv6, type Fragment, fragmentOf, ICMPV6, type Ipv6Packet, UDP } from "./ipv6.ts";
import { decodeNdp, type NdpMessage } from "./ndp.ts";
import { decodeUdp, encodeUdp, type UdpDatagram } from "./udp.ts";

export type Frame =
  | { readonly kind: "ipv6"; readonly ethernet: EthernetFrame; readonly packet: Ipv6Packet; readonly content: Content }
  | { readonly kind: "ipv4"; readonly ethernet: EthernetFrame; readonly packet: Ipv4Packet; readonly content: Content4 }
  | { readonly kind: "arp"; readonly ethernet: EthernetFrame; readonly packet: ArpPacket }
  /** Of another EtherType. */
  | { readonly kind: "foreign"; readonly ethernet: EthernetFrame }
  | Malformed;

export type Content =
  | { readonly kind: "ndp"; readonly message: NdpMessage }
  | { readonly kind: "dhcpv6"; readonly message: Dhcpv6Message; readonly datagram: UdpDatagram }
  | { readonly kind: "icmpv6"; readonly type: number; readonly code: number }
  | { readonly kind: "udp"; readonly datagram: UdpDatagram }
  /** A piece of a packet: RFC 6980 forbids ND to be in one. */
  | { readonly kind: "fragment"; readonly fragment: Fragment }
  | { readonly kind: "other"; readonly protocol: number }
  | Malformed;

/** What a packet of IPv4 says. */
export type Content4 =
  | { readonly kind: "dhcpv4"; readonly message: Dhcpv4Message; readonly datagram: UdpDatagram }
  | { readonly kind: "udp"; readonly datagram: UdpDatagram }
  | { readonly kind: "other"; readonly protocol: number }
  | Malformed;

export interface Malformed {
  readonly kind: "malformed";
  readonly layer: "Ethernet" | "IPv6" | "ICMPv6" | "UDP" | "DHCPv6" | "IPv4" | "ARP" | "DHCPv4";
  /** What is wrong, with the octet within that layer. */
  readonly problem: string;
}

const FIRST_ND_TYPE = 133;
const LAST_ND_TYPE = 137;

/** Whatever octets come, there is a frame to tell about: this never throws. */
export function decodeFrame(bytes: Uint8Array): Frame {
  return inLayer("Ethernet", () => {
    const ethernet = decodeEthernet(bytes);
    const { etherType, payload } = ethernet;
    if (etherType === ETHERTYPE_ARP) return inLayer("ARP", () => ({ kind: "arp", ethernet, packet: decodeArp(payload) }));
    if (etherType === ETHERTYPE_IPV4) {
      return inLayer("IPv4", () => {
        const packet = decodeIpv4(payload);
        return { kind: "ipv4", ethernet, packet, content: decodeContent4(packet) };
      });
    }
    if (etherType !== ETHERTYPE_IPV6) return { kind: "foreign", ethernet };
    return inLayer("IPv6", () => {
      const packet = decodeIpv6(payload);
      return { kind: "ipv6", ethernet, packet, content: decodeContent(packet) };
    });
  });
}

/** "begun": it covers the pseudo-header only, and a network card was to do the rest; so captures show packets of the own machine. */
export type ChecksumState = "right" | "wrong" | "begun";

/** The checksum of a UDP datagram or ICMPv6 message; undefined for other protocols and for fragments. */
export function checksumState(packet: Ipv6Packet): ChecksumState | undefined {
  const { source, destination, protocol, payload } = packet;
  if ((protocol !== UDP && protocol !== ICMPV6) || fragmentOf(packet)) return undefined;
  const at = protocol === UDP ? 6 : 2;
  if (payload.length < at + 2) return "wrong";
  const found = (payload[at]! << 8) | payload[at + 1]!;
  const unchecked = protocol === UDP && found === 0;
  if (!unchecked && pseudoHeaderChecksum(source, destination, protocol, payload) === 0) return "right";
  const ofPseudoHeader = ~pseudoHeaderChecksum(source, destination, protocol, new Uint8Array(payload.length)) & 0xffff;
  return found === ofPseudoHeader ? "begun" : "wrong";
}

/** Where a frame comes from and goes to. */
export interface FrameHeader {
  readonly sourceMac: Mac;
  /** Needed unless `destination` is multicast. */
  readonly destinationMac?: Mac;
  readonly source: Ip6;
  readonly destination: Ip6;
  /** 0..255. */
  readonly hopLimit: number;
}

/** A frame with an ICMPv6 message, whose checksum is filled in. */
export function encodeIcmpv6Frame(header: FrameHeader, message: Uint8Array): Uint8Array {
  const payload = message.slice();
  payload.fill(0, 2, 4);
  const checksum = icmpv6Checksum(header.source, header.destination, payload);
  payload.set([checksum >> 8, checksum & 0xff], 2);
  return encodeFrame(header, ICMPV6, payload);
}

/** A frame with a UDP datagram and its checksum. */
export function encodeUdpFrame(header: FrameHeader, datagram: UdpDatagram): Uint8Array {
  return encodeFrame(header, UDP, encodeUdp(header.source, header.destination, datagram));
}

function encodeFrame(header: FrameHeader, protocol: number, payload: Uint8Array): Uint8Array {
  const { sourceMac, destinationMac, source, destination, hopLimit } = header;
  if (destinationMac === undefined && !isMulticast(destination)) throw new RangeError(`${destination} needs a link-layer address`);
  return encodeEthernet({
    destination: destinationMac ?? multicastMac(destination),
    source: sourceMac,
    etherType: ETHERTYPE_IPV6,
    payload: encodeIpv6({ trafficClass: 0, flowLabel: 0, hopLimit, source, destination, extensions: [], protocol, payload }),
  });
}

function decodeContent(packet: Ipv6Packet): Content {
  const fragment = fragmentOf(packet);
  if (fragment) return { kind: "fragment", fragment };
  if (packet.protocol === ICMPV6) return inLayer("ICMPv6", () => decodeIcmpv6(packet.payload));
  if (packet.protocol === UDP) return inLayer("UDP", () => decodeDatagram(packet.payload));
  return { kind: "other", protocol: packet.protocol };
}

function decodeIcmpv6(payload: Uint8Array): Content {
  if (payload.length < 4) throw new WireError(`an ICMPv6 message has at least 4 octets, not ${payload.length}`, 0);
  const [type, code] = [payload[0]!, payload[1]!];
  if (type >= FIRST_ND_TYPE && type <= LAST_ND_TYPE) return { kind: "ndp", message: decodeNdp(payload) };
  return { kind: "icmpv6", type, code };
}

function decodeDatagram(payload: Uint8Array): Content {
  const datagram = decodeUdp(payload);
  if (![CLIENT_PORT, SERVER_PORT].includes(datagram.destinationPort)) return { kind: "udp", datagram };
  return inLayer("DHCPv6", () => ({ kind: "dhcpv6", message: decodeDhcpv6(datagram.payload), datagram }));
}

function decodeContent4({ protocol, payload }: Ipv4Packet): Content4 {
  if (protocol !== UDP) return { kind: "other", protocol };
  return inLayer("UDP", () => {
    const datagram = decodeUdp(payload);
    if (![DHCPV4_CLIENT_PORT, DHCPV4_SERVER_PORT].includes(datagram.destinationPort)) return { kind: "udp", datagram };
    return inLayer("DHCPv4", () => ({ kind: "dhcpv4", message: decodeDhcpv4(datagram.payload), datagram }));
  });
}

function inLayer<Result>(layer: Malformed["layer"], decode: () => Result): Result | Malformed {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { kind: "malformed", layer, problem: error.message };
  }
}
