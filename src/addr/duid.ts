/** DHCP Unique Identifiers (RFC 8415 section 11) as opaque values: lower-case hexadecimal text, compared for equality only. */
import { fromHex, toHex } from "./hex.ts";

import { type Mac, parseMac } from "./mac.ts";

declare const brand: unique symbol;

/** 3 to 130 octets (type and identifier) in lower-case hexadecimal without separators. */
export type Duid = string & { readonly [brand]: "Duid" };

/** The DUID in `bytes`; undefined when it is shorter than 3 or longer than 130 octets (RFC 8415 11.1). */
export function duidFromBytes(bytes: Uint8Array): Duid | undefined {
  if (bytes.length < 3 || bytes.length > 130) return undefined;
  return toHex(bytes) as Duid;
}

/** The octets of a DUID. */
export function duidToBytes(duid: Duid): Uint8Array {
  return fromHex(duid);
}

/** Reads hexadecimal text, octets optionally joined by ":"; undefined when it is no DUID. */
export function parseDuid(text: string): Duid | undefined {
  const hex = text.replaceAll(":", "").toLowerCase();
  return /^([0-9a-f]{2}){3,130}$/.test(hex) ? (hex as Duid) : undefined;
}

/** A DUID-UUID (type 4, RFC 6355) of 16 random octets: it depends on no network card, so it survives a change of hardware. */
export function duidUuid(uuid: Uint8Array): Duid {
  if (uuid.length !== 16) throw new RangeError(`a UUID has 16 octets, not ${uuid.length}`);
  return duidFromBytes(Uint8Array.of(0, 4, ...uuid))!;
}

/** The Ethernet address in a DUID-LLT or DUID-LL (RFC 8415 11.2 and 11.4); undefined in all others. */
export function duidMac(duid: Duid): Mac | undefined {
  const hex = /^(?:00010001[0-9a-f]{8}|00030001)([0-9a-f]{12})$/.exec(duid)?.[1];
  return hex === undefined ? undefined : parseMac(hex.match(/../g)!.join(":"));
}
