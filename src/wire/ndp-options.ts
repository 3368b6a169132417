/**
 * Options of Neighbor Discovery: RFC 4861 4.6, RFC 3971 5.3.2 (nonce), RFC 4191 2.3 (routes), RFC 8106 5 (resolvers, domains), RFC 8910 2.3 (captive
 * portal), RFC 8781 4 (NAT64 prefix), RFC 9762 (P flag). An option that is not as its RFC says is kept as unknown: the rest of the message counts.
 */
import type { Ip6 } from "../addr/ip.ts";
import { type Mac, macFromBytes, macToBytes } from "../addr/mac.ts";
import { type Prefix, prefixAddress, prefixLength, prefixOf } from "../addr/prefix.ts";
import type { Seconds } from "../addr/time.ts";
import { Reader, WireError, Writer } from "./bytes.ts";
import { decodeDomainName, encodeDomainName } from "./domain-name.ts";

export type Preference = "high" | "medium" | "low";

export type NdpOption =
  | { readonly kind: "source-link-layer-address"; readonly mac: Mac }
  | { readonly kind: "target-link-layer-address"; readonly mac: Mac }
  | PrefixInformation
  /** As much of the packet that caused the Redirect as was sent. */
  | { readonly kind: "redirected-header"; readonly packet: Uint8Array }
  | { readonly kind: "mtu"; readonly mtu: number }
  | { readonly kind: "nonce"; readonly nonce: Uint8Array }
  | { readonly kind: "route-information"; readonly prefix: Prefix; readonly preference: Preference; readonly lifetime: Seconds }
  | { readonly kind: "rdnss"; readonly addresses: readonly Ip6[]; readonly lifetime: Seconds }
  | { readonly kind: "dnssl"; readonly domains: readonly string[]; readonly lifetime: Seconds }
  | { readonly kind: "captive-portal"; readonly uri: string }
  /** Lifetime in whole units of 8 s; length 32, 40, 48, 56, 64 or 96. */
  | { readonly kind: "pref64"; readonly prefix: Prefix; readonly lifetime: Seconds }
  /** `content` is all behind type and length. */
  | { readonly kind: "unknown"; readonly type: number; readonly content: Uint8Array };

export interface PrefixInformation {
  readonly kind: "prefix-information";
  readonly prefix: Prefix;
  readonly onLink: boolean;
  readonly autonomous: boolean;
  /** RFC 6275: the prefix field holds the router's whole address. */
  readonly routerAddress?: Ip6;
  /** RFC 9762 P flag: hosts should ask for a prefix of their own. */
  readonly delegatePreferred?: boolean;
  readonly valid: Seconds;
  readonly preferred: Seconds;
}

const TYPE = {
  sourceLla: 1,
  targetLla: 2,
  prefixInformation: 3,
  redirectedHeader: 4,
  mtu: 5,
  nonce: 14,
  routeInformation: 24,
  rdnss: 25,
  dnssl: 31,
  captivePortal: 37,
  pref64: 38,
} as const;

/** Prefix length codes 0..5, RFC 8781 4. */
const PREF64_LENGTHS = [96, 64, 56, 48, 40, 32];
/** 13 bits of 8 s, RFC 8781 4. */
const PREF64_LONGEST = 8191 * 8;

/** Reads all options to the end. @throws WireError for a length of zero or past the end (RFC 4861 6.1.1, 6.1.2) */
export function decodeOptions(reader: Reader): NdpOption[] {
  const options: NdpOption[] = [];
  while (reader.left > 0) {
    const type = reader.uint8();
    const units = reader.uint8();
    if (units === 0) throw new WireError("an option of length zero", reader.offset - 1);
    options.push(decodeOption(type, reader.bytes(8 * units - 2)));
  }
  return options;
}

/** Writes each option padded with zeros to units of 8 octets. @throws RangeError when one is longer than 255 units */
export function encodeOptions(writer: Writer, options: readonly NdpOption[]): void {
  for (const option of options) {
    const { type, content } = encodeOption(option);
    const units = Math.ceil((content.length + 2) / 8);
    if (units > 255) throw new RangeError(`an option of ${content.length + 2} octets where 2040 are the most: ${option.kind}`);
    writer
      .uint8(type)
      .uint8(units)
      .bytes(content)
      .zeros(8 * units - 2 - content.length);
  }
}

