/** Which addresses are within the home: those of private networks, of links, of this box alone, and of the prefixes that it holds. */
import { type Ip, ip6ToBytes, ipToBytes, isIp4 } from "../addr/ip.ts";
import { type Prefix, prefix, prefixAddress, prefixLength } from "../addr/prefix.ts";

/** RFC 1918, 1122 3.2.1.3, 3927, 4193, 4291; IPv4 in the mapped form. */
const ALWAYS = [
  "::ffff:10.0.0.0/104",
  "::ffff:172.16.0.0/108",
  "::ffff:192.168.0.0/112",
  "::ffff:127.0.0.0/104",
  "::ffff:169.254.0.0/112",
  "::ffff:0.0.0.0/104",
  "::/127",
  "fc00::/7",
  "fe80::/10",
].map(prefix);

interface Range {
  readonly octets: Uint8Array;
  readonly length: number;
}

export class HomeAddresses {
  #ranges: readonly Range[] = ALWAYS.map(rangeOf);

  /** The prefixes that the home holds now. */
  hold(prefixes: readonly Prefix[]): void {
    this.#ranges = [...ALWAYS, ...prefixes].map(rangeOf);
  }

  has(address: Ip): boolean {
    return this.hasOctets(
      isIp4(address) ? Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...ipToBytes(address)) : ip6ToBytes(address),
      0,
    );
  }

  /** The same of the 16 octets of an IPv6 address, IPv4 mapped, that stand in `bytes`; makes nothing. */
  hasOctets(bytes: Uint8Array, at: number): boolean {
    for (const range of this.#ranges) if (isWithin(range, bytes, at)) return true;
    return false;
  }
}

function rangeOf(value: Prefix): Range {
  return { octets: ip6ToBytes(prefixAddress(value)), length: prefixLength(value) };
}

function isWithin({ octets, length }: Range, bytes: Uint8Array, at: number): boolean {
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (octets[i] !== bytes[at + i]) return false;
  const rest = length & 7;
  return rest === 0 || ((octets[whole]! ^ bytes[at + whole]!) & (0xff00 >> rest)) === 0;
}
