/** IPv4 packets (RFC 791 section 3.1). Options are skipped: nothing here acts on them. */
import type { Ip4 } from "../addr/ip.ts";
import { Reader, WireError, Writer } from "./bytes.ts";
import { internetChecksum } from "./checksum.ts";

const SHORTEST_HEADER = 20;
/** "More fragments" and the fragment's offset, RFC 791 3.1. */
const FRAGMENT_BITS = 0x3fff;

export interface Ipv4Packet {
  readonly source: Ip4;
  readonly destination: Ip4;
  readonly protocol: number;
  /** 0..255. */
  readonly ttl: number;
  readonly payload: Uint8Array;
}

/** Reads an undamaged, whole packet; octets behind its length (Ethernet's padding) are dropped. @throws WireError, also for a fragment */
export function decodeIpv4(bytes: Uint8Array): Ipv4Packet {
  const reader = new Reader(bytes);
  const first = reader.uint8();
  if (first >> 4 !== 4) throw new WireError(`IP version ${first >> 4} is not 4`, 0);
  const headerLength = (first & 0xf) * 4;
  reader.skip(1);
  const length = reader.uint16();
  if (headerLength < SHORTEST_HEADER || length < headerLength || length > bytes.length) {
    throw new WireError(`a header of ${headerLength} and a packet of ${length} octets do not fit ${bytes.length}`, 2);
  }
  reader.skip(2);
  if ((reader.uint16() & FRAGMENT_BITS) !== 0) throw new WireError("a fragment is no packet", 6);
  const [ttl, protocol] = [reader.uint8(), reader.uint8()];
  reader.skip(2);
  const [source, destination] = [reader.ip4(), reader.ip4()];
  if (internetChecksum(bytes.subarray(0, headerLength)) !== 0) throw new WireError("the header's checksum is wrong", 10);
  return { source, destination, protocol, ttl, payload: bytes.slice(headerLength, length) };
}

/** The octets of a packet without options that must not be fragmented. */
export function encodeIpv4(packet: Ipv4Packet): Uint8Array {
  const { source, destination, protocol, ttl, payload } = packet;
  const length = SHORTEST_HEADER + payload.length;
  const writer = new Writer(length).uint8(0x45).uint8(0).uint16(length).uint16(0).uint16(0x4000).uint8(ttl).uint8(protocol).uint16(0);
  writer.ip4(source).ip4(destination);
  return writer.setUint16(10, internetChecksum(writer.finish())).bytes(payload).finish();
}
