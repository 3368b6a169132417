/** Ethernet II frames (IEEE 802.3 clause 3; IPv6 over Ethernet: RFC 2464 sections 3 and 7). */
import { type Ip6, ip6ToBytes } from "../addr/ip.ts";
import { type Mac, macFromBytes, macToBytes } from "../addr/mac.ts";
import { Reader, Writer } from "./bytes.ts";

/** EtherType of IPv6, RFC 2464 3. */
export const ETHERTYPE_IPV6 = 0x86dd;

/** EtherTypes of IPv4 and ARP, RFC 894, RFC 826. */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;

export const BROADCAST = "ff:ff:ff:ff:ff:ff" as Mac;

export interface EthernetFrame {
  readonly destination: Mac;
  readonly source: Mac;
  readonly etherType: number;
  /** Includes the padding that a short frame may carry. */
  readonly payload: Uint8Array;
}

/** Reads a frame without preamble and frame check sequence. @throws WireError */
export function decodeEthernet(bytes: Uint8Array): EthernetFrame {
  const reader = new Reader(bytes);
  const destination = macFromBytes(reader.bytes(6));
  const source = macFromBytes(reader.bytes(6));
  return { destination, source, etherType: reader.uint16(), payload: reader.rest() };
}

/** The octets of a frame, unpadded: network cards pad to 60 octets themselves. */
export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  const writer = new Writer(14 + frame.payload.length);
  writer.bytes(macToBytes(frame.destination)).bytes(macToBytes(frame.source)).uint16(frame.etherType);
  return writer.bytes(frame.payload).finish();
}

/** The Ethernet address of an IPv6 multicast group: 33:33 and the group's last 32 bits, RFC 2464 7. */
export function multicastMac(group: Ip6): Mac {
  return macFromBytes(Uint8Array.of(0x33, 0x33, ...ip6ToBytes(group).subarray(12)));
}
