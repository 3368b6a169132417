/**
 * Answers that are kept, in the form in which they go out: RFC 1035 7.4, negative ones RFC 2308, stale ones RFC 8767. An answer is written over the
 * question in place: the question stays as the client wrote it, so that names keep its case, and pointers into it still fit.
 */
import type { Instant } from "../addr/time.ts";
import { KEY_FLAG, type QueryScan } from "../wire/dns-query.ts";
import type { KeepableAnswer } from "./dns-response.ts";

/** Above this the answer nobody has asked for longest goes; a home has some thousands of names. */
const MOST_ENTRIES = 20_000;
const MOST_OCTETS = 16 << 20;
/** What an entry costs beside its octets, roughly. */
const ENTRY_COST = 200;
/** RFC 8767 section 4: a stale answer says so. Seconds. */
const STALE_TTL = 30;
const HEADER = 12;
/** Our own OPT record: root, type 41, 1232 octets (DNS flag day 2020), no flags, no options. */
const OPT = Uint8Array.of(0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0);
/** Flags in the upper octet of the header's second word, and in its lower one. */
const [RESPONSE, TRUNCATED] = [0x80, 0x02];
const [RECURSION_AVAILABLE, RESERVED, AUTHENTIC_DATA, CHECKING_DISABLED] = [0x80, 0x40, 0x20, 0x10];
/** Where a TTL stands within the answer, and what it was: 2 and 4 octets. */
const TTL_RECORD = 6;

export interface CacheEntry {
  readonly hash: number;
  /** Key, TTLs with their places, and the answer from the end of the question on. */
  readonly octets: Uint8Array;
  readonly keyLength: number;
  readonly ttlCount: number;
  readonly answer: KeepableAnswer;
  readonly storedAt: Instant;
  readonly expiresAt: Instant;
  /** Until then it may serve where nothing better is to be had. */
  readonly staleUntil: Instant;
  /** Not asked for again before this (RFC 8767 section 5: failure recheck). */
  retryAt: Instant;
  /** Seconds by which the TTLs in `octets` have been counted down. */
  age: number;
  /** Asked for since the last sweep. */
  recent: boolean;
  /** Another key with the same hash. */
  next: CacheEntry | undefined;
}

export class DnsCache {
  /** In the order in which entries came or were last spared by the sweep. */
  readonly #byHash = new Map<number, CacheEntry>();
  #count = 0;
  #octets = 0;
  hits = 0;
  misses = 0;

  get size(): number {
    return this.#count;
  }

  /** Octets of memory, roughly. */
  get octets(): number {
    return this.#octets;
  }

  /** The answer kept for the scanned question, fresh or stale. */
  find(scan: QueryScan): CacheEntry | undefined {
    for (let entry = this.#byHash.get(scan.hash); entry !== undefined; entry = entry.next) {
      if (hasKey(entry, scan)) return entry;
    }
    return undefined;
  }

  /**
   * Writes a fresh answer over the scanned question. `room` is how long the answer may be; one that is longer is cut to nothing with TC.
   * @returns its length, 0 when there is none
   */
  answer(bytes: Uint8Array, start: number, scan: QueryScan, room: number, now: Instant): number {
    const entry = this.find(scan);
    if (entry === undefined || now >= entry.expiresAt) {
      this.misses++;
      return 0;
    }
    this.hits++;
    entry.recent = true;
    if (entry.answer.kind !== "local") countDown(entry, Math.floor((now - entry.storedAt) / 1000));
    return writeAnswer(entry, bytes, start, scan, room);
  }

