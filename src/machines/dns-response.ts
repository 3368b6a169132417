/**
 * What becomes of an answer from upstream: whether it belongs to the question (RFC 5452 section 9), how long it may be kept (RFC 1035 7.4, RFC 2308,
 * RFC 2181 section 8), and the form in which it is.
 */
import { type Duration, seconds } from "../addr/time.ts";
import { WireError } from "../wire/bytes.ts";
import { decodeDns, type DnsMessage, type DnsQuestion, encodeDns, RCODE, RR_TYPE } from "../wire/dns.ts";
import { isSameName } from "../wire/dns-name.ts";
import { decodeName } from "../wire/dns-name.ts";
import { decodeRecordHead } from "../wire/dns-record.ts";
import type { LocalAnswer } from "./local-dns.ts";

/** An answer, ready to be kept and to be written behind a question. */
export interface KeepableAnswer {
  /** "local" ones are authoritative and do not count down; "failure": SERVFAIL and its like. */
  readonly kind: "positive" | "negative" | "failure" | "local";
  /** All from the end of the question on, without OPT. */
  readonly tail: Uint8Array;
  /** Flags of the header's second word: AA, AD, Z. */
  readonly flags: number;
  /** 0..15. */
  readonly rcode: number;
  /** Records in the answer, authority and additional section of `tail`. */
  readonly counts: readonly [number, number, number];
  /** Every TTL: where it stands in `tail`, and its value. */
  readonly ttls: readonly { readonly at: number; readonly ttl: number }[];
  /** 0: not to be kept. */
  readonly keepFor: Duration;
  /** How much longer it may serve when no upstream answers (RFC 8767). */
  readonly staleFor: Duration;
}

const HEADER = 12;
/** Whatever they say, answers live no longer; RFC 8767 section 4 wants a bound. Seconds. */
const LONGEST_TTL = 86_400;
/** RFC 2308 section 5: one to three hours are sensible. Seconds. */
const LONGEST_NEGATIVE_TTL = 10_800;
/** RFC 2308 7.1 allows 5 minutes, RFC 9520 3.2 wants a second at least; a home that has just come online shall not wait. */
const KEEP_FAILURE = seconds(5);
const STALE = seconds(86_400);
/** An answer from our own zones may change with the next event: it is written once a second, not once a question. */
const KEEP_LOCAL = seconds(1);
const [AUTHORITATIVE, RESERVED, AUTHENTIC_DATA] = [0x0400, 0x0040, 0x0020];
const NEVER_NEGATIVE = 0x8000_0000;

/** An upstream's answer that belongs to its question. */
export interface Response {
  readonly message: DnsMessage;
  readonly bytes: Uint8Array;
}

/**
 * Whether `bytes` is an answer to `query`: id, QR, opcode, name, type and class must agree; what an error leaves out counts as agreement. @returns the
 * answer; "malformed" where it is ours but can't be read; undefined for somebody else's
 */
export function readResponse(bytes: Uint8Array, query: Uint8Array): Response | "truncated" | "malformed" | undefined {
  if (bytes.length < HEADER || bytes[0] !== query[0] || bytes[1] !== query[1]) return undefined;
  if ((bytes[2]! & 0xf8) !== 0x80) return undefined;
  const hasQuestion = bytes[4] !== 0 || bytes[5] !== 0;
  if (hasQuestion ? !hasSameQuestion(bytes, query) : (bytes[3]! & 0xf) === RCODE.NOERROR) return undefined;
  if ((bytes[2]! & 0x02) !== 0) return "truncated";
  try {
    return { message: decodeDns(bytes), bytes };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return "malformed";
  }
}

/** The first question of both, without regard to case. */
function hasSameQuestion(bytes: Uint8Array, query: Uint8Array): boolean {
  if (bytes[4] !== 0 || bytes[5] !== 1) return false;
  try {
    const [ours, theirs] = [decodeName(query, HEADER), decodeName(bytes, HEADER)];
    if (ours.next !== theirs.next || !isSameName(ours.name, theirs.name)) return false;
    for (let at = ours.next; at < ours.next + 4; at++) if (bytes[at] !== query[at]) return false;
    return true;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return false;
  }
}

