/**
 * A look at a DNS query in place, without making anything: the way in which most questions are answered from the cache. It takes plain questions
 * alone (RFC 1035 4.1: one question, no records but OPT of RFC 6891); all others are for decodeDns.
 */

const HEADER = 12;
const LONGEST_LABEL = 63;
const LONGEST_NAME = 255;
/** Name, type, class and the flags that change the answer. */
const LONGEST_KEY = LONGEST_NAME + 5;
/** QR, opcode, AA, TC, RA and the response code: a plain question has none of them. */
const NOT_PLAIN = 0xfe8f;
const [RECURSION_DESIRED, RESERVED, AUTHENTIC_DATA, CHECKING_DISABLED] = [0x01, 0x40, 0x20, 0x10];
const OPT = 41;
/** An OPT record without options. */
const SHORTEST_OPT = 11;
const DNSSEC_OK = 0x80;
const LEAST_UDP_SIZE = 512;

/** Bits of the key's last octet. */
export const KEY_FLAG = { dnssecOk: 1, checkingDisabled: 2, reserved: 4, noRecursion: 8 } as const;

export class QueryScan {
  /** Name in lower case, type, class and flags of the question: equal questions have equal keys. Overwritten by the next scan. */
  readonly key = new Uint8Array(LONGEST_KEY);
  keyLength = 0;
  /** Of the key, 0..2^30-1. */
  hash = 0;
  /** Where the question ends. */
  questionEnd = 0;
  type = 0;
  hasEdns = false;
  dnssecOk = false;
  /** The client understands the AD flag (RFC 6840 5.7). */
  authenticData = false;
  /** Octets that a UDP answer may have: 512 without OPT. */
  udpSize = LEAST_UDP_SIZE;

  readonly #seed: number;

  /** Whoever does not know `seed` can't make many names with one hash. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Looks at the query in `bytes` from `start` to `end`; false when it is no plain question. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < HEADER + 5) return false;
    if ((((bytes[start + 2]! << 8) | bytes[start + 3]!) & NOT_PLAIN) !== 0) return false;
    // One question, no answers, no authorities, at most one more record.
    if ((bytes[start + 4]! | bytes[start + 6]! | bytes[start + 7]! | bytes[start + 8]! | bytes[start + 9]! | bytes[start + 10]!) !== 0)
      return false;
    if (bytes[start + 5] !== 1 || bytes[start + 11]! > 1) return false;
    const at = this.#readQuestion(bytes, start + HEADER, end);
    if (at === 0 || !this.#readOpt(bytes, at, end, bytes[start + 11] === 1)) return false;
    const flags = bytes[start + 3]!;
    this.authenticData = (flags & AUTHENTIC_DATA) !== 0;
    let keyFlags = this.dnssecOk ? KEY_FLAG.dnssecOk : 0;
    if ((flags & CHECKING_DISABLED) !== 0) keyFlags |= KEY_FLAG.checkingDisabled;
    if ((flags & RESERVED) !== 0) keyFlags |= KEY_FLAG.reserved;
    if ((bytes[start + 2]! & RECURSION_DESIRED) === 0) keyFlags |= KEY_FLAG.noRecursion;
    this.#finishKey(keyFlags);
    return true;
  }

  /** Copies the question in lower case into the key; 0 when it is malformed. */
  #readQuestion(bytes: Uint8Array, from: number, end: number): number {
    const { key } = this;
    let at = from;
    let length = 0;
    for (;;) {
      const label = bytes[at]!;
      if (label > LONGEST_LABEL || at + label + 5 > end || length + label + 1 > LONGEST_NAME) return 0;
      key[length++] = label;
      at++;
      if (label === 0) break;
      for (const last = at + label; at < last; at++) {
        const octet = bytes[at]!;
        key[length++] = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
      }
    }
    for (const last = at + 4; at < last; at++) key[length++] = bytes[at]!;
    this.type = (bytes[at - 4]! << 8) | bytes[at - 3]!;
    this.keyLength = length;
    this.questionEnd = at;
    return at;
  }

  #readOpt(bytes: Uint8Array, at: number, end: number, expected: boolean): boolean {
    this.hasEdns = expected;
    this.dnssecOk = false;
    this.udpSize = LEAST_UDP_SIZE;
    if (!expected) return at === end;
    if (at + SHORTEST_OPT > end || bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== OPT) return false;
    // Versions above 0 and unknown flags are for the slow way; options are ignored (RFC 6891 6.1.2).
    if (bytes[at + 6] !== 0 || (bytes[at + 7]! & ~DNSSEC_OK) !== 0 || bytes[at + 8] !== 0) return false;
    if (at + SHORTEST_OPT + ((bytes[at + 9]! << 8) | bytes[at + 10]!) !== end) return false;
    this.dnssecOk = bytes[at + 7] === DNSSEC_OK;
    const size = (bytes[at + 3]! << 8) | bytes[at + 4]!;
    this.udpSize = size < LEAST_UDP_SIZE ? LEAST_UDP_SIZE : size;
    return true;
  }

  #finishKey(flags: number): void {
    const { key } = this;
    key[this.keyLength++] = flags;
    let hash = this.#seed;
    for (let i = 0; i < this.keyLength; i++) hash = Math.imul(hash ^ key[i]!, 0x01000193);
    // What stays small needs no memory of its own in V8.
    this.hash = (hash ^ (hash >>> 15)) & 0x3fff_ffff;
  }
}