  /** Keeps an answer in place of the one before. */
  store(entry: CacheEntry, scan: QueryScan): void {
    const former = this.find(scan);
    if (former) this.#remove(former);
    entry.next = this.#byHash.get(entry.hash);
    // The last place is for the youngest.
    this.#byHash.delete(entry.hash);
    this.#byHash.set(entry.hash, entry);
    this.#count++;
    this.#octets += entry.octets.length + ENTRY_COST;
    if (this.#count > MOST_ENTRIES || this.#octets > MOST_OCTETS) this.#sweep();
  }

  flush(): void {
    this.#byHash.clear();
    this.#count = 0;
    this.#octets = 0;
  }

  /** Forgets the answers of a kind: those from our own zones when names have changed, failures when there are other upstreams. */
  forget(kind: KeepableAnswer["kind"]): void {
    for (const first of Array.from(this.#byHash.values())) {
      for (let entry: CacheEntry | undefined = first; entry; entry = entry.next) if (entry.answer.kind === kind) this.#remove(entry);
    }
  }

  /** Makes room: the oldest go, but for those that were asked for since the last time. A tenth at once, so that sweeps are rare. */
  #sweep(): void {
    const [entries, octets] = [MOST_ENTRIES * 0.9, MOST_OCTETS * 0.9];
    for (const [hash, first] of this.#byHash) {
      if (this.#count <= entries && this.#octets <= octets) return;
      if (first.recent) {
        first.recent = false;
        this.#byHash.delete(hash);
        this.#byHash.set(hash, first);
        continue;
      }
      for (let entry: CacheEntry | undefined = first; entry; entry = entry.next) this.#remove(entry);
    }
  }

  #remove(gone: CacheEntry): void {
    const first = this.#byHash.get(gone.hash);
    if (first === gone && gone.next) this.#byHash.set(gone.hash, gone.next);
    else if (first === gone) this.#byHash.delete(gone.hash);
    for (let entry = first; entry; entry = entry.next) if (entry.next === gone) entry.next = gone.next;
    this.#count--;
    this.#octets -= gone.octets.length + ENTRY_COST;
  }
}

/** An answer to the scanned question in the form in which it is kept, and written. */
export function createEntry(scan: QueryScan, answer: KeepableAnswer, now: Instant): CacheEntry {
  const { ttls, tail } = answer;
  const octets = new Uint8Array(scan.keyLength + ttls.length * TTL_RECORD + tail.length);
  const view = new DataView(octets.buffer);
  octets.set(scan.key.subarray(0, scan.keyLength));
  for (const [index, { at, ttl }] of ttls.entries()) {
    view.setUint16(scan.keyLength + index * TTL_RECORD, at);
    view.setUint32(scan.keyLength + index * TTL_RECORD + 2, ttl);
  }
  octets.set(tail, octets.length - tail.length);
  const entry: CacheEntry = {
    hash: scan.hash,
    octets,
    keyLength: scan.keyLength,
    ttlCount: ttls.length,
    answer: { ...answer, tail: octets.subarray(octets.length - tail.length) },
    storedAt: now,
    expiresAt: (now + answer.keepFor) as Instant,
    staleUntil: (now + answer.keepFor + answer.staleFor) as Instant,
    retryAt: now,
    age: -1,
    recent: false,
    next: undefined,
  };
  // The answer itself may say more than what is promised.
  countDown(entry, 0);
  return entry;
}

function hasKey({ octets, keyLength, hash }: CacheEntry, scan: QueryScan): boolean {
  if (hash !== scan.hash || keyLength !== scan.keyLength) return false;
  const { key } = scan;
  for (let i = 0; i < keyLength; i++) if (octets[i] !== key[i]) return false;
  return true;
}

/** Makes the answer one whose time is over: RFC 8767 section 4. */
export function makeStale(entry: CacheEntry): void {
  entry.age = -1;
  setTtls(entry, () => STALE_TTL);
}

/** TTLs count whole seconds: most answers find them right already. */
function countDown(entry: CacheEntry, age: number): void {
  if (age === entry.age) return;
  entry.age = age;
  setTtls(entry, (ttl) => (ttl > age ? ttl - age : 0));
}

function setTtls({ octets, keyLength, ttlCount, answer }: CacheEntry, value: (ttl: number) => number): void {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const tailAt = octets.length - answer.tail.length;
  for (let at = keyLength, end = keyLength + ttlCount * TTL_RECORD; at < end; at += TTL_RECORD) {
    view.setUint32(tailAt + view.getUint16(at), value(view.getUint32(at + 2)));
  }
}

/**
 * Writes an answer over its question. Id, RD and CD stay as the client wrote them, and so does the question. What does not fit into `room` octets is cut to
 * nothing with TC. @returns the length
 */
export function writeAnswer({ answer }: CacheEntry, bytes: Uint8Array, start: number, scan: QueryScan, room: number): number {
  const { tail, flags, rcode, counts } = answer;
  const { questionEnd, hasEdns, dnssecOk, authenticData } = scan;
  const optLength = hasEdns ? OPT.length : 0;
  const length = questionEnd - start + tail.length + optLength;
  const fits = length <= room;
  bytes[start + 2] = (bytes[start + 2]! & 0x01) | RESPONSE | (flags >> 8) | (fits ? 0 : TRUNCATED);
  const authentic = dnssecOk || authenticData ? flags & AUTHENTIC_DATA : 0;
  bytes[start + 3] = (bytes[start + 3]! & CHECKING_DISABLED) | RECURSION_AVAILABLE | (flags & RESERVED) | authentic | rcode;
  for (let section = 0; section < 3; section++) {
    const count = (fits ? counts[section]! : 0) + (section === 2 && hasEdns ? 1 : 0);
    bytes[start + 6 + 2 * section] = count >> 8;
    bytes[start + 7 + 2 * section] = count & 0xff;
  }
  let at = questionEnd;
  if (fits) {
    bytes.set(tail, at);
    at += tail.length;
  }
  if (hasEdns) {
    bytes.set(OPT, at);
    if (dnssecOk) bytes[at + 7] = 0x80;
    at += OPT.length;
  }
  return at - start;
}

/** The whole message of an entry, for those who want to read it: with id 0, and the name of the key. */
export function messageOf({ octets, keyLength, answer }: CacheEntry): Uint8Array {
  const question = octets.subarray(0, keyLength - 1);
  const message = new Uint8Array(HEADER + question.length + answer.tail.length);
  const view = new DataView(message.buffer);
  view.setUint16(2, 0x8180 | answer.flags | answer.rcode);
  view.setUint16(4, 1);
  for (const [section, count] of answer.counts.entries()) view.setUint16(6 + 2 * section, count);
  message.set(question, HEADER);
  message.set(answer.tail, HEADER + question.length);
  return message;
}

/** Whether the question of an entry was asked with these flags of its key. */
export function hasFlag({ octets, keyLength }: CacheEntry, flag: keyof typeof KEY_FLAG): boolean {
  return (octets[keyLength - 1]! & KEY_FLAG[flag]) !== 0;
}
