/** Queries of clients made plain, or refused; the query that goes upstream; RFC 5625 4, RFC 6891 6.1.3, RFC 8482, RFC 8945. */
import { seconds } from "../addr/time.ts";
import { WireError } from "../wire/bytes.ts";
import { decodeDns, type DnsMessage, encodeDns, NO_FLAGS, OPCODE, RCODE, RR_TYPE } from "../wire/dns.ts";
import type { QueryScan } from "../wire/dns-query.ts";
import type { KeepableAnswer } from "./dns-response.ts";

const HEADER = 12;
/** What we can take by UDP: whole on every link (DNS flag day 2020). */
export const UDP_SIZE = 1232;
const SIGNED: readonly number[] = [RR_TYPE.TSIG, RR_TYPE.SIG];
const TRANSFERS: readonly number[] = [RR_TYPE.AXFR, RR_TYPE.IXFR];
const [RECURSION_DESIRED, RESPONSE] = [0x01, 0x80];
const [RESERVED, AUTHENTIC_DATA, CHECKING_DISABLED] = [0x40, 0x20, 0x10];
const OWN_EDNS = { size: UDP_SIZE, version: 0, dnssecOk: false, flags: 0, options: [] };

export type PlainQuery =
  | { readonly kind: "query"; readonly query: Uint8Array }
  /** To be answered at once, or not at all. */
  | { readonly kind: "reply"; readonly message?: Uint8Array; readonly isMalformed: boolean };

/** The query in the form that QueryScan takes, or the answer to one that we do not take. */
export function makePlain(query: Uint8Array, scan: QueryScan): PlainQuery {
  if (scan.read(query, 0, query.length)) {
    return TRANSFERS.includes(scan.type) ? refusal(query, RCODE.REFUSED) : { kind: "query", query };
  }
  // Nobody answers an answer, or what is too short to have an id.
  if (query.length < HEADER || (query[2]! & RESPONSE) !== 0) return { kind: "reply", isMalformed: true };
  try {
    return normalise(decodeDns(query), query);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { ...refusal(query, RCODE.FORMERR), isMalformed: true };
  }
}

function normalise(message: DnsMessage, query: Uint8Array): PlainQuery {
  const { opcode, questions, additionals, edns, flags } = message;
  if (opcode === OPCODE.UPDATE || opcode === OPCODE.NOTIFY) return refusal(query, RCODE.REFUSED);
  if (opcode !== OPCODE.QUERY) return refusal(query, RCODE.NOTIMP);
  if (edns && edns.version > 0) return { kind: "reply", isMalformed: false, message: badVersion(message) };
  // A signature covers the id, which changes on the way: it can't pass, and must not be cut off in silence.
  if (additionals.some(({ type }) => SIGNED.includes(type))) return refusal(query, RCODE.REFUSED);
  const [question] = questions;
  if (questions.length !== 1 || !question) return { ...refusal(query, RCODE.FORMERR), isMalformed: true };
  if (TRANSFERS.includes(question.type)) return refusal(query, RCODE.REFUSED);
  const plain: DnsMessage = {
    ...message,
    flags: { ...flags, authoritative: false, truncated: false, recursionAvailable: false },
    rcode: RCODE.NOERROR,
    answers: [],
    authorities: [],
    additionals: [],
    ...(edns && { edns: { ...edns, flags: 0, options: [] } }),
  };
  return { kind: "query", query: encodeDns(plain) };
}

/** An answer of the header alone. */
function refusal(
  query: Uint8Array,
  rcode: number,
): { readonly kind: "reply"; readonly message: Uint8Array; readonly isMalformed: boolean } {
  const message = new Uint8Array(HEADER);
  message.set(query.subarray(0, 4));
  message[2] = (query[2]! & 0x79) | RESPONSE;
  message[3] = (query[3]! & CHECKING_DISABLED) | rcode;
  return { kind: "reply", message, isMalformed: false };
}

function badVersion({ id, flags, opcode, questions }: DnsMessage): Uint8Array {
  const { recursionDesired, checkingDisabled } = flags;
  return encodeDns({
    id,
    flags: { ...NO_FLAGS, response: true, recursionDesired, checkingDisabled, recursionAvailable: true },
    opcode,
    rcode: RCODE.BADVERS,
    questions,
    answers: [],
    authorities: [],
    additionals: [],
    edns: OWN_EDNS,
  });
}

/** The query for upstream: the client's question in the client's case with an id of its own, and what a resolver is told besides. */
export function upstreamQuery(query: Uint8Array, scan: QueryScan, id: Uint8Array, edns: boolean): Uint8Array {
  scan.read(query, 0, query.length);
  const { questionEnd, dnssecOk } = scan;
  const asked = new Uint8Array(questionEnd + (edns ? 11 : 0));
  asked.set(query.subarray(0, questionEnd));
  asked.set(id);
  asked[2] = query[2]! & RECURSION_DESIRED;
  // Whether the client understands AD is seen to when it is answered.
  asked[3] = (query[3]! & (CHECKING_DISABLED | RESERVED)) | AUTHENTIC_DATA;
  asked.set([0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0], 4);
  if (edns) asked.set([0, 0, RR_TYPE.OPT, UDP_SIZE >> 8, UDP_SIZE & 0xff, 0, 0, dnssecOk ? 0x80 : 0, 0, 0, 0], questionEnd);
  return asked;
}

/** RFC 8482 4.2: a question for everything has one small answer. */
export function anyAnswer(): KeepableAnswer {
  const text = Array.from("RFC8482", (letter) => letter.charCodeAt(0));
  const data = [text.length, ...text, 0];
  const tail = Uint8Array.of(0xc0, HEADER, 0, RR_TYPE.HINFO, 0, 1, 0, 0, 0x0e, 0x10, 0, data.length, ...data);
  const kind = "local";
  return { kind, tail, flags: 0, rcode: RCODE.NOERROR, counts: [1, 0, 0], ttls: [], keepFor: seconds(1), staleFor: seconds(0) };
}
