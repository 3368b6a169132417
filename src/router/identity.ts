/**
 * Who this box is for the provider and for its own LANs. One portable record: a second box that is given it takes over the same prefix. Made once
 * at random, it depends on no network card.
 */
import { type Duid, duidUuid, parseDuid } from "../addr/duid.ts";
import type { Json } from "../addr/json.ts";
import { ip6FromBytes } from "../addr/ip.ts";
import { type Prefix, parsePrefix, prefixOf } from "../addr/prefix.ts";
import { type Random, randomBytes } from "../addr/random.ts";

export interface Identity {
  readonly duid: Duid;
  /** Identity association identifiers, RFC 8415 section 12. */
  readonly iaidPrefix: number;
  readonly iaidAddress: number;
  /** 32 octets behind all stable interface identifiers (RFC 7217); never shown. */
  readonly secret: Uint8Array;
  /** The home's own /48 with a random Global ID (RFC 4193 3.2.2). */
  readonly ula: Prefix;
}

/** A new identity; `random` must be the system's own source. */
export function createIdentity(random: Random): Identity {
  return {
    duid: duidUuid(asUuid(randomBytes(random, 16))),
    iaidPrefix: 1,
    iaidAddress: 1,
    secret: randomBytes(random, 32),
    ula: prefixOf(ip6FromBytes(Uint8Array.of(0xfd, ...randomBytes(random, 5), ...new Uint8Array(10))), 48),
  };
}

export function identityToJson(identity: Identity): Json {
  const { duid, iaidPrefix, iaidAddress, ula } = identity;
  return { duid, iaidPrefix, iaidAddress, secret: Array.from(identity.secret), ula };
}

/** Reads a saved identity; undefined when a part of it is missing or wrong. */
export function identityFromJson(json: Json): Identity | undefined {
  if (json === null || typeof json !== "object" || Array.isArray(json)) return undefined;
  const record = json as { readonly [key: string]: Json };
  const duid = parseDuid(textOf(record["duid"]));
  const ula = parsePrefix(textOf(record["ula"]));
  const { iaidPrefix, iaidAddress, secret } = record;
  if (!duid || !ula || !isUint32(iaidPrefix) || !isUint32(iaidAddress) || !isOctets(secret, 32)) return undefined;
  return { duid, ula, iaidPrefix, iaidAddress, secret: Uint8Array.from(secret) };
}

/** Marks 16 random octets as a version 4 UUID, RFC 9562 5.4. */
function asUuid(octets: Uint8Array): Uint8Array {
  octets[6] = (octets[6]! & 0x0f) | 0x40;
  octets[8] = (octets[8]! & 0x3f) | 0x80;
  return octets;
}

const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "");

function isUint32(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}

function isOctets(value: Json | undefined, count: number): value is number[] {
  return Array.isArray(value) && value.length === count && value.every((octet) => isUint32(octet as Json) && (octet as number) <= 255);
}
