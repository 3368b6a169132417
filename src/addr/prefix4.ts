/** IPv4 prefixes as values: canonical text "address/length" with the host bits zero, branded. The counterpart of prefix.ts. */
import { type Ip4, ip4FromNumber, ip4ToNumber, parseIp4 } from "./ip.ts";
import type { Prefix } from "./prefix.ts";

declare const brand: unique symbol;

/** An IPv4 prefix such as "100.64.0.0/10"; the bits behind the length are zero. */
export type Prefix4 = string & { readonly [brand]: "Prefix4" };

export const DEFAULT_ROUTE4 = "0.0.0.0/0" as Prefix4;
/** Addresses behind a provider's NAT, RFC 6598. */
export const SHARED_ADDRESSES = "100.64.0.0/10" as Prefix4;

export function isPrefix4(value: Prefix | Prefix4): value is Prefix4 {
  return !value.includes(":");
}

/** The prefix of the given length (0..32) that holds `address`; host bits are masked. @throws RangeError on another length. */
export function prefix4Of(address: Ip4, length: number): Prefix4 {
  if (!Number.isInteger(length) || length < 0 || length > 32) throw new RangeError(`a prefix length is 0..32, not ${length}`);
  return `${ip4FromNumber(ip4ToNumber(address) & mask(length))}/${length}` as Prefix4;
}

/** Reads "address/length", masking host bits; undefined when it is no prefix. */
export function parsePrefix4(text: string): Prefix4 | undefined {
  const [head = "", tail = "", ...rest] = text.split("/");
  const address = parseIp4(head);
  if (address === undefined || rest.length > 0 || !/^\d{1,2}$/.test(tail) || Number(tail) > 32) return undefined;
  return prefix4Of(address, Number(tail));
}

/** Like parsePrefix4, for constants and trusted text. @throws RangeError when the text is no prefix. */
export function prefix4(text: string): Prefix4 {
  const value = parsePrefix4(text);
  if (value === undefined) throw new RangeError(`not an IPv4 prefix: ${text}`);
  return value;
}

/** The first address of a prefix. */
export function prefix4Address(value: Prefix4): Ip4 {
  return value.slice(0, value.indexOf("/")) as Ip4;
}

/** The length of a prefix in bits, 0..32. */
export function prefix4Length(value: Prefix4): number {
  return Number(value.slice(value.indexOf("/") + 1));
}

/** Whether `address` lies in `value`. */
export function contains4(value: Prefix4, address: Ip4): boolean {
  return ((ip4ToNumber(address) ^ ip4ToNumber(prefix4Address(value))) & mask(prefix4Length(value))) === 0;
}

/** Whether two prefixes share an address. */
export function overlaps4(a: Prefix4, b: Prefix4): boolean {
  const length = Math.min(prefix4Length(a), prefix4Length(b));
  return prefix4Of(prefix4Address(a), length) === prefix4Of(prefix4Address(b), length);
}

/** The address number `host` of a prefix. @throws RangeError when it lies outside */
export function host4(value: Prefix4, host: number): Ip4 {
  if (host < 0 || host >= 2 ** (32 - prefix4Length(value))) throw new RangeError(`${value} has no address number ${host}`);
  return ip4FromNumber(ip4ToNumber(prefix4Address(value)) + host);
}

/** The length that a subnet mask stands for; undefined when its bits have gaps. */
export function maskLength(subnetMask: Ip4): number | undefined {
  const bits = ip4ToNumber(subnetMask);
  const length = Math.clz32(~bits);
  return mask(length) >>> 0 === bits ? length : undefined;
}

/** The subnet mask of a length, 0..32. */
export function maskOf(length: number): Ip4 {
  return ip4FromNumber(mask(length));
}

/** A shift by 32 would be one by 0. */
function mask(length: number): number {
  return length === 0 ? 0 : -1 << (32 - length);
}