function decodeOption(type: number, content: Uint8Array): NdpOption {
  try {
    const option = decodeKnown(type, new Reader(content));
    if (option) return option;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
  return { kind: "unknown", type, content };
}

/** @throws WireError when the content is not of the option's form; undefined for what we don't know */
function decodeKnown(type: number, reader: Reader): NdpOption | undefined {
  switch (type) {
    case TYPE.sourceLla:
      return { kind: "source-link-layer-address", mac: decodeMac(reader) };
    case TYPE.targetLla:
      return { kind: "target-link-layer-address", mac: decodeMac(reader) };
    case TYPE.prefixInformation:
      return decodePrefixInformation(reader);
    case TYPE.redirectedHeader:
      reader.skip(6);
      return { kind: "redirected-header", packet: reader.rest() };
    case TYPE.mtu:
      expectLeft(reader, 6);
      reader.skip(2);
      return { kind: "mtu", mtu: reader.uint32() };
    case TYPE.nonce:
      return { kind: "nonce", nonce: reader.rest() };
    case TYPE.routeInformation:
      return decodeRoute(reader);
    case TYPE.rdnss:
      return decodeResolvers(reader);
    case TYPE.dnssl:
      return decodeDomains(reader);
    case TYPE.captivePortal:
      return decodeCaptivePortal(reader);
    case TYPE.pref64:
      return decodePref64(reader);
    default:
      return undefined;
  }
}

function expectLeft(reader: Reader, octets: number): void {
  if (reader.left !== octets) throw new WireError(`an option of ${reader.left} octets where ${octets} are right`, reader.offset);
}

function decodeMac(reader: Reader): Mac {
  expectLeft(reader, 6);
  return macFromBytes(reader.bytes(6));
}

function decodePrefixInformation(reader: Reader): NdpOption {
  expectLeft(reader, 30);
  const length = expectPrefixLength(reader);
  const flags = reader.uint8();
  const valid = reader.uint32() as Seconds;
  const preferred = reader.uint32() as Seconds;
  reader.skip(4);
  const address = reader.ip6();
  return {
    kind: "prefix-information",
    prefix: prefixOf(address, length),
    onLink: (flags & 0x80) !== 0,
    autonomous: (flags & 0x40) !== 0,
    ...((flags & 0x20) !== 0 && { routerAddress: address }),
    ...((flags & 0x10) !== 0 && { delegatePreferred: true }),
    valid,
    preferred,
  };
}

function expectPrefixLength(reader: Reader): number {
  const length = reader.uint8();
  if (length > 128) throw new WireError(`a prefix length of ${length}`, reader.offset - 1);
  return length;
}

/** The prefix takes 0, 8 or 16 octets; more bits than octets are not allowed (RFC 4191 2.3). */
function decodeRoute(reader: Reader): NdpOption | undefined {
  const length = expectPrefixLength(reader);
  const preference = decodePreference(reader.uint8());
  const lifetime = reader.uint32() as Seconds;
  const octets = reader.rest();
  if (octets.length > 16 || octets.length * 8 < length) throw new WireError("a route prefix of the wrong size", reader.offset);
  // RFC 4191 2.3: a route with the reserved preference is ignored.
  if (preference === undefined) return undefined;
  const address = new Uint8Array(16);
  address.set(octets);
  return { kind: "route-information", prefix: prefixOf(new Reader(address).ip6(), length), preference, lifetime };
}

function decodeResolvers(reader: Reader): NdpOption {
  if (reader.left < 22 || (reader.left - 6) % 16 !== 0) throw new WireError("an RDNSS option of the wrong size", reader.offset);
  reader.skip(2);
  const lifetime = reader.uint32() as Seconds;
  const addresses: Ip6[] = [];
  while (reader.left > 0) addresses.push(reader.ip6());
  return { kind: "rdnss", addresses, lifetime };
}

/** Names follow each other; zeros up to the end are padding (RFC 8106 5.2). */
function decodeDomains(reader: Reader): NdpOption {
  reader.skip(2);
  const lifetime = reader.uint32() as Seconds;
  const domains: string[] = [];
  while (reader.left > 0) {
    const name = decodeDomainName(reader);
    if (name !== "") domains.push(name);
  }
  if (domains.length === 0) throw new WireError("a DNSSL option without a name", reader.offset);
  return { kind: "dnssl", domains, lifetime };
}

function decodeCaptivePortal(reader: Reader): NdpOption {
  const uri = String.fromCharCode(...reader.rest()).replace(/\0+$/, "");
  if (!/^[\x21-\x7e]+$/.test(uri)) throw new WireError("a captive portal URI with unusable characters", 0);
  return { kind: "captive-portal", uri };
}

function decodePref64(reader: Reader): NdpOption {
  expectLeft(reader, 14);
  const scaled = reader.uint16();
  const length = PREF64_LENGTHS[scaled & 7];
  if (length === undefined) throw new WireError("an unknown NAT64 prefix length code", 0);
  const address = new Uint8Array(16);
  address.set(reader.bytes(12));
  return { kind: "pref64", prefix: prefixOf(new Reader(address).ip6(), length), lifetime: ((scaled >> 3) * 8) as Seconds };
}

function encodeOption(option: NdpOption): { readonly type: number; readonly content: Uint8Array } {
  switch (option.kind) {
    case "source-link-layer-address":
      return { type: TYPE.sourceLla, content: macToBytes(option.mac) };
    case "target-link-layer-address":
      return { type: TYPE.targetLla, content: macToBytes(option.mac) };
    case "prefix-information":
      return { type: TYPE.prefixInformation, content: encodePrefixInformation(option) };
    case "redirected-header":
      return { type: TYPE.redirectedHeader, content: new Writer().zeros(6).bytes(option.packet).finish() };
    case "mtu":
      return { type: TYPE.mtu, content: new Writer(6).uint16(0).uint32(option.mtu).finish() };
    case "nonce":
      return { type: TYPE.nonce, content: option.nonce };
    case "route-information":
      return { type: TYPE.routeInformation, content: encodeRoute(option.prefix, option.preference, option.lifetime) };
    case "rdnss":
      return {
        type: TYPE.rdnss,
        content: encodeList(option.lifetime, (writer) => option.addresses.forEach((address) => writer.ip6(address))),
      };
    case "dnssl":
      return {
        type: TYPE.dnssl,
        content: encodeList(option.lifetime, (writer) => option.domains.forEach((domain) => encodeDomainName(writer, domain))),
      };
    case "captive-portal":
      return { type: TYPE.captivePortal, content: Uint8Array.from(option.uri, (letter) => letter.charCodeAt(0)) };
    case "pref64":
      return { type: TYPE.pref64, content: encodePref64(option.prefix, option.lifetime) };
    case "unknown":
      return { type: option.type, content: option.content };
  }
}

function encodePrefixInformation(option: PrefixInformation): Uint8Array {
  const { prefix, onLink, autonomous, routerAddress, delegatePreferred, valid, preferred } = option;
  const flags = (onLink ? 0x80 : 0) | (autonomous ? 0x40 : 0) | (routerAddress ? 0x20 : 0) | (delegatePreferred ? 0x10 : 0);
  return new Writer(30)
    .uint8(prefixLength(prefix))
    .uint8(flags)
    .uint32(valid)
    .uint32(preferred)
    .uint32(0)
    .ip6(routerAddress ?? prefixAddress(prefix))
    .finish();
}

/** With as few octets of the prefix as its length needs, RFC 4191 2.3. */
function encodeRoute(prefix: Prefix, preference: Preference, lifetime: Seconds): Uint8Array {
  const length = prefixLength(prefix);
  const octets = length === 0 ? 0 : length <= 64 ? 8 : 16;
  const address = new Writer(16).ip6(prefixAddress(prefix)).finish();
  return new Writer(22).uint8(length).uint8(encodePreference(preference)).uint32(lifetime).bytes(address.subarray(0, octets)).finish();
}

function encodeList(lifetime: Seconds, content: (writer: Writer) => void): Uint8Array {
  const writer = new Writer().uint16(0).uint32(lifetime);
  content(writer);
  return writer.finish();
}

function encodePref64(prefix: Prefix, lifetime: Seconds): Uint8Array {
  const code = PREF64_LENGTHS.indexOf(prefixLength(prefix));
  if (code < 0) throw new RangeError(`a NAT64 prefix is a /${PREF64_LENGTHS.join(", /")}, not ${prefix}`);
  if (lifetime > PREF64_LONGEST) throw new RangeError(`a NAT64 prefix lives for ${PREF64_LONGEST} s at most, not ${lifetime}`);
  const address = new Writer(16).ip6(prefixAddress(prefix)).finish();
  return new Writer(14)
    .uint16((Math.ceil(lifetime / 8) << 3) | code)
    .bytes(address.subarray(0, 12))
    .finish();
}

/** The two preference bits of a flags octet (RFC 4191 2.1); undefined for the reserved value 10. */
export function decodePreference(flags: number): Preference | undefined {
  return (["medium", "high", undefined, "low"] as const)[(flags >> 3) & 3];
}

export function encodePreference(preference: Preference): number {
  return { medium: 0, high: 1, low: 3 }[preference] << 3;
}

/** All options of a kind, in the order of the message. */
export function ndpOptionsOf<Kind extends NdpOption["kind"]>(
  message: { readonly options: readonly NdpOption[] },
  kind: Kind,
): Extract<NdpOption, { kind: Kind }>[] {
  return message.options.filter((option): option is Extract<NdpOption, { kind: Kind }> => option.kind === kind);
}

/** The first option of a kind. */
export function ndpOptionOf<Kind extends NdpOption["kind"]>(
  message: { readonly options: readonly NdpOption[] },
  kind: Kind,
): Extract<NdpOption, { kind: Kind }> | undefined {
  return ndpOptionsOf(message, kind)[0];
}
