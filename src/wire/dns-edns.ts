/** EDNS(0): the OPT pseudo-record in which both sides tell what they can, RFC 6891 section 6. */
import { Reader, WireError, type Writer } from "./bytes.ts";
import { type RecordHead, RR_TYPE } from "./dns-record.ts";

const DNSSEC_OK = 0x8000;

export const EDNS_OPTION = { COOKIE: 10, PADDING: 12, EXTENDED_ERROR: 15 } as const;

export interface Edns {
  /** The largest UDP payload in octets that the sender can take. */
  readonly size: number;
  readonly version: number;
  /** The sender wants DNSSEC records (RFC 3225). */
  readonly dnssecOk: boolean;
  /** The other 15 flags, of which none has a meaning yet. */
  readonly flags: number;
  readonly options: readonly EdnsOption[];
}

export interface EdnsOption {
  readonly code: number;
  readonly octets: Uint8Array;
}

/** Reads an OPT record; `rcode` is the upper 8 of the 12 bits of the response code. @throws WireError */
export function decodeEdns(message: Uint8Array, head: RecordHead): { readonly edns: Edns; readonly rcode: number } {
  if (head.name !== "") throw new WireError("OPT belongs to the root", head.ttlAt);
  const reader = new Reader(message.subarray(head.dataAt, head.next), head.dataAt);
  const options: EdnsOption[] = [];
  while (reader.left > 0) options.push({ code: reader.uint16(), octets: reader.bytes(reader.uint16()) });
  const flags = head.ttl & 0xffff;
  const edns: Edns = {
    size: head.class,
    version: (head.ttl >>> 16) & 0xff,
    dnssecOk: (flags & DNSSEC_OK) !== 0,
    flags: flags & ~DNSSEC_OK,
    options,
  };
  return { edns, rcode: head.ttl >>> 24 };
}

/** Writes the OPT record; of `rcode` its upper 8 of 12 bits. */
export function encodeEdns(writer: Writer, { size, version, dnssecOk, flags, options }: Edns, rcode: number): void {
  writer.uint8(0).uint16(RR_TYPE.OPT).uint16(size);
  writer.uint8(rcode >> 4).uint8(version);
  writer.uint16(flags | (dnssecOk ? DNSSEC_OK : 0)).uint16(0);
  const start = writer.length;
  for (const { code, octets } of options) writer.uint16(code).uint16(octets.length).bytes(octets);
  writer.setUint16(start - 2, writer.length - start);
}
