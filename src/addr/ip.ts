/**
 * IP addresses as values. An address is its canonical text (RFC 5952), branded so that no other string passes for one:
 * it compares with ===, works as a Map key, prints itself and survives JSON. Bytes appear only at the wire's edge.
 */

declare const brand: unique symbol;

/** An IPv6 address in the canonical form of RFC 5952 section 4, without zone. */
export type Ip6 = string & { readonly [brand]: "Ip6" };

/** An IPv4 address in dotted-decimal form without leading zeros. */
export type Ip4 = string & { readonly [brand]: "Ip4" };

/** An address of either family. */
export type Ip = Ip4 | Ip6;

export const UNSPECIFIED = "::" as Ip6;
export const UNSPECIFIED4 = "0.0.0.0" as Ip4;
/** Limited broadcast, RFC 919 section 7. */
export const BROADCAST4 = "255.255.255.255" as Ip4;
export const LOOPBACK = "::1" as Ip6;
/** RFC 4291 2.7.1. */
export const ALL_NODES = "ff02::1" as Ip6;
/** RFC 4291 2.7.1. */
export const ALL_ROUTERS = "ff02::2" as Ip6;
/** All_DHCP_Relay_Agents_and_Servers, RFC 8415 7.1. */
export const ALL_DHCP_SERVERS = "ff02::1:2" as Ip6;

/** Reads an IPv6 address in any form of RFC 4291 2.2 (zone ids are not accepted); undefined when it is none. */
export function parseIp6(text: string): Ip6 | undefined {
  const groups = parseGroups(text);
  return groups && formatGroups(groups);
}

/** Like parseIp6, for constants and trusted text. @throws RangeError when the text is no IPv6 address. */
export function ip6(text: string): Ip6 {
  const address = parseIp6(text);
  if (address === undefined) throw new RangeError(`not an IPv6 address: ${text}`);
  return address;
}

/** The address in the 16 octets of `bytes` that start at `offset`. @throws RangeError when there are fewer. */
export function ip6FromBytes(bytes: Uint8Array, offset = 0): Ip6 {
  if (offset + 16 > bytes.length) throw new RangeError(`an IPv6 address needs 16 octets at ${offset}, there are ${bytes.length}`);
  const groups = new Array<number>(8);
  for (let i = 0; i < 8; i++) groups[i] = (bytes[offset + 2 * i]! << 8) | bytes[offset + 2 * i + 1]!;
  return formatGroups(groups);
}

/** The 16 octets of an address, in network order. */
export function ip6ToBytes(address: Ip6): Uint8Array {
  const bytes = new Uint8Array(16);
  const groups = groupsOf(address);
  for (let i = 0; i < 8; i++) {
    bytes[2 * i] = groups[i]! >> 8;
    bytes[2 * i + 1] = groups[i]! & 0xff;
  }
  return bytes;
}

/** The address as an unsigned 128-bit number. */
export function ip6ToBigInt(address: Ip6): bigint {
  const groups = groupsOf(address);
  let value = 0n;
  for (let i = 0; i < 8; i += 2) value = (value << 32n) | BigInt(groups[i]! * 0x10000 + groups[i + 1]!);
  return value;
}

/** The address of an unsigned 128-bit number; higher bits are cut off. */
export function ip6FromBigInt(value: bigint): Ip6 {
  const groups = new Array<number>(8);
  for (let i = 6; i >= 0; i -= 2) {
    const word = Number(value & 0xffffffffn);
    groups[i] = word >>> 16;
    groups[i + 1] = word & 0xffff;
    value >>= 32n;
  }
  return formatGroups(groups);
}

/** fe80::/10, RFC 4291 2.5.6. */
export function isLinkLocal(address: Ip6): boolean {
  return /^fe[89ab]/.test(address) && address.indexOf(":") === 4;
}

/** ff00::/8, RFC 4291 2.7. */
export function isMulticast(address: Ip6): boolean {
  return address.startsWith("ff") && address.indexOf(":") === 4;
}

/** fc00::/7, RFC 4193. */
export function isUniqueLocal(address: Ip6): boolean {
  return /^f[cd]/.test(address) && address.indexOf(":") === 4;
}

/** The solicited-node multicast address ff02::1:ffXX:XXXX, RFC 4291 2.7.1. */
export function solicitedNode(address: Ip6): Ip6 {
  return ip6FromBigInt(0xff0200000000000000000001ff000000n | (ip6ToBigInt(address) & 0xffffffn));
}

/** Whether the interface identifier was made from a MAC address (modified EUI-64, RFC 4291 appendix A). */
export function isEui64(address: Ip6): boolean {
  return ((ip6ToBigInt(address) >> 24n) & 0xffffn) === 0xfffen;
}

