/** The Internet checksum (RFC 1071) over a header, or over an upper-layer packet and its pseudo-header (RFC 768, RFC 8200 section 8.1; ICMPv6: RFC 4443 2.3). */
import { type Ip, type Ip6, ipToBytes } from "../addr/ip.ts";

const ICMPV6 = 58;

/** The checksum of a header by itself, as in IPv4: with the field filled it is 0 when the header is undamaged. */
export function internetChecksum(bytes: Uint8Array): number {
  return ~fold(sum16(bytes)) & 0xffff;
}

/**
 * The checksum of `bytes`, an upper-layer packet of that protocol number between these addresses. With the checksum field zero it is the
 * value to put there; with the field filled it is 0 when the packet is undamaged.
 */
export function pseudoHeaderChecksum<Address extends Ip>(
  source: Address,
  destination: Address,
  protocol: number,
  bytes: Uint8Array,
): number {
  const sum = sum16(ipToBytes(source)) + sum16(ipToBytes(destination)) + bytes.length + protocol + sum16(bytes);
  return ~fold(sum) & 0xffff;
}

/** The checksum of an ICMPv6 message: see pseudoHeaderChecksum. */
export function icmpv6Checksum(source: Ip6, destination: Ip6, message: Uint8Array): number {
  return pseudoHeaderChecksum(source, destination, ICMPV6, message);
}

/** The sum of the 16-bit words, not folded; exact for anything shorter than 2^36 octets. */
function sum16(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  return bytes.length % 2 === 1 ? sum + (bytes[bytes.length - 1]! << 8) : sum;
}

function fold(sum: number): number {
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}
