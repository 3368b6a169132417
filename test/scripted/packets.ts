/** Packets as a test wants them, right in everything that it does not say. */
import { type Ip6, ip6ToBytes } from "../../src/addr/ip.ts";
import { icmpv6Checksum, pseudoHeaderChecksum } from "../../src/wire/checksum.ts";
import { encodeIpv6, type ExtensionHeader, ICMPV6, type Ipv6Packet, UDP } from "../../src/wire/ipv6.ts";
import { encodeUdp } from "../../src/wire/udp.ts";

const TCP = 6;
export const ESP = 50;

export interface Between {
  readonly from: Ip6;
  readonly to: Ip6;
  /** 64 by default. */
  readonly hopLimit?: number;
  readonly extensions?: readonly ExtensionHeader[];
}

export function udp(between: Between, destinationPort: number, sourcePort = 40_000, size = 16): Ipv6Packet {
  const { from, to } = between;
  return packet(between, UDP, encodeUdp(from, to, { sourcePort, destinationPort, payload: new Uint8Array(size) }));
}

/** A SYN, or with `flags` something else. */
export function tcp(between: Between, destinationPort: number, sourcePort = 40_000, flags = 0x02): Ipv6Packet {
  const segment = new Uint8Array(20);
  const view = new DataView(segment.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint32(4, 1);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, flags);
  view.setUint16(14, 65_535);
  view.setUint16(16, pseudoHeaderChecksum(between.from, between.to, TCP, segment));
  return packet(between, TCP, segment);
}

/** `body` follows the first eight octets. */
export function icmpv6(between: Between, type: number, code = 0, body: Uint8Array = new Uint8Array(16)): Ipv6Packet {
  const message = new Uint8Array(8 + body.length);
  message.set([type, code]);
  message.set(body, 8);
  const checksum = icmpv6Checksum(between.from, between.to, message);
  message.set([checksum >> 8, checksum & 0xff], 2);
  return packet(between, ICMPV6, message);
}

export const ping = (between: Between): Ipv6Packet => icmpv6(between, 128);

/** An ICMPv6 error about `about`. */
export const errorAbout = (between: Between, type: number, about: Ipv6Packet): Ipv6Packet => icmpv6(between, type, 0, encodeIpv6(about));

/** A routing header of type 0 through `via`, RFC 5095. */
export function routingHeader0(via: Ip6): ExtensionHeader {
  return { protocol: 43, content: Uint8Array.of(0, 1, 0, 0, 0, 0, ...ip6ToBytes(via)) };
}

/** Destination options or hop-by-hop options: padding only. */
export const paddedOptions = (protocol: number): ExtensionHeader => ({ protocol, content: Uint8Array.of(1, 4, 0, 0, 0, 0) });

export function packet({ from, to, hopLimit = 64, extensions = [] }: Between, protocol: number, payload: Uint8Array): Ipv6Packet {
  return { trafficClass: 0, flowLabel: 0, hopLimit, source: from, destination: to, extensions, protocol, payload };
}