/** Reads a dotted-decimal IPv4 address; undefined when it is none. */
export function parseIp4(text: string): Ip4 | undefined {
  return parseOctets(text) ? (text as Ip4) : undefined;
}

/** Like parseIp4, for constants and trusted text. @throws RangeError when the text is no IPv4 address. */
export function ip4(text: string): Ip4 {
  const address = parseIp4(text);
  if (address === undefined) throw new RangeError(`not an IPv4 address: ${text}`);
  return address;
}

/** The address in the 4 octets of `bytes` that start at `offset`. @throws RangeError when there are fewer. */
export function ip4FromBytes(bytes: Uint8Array, offset = 0): Ip4 {
  if (offset + 4 > bytes.length) throw new RangeError(`an IPv4 address needs 4 octets at ${offset}, there are ${bytes.length}`);
  const high = (bytes[offset]! << 8) | bytes[offset + 1]!;
  return ip4FromNumber(high * 0x10000 + ((bytes[offset + 2]! << 8) | bytes[offset + 3]!));
}

export function isIp4(address: Ip): address is Ip4 {
  return !address.includes(":");
}

/** The 4 or 16 octets of an address, in network order. */
export function ipToBytes(address: Ip): Uint8Array {
  return isIp4(address) ? ip4ToBytes(address) : ip6ToBytes(address);
}

/** The address that 4 or 16 octets are; undefined for another number of them. */
export function ipFromBytes(bytes: Uint8Array): Ip | undefined {
  if (bytes.length === 4) return ip4FromBytes(bytes);
  return bytes.length === 16 ? ip6FromBytes(bytes) : undefined;
}

/** The 4 octets of an address, in network order. */
export function ip4ToBytes(address: Ip4): Uint8Array {
  const value = ip4ToNumber(address);
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** An address as a number, 0..2^32-1. */
export function ip4ToNumber(address: Ip4): number {
  let value = 0;
  let octet = 0;
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code !== DOT) {
      octet = octet * 10 + code - ZERO;
      continue;
    }
    value = value * 256 + octet;
    octet = 0;
  }
  return value * 256 + octet;
}

/** The address of a number of 0..2^32-1. */
export function ip4FromNumber(value: number): Ip4 {
  const found = known4.get(value);
  if (found) return found;
  const address = `${value >>> 24}.${(value >>> 16) & 0xff}.${(value >>> 8) & 0xff}.${value & 0xff}` as Ip4;
  if (known4.size >= MOST_KNOWN4) known4.clear();
  known4.set(value, address);
  return address;
}

/** The four numbers of a dotted-decimal IPv4 address. */
function parseOctets(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  if (!parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.map(Number);
}

const [DOT, ZERO] = [0x2e, 0x30];

/** The same few addresses are asked for again and again; a flood of others must not fill the memory. */
const MOST_KNOWN = 4096;
const known = new Map<Ip6, readonly number[]>();
/** One text for each number, so that it is made, hashed and kept once: a home with ten thousand leases has so many. */
const MOST_KNOWN4 = 16_384;
const known4 = new Map<number, Ip4>();

function groupsOf(address: Ip6): readonly number[] {
  const found = known.get(address);
  if (found) return found;
  const groups = parseGroups(address)!;
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(address, groups);
  return groups;
}

function parseGroups(text: string): number[] | undefined {
  if (text.includes(".")) {
    const colon = text.lastIndexOf(":");
    const octets = parseOctets(text.slice(colon + 1));
    if (colon < 0 || !octets) return undefined;
    const tail = `${((octets[0]! << 8) | octets[1]!).toString(16)}:${((octets[2]! << 8) | octets[3]!).toString(16)}`;
    return parseGroups(text.slice(0, colon + 1) + tail);
  }
  const gap = text.indexOf("::");
  if (gap < 0) {
    const groups = parseRun(text);
    return groups?.length === 8 ? groups : undefined;
  }
  const head = gap === 0 ? [] : parseRun(text.slice(0, gap));
  const tail = gap + 2 === text.length ? [] : parseRun(text.slice(gap + 2));
  if (!head || !tail || head.length + tail.length > 7) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function parseRun(text: string): number[] | undefined {
  const parts = text.split(":");
  return parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part)) ? parts.map((part) => Number.parseInt(part, 16)) : undefined;
}

/** RFC 5952: lower case, no leading zeros, the first longest run of at least two zero groups becomes "::". */
function formatGroups(groups: readonly number[]): Ip6 {
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    if (groups[i] !== 0) continue;
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    i = end;
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (start < 0) return hex(groups) as Ip6;
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}` as Ip6;
}
