/**
 * The resolver of the home, beside the loop: questions do not pass through its turns, but names and resolvers change within the turn in which addresses do.
 * What the cache has is answered in the batch in which it was asked; the rest goes to the forwarder.
 */
import type { Random } from "../addr/random.ts";
import { after, type Duration, type Instant, instant, milliseconds } from "../addr/time.ts";
import type { DnsStatus } from "../api/dns-status.ts";
import type { DnsConfig } from "../config/config.ts";
import { BootTimer } from "../kernel/boot-timer.ts";
import { bootNow } from "../kernel/clock.ts";
import { LONGEST_UDP_ANSWER, senderAddress, type UdpListener } from "../kernel/dns-sockets.ts";
import { DnsForwarder, STREAM } from "../machines/dns-forwarder.ts";
import { rebinding } from "../machines/dns-rebinding.ts";
import { HomeAddresses } from "../machines/home-addresses.ts";
import type { LocalDns } from "../machines/local-dns.ts";
import type { Note } from "../machines/machine.ts";
import type { DnsPlan } from "../plan/dns.ts";
import type { LinkFact } from "../plan/kernel-state.ts";
import { RCODE } from "../wire/dns.ts";
import { DnsListeners } from "./dns-listeners.ts";
import { DnsRoads } from "./dns-roads.ts";

/** A stranger's question has an answer this often at most: nobody is flooded through us. */
const STRANGER_INTERVAL = milliseconds(100);
/** The same complaint is not made more often. */
const NOTE_INTERVAL = milliseconds(60_000);
const HEADER = 12;

export interface DnsServiceOptions {
  readonly config: DnsConfig;
  readonly random: Random;
  readonly local: LocalDns;
  readonly note: (note: Note) => void;
}

export class DnsService {
  readonly #note: DnsServiceOptions["note"];
  readonly #home = new HomeAddresses();
  readonly #roads: DnsRoads;
  readonly #listeners: DnsListeners;
  readonly #forwarder: DnsForwarder;
  readonly #timer: BootTimer;
  /** One reading of the clock serves a batch. */
  #now: Instant = bootNow();
  #answerStrangerAt: Instant = instant(0);
  #noteAt = new Map<string, Instant>();
  #strangers = 0;

  constructor({ config, random, local, note }: DnsServiceOptions) {
    this.#note = note;
    this.#roads = new DnsRoads(random, bootNow);
    this.#timer = new BootTimer(
      () => this.#tick(),
      () => undefined,
    );
    this.#forwarder = new DnsForwarder({
      random,
      local,
      ask: (upstream, query, transport, ears) =>
        this.#roads.ask(upstream, query, transport, {
          heard: (message, now) => this.#arm(() => ears.heard(message, now)),
          failed: (now) => this.#arm(() => ears.failed(now)),
        }),
      objection: (question, response) => rebinding(question, response, this.#home, config.rebindExceptions),
      objected: (_question, why) =>
        this.#say(
          "warning",
          "dns.rebinding",
          `${why}: the answer is refused. Remedy: if it is meant so, add the name to rebind_exceptions in [dns]`,
        ),
    });
    this.#listeners = new DnsListeners(
      {
        answer: (listener, isHome, bytes, start, end, slot) => this.#answer(listener, isHome, bytes, start, end, slot),
        ask: (question) => this.#askNow({ ...question, room: STREAM }),
        failed: (error) =>
          this.#say(
            "error",
            "dns.port",
            `${error.message}. Remedy: stop the other resolver (ss -lnp 'sport = 53' shows it), or write enabled = false in [dns]`,
          ),
      },
      bootNow,
    );
  }

  /** Takes what has changed, in the turn in which it has. */
  follow({ interfaces, upstreams, prefixes }: DnsPlan, links: readonly LinkFact[]): void {
    this.#home.hold(prefixes);
    this.#listeners.follow(interfaces, links);
    this.#roads.keep(upstreams);
    this.#arm(() => this.#forwarder.setUpstreams(upstreams, bootNow()));
  }

  /** Names of the home have changed. */
  namesChanged(): void {
    this.#forwarder.forgetLocal();
  }

  /** Whether this box itself can ask us. */
  get servesThisBox(): boolean {
    return this.#listeners.hasLoopback;
  }

  flush(): void {
    this.#forwarder.flush();
  }

  status(): DnsStatus {
    const { cache, upstreams, counters, pending } = this.#forwarder;
    return {
      listening: this.#listeners.places,
      upstreams: upstreams.states.map(({ name, isDown, latency, asked, answered, failed }) => ({
        name,
        state: isDown ? "silent" : answered > 0 ? "answers" : "not asked",
        latency: latency === undefined ? null : Math.round(latency * 10) / 10,
        asked,
        answered,
        failed,
      })),
      cache: { entries: cache.size, octets: cache.octets, hits: cache.hits, misses: cache.misses },
      pending,
      counters: { ...counters, offLink: this.#strangers },
    };
  }

  close(): void {
    this.#listeners.close();
    this.#roads.keep([]);
    this.#timer.close();
  }

  #answer(listener: UdpListener, isHome: boolean, bytes: Uint8Array, start: number, end: number, slot: number): number {
    if (slot === 0) this.#now = bootNow();
    if (!isHome && !this.#home.hasOctets(bytes, listener.senderAt(slot))) return this.#refuse(bytes, start, end);
    const length = this.#forwarder.answer(bytes, start, end, LONGEST_UDP_ANSWER, this.#now);
    if (length > 0) return length;
    const back = listener.returnOf(slot);
    const at = listener.senderAt(slot);
    const who = senderAddress(bytes.subarray(at, at + 16));
    this.#askNow({ who, query: bytes.slice(start, end), room: LONGEST_UDP_ANSWER, reply: (message) => listener.sendLate(back, message) });
    return 0;
  }

  /** Who is not of this home has no resolver here (RFC 5358). */
  #refuse(bytes: Uint8Array, start: number, end: number): number {
    this.#strangers++;
    if (this.#now < this.#answerStrangerAt || end - start < HEADER || (bytes[start + 2]! & 0x80) !== 0) return 0;
    this.#answerStrangerAt = after(this.#now, STRANGER_INTERVAL);
    bytes[start + 2] = (bytes[start + 2]! & 0x79) | 0x80;
    bytes[start + 3] = RCODE.REFUSED;
    bytes.fill(0, start + 4, start + HEADER);
    return HEADER;
  }

  #askNow(asker: Parameters<DnsForwarder["ask"]>[0]): void {
    this.#arm(() => this.#forwarder.ask(asker, bootNow()));
  }

  #tick(): void {
    this.#arm(() => this.#forwarder.tick(bootNow()));
  }

  /** Does something with the forwarder, and sets the timer to what it wants then. */
  #arm(action: () => void): void {
    action();
    const at = this.#forwarder.wakeAt();
    this.#timer.wakeAt(at);
  }

  #say(level: Note["level"], event: string, text: string): void {
    const now = bootNow();
    if (now < (this.#noteAt.get(text) ?? 0)) return;
    if (this.#noteAt.size > MOST_NOTED) this.#noteAt = new Map();
    this.#noteAt.set(text, after(now, NOTE_INTERVAL as Duration));
    this.#note({ kind: "note", level, event, text });
  }
}

const MOST_NOTED = 100;
