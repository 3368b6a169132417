/** IPv6 packets: the header and the walk over its extension headers (RFC 8200 sections 3 and 4; AH: RFC 4302 section 2). */
import type { Ip6 } from "../addr/ip.ts";
import { Reader, WireError, Writer } from "./bytes.ts";

/** Protocol numbers (IANA registry "Assigned Internet Protocol Numbers"). */
export const UDP = 17;
export const ICMPV6 = 58;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;
const HOST_IDENTITY = 139;
const SHIM6 = 140;
const EXTENSIONS: ReadonlySet<number> = new Set([
  HOP_BY_HOP,
  ROUTING,
  FRAGMENT,
  AUTHENTICATION,
  DESTINATION_OPTIONS,
  MOBILITY,
  HOST_IDENTITY,
  SHIM6,
]);

const HEADER_LENGTH = 40;

export interface Ipv6Packet {
  /** 0..255. */
  readonly trafficClass: number;
  /** 20 bits. */
  readonly flowLabel: number;
  /** 0..255. */
  readonly hopLimit: number;
  readonly source: Ip6;
  readonly destination: Ip6;
  readonly extensions: readonly ExtensionHeader[];
  /** Number of the protocol that `payload` is of. */
  readonly protocol: number;
  /** What follows the last extension header; only a piece of it when a fragment header is among them. */
  readonly payload: Uint8Array;
}

export interface ExtensionHeader {
  /** Protocol number of this header. */
  readonly protocol: number;
  /** What follows the Next Header and length octets (in a fragment header: the reserved octet). */
  readonly content: Uint8Array;
}

/** A fragment header as numbers, RFC 8200 4.5. */
export interface Fragment {
  /** In octets. */
  readonly offset: number;
  readonly more: boolean;
  readonly identification: number;
}

/** Reads a packet; octets behind its payload length (padding of the link) are dropped. @throws WireError */
export function decodeIpv6(bytes: Uint8Array): Ipv6Packet {
  const reader = new Reader(bytes);
  const first = reader.uint32();
  if (first >>> 28 !== 6) throw new WireError(`version ${first >>> 28} is not 6`, 0);
  const length = reader.uint16();
  const next = reader.uint8();
  const hopLimit = reader.uint8();
  const [source, destination] = [reader.ip6(), reader.ip6()];
  if (length > reader.left) throw new WireError(`payload of ${length} octets announced, ${reader.left} are there`, 4);
  const walked = walkExtensions(next, reader.nested(length));
  return { trafficClass: (first >>> 20) & 0xff, flowLabel: first & 0xfffff, hopLimit, source, destination, ...walked };
}

/** The octets of a packet. @throws RangeError when it is longer than 65535 octets or an extension header has an impossible length. */
export function encodeIpv6(packet: Ipv6Packet): Uint8Array {
  const { extensions, payload } = packet;
  const chain = [...extensions.map((extension) => extension.protocol), packet.protocol];
  const headers = extensions.map((extension, i) => encodeExtension(extension, chain[i + 1]!));
  const length = headers.reduce((sum, header) => sum + header.length, payload.length);
  if (length > 0xffff) throw new RangeError(`a payload has at most 65535 octets, not ${length}`);
  const writer = new Writer(HEADER_LENGTH + length);
  writer.uint32(((6 << 28) | (packet.trafficClass << 20) | packet.flowLabel) >>> 0);
  writer.uint16(length).uint8(chain[0]!).uint8(packet.hopLimit).ip6(packet.source).ip6(packet.destination);
  for (const header of headers) writer.bytes(header);
  return writer.bytes(payload).finish();
}

/** The packet's fragment header; undefined when it is whole. */
export function fragmentOf(packet: Ipv6Packet): Fragment | undefined {
  const header = packet.extensions.find((extension) => extension.protocol === FRAGMENT);
  if (!header) return undefined;
  const reader = new Reader(header.content);
  const offsetAndFlags = reader.uint16();
  return { offset: offsetAndFlags & 0xfff8, more: (offsetAndFlags & 1) === 1, identification: reader.uint32() };
}

/** A fragment header for encodeIpv6. `offset` is in octets, a multiple of 8. */
export function fragmentHeader(fragment: Fragment): ExtensionHeader {
  const content = new Writer(6).uint16(fragment.offset | Number(fragment.more)).uint32(fragment.identification);
  return { protocol: FRAGMENT, content: content.finish() };
}

/** Stops at the first header that is no extension; a later fragment carries no further headers, its payload is data (RFC 8200 4.5). */
function walkExtensions(next: number, reader: Reader): Pick<Ipv6Packet, "extensions" | "protocol" | "payload"> {
  const extensions: ExtensionHeader[] = [];
  while (EXTENSIONS.has(next)) {
    const protocol = next;
    next = reader.uint8();
    const lengthOctet = reader.uint8();
    const content = reader.bytes(contentLength(protocol, lengthOctet));
    extensions.push({ protocol, content });
    if (protocol === FRAGMENT && (content[0]! !== 0 || content[1]! >= 8)) break;
  }
  return { extensions, protocol: next, payload: reader.rest() };
}

/** Octets after the length octet, which counts in units of 4 (AH) or 8 octets without the first 8; a fragment header always has 8. */
function contentLength(protocol: number, lengthOctet: number): number {
  return protocol === FRAGMENT ? 6 : 6 + lengthUnit(protocol) * lengthOctet;
}

function lengthUnit(protocol: number): number {
  return protocol === AUTHENTICATION ? 4 : 8;
}

function encodeExtension(extension: ExtensionHeader, next: number): Uint8Array {
  const { protocol, content } = extension;
  const units = (content.length - 6) / lengthUnit(protocol);
  const most = protocol === FRAGMENT ? 0 : 255;
  if (!Number.isInteger(units) || units < 0 || units > most)
    throw new RangeError(`this extension header can't hold ${content.length} octets`);
  return new Writer(2 + content.length).uint8(next).uint8(units).bytes(content).finish();
}
