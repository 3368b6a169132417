/** Ranges of IPv4 addresses that are no prefix, such as the pool of a DHCP server. */
import { type Ip4, ip4ToNumber, parseIp4 } from "./ip.ts";

export interface Range4 {
  readonly first: Ip4;
  /** Not before the first. */
  readonly last: Ip4;
}

/** Reads "192.168.1.100-192.168.1.249"; undefined when it is no range of addresses. */
export function parseRange4(text: string): Range4 | undefined {
  const [first, last, ...rest] = text.split("-").map((part) => parseIp4(part.trim()));
  if (!first || !last || rest.length > 0 || rangeSize({ first, last }) < 1) return undefined;
  return { first, last };
}

/** How many addresses a range has. */
export function rangeSize({ first, last }: Range4): number {
  return ip4ToNumber(last) - ip4ToNumber(first) + 1;
}

/** Whether an address lies between the ends of a range. */
export function isInRange({ first, last }: Range4, address: Ip4): boolean {
  const number = ip4ToNumber(address);
  return number >= ip4ToNumber(first) && number <= ip4ToNumber(last);
}
