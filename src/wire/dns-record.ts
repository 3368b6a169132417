/** Resource records: RFC 1035 3.2 and 3.3, AAAA (RFC 3596), SRV (RFC 2782), all others as octets (RFC 3597). */
import type { Ip4, Ip6 } from "../addr/ip.ts";
import { Reader, WireError, type Writer } from "./bytes.ts";
import { decodeName, type DnsName, encodeName, nameOctets, type NamePlaces } from "./dns-name.ts";

export const RR_TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  SVCB: 64,
  HTTPS: 65,
  HINFO: 13,
  SIG: 24,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const RR_CLASS = { IN: 1, CH: 3, NONE: 254, ANY: 255 } as const;

export interface DnsRecord {
  readonly name: DnsName;
  /** RR_TYPE, or any other number. */
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  readonly data: RecordData;
}

export interface Soa {
  readonly mname: DnsName;
  readonly rname: DnsName;
  readonly serial: number;
  /** Seconds, as the three below. */
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** Also how long a negative answer may be kept (RFC 2308 section 4). */
  readonly minimum: number;
}

export type RecordData =
  | { readonly kind: "a"; readonly address: Ip4 }
  | { readonly kind: "aaaa"; readonly address: Ip6 }
  /** NS, CNAME, PTR. */
  | { readonly kind: "name"; readonly target: DnsName }
  | ({ readonly kind: "soa" } & Soa)
  | { readonly kind: "txt"; readonly strings: readonly Uint8Array[] }
  | { readonly kind: "srv"; readonly priority: number; readonly weight: number; readonly port: number; readonly target: DnsName }
  /** Whatever else: names in it are without pointers. */
  | { readonly kind: "opaque"; readonly octets: Uint8Array };

/** Types whose data may hold compressed names (RFC 3597 section 4) and that we have no form for: octets before the names, and how many names. */
const NAMES_WITHIN: Readonly<Record<number, { readonly before: number; readonly names: number }>> = {
  [RR_TYPE.MX]: { before: 2, names: 1 },
  14: { before: 0, names: 2 },
  17: { before: 0, names: 2 },
  18: { before: 2, names: 1 },
  21: { before: 2, names: 1 },
  36: { before: 2, names: 1 },
  [RR_TYPE.DNAME]: { before: 0, names: 1 },
};

/** Owner, type, class, TTL and the place of the data of the record at `start`. */
export interface RecordHead {
  readonly name: DnsName;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** Where the TTL stands. */
  readonly ttlAt: number;
  readonly dataAt: number;
  /** Where the next record begins. */
  readonly next: number;
}

/** @throws WireError */
export function decodeRecordHead(message: Uint8Array, start: number): RecordHead {
  const { name, next } = decodeName(message, start);
  const reader = new Reader(message.subarray(next), next);
  const [type, rrClass, ttl, length] = [reader.uint16(), reader.uint16(), reader.uint32(), reader.uint16()];
  if (reader.left < length) throw new WireError(`${length} octets of data expected, ${reader.left} are left`, reader.offset);
  return { name, type, class: rrClass, ttl, ttlAt: next + 4, dataAt: reader.offset, next: reader.offset + length };
}

/** @throws WireError */
export function decodeRecord(message: Uint8Array, head: RecordHead): DnsRecord {
  const { name, type, class: rrClass, ttl } = head;
  return { name, type, class: rrClass, ttl, data: decodeData(message, head) };
}

/** @throws RangeError when a name is none or a text is too long */
export function encodeRecord(writer: Writer, record: DnsRecord, places: NamePlaces): void {
  encodeName(writer, record.name, places);
  writer.uint16(record.type).uint16(record.class).uint32(record.ttl).uint16(0);
  const start = writer.length;
  encodeData(writer, record.data, places);
  writer.setUint16(start - 2, writer.length - start);
}

