/**
 * The forwarder: questions of the home are answered from its own zones, from the cache, or by a resolver of the internet. RFC 5625 (proxies), RFC 7766
 * (TCP), RFC 8482 (ANY), RFC 8020 (nothing below what does not exist), RFC 8767 (stale answers). It owns no socket and no clock.
 */
import { type Random, randomBytes } from "../addr/random.ts";
import { after, type Instant, NEVER, seconds } from "../addr/time.ts";
import { KEY_FLAG, QueryScan } from "../wire/dns-query.ts";
import { type DnsQuestion, RCODE, RR_TYPE } from "../wire/dns.ts";
import { decodeName } from "../wire/dns-name.ts";
import { type CacheEntry, createEntry, DnsCache, makeStale, writeAnswer } from "./dns-cache.ts";
import { type Ask, Exchange } from "./dns-exchange.ts";
import { anyAnswer, makePlain, upstreamQuery } from "./dns-query-forms.ts";
import { failure, type KeepableAnswer, localAnswer, type Response } from "./dns-response.ts";
import { type Upstream, Upstreams } from "./dns-upstream.ts";
import type { LocalDns } from "./local-dns.ts";
import { type NonexistentNames, nonexistentNames } from "./nonexistent-names.ts";

/** Questions on their way: all together, and of one client. */
const MOST_PENDING = 512;
const MOST_OF_ONE = 128;
/** Who asks the same while it is on its way is answered with the first. */
const MOST_ASKERS = 64;
const STALE_RETRY = seconds(30);
const HEADER = 12;
const OPT_LENGTH = 11;

/** Somebody who waits for an answer. */
export interface Asker {
  /** Address of the client, for limits. */
  readonly who: string;
  /** The query as it came. */
  readonly query: Uint8Array;
  /** Octets that the answer may have, whatever the query says. */
  readonly room: number;
  readonly reply: (message: Uint8Array) => void;
}

export interface ForwarderOptions {
  readonly random: Random;
  readonly ask: Ask;
  readonly local: LocalDns;
  /** Why an answer must not reach the home, e.g. that it points into it; undefined: it may. */
  readonly objection: (question: DnsQuestion, response: Response) => string | undefined;
  readonly objected: (question: DnsQuestion, why: string) => void;
}

interface Pending {
  readonly key: string;
  readonly exchange: Exchange;
  askers: Asker[];
}

export interface DnsCounters {
  forwarded: number;
  merged: number;
  stale: number;
  refused: number;
  malformed: number;
  /** Answers that matched no question. */
  strangers: number;
  rebinding: number;
}

