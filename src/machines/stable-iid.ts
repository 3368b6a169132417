/** Interface identifiers that do not tell who made them: stable ones (RFC 7217 section 5), and temporary ones (RFC 8981 3.3.1). */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Ip6, ip6ToBytes } from "../addr/ip.ts";
import { hostAddress, type Prefix, prefixAddress } from "../addr/prefix.ts";
import type { Random } from "../addr/random.ts";

export interface StableIidInput {
  /** At least 16 octets, kept on disk, never shown. */
  readonly secret: Uint8Array;
  /** The /64 in which the identifier is used: another prefix makes another identifier. */
  readonly prefix: Prefix;
  readonly interfaceName: string;
  /** Counts the duplicates met in this prefix. */
  readonly dadCounter: number;
}

/** A 64-bit identifier: the same for the same input, without a visible relation to any other. Reserved ones are stepped over (RFC 5453). */
export function stableIid({ secret, prefix, interfaceName, dadCounter }: StableIidInput): bigint {
  const name = Uint8Array.from(interfaceName, (letter) => letter.charCodeAt(0));
  for (let counter = dadCounter; ; counter += 256) {
    const data = Uint8Array.of(...ip6ToBytes(prefixAddress(prefix)).subarray(0, 8), counter >> 8, counter & 0xff, ...name);
    const iid = firstWord(hmac(sha256, secret, data));
    if (!isReserved(iid)) return iid;
  }
}

/** The address that `stableIid` makes in the prefix. */
export function stableAddress(input: StableIidInput): Ip6 {
  return hostAddress(input.prefix, stableIid(input));
}

/** A random 64-bit identifier that is not reserved. */
export function temporaryIid(random: Random): bigint {
  for (;;) {
    const iid = (BigInt(random.uint32()) << 32n) | BigInt(random.uint32());
    if (!isReserved(iid)) return iid;
  }
}

function firstWord(octets: Uint8Array): bigint {
  return new DataView(octets.buffer, octets.byteOffset).getBigUint64(0);
}

/** Subnet-router anycast (RFC 4291 2.6.1), the reserved subnet anycast identifiers (RFC 2526), and all that look like a MAC address (ff:fe). */
function isReserved(iid: bigint): boolean {
  const looksLikeMac = ((iid >> 24n) & 0xffffn) === 0xfffen;
  return iid === 0n || looksLikeMac || iid >> 7n === 0xfdffffffffffff80n >> 7n;
}
