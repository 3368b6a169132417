/** 48-bit link-layer addresses as values: lower-case text "00:00:5e:00:01:01", branded. */
import { fromHex, toHex } from "./hex.ts";

declare const brand: unique symbol;

export type Mac = string & { readonly [brand]: "Mac" };

/** Reads six hexadecimal octets joined by ":" or "-"; undefined when it is no MAC address. */
export function parseMac(text: string): Mac | undefined {
  return /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text) ? (text.toLowerCase().replaceAll("-", ":") as Mac) : undefined;
}

/** Like parseMac, for constants and trusted text. @throws RangeError when the text is no MAC address. */
export function mac(text: string): Mac {
  const value = parseMac(text);
  if (value === undefined) throw new RangeError(`not a MAC address: ${text}`);
  return value;
}

/** The address in the 6 octets of `bytes` that start at `offset`. @throws RangeError when there are fewer. */
export function macFromBytes(bytes: Uint8Array, offset = 0): Mac {
  if (offset + 6 > bytes.length) throw new RangeError(`a MAC address needs 6 octets at ${offset}, there are ${bytes.length}`);
  const number = uint24(bytes, offset) * 0x1000000 + uint24(bytes, offset + 3);
  const found = known.get(number);
  if (found) return found;
  const address = toHex(bytes.subarray(offset, offset + 6), ":") as Mac;
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(number, address);
  return address;
}

/** One text for each number, so that it is made, hashed and kept once. A flood of others must not fill the memory. */
const MOST_KNOWN = 16_384;
const known = new Map<number, Mac>();

const uint24 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;

/** The 6 octets of an address. */
export function macToBytes(value: Mac): Uint8Array {
  return fromHex(value, 1);
}