function decodeData(message: Uint8Array, { type, class: rrClass, dataAt, next }: RecordHead): RecordData {
  const data = message.subarray(dataAt, next);
  // An update (RFC 2136 2.5) names records without data.
  if (rrClass === RR_CLASS.ANY || rrClass === RR_CLASS.NONE || type === RR_TYPE.OPT) return { kind: "opaque", octets: data.slice() };
  const reader = new Reader(data, dataAt);
  switch (type) {
    case RR_TYPE.A:
      if (rrClass !== RR_CLASS.IN) break;
      return whole({ kind: "a", address: reader.ip4() }, reader.offset, next);
    case RR_TYPE.AAAA:
      if (rrClass !== RR_CLASS.IN) break;
      return whole({ kind: "aaaa", address: reader.ip6() }, reader.offset, next);
    case RR_TYPE.NS:
    case RR_TYPE.CNAME:
    case RR_TYPE.PTR: {
      const target = decodeName(message.subarray(0, next), dataAt);
      return whole({ kind: "name", target: target.name }, target.next, next);
    }
    case RR_TYPE.SOA:
      return decodeSoa(message.subarray(0, next), dataAt);
    case RR_TYPE.TXT:
      return { kind: "txt", strings: decodeStrings(reader) };
    case RR_TYPE.SRV: {
      const [priority, weight, port] = [reader.uint16(), reader.uint16(), reader.uint16()];
      const target = decodeName(message.subarray(0, next), reader.offset);
      return whole({ kind: "srv", priority, weight, port, target: target.name }, target.next, next);
    }
  }
  return { kind: "opaque", octets: withoutPointers(message.subarray(0, next), type, dataAt) };
}

function decodeSoa(message: Uint8Array, start: number): RecordData {
  const mname = decodeName(message, start);
  const rname = decodeName(message, mname.next);
  const reader = new Reader(message.subarray(rname.next), rname.next);
  const [serial, refresh, retry, expire, minimum] = [reader.uint32(), reader.uint32(), reader.uint32(), reader.uint32(), reader.uint32()];
  const soa = { mname: mname.name, rname: rname.name, serial, refresh, retry, expire, minimum };
  return whole({ kind: "soa", ...soa }, reader.offset, message.length);
}

function decodeStrings(reader: Reader): readonly Uint8Array[] {
  const strings: Uint8Array[] = [];
  while (reader.left > 0) strings.push(reader.bytes(reader.uint8()));
  return strings;
}

/** `message` ends where the data ends. */
function withoutPointers(message: Uint8Array, type: number, start: number): Uint8Array {
  const known = NAMES_WITHIN[type];
  if (!known) return message.slice(start);
  const parts = [message.subarray(start, start + known.before)];
  let at = start + known.before;
  for (let i = 0; i < known.names; i++) {
    const { octets, next } = nameOctets(message, at);
    parts.push(octets);
    at = next;
  }
  return Uint8Array.from([...parts, message.subarray(at)].flatMap((part) => [...part]));
}

function whole(data: RecordData, end: number, expected: number): RecordData {
  if (end !== expected) throw new WireError("a record's data is longer or shorter than its type needs", end);
  return data;
}

function encodeData(writer: Writer, data: RecordData, places: NamePlaces): void {
  switch (data.kind) {
    case "a":
      writer.ip4(data.address);
      return;
    case "aaaa":
      writer.ip6(data.address);
      return;
    case "name":
      encodeName(writer, data.target, places);
      return;
    case "soa":
      encodeName(writer, data.mname, places);
      encodeName(writer, data.rname, places);
      writer.uint32(data.serial).uint32(data.refresh).uint32(data.retry).uint32(data.expire).uint32(data.minimum);
      return;
    case "txt":
      for (const text of data.strings) {
        if (text.length > 255) throw new RangeError("a text of a TXT record has at most 255 octets");
        writer.uint8(text.length).bytes(text);
      }
      return;
    case "srv":
      writer.uint16(data.priority).uint16(data.weight).uint16(data.port);
      // RFC 2782: the target is not compressed.
      encodeName(writer, data.target);
      return;
    case "opaque":
      writer.bytes(data.octets);
  }
}
