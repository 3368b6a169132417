/** The wire form of DHCPv6 options, RFC 8415 section 21 and the RFCs named beside the options. */
import { type Duid, duidFromBytes, duidToBytes } from "../addr/duid.ts";
import { type Prefix, prefixAddress, prefixLength, prefixOf } from "../addr/prefix.ts";
import type { Seconds } from "../addr/time.ts";
import { Reader, WireError, type Writer } from "./bytes.ts";
import { decodeNtpServer, encodeNtpServer } from "./dhcpv6-ntp.ts";
import { codeOf, type Dhcpv6Option, type IaNa, type IaPd, OPTION_CODES, type OptionKind, type OptionOf } from "./dhcpv6-options.ts";
import { decodeExcluded, encodeExcluded } from "./dhcpv6-pd-exclude.ts";
import { decodeNameBelowRoot, decodePartialName, encodeDomainName, encodePartialName } from "./domain-name.ts";

type KnownKind = keyof typeof OPTION_CODES;

interface Codec<Kind extends OptionKind> {
  /** Where the option may stand; the options area of a message when not given. */
  readonly inside?: readonly Place["kind"][];
  /** Whether a broken option makes the whole message invalid. */
  readonly vital?: true;
  decode(reader: Reader, place: Place): OptionOf<Kind>;
  encode(writer: Writer, option: OptionOf<Kind>, place: Place): void;
}

/** Where options stand; that of a prefix is needed to understand its pd-exclude. */
type Place = { readonly kind: "message" | "ia-na" | "ia-pd" | "ia-address" } | { readonly kind: "ia-prefix"; readonly prefix: Prefix };

const MESSAGE: Place = { kind: "message" };
const ANYWHERE = ["message", "ia-na", "ia-pd", "ia-address", "ia-prefix"] as const;

/** An option that is to be ignored alone, although its lengths are right. */
class Unusable extends WireError {}

