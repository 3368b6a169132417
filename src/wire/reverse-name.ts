/** The names for the way back from addresses: in-addr.arpa (RFC 1035 3.5) and ip6.arpa (RFC 3596 2.5). */
import { type Ip, type Ip4, type Ip6, ip4FromBytes, ip6FromBytes, ip6ToBytes, isIp4 } from "../addr/ip.ts";
import { type Prefix, prefixAddress, prefixLength, prefixOf } from "../addr/prefix.ts";
import { isPrefix4, type Prefix4, prefix4Address, prefix4Length, prefix4Of } from "../addr/prefix4.ts";

const V4 = /^((?:0|[1-9]\d{0,2})\.){0,4}in-addr\.arpa$/;
const V6 = /^([0-9a-f]\.){0,32}ip6\.arpa$/;

/** In lower case, without final dot. */
export function reverseName(address: Ip): string {
  return isIp4(address)
    ? `${address.split(".").toReversed().join(".")}.in-addr.arpa`
    : `${digitsOf(address).toReversed().join(".")}.ip6.arpa`;
}

/** The zone of a network whose length is a whole number of labels; of another one the zone around it. */
export function reverseZone(network: Prefix | Prefix4): string {
  if (isPrefix4(network)) {
    const octets = prefix4Address(network)
      .split(".")
      .slice(0, Math.floor(prefix4Length(network) / 8));
    return [...octets.toReversed(), "in-addr.arpa"].join(".");
  }
  const digits = digitsOf(prefixAddress(network)).slice(0, Math.floor(prefixLength(network) / 4));
  return [...digits.toReversed(), "ip6.arpa"].join(".");
}

/** The address of a whole such name in lower case; undefined when it is none. */
export function addressOfReverse(name: string): Ip | undefined {
  const network = networkOfReverse(name);
  if (network === undefined) return undefined;
  if (isPrefix4(network)) return prefix4Length(network) === 32 ? prefix4Address(network) : undefined;
  return prefixLength(network) === 128 ? prefixAddress(network) : undefined;
}

/** The network that such a name, or the end of one, in lower case stands for; undefined when it is none. */
export function networkOfReverse(name: string): Prefix | Prefix4 | undefined {
  if (V4.test(name)) return network4(name.split(".").slice(0, -2).toReversed().map(Number));
  return V6.test(name) ? network6(name.split(".").slice(0, -2).toReversed()) : undefined;
}

function network4(octets: readonly number[]): Prefix4 | undefined {
  if (octets.some((octet) => octet > 255)) return undefined;
  const address: Ip4 = ip4FromBytes(Uint8Array.of(...octets, 0, 0, 0, 0));
  return prefix4Of(address, octets.length * 8);
}

function network6(digits: readonly string[]): Prefix {
  const text = digits.join("").padEnd(32, "0");
  const octets = Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
  return prefixOf(ip6FromBytes(octets), digits.length * 4);
}

function digitsOf(address: Ip6): string[] {
  return Array.from(ip6ToBytes(address), (octet) => octet.toString(16).padStart(2, "0")).flatMap((two) => Array.from(two));
}
