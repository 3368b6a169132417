/** IPv6 prefixes as values: canonical text "address/length" with the host bits zero, branded. */
import { type Ip6, ip6FromBigInt, ip6ToBigInt, parseIp6 } from "./ip.ts";

declare const brand: unique symbol;

/** An IPv6 prefix such as "2605:59c8:1200::/56"; the bits behind the length are zero. */
export type Prefix = string & { readonly [brand]: "Prefix" };

export const DEFAULT_ROUTE = "::/0" as Prefix;
/** Unique local addresses, RFC 4193. */
export const UNIQUE_LOCAL = "fc00::/7" as Prefix;

/** The prefix of the given length (0..128) that holds `address`; host bits are masked. @throws RangeError on another length. */
export function prefixOf(address: Ip6, length: number): Prefix {
  if (!Number.isInteger(length) || length < 0 || length > 128) throw new RangeError(`a prefix length is 0..128, not ${length}`);
  return `${ip6FromBigInt(ip6ToBigInt(address) & mask(length))}/${length}` as Prefix;
}

/** Reads "address/length", masking host bits; undefined when it is no prefix. */
export function parsePrefix(text: string): Prefix | undefined {
  const [head, tail, ...rest] = text.split("/");
  if (head === undefined || tail === undefined || rest.length > 0 || !/^\d{1,3}$/.test(tail) || Number(tail) > 128) return undefined;
  const address = parseIp6(head);
  return address && prefixOf(address, Number(tail));
}

/** Like parsePrefix, for constants and trusted text. @throws RangeError when the text is no prefix. */
export function prefix(text: string): Prefix {
  const value = parsePrefix(text);
  if (value === undefined) throw new RangeError(`not an IPv6 prefix: ${text}`);
  return value;
}

/** The first address of a prefix. */
export function prefixAddress(value: Prefix): Ip6 {
  return value.slice(0, value.indexOf("/")) as Ip6;
}

/** The length of a prefix in bits, 0..128. */
export function prefixLength(value: Prefix): number {
  return Number(value.slice(value.indexOf("/") + 1));
}

/** Whether `address` lies in `value`. */
export function contains(value: Prefix, address: Ip6): boolean {
  return (ip6ToBigInt(address) & mask(prefixLength(value))) === ip6ToBigInt(prefixAddress(value));
}

/** Whether every address of `inner` lies in `outer`. */
export function covers(outer: Prefix, inner: Prefix): boolean {
  return prefixLength(outer) <= prefixLength(inner) && contains(outer, prefixAddress(inner));
}

/** Whether two prefixes share an address. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return covers(a, b) || covers(b, a);
}

/** How many prefixes of `length` fit in `value`: a power of two, or 0 when it is too long. Infinity above 2^53. */
export function subnetCount(value: Prefix, length: number): number {
  const bits = length - prefixLength(value);
  return bits < 0 ? 0 : 2 ** bits;
}

/** Subnet number `index` (0-based) of the given length. @throws RangeError when it does not fit. */
export function subnet(value: Prefix, length: number, index: number): Prefix {
  if (index < 0 || index >= subnetCount(value, length)) throw new RangeError(`${value} has no /${length} number ${index}`);
  return `${ip6FromBigInt(ip6ToBigInt(prefixAddress(value)) | (BigInt(index) << BigInt(128 - length)))}/${length}` as Prefix;
}

/** The number of `inner` among the subnets of its length in `outer`; undefined when it is none of them. */
export function subnetIndex(outer: Prefix, inner: Prefix): number | undefined {
  if (!covers(outer, inner)) return undefined;
  const offset = ip6ToBigInt(prefixAddress(inner)) - ip6ToBigInt(prefixAddress(outer));
  return Number(offset >> BigInt(128 - prefixLength(inner)));
}

/** The address in `value` with the given host part; bits of `host` above the host part are cut off. */
export function hostAddress(value: Prefix, host: bigint): Ip6 {
  return ip6FromBigInt(ip6ToBigInt(prefixAddress(value)) | (host & ~mask(prefixLength(value)) & ALL_ONES));
}

const ALL_ONES = (1n << 128n) - 1n;

function mask(length: number): bigint {
  return ALL_ONES ^ (ALL_ONES >> BigInt(length));
}