const CODECS: { readonly [Kind in KnownKind]: Codec<Kind> } = {
  "client-id": { vital: true, decode: (r) => ({ kind: "client-id", duid: decodeDuid(r) }), encode: (w, o) => w.bytes(duidToBytes(o.duid)) },
  "server-id": { vital: true, decode: (r) => ({ kind: "server-id", duid: decodeDuid(r) }), encode: (w, o) => w.bytes(duidToBytes(o.duid)) },
  "ia-na": { vital: true, decode: (r) => ({ kind: "ia-na", ...decodeIaFields(r, "ia-na") }), encode: encodeIa },
  "ia-pd": { vital: true, decode: (r) => ({ kind: "ia-pd", ...decodeIaFields(r, "ia-pd") }), encode: encodeIa },
  "ia-address": {
    vital: true,
    inside: ["message", "ia-na"],
    decode: (r) => {
      const fields = { address: r.ip6(), preferred: decodeSeconds(r), valid: decodeSeconds(r) };
      return { kind: "ia-address", ...fields, options: decodeOptions(r, { kind: "ia-address" }) };
    },
    encode: (w, o) => {
      w.ip6(o.address).uint32(o.preferred).uint32(o.valid);
      encodeOptions(w, o.options, { kind: "ia-address" });
    },
  },
  "ia-prefix": {
    vital: true,
    inside: ["ia-pd"],
    decode: decodeIaPrefix,
    encode: (w, o) => {
      w.uint32(o.preferred).uint32(o.valid).uint8(prefixLength(o.prefix)).ip6(prefixAddress(o.prefix));
      encodeOptions(w, o.options, { kind: "ia-prefix", prefix: o.prefix });
    },
  },
  "pd-exclude": {
    inside: ["ia-prefix"],
    decode: (r, place) => ({ kind: "pd-exclude", prefix: decodeExcluded(r, delegatedAt(place)) }),
    encode: (w, o, place) => encodeExcluded(w, o.prefix, delegatedAt(place)),
  },
  oro: {
    decode: (r) => ({ kind: "oro", codes: repeat(r, () => r.uint16()) }),
    encode: (w, o) => o.codes.forEach((code) => w.uint16(code)),
  },
  preference: { decode: (r) => ({ kind: "preference", value: r.uint8() }), encode: (w, o) => w.uint8(o.value) },
  "elapsed-time": { decode: (r) => ({ kind: "elapsed-time", hundredths: r.uint16() }), encode: (w, o) => w.uint16(o.hundredths) },
  "relay-message": { decode: (r) => ({ kind: "relay-message", message: r.rest() }), encode: (w, o) => w.bytes(o.message) },
  auth: {
    decode: (r) => {
      const fields = { protocol: r.uint8(), algorithm: r.uint8(), rdm: r.uint8(), replay: r.uint64() };
      return { kind: "auth", ...fields, information: r.rest() };
    },
    encode: (w, o) => w.uint8(o.protocol).uint8(o.algorithm).uint8(o.rdm).uint64(o.replay).bytes(o.information),
  },
  "status-code": {
    vital: true,
    inside: ANYWHERE,
    decode: (r) => ({ kind: "status-code", status: r.uint16(), message: decodeText(r.rest()) }),
    encode: (w, o) => w.uint16(o.status).bytes(UTF8.encode(o.message)),
  },
  "rapid-commit": { decode: () => ({ kind: "rapid-commit" }), encode: () => {} },
  "reconfigure-message": {
    decode: (r) => ({ kind: "reconfigure-message", messageType: r.uint8() }),
    encode: (w, o) => w.uint8(o.messageType),
  },
  "reconfigure-accept": { decode: () => ({ kind: "reconfigure-accept" }), encode: () => {} },
  "dns-servers": {
    decode: (r) => ({ kind: "dns-servers", addresses: repeat(r, () => r.ip6()) }),
    encode: (w, o) => o.addresses.forEach((address) => w.ip6(address)),
  },
  "domain-list": {
    decode: (r) => ({ kind: "domain-list", domains: repeat(r, () => decodeNameBelowRoot(r)) }),
    encode: (w, o) => o.domains.forEach((domain) => encodeDomainName(w, domain)),
  },
  "sntp-servers": {
    decode: (r) => ({ kind: "sntp-servers", addresses: repeat(r, () => r.ip6()) }),
    encode: (w, o) => o.addresses.forEach((address) => w.ip6(address)),
  },
  "information-refresh-time": {
    decode: (r) => ({ kind: "information-refresh-time", time: decodeSeconds(r) }),
    encode: (w, o) => w.uint32(o.time),
  },
  "client-fqdn": {
    decode: (r) => ({ kind: "client-fqdn", flags: r.uint8(), ...decodePartialName(r) }),
    encode: (w, o) => encodePartialName(w.uint8(o.flags), o),
  },
  "addr-reg-enable": { decode: () => ({ kind: "addr-reg-enable" }), encode: () => {} },
  "ntp-server": {
    decode: (r) => ({ kind: "ntp-server", servers: repeat(r, () => decodeNtpServer(r)).flat() }),
    encode: (w, o) => o.servers.forEach((server) => encodeNtpServer(w, server)),
  },
  "sol-max-rt": { decode: (r) => ({ kind: "sol-max-rt", time: decodeSeconds(r) }), encode: (w, o) => w.uint32(o.time) },
  "inf-max-rt": { decode: (r) => ({ kind: "inf-max-rt", time: decodeSeconds(r) }), encode: (w, o) => w.uint32(o.time) },
  "vendor-class": {
    decode: (r) => ({ kind: "vendor-class", enterprise: r.uint32(), data: repeat(r, () => r.bytes(r.uint16())) }),
    encode: (w, o) => {
      w.uint32(o.enterprise);
      for (const item of o.data) w.uint16(item.length).bytes(item);
    },
  },
  "vendor-opts": {
    decode: (r) => ({ kind: "vendor-opts", enterprise: r.uint32(), data: r.rest() }),
    encode: (w, o) => w.uint32(o.enterprise).bytes(o.data),
  },
  "captive-portal": {
    decode: (r) => ({ kind: "captive-portal", uri: decodeUri(r) }),
    encode: (w, o) => w.bytes(UTF8.encode(o.uri)),
  },
};

const KINDS = new Map(Object.entries(OPTION_CODES).map(([kind, code]) => [code as number, kind as KnownKind]));
const UTF8 = new TextEncoder();

