/** DNS messages: RFC 1035 section 4, with the flags of RFC 2535 and 4035 and EDNS(0) of RFC 6891. */
import { Reader, WireError, Writer } from "./bytes.ts";
import { decodeEdns, type Edns, encodeEdns } from "./dns-edns.ts";
import { decodeName, type DnsName, encodeName, type NamePlaces } from "./dns-name.ts";
import { decodeRecord, decodeRecordHead, type DnsRecord, encodeRecord, RR_TYPE } from "./dns-record.ts";

export type { DnsName } from "./dns-name.ts";
export { type DnsRecord, type RecordData, RR_CLASS, RR_TYPE } from "./dns-record.ts";

/** Octets before the first question. */
export const DNS_HEADER = 12;
export const DNS_PORT = 53;
/** Without EDNS a UDP message has at most these octets, RFC 1035 4.2.1. */
export const LEAST_UDP_SIZE = 512;

export const OPCODE = { QUERY: 0, NOTIFY: 4, UPDATE: 5 } as const;
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  NOTAUTH: 9,
  BADVERS: 16,
  BADCOOKIE: 23,
} as const;

/** The flags of the header, as bits of its second word. */
const FLAG = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  reserved: 0x0040,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
} as const;

export type DnsFlags = { readonly [Name in keyof typeof FLAG]: boolean };

export const NO_FLAGS: DnsFlags = {
  response: false,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  reserved: false,
  authenticData: false,
  checkingDisabled: false,
};

export interface DnsQuestion {
  readonly name: DnsName;
  readonly type: number;
  readonly class: number;
}

export interface DnsMessage {
  readonly id: number;
  readonly flags: DnsFlags;
  readonly opcode: number;
  /** With EDNS 12 bits, without 4. */
  readonly rcode: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  /** Without OPT. */
  readonly additionals: readonly DnsRecord[];
  readonly edns?: Edns;
}

/** Reads a whole message. @throws WireError also where octets follow that no count covers */
export function decodeDns(message: Uint8Array): DnsMessage {
  const reader = new Reader(message);
  const [id, word] = [reader.uint16(), reader.uint16()];
  const [questionCount, ...counts] = [reader.uint16(), reader.uint16(), reader.uint16(), reader.uint16()] as const;
  const { questions, next } = decodeQuestions(message, questionCount);
  const sections: DnsRecord[][] = [[], [], []];
  let [at, extended] = [next, 0];
  let edns: Edns | undefined;
  for (const [section, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      const head = decodeRecordHead(message, at);
      if (head.type === RR_TYPE.OPT) {
        if (edns || section !== 2) throw new WireError("OPT stands once among the additional records", at);
        ({ edns, rcode: extended } = decodeEdns(message, head));
      } else sections[section]!.push(decodeRecord(message, head));
      at = head.next;
    }
  }
  if (at !== message.length) throw new WireError("octets follow the last record", at);
  const [answers, authorities, additionals] = sections as [DnsRecord[], DnsRecord[], DnsRecord[]];
  return {
    id,
    flags: flagsOf(word),
    opcode: (word >> 11) & 0xf,
    rcode: (extended << 4) | (word & 0xf),
    questions,
    answers,
    authorities,
    additionals,
    ...(edns && { edns }),
  };
}

/** Writes a whole message, names compressed. @throws RangeError when a name is none */
export function encodeDns(message: DnsMessage): Uint8Array {
  const { id, flags, opcode, rcode, questions, answers, authorities, additionals, edns } = message;
  const writer = new Writer(512);
  writer.uint16(id).uint16(wordOf(flags) | (opcode << 11) | (rcode & 0xf));
  writer.uint16(questions.length).uint16(answers.length).uint16(authorities.length);
  writer.uint16(additionals.length + (edns ? 1 : 0));
  const places: NamePlaces = new Map();
  for (const question of questions) {
    encodeName(writer, question.name, places);
    writer.uint16(question.type).uint16(question.class);
  }
  for (const record of [...answers, ...authorities, ...additionals]) encodeRecord(writer, record, places);
  if (edns) encodeEdns(writer, edns, rcode);
  return writer.finish();
}

function decodeQuestions(message: Uint8Array, count: number): { readonly questions: readonly DnsQuestion[]; readonly next: number } {
  const questions: DnsQuestion[] = [];
  let at = DNS_HEADER;
  for (let i = 0; i < count; i++) {
    const { name, next } = decodeName(message, at);
    const reader = new Reader(message.subarray(next), next);
    questions.push({ name, type: reader.uint16(), class: reader.uint16() });
    at = reader.offset;
  }
  return { questions, next: at };
}

function flagsOf(word: number): DnsFlags {
  const entries = Object.entries(FLAG).map(([name, bit]) => [name, (word & bit) !== 0]);
  return Object.fromEntries(entries) as unknown as DnsFlags;
}

function wordOf(flags: DnsFlags): number {
  let word = 0;
  for (const name of Object.keys(FLAG) as (keyof DnsFlags)[]) if (flags[name]) word |= FLAG[name];
  return word;
}
