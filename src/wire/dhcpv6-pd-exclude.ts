/** The prefix that a provider keeps out of a delegation, RFC 6603 4.2: its length and its subnet number, shifted to the left. */
import { ip6FromBigInt, ip6ToBigInt } from "../addr/ip.ts";
import { type Prefix, covers, prefixAddress, prefixLength, prefixOf } from "../addr/prefix.ts";
import { type Reader, WireError, type Writer } from "./bytes.ts";

/** Reads the option's content; bits behind the excluded length are padding. @throws WireError when it is not a part of `delegated`. */
export function decodeExcluded(reader: Reader, delegated: Prefix): Prefix {
  const start = reader.offset;
  const length = reader.uint8();
  const octets = reader.rest();
  const bits = length - prefixLength(delegated);
  if (bits < 1 || length > 128) throw new WireError(`/${length} can't be excluded from ${delegated}`, start);
  if (octets.length * 8 < bits || octets.length > 16)
    throw new WireError(`${octets.length} octets for ${bits} bits of a subnet number`, start + 1);
  const padded = octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
  const subnet = padded >> BigInt(octets.length * 8 - bits);
  const address = ip6ToBigInt(prefixAddress(delegated)) | (subnet << BigInt(128 - length));
  return prefixOf(ip6FromBigInt(address), length);
}

/** Writes the option's content. @throws RangeError when `excluded` is not a part of `delegated`. */
export function encodeExcluded(writer: Writer, excluded: Prefix, delegated: Prefix): void {
  const length = prefixLength(excluded);
  const bits = length - prefixLength(delegated);
  if (bits < 1 || !covers(delegated, excluded)) throw new RangeError(`${excluded} can't be excluded from ${delegated}`);
  const count = Math.ceil(bits / 8);
  const subnet = (ip6ToBigInt(prefixAddress(excluded)) >> BigInt(128 - length)) & ((1n << BigInt(bits)) - 1n);
  const padded = subnet << BigInt(count * 8 - bits);
  writer.uint8(length);
  for (let i = count - 1; i >= 0; i--) writer.uint8(Number((padded >> BigInt(8 * i)) & 0xffn));
}
