/** The Reconfigure Key Authentication Protocol (RKAP), RFC 8415 20.4. */
import { hmac } from "@noble/hashes/hmac.js";
import { md5 } from "@noble/hashes/legacy.js";
import { type ClientServerMessage, encodeDhcpv6 } from "./dhcpv6.ts";
import { type Auth, OPTION_CODES } from "./dhcpv6-options.ts";

/** RFC 8415 20.4.1: protocol 3, algorithm 1 (HMAC-MD5), replay detection by a counter that rises. */
const RKAP = { protocol: 3, algorithm: 1, rdm: 0 } as const;
const KEY = 1;
const DIGEST = 2;
const VALUE_LENGTH = 16;
const MESSAGE_HEADER = 4;
const OPTION_HEADER = 4;
/** Octets of the option before the digest: protocol, algorithm, RDM, replay counter, type. */
const BEFORE_DIGEST = 12;

/** What an RKAP authentication option carries: the key in a Reply, the digest in a Reconfigure. */
export interface Rkap {
  readonly kind: "key" | "digest";
  readonly value: Uint8Array;
  readonly replay: bigint;
}

/** Reads an authentication option; undefined when it is not RKAP's or not well formed. */
export function rkapOf(auth: Auth): Rkap | undefined {
  if (auth.protocol !== RKAP.protocol || auth.algorithm !== RKAP.algorithm || auth.rdm !== RKAP.rdm) return undefined;
  const type = auth.information[0];
  if (auth.information.length !== 1 + VALUE_LENGTH || (type !== KEY && type !== DIGEST)) return undefined;
  return { kind: type === KEY ? "key" : "digest", value: auth.information.slice(1), replay: auth.replay };
}

/** The option with which a server gives a client its key. */
export function rkapKey(key: Uint8Array, replay: bigint): Auth {
  return { kind: "auth", ...RKAP, replay, information: Uint8Array.of(KEY, ...key) };
}

/** Encodes a message (a Reconfigure) with its authentication option as the last one. */
export function encodeAuthenticated(message: ClientServerMessage, key: Uint8Array, replay: bigint): Uint8Array {
  const auth: Auth = { kind: "auth", ...RKAP, replay, information: Uint8Array.of(DIGEST, ...new Uint8Array(VALUE_LENGTH)) };
  const bytes = encodeDhcpv6({ ...message, options: [...message.options, auth] });
  bytes.set(hmac(md5, key, bytes), bytes.length - VALUE_LENGTH);
  return bytes;
}

/** Whether the message carries the right digest in its first authentication option. `bytes` must be a message that can be decoded. */
export function isAuthentic(bytes: Uint8Array, key: Uint8Array): boolean {
  const at = digestOffset(bytes);
  if (at === undefined) return false;
  const zeroed = bytes.slice();
  zeroed.fill(0, at, at + VALUE_LENGTH);
  return equalOctets(hmac(md5, key, zeroed), bytes.subarray(at, at + VALUE_LENGTH));
}

function digestOffset(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = MESSAGE_HEADER; at + OPTION_HEADER <= bytes.length; at += OPTION_HEADER + view.getUint16(at + 2)) {
    if (view.getUint16(at) !== OPTION_CODES.auth) continue;
    const fits = view.getUint16(at + 2) === BEFORE_DIGEST + VALUE_LENGTH;
    return fits ? at + OPTION_HEADER + BEFORE_DIGEST : undefined;
  }
  return undefined;
}

/** Looks at every octet, so that the time taken tells nothing of where they differ. */
function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.reduce((difference, octet, i) => difference | (octet ^ b[i]!), 0) === 0;
}