/** Reads options up to the end of `reader`. @throws WireError */
export function decodeOptions(reader: Reader, place: Place = MESSAGE): readonly Dhcpv6Option[] {
  return repeat(reader, () => {
    const code = reader.uint16();
    const length = reader.uint16();
    const offset = reader.offset;
    return decodeOption(code, reader.bytes(length), offset, place);
  });
}

/** Writes options in their order. @throws RangeError for one that can't stand where it is or is longer than 65535 octets. */
export function encodeOptions(writer: Writer, options: readonly Dhcpv6Option[], place: Place = MESSAGE): void {
  for (const option of options) {
    const raw = option.kind === "unknown" || option.kind === "malformed";
    writer.uint16(codeOf(option));
    const at = writer.length;
    writer.uint16(0);
    if (raw) writer.bytes(option.data);
    else codecOf(option.kind).encode(writer, option, place);
    const length = writer.length - at - 2;
    if (length > 0xffff) throw new RangeError(`an option of ${length} octets`);
    writer.setUint16(at, length);
  }
}

function decodeOption(code: number, data: Uint8Array, offset: number, place: Place): Dhcpv6Option {
  const kind = KINDS.get(code);
  const codec = kind && codecOf(kind);
  if (!codec || !(codec.inside ?? [MESSAGE.kind]).includes(place.kind)) return { kind: "unknown", code, data };
  const reader = new Reader(data, offset);
  try {
    const option = codec.decode(reader, place);
    if (reader.left > 0) throw new WireError(`option ${code} is too long`, reader.offset);
    return option;
  } catch (error) {
    if (!(error instanceof WireError) || (codec.vital && !(error instanceof Unusable))) throw error;
    return { kind: "malformed", code, data };
  }
}

function codecOf(kind: KnownKind): Codec<KnownKind> {
  return CODECS[kind] as Codec<KnownKind>;
}

function decodeIaFields(reader: Reader, kind: "ia-na" | "ia-pd"): Omit<IaNa | IaPd, "kind"> {
  const fields = { iaid: reader.uint32(), t1: decodeSeconds(reader), t2: decodeSeconds(reader) };
  return { ...fields, options: decodeOptions(reader, { kind }) };
}

function encodeIa(writer: Writer, ia: IaNa | IaPd): void {
  writer.uint32(ia.iaid).uint32(ia.t1).uint32(ia.t2);
  encodeOptions(writer, ia.options, { kind: ia.kind });
}

function decodeIaPrefix(reader: Reader): OptionOf<"ia-prefix"> {
  const times = { preferred: decodeSeconds(reader), valid: decodeSeconds(reader) };
  const length = reader.uint8();
  const address = reader.ip6();
  if (length === 0 || length > 128) throw new Unusable(`a prefix length of ${length}`, reader.offset - 17);
  const prefix = prefixOf(address, length);
  return { kind: "ia-prefix", prefix, ...times, options: decodeOptions(reader, { kind: "ia-prefix", prefix }) };
}

function decodeDuid(reader: Reader): Duid {
  const offset = reader.offset;
  const duid = duidFromBytes(reader.rest());
  if (duid === undefined) throw new WireError("a DUID has 3 to 130 octets", offset);
  return duid;
}

function decodeSeconds(reader: Reader): Seconds {
  return reader.uint32() as Seconds;
}

function decodeText(octets: Uint8Array): string {
  return new TextDecoder().decode(octets);
}

/** RFC 8910 2.1: a URI, so visible ASCII only. */
function decodeUri(reader: Reader): string {
  const offset = reader.offset;
  const uri = decodeText(reader.rest());
  if (!/^[!-~]+$/.test(uri)) throw new WireError("not a URI", offset);
  return uri;
}

function delegatedAt(place: Place): Prefix {
  if (place.kind !== "ia-prefix") throw new RangeError("pd-exclude stands only inside an ia-prefix");
  return place.prefix;
}

function repeat<T>(reader: Reader, read: () => T): readonly T[] {
  const items: T[] = [];
  while (reader.left > 0) items.push(read());
  return items;
}
