/** UDP datagrams (RFC 768); over IPv6 the checksum is mandatory (RFC 8200 section 8.1). */
import type { Ip, Ip6 } from "../addr/ip.ts";
import { Reader, WireError, Writer } from "./bytes.ts";
import { pseudoHeaderChecksum } from "./checksum.ts";
import { UDP } from "./ipv6.ts";

const HEADER_LENGTH = 8;

export interface UdpDatagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

/** Reads a datagram; octets behind its length are dropped. The checksum is not looked at: see udpChecksumIsRight. @throws WireError */
export function decodeUdp(bytes: Uint8Array): UdpDatagram {
  const reader = new Reader(bytes);
  const [sourcePort, destinationPort, length] = [reader.uint16(), reader.uint16(), reader.uint16()];
  reader.skip(2);
  if (length < HEADER_LENGTH) throw new WireError(`a UDP length is at least 8, not ${length}`, 4);
  return { sourcePort, destinationPort, payload: reader.bytes(length - HEADER_LENGTH) };
}

/** The octets of a datagram between these addresses, with its checksum. */
export function encodeUdp<Address extends Ip>(source: Address, destination: Address, datagram: UdpDatagram): Uint8Array {
  const length = HEADER_LENGTH + datagram.payload.length;
  const writer = new Writer(length).uint16(datagram.sourcePort).uint16(datagram.destinationPort).uint16(length).uint16(0);
  const bytes = writer.bytes(datagram.payload).finish();
  const checksum = pseudoHeaderChecksum(source, destination, UDP, bytes);
  // Zero would mean "no checksum", so it is sent as all ones, its other form in one's complement.
  return writer.setUint16(6, checksum === 0 ? 0xffff : checksum).finish();
}

/** Whether a datagram that arrived between these IPv6 addresses is undamaged; a checksum of zero is wrong in IPv6. */
export function udpChecksumIsRight(source: Ip6, destination: Ip6, bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_LENGTH || (bytes[6] === 0 && bytes[7] === 0)) return false;
  return pseudoHeaderChecksum(source, destination, UDP, bytes) === 0;
}