/** The form in which an upstream's answer is kept. */
export function keepable({ message, bytes }: Response): KeepableAnswer {
  const { rcode, flags, answers, authorities, additionals } = message;
  const plain = message.edns ? withoutEdns(message, bytes) : bytes;
  const { tail, ttls } = cutTail(plain, answers.length + authorities.length + additionals.length);
  const kind = kindOf(message);
  const most = kind === "negative" ? negativeTtl(message) : LONGEST_TTL;
  const bounded = ttls.map(({ at, ttl }) => ({ at, ttl: Math.min(ttl >= NEVER_NEGATIVE ? 0 : ttl, most) }));
  const least = bounded.reduce((lowest, { ttl }) => Math.min(lowest, ttl), most);
  return {
    kind,
    tail,
    flags: (flags.authenticData ? AUTHENTIC_DATA : 0) | (flags.reserved ? RESERVED : 0),
    rcode: Math.min(rcode, 0xf),
    counts: [answers.length, authorities.length, additionals.length],
    ttls: bounded,
    keepFor: kind === "failure" ? KEEP_FAILURE : seconds(least),
    staleFor: kind === "failure" ? seconds(0) : STALE,
  };
}

/** A response of ours that consists of its code alone. */
export function failure(rcode: number, keepFor = KEEP_FAILURE): KeepableAnswer {
  return { kind: "failure", tail: new Uint8Array(), flags: 0, rcode, counts: [0, 0, 0], ttls: [], keepFor, staleFor: seconds(0) };
}

/** An answer from our own zones. */
export function localAnswer(question: DnsQuestion, local: LocalAnswer): KeepableAnswer {
  const { rcode, authoritative, answers, authorities } = local;
  const message = encodeDns({
    id: 0,
    flags: NOTHING,
    opcode: 0,
    rcode,
    questions: [question],
    answers,
    authorities,
    additionals: [],
  });
  return {
    kind: "local",
    ...cutTail(message, answers.length + authorities.length),
    flags: authoritative ? AUTHORITATIVE : 0,
    rcode,
    counts: [answers.length, authorities.length, 0],
    keepFor: KEEP_LOCAL,
    staleFor: seconds(0),
  };
}

const NOTHING = decodeDns(new Uint8Array(HEADER)).flags;

function kindOf({ rcode, answers, questions }: DnsMessage): KeepableAnswer["kind"] {
  if (rcode === RCODE.NXDOMAIN) return "negative";
  if (rcode !== RCODE.NOERROR) return "failure";
  const wanted = questions[0]?.type;
  return answers.some(({ type }) => type === wanted || wanted === RR_TYPE.ANY) ? "positive" : "negative";
}

/** RFC 2308 section 5: without an SOA a negative answer is not kept. Seconds. */
function negativeTtl({ authorities }: DnsMessage): number {
  const soa = authorities.find(({ data }) => data.kind === "soa");
  if (soa?.data.kind !== "soa") return 0;
  return Math.min(soa.ttl, soa.data.minimum, LONGEST_NEGATIVE_TTL);
}

/** OPT is the last record nearly always; else the message is written anew. */
function withoutEdns(message: DnsMessage, bytes: Uint8Array): Uint8Array {
  const { edns, ...rest } = message;
  const length = 11 + edns!.options.reduce((sum, { octets }) => sum + 4 + octets.length, 0);
  const at = bytes.length - length;
  if (bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === RR_TYPE.OPT && startsRecord(bytes, at)) return bytes.subarray(0, at);
  return encodeDns({ ...rest, rcode: Math.min(rest.rcode, 0xf) });
}

/** Whether a record begins at `place`. */
function startsRecord(bytes: Uint8Array, place: number): boolean {
  let at = questionEnd(bytes);
  while (at < place) at = decodeRecordHead(bytes, at).next;
  return at === place;
}

function cutTail(message: Uint8Array, records: number): Pick<KeepableAnswer, "tail" | "ttls"> {
  const start = questionEnd(message);
  const ttls: { at: number; ttl: number }[] = [];
  let at = start;
  for (let i = 0; i < records; i++) {
    const head = decodeRecordHead(message, at);
    ttls.push({ at: head.ttlAt - start, ttl: head.ttl });
    at = head.next;
  }
  return { tail: message.slice(start), ttls };
}

function questionEnd(message: Uint8Array): number {
  return message[5] === 0 ? HEADER : decodeName(message, HEADER).next + 4;
}