export class DnsForwarder {
  readonly cache = new DnsCache();
  readonly upstreams = new Upstreams();
  readonly counters: DnsCounters = { forwarded: 0, merged: 0, stale: 0, refused: 0, malformed: 0, strangers: 0, rebinding: 0 };
  readonly #options: ForwarderOptions;
  readonly #scan: QueryScan;
  readonly #pending = new Map<string, Pending>();
  /** Answered, but a resolver's answer is waited for to learn how it does. */
  #lingering: Exchange[] = [];
  readonly #ofClient = new Map<string, number>();
  readonly #nonexistent: NonexistentNames = nonexistentNames();

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#scan = new QueryScan(options.random.uint32());
  }

  /** A scan whose hashes are those of the cache. */
  get scan(): QueryScan {
    return this.#scan;
  }

  /** Answers in place what the cache has: allocates nothing. @returns the length of the answer, 0 when it takes more, and then `ask` */
  answer(bytes: Uint8Array, start: number, end: number, room: number, now: Instant): number {
    const scan = this.#scan;
    if (!scan.read(bytes, start, end)) return 0;
    return this.cache.answer(bytes, start, scan, scan.udpSize < room ? scan.udpSize : room, now);
  }

  /** Takes a question that the cache could not answer. `room` of a stream is 65535. */
  ask(asker: Asker, now: Instant): void {
    const plain = makePlain(asker.query, this.#scan);
    if (plain.kind === "reply") {
      this.counters[plain.isMalformed ? "malformed" : "refused"]++;
      if (plain.message) asker.reply(plain.message);
      return;
    }
    const { who, room } = asker;
    this.#resolve({ who, room, query: plain.query, reply: (message) => asker.reply(message) }, now);
  }

  setUpstreams(upstreams: readonly Upstream[], now: Instant): void {
    if (!this.upstreams.set(upstreams)) return;
    this.cache.forget("failure");
    // Nobody waits for resolvers that are gone.
    for (const pending of Array.from(this.#pending.values())) this.#restart(pending, now);
  }

  /** Names or zones of ours have changed. */
  forgetLocal(): void {
    this.cache.forget("local");
  }

  flush(): void {
    this.cache.flush();
    this.#nonexistent.flush();
  }

  wakeAt(): Instant {
    let first: Instant = NEVER;
    for (const { exchange } of this.#pending.values()) first = Math.min(first, exchange.wakeAt()) as Instant;
    for (const exchange of this.#lingering) first = Math.min(first, exchange.wakeAt()) as Instant;
    return first;
  }

  tick(now: Instant): void {
    for (const { exchange } of Array.from(this.#pending.values())) if (exchange.wakeAt() <= now) exchange.tick(now);
    for (const exchange of this.#lingering) if (exchange.wakeAt() <= now) exchange.tick(now);
    this.#lingering = this.#lingering.filter((exchange) => !exchange.isIdle);
  }

  get pending(): number {
    return this.#pending.size;
  }

  #resolve(asker: Asker, now: Instant): void {
    const scan = this.#scan;
    scan.read(asker.query, 0, asker.query.length);
    const known = this.cache.find(scan);
    if (known && now < known.expiresAt) return this.#reply(asker, known);
    const question = questionOf(asker.query);
    if (question.type === RR_TYPE.ANY) return this.#reply(asker, createEntry(scan, anyAnswer(), now));
    const local = this.#options.local({ ...question, dnssecOk: scan.dnssecOk }, now);
    if (local) return this.#keepAndReply(asker, localAnswer(question, local), now);
    const cut = scan.dnssecOk ? undefined : this.#nonexistent.find(question, now);
    if (cut) return this.#keepAndReply(asker, cut, now);
    // Its resolvers were silent a moment ago: stale is better than late.
    if (known && now < known.staleUntil && now < known.retryAt) return this.#replyStale(asker, known);
    this.#forward(asker, now);
  }

  #forward(asker: Asker, now: Instant): void {
    const scan = this.#scan;
    const key = keyText(scan);
    const same = this.#pending.get(key);
    if (same) {
      this.counters.merged++;
      if (same.askers.length < MOST_ASKERS) same.askers.push(asker);
      return;
    }
    const ofThisClient = this.#ofClient.get(asker.who) ?? 0;
    if (this.#pending.size >= MOST_PENDING || ofThisClient >= MOST_OF_ONE) {
      this.counters.refused++;
      return this.#reply(asker, createEntry(scan, failure(RCODE.SERVFAIL), now));
    }
    this.counters.forwarded++;
    this.#start(key, [asker], now);
  }

  #start(key: string, askers: Asker[], now: Instant): void {
    const [{ query, who }] = askers as [Asker];
    const { random, ask } = this.#options;
    const exchange = new Exchange(
      {
        ask,
        upstreams: this.upstreams,
        makeQuery: (edns) => upstreamQuery(query, this.#scan, randomBytes(random, 2), edns),
        done: (answer, response, at) => this.#done(key, who, answer, response, at),
        late: (at) => this.#serveStale(key, at),
        stranger: () => this.counters.strangers++,
      },
      now,
    );
    this.#pending.set(key, { key, exchange, askers });
    this.#ofClient.set(who, (this.#ofClient.get(who) ?? 0) + 1);
    exchange.start(now);
  }

  #restart({ key, exchange, askers }: Pending, now: Instant): void {
    exchange.close();
    this.#forget(key, askers[0]?.who ?? "");
    if (askers.length > 0) this.#start(key, askers, now);
  }

  #done(key: string, who: string, answer: KeepableAnswer, response: Response | undefined, now: Instant): void {
    const pending = this.#pending.get(key);
    this.#forget(key, who);
    if (!pending) return;
    if (!pending.exchange.isIdle) this.#lingering.push(pending.exchange);
    const scan = this.#scan;
    const [first] = pending.askers;
    const query = first?.query ?? queryOfKey(key);
    scan.read(query, 0, query.length);
    const known = this.cache.find(scan);
    if (answer.kind === "failure" && known && now < known.staleUntil) {
      known.retryAt = after(now, STALE_RETRY);
      for (const asker of pending.askers) this.#replyStale(asker, known);
      return;
    }
    const entry = createEntry(scan, this.#judged(questionOf(query), answer, response), now);
    if (answer.keepFor > 0) this.cache.store(entry, scan);
    if (answer.rcode === RCODE.NXDOMAIN && response) this.#nonexistent.add(response.message, answer, now);
    for (const asker of pending.askers) this.#reply(asker, entry);
  }

  /** What points into the home is refused. */
  #judged(question: DnsQuestion, answer: KeepableAnswer, response: Response | undefined): KeepableAnswer {
    const why = response && this.#options.objection(question, response);
    if (why === undefined) return answer;
    this.counters.rebinding++;
    this.#options.objected(question, why);
    return failure(RCODE.REFUSED);
  }

  #serveStale(key: string, now: Instant): void {
    const pending = this.#pending.get(key);
    const [first] = pending?.askers ?? [];
    if (!pending || !first) return;
    this.#scan.read(first.query, 0, first.query.length);
    const known = this.cache.find(this.#scan);
    if (!known || now >= known.staleUntil) return;
    known.retryAt = after(now, STALE_RETRY);
    const { askers } = pending;
    pending.askers = [];
    for (const asker of askers) this.#replyStale(asker, known);
  }

  #replyStale(asker: Asker, entry: CacheEntry): void {
    this.counters.stale++;
    makeStale(entry);
    this.#reply(asker, entry);
  }

  #keepAndReply(asker: Asker, answer: KeepableAnswer, now: Instant): void {
    const entry = createEntry(this.#scan, answer, now);
    this.cache.store(entry, this.#scan);
    this.#reply(asker, entry);
  }

  #reply(asker: Asker, entry: CacheEntry): void {
    const scan = this.#scan;
    const { query } = asker;
    scan.read(query, 0, query.length);
    const bytes = new Uint8Array(scan.questionEnd + entry.answer.tail.length + OPT_LENGTH);
    bytes.set(query.subarray(0, scan.questionEnd));
    const room = asker.room === STREAM ? STREAM : Math.min(asker.room, scan.udpSize);
    asker.reply(bytes.subarray(0, writeAnswer(entry, bytes, 0, scan, room)));
  }

  #forget(key: string, who: string): void {
    this.#pending.delete(key);
    const left = (this.#ofClient.get(who) ?? 1) - 1;
    if (left > 0) this.#ofClient.set(who, left);
    else this.#ofClient.delete(who);
  }
}

/** The room of an answer by TCP. */
export const STREAM = 0xffff;

function questionOf(query: Uint8Array): DnsQuestion {
  const { name, next } = decodeName(query, HEADER);
  return { name, type: (query[next]! << 8) | query[next + 1]!, class: (query[next + 2]! << 8) | query[next + 3]! };
}

/** Octets as text, for keys of maps. */
function keyText({ key, keyLength }: QueryScan): string {
  return String.fromCharCode(...key.subarray(0, keyLength));
}

/** A query with the question of a key: nobody waits for its answer any more, but the cache takes it. */
function queryOfKey(key: string): Uint8Array {
  const octets = Uint8Array.from(key, (letter) => letter.charCodeAt(0));
  const flags = octets.at(-1)!;
  const query = new Uint8Array(HEADER + octets.length - 1 + ((flags & KEY_FLAG.dnssecOk) !== 0 ? OPT_LENGTH : 0));
  query[2] = (flags & KEY_FLAG.noRecursion) !== 0 ? 0 : 1;
  query[3] = ((flags & KEY_FLAG.checkingDisabled) !== 0 ? 0x10 : 0) | ((flags & KEY_FLAG.reserved) !== 0 ? 0x40 : 0);
  query[5] = 1;
  query.set(octets.subarray(0, -1), HEADER);
  if ((flags & KEY_FLAG.dnssecOk) !== 0) {
    query[11] = 1;
    query.set([0, 0, RR_TYPE.OPT, 4, 0xd0, 0, 0, 0x80, 0, 0, 0], HEADER + octets.length - 1);
  }
  return query;
}
