/**
 * The advertising router of one link: RFC 4861 6.2, lifetimes and withdrawal of prefixes by RFC 9096 3.4 and 3.5. It is told the whole of what holds
 * and finds out by itself what must be taken back.
 */
import { ALL_NODES, type Ip6, UNSPECIFIED } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Random } from "../addr/random.ts";
import { between, type Duration, earliest, type Instant, milliseconds, seconds } from "../addr/time.ts";
import { WireError } from "../wire/bytes.ts";
import { decodeNdp, type NdpMessage, type RouterAdvertisement } from "../wire/ndp.ts";
import type { Advertisement, RaServerFact } from "./facts.ts";
import type { Json, Machine, Note, Output, Packet, Tick } from "./machine.ts";
import { OtherRouters } from "./other-routers.ts";
import { type Built, buildAdvertisement, LIMITS_OF_RFC_9096, type LifetimeLimits } from "./ra-build.ts";
import { RetiredOptions } from "./ra-retired.ts";
import { type Interval, intervalFor, MAX_RA_DELAY_TIME, RaSchedule } from "./ra-schedule.ts";
import { lookAtSolicitation } from "./solicitation-check.ts";
import { StalePrefixes } from "./stale-prefixes.ts";

export type RaServerInput =
  | Packet
  | Tick
  /** `linkLocal` is there once its duplicate address detection is done; `mtu` is the link's. */
  | { readonly kind: "link"; readonly up: boolean; readonly linkLocal?: Ip6; readonly mac?: Mac; readonly mtu?: number }
  /** All that shall be advertised from now on. */
  | { readonly kind: "advertise"; readonly advertisement: Advertisement }
  /** The advertisement to all nodes that this machine has handed out has left at this moment. */
  | { readonly kind: "sent" }
  /** Leaving for good: hosts are told that nothing holds any more. Done when `wakeAt` is undefined. */
  | { readonly kind: "stop" };

export interface RaServerOptions {
  readonly random: Random;
  /** Longest delay before an answer to a solicitation, 500 ms when absent. */
  readonly maxRaDelay?: Duration;
  /** Those of RFC 9096 when absent. */
  readonly limits?: LifetimeLimits;
}

type Outputs = Output<RaServerFact>[];

const ROUTER_SOLICITATION = 133;
const ROUTER_ADVERTISEMENT = 134;
/** RFC 8200 section 5: every link carries this. */
const LEAST_MTU = 1280;

/** A server that knows, from `saved`, which prefixes earlier runs advertised; Instants in it are moved by `shift`. */
export function createRaServer(
  options: RaServerOptions,
  saved?: { readonly snapshot: Json; readonly shift: Duration },
): Machine<RaServerInput, RaServerFact> {
  return new RaServer(options, saved);
}

interface Link {
  readonly linkLocal: Ip6;
  readonly mac: Mac | undefined;
  readonly mtu: number;
}

class RaServer implements Machine<RaServerInput, RaServerFact> {
  readonly #limits: LifetimeLimits;
  readonly #schedule: RaSchedule;
  readonly #prefixes: StalePrefixes;
  readonly #options = new RetiredOptions();
  readonly #others = new OtherRouters();
  #link: Link | undefined;
  #advertisement: Advertisement | undefined;
  #built: Built | undefined;
  #stopped = false;
  /** A run before this one, in the same boot, may have advertised a moment ago, unless the link is down. */
  #continues: boolean;

  constructor(
    { random, maxRaDelay = MAX_RA_DELAY_TIME, limits = LIMITS_OF_RFC_9096 }: RaServerOptions,
    saved: ConstructorParameters<typeof StalePrefixes>[0],
  ) {
    this.#limits = limits;
    this.#schedule = new RaSchedule(random, maxRaDelay);
    this.#prefixes = new StalePrefixes(saved);
    this.#continues = saved?.shift === 0;
  }

  handle(input: RaServerInput, now: Instant): readonly Output<RaServerFact>[] {
    if (this.#continues && (input.kind !== "link" || input.up)) this.#schedule.assumeSent(now);
    this.#continues = false;
    const outputs: Outputs = [];
    switch (input.kind) {
      case "sent":
        this.#schedule.left(now);
        return outputs;
      case "packet":
        this.#hear(input, now, outputs);
        break;
      case "tick":
        this.#expire(now, outputs);
        break;
      case "link":
        this.#moveLink(input, now);
        break;
      case "advertise":
        if (!this.#stopped) this.#advertise(input.advertisement, now, outputs);
        break;
      case "stop":
        this.#stop(now, outputs);
        break;
    }
    this.#send(now, outputs);
    return outputs;
  }

  wakeAt(): Instant | undefined {
    if (this.#stopped) return this.#schedule.wakeAt();
    return earliest(this.#schedule.wakeAt(), this.#prefixes.wakeAt(), this.#others.wakeAt());
  }

  snapshot(): Json {
    return this.#prefixes.snapshot();
  }

  #hear(packet: Packet, now: Instant, outputs: Outputs): void {
    if (!this.#link || packet.hopLimit !== 255) return;
    if (packet.bytes[0] === ROUTER_SOLICITATION) this.#hearSolicitation(packet, now);
    else if (packet.bytes[0] === ROUTER_ADVERTISEMENT) this.#hearRouter(packet, now, outputs);
  }

  /** RFC 4861 6.1.1 and 6.2.6; RFC 7772 5.1: by unicast wherever possible. */
  #hearSolicitation(packet: Packet, now: Instant): void {
    if (!this.#advertisement || this.#stopped) return;
    const kind = lookAtSolicitation(packet.bytes);
    const isAnonymous = packet.from === UNSPECIFIED;
    if (kind === "invalid" || (isAnonymous && kind === "with-address")) return;
    if (kind === "with-address") this.#schedule.answer(packet.from, now);
    else this.#schedule.answerAll(now);
  }

  /** RFC 4861 6.2.7. Our own advertisements come back on some links. */
  #hearRouter(packet: Packet, now: Instant, outputs: Outputs): void {
    if (packet.from === this.#link?.linkLocal) return;
    const theirs = decode(packet.bytes);
    if (theirs?.kind !== "router-advertisement") return;
    const heard = this.#others.hear(packet.from, theirs, this.#ours(now, outputs), now);
    if (heard === "news") {
      const claim = this.#others.claimOf(packet.from) ?? "has withdrawn";
      outputs.push(note("warning", "other-router", `Another router is on this link: ${packet.from} ${claim}.`));
    }
    if (heard !== undefined) outputs.push(this.#fact());
  }

  /** What we would send now, for comparison. */
  #ours(now: Instant, outputs: Outputs): RouterAdvertisement | undefined {
    const [bytes] = this.#build(now, outputs)?.messages ?? [];
    const message = bytes && decode(bytes);
    return message?.kind === "router-advertisement" ? message : undefined;
  }

  #moveLink({ up, linkLocal, mac, mtu = LEAST_MTU }: Extract<RaServerInput, { kind: "link" }>, now: Instant): void {
    const before = this.#link;
    this.#link = up && linkLocal ? { linkLocal, mac, mtu } : undefined;
    this.#built = undefined;
    if (!this.#link) this.#schedule.halt();
    else if (!before || before.linkLocal !== linkLocal || before.mac !== mac) this.#announce(now);
  }

  #advertise(advertisement: Advertisement, now: Instant, outputs: Outputs): void {
    const first = this.#advertisement === undefined;
    if (!first && JSON.stringify(advertisement) === JSON.stringify(this.#advertisement)) return;
    this.#advertisement = advertisement;
    this.#built = undefined;
    const before = new Set(this.#prefixes.stale.map(({ prefix }) => prefix));
    const moved = this.#prefixes.update(advertisement.prefixes, now);
    this.#options.update(advertisement);
    for (const { prefix, until } of this.#prefixes.stale) {
      if (!before.has(prefix)) outputs.push(note("info", "withdrawn", `${prefix} is withdrawn for ${inSeconds(between(now, until))} s.`));
    }
    if (moved) outputs.push({ kind: "save" });
    if (moved || first) outputs.push(this.#fact());
    this.#announce(now);
  }

  #announce(now: Instant): void {
    if (this.#link && this.#advertisement && !this.#stopped)
      this.#schedule.announce(intervalOf(this.#advertisement, this.#limits, now), now);
  }

  #expire(now: Instant, outputs: Outputs): void {
    const ended = [this.#prefixes.expire(now), this.#others.expire(now)];
    if (!ended.includes(true)) return;
    this.#built = undefined;
    outputs.push(this.#fact());
  }

  #stop(now: Instant, outputs: Outputs): void {
    if (this.#stopped) return;
    this.#advertise(NOTHING, now, outputs);
    this.#stopped = true;
    if (this.#link) this.#schedule.finish(now);
  }

  /** Sends what the schedule wants by now. */
  #send(now: Instant, outputs: Outputs): void {
    const due = this.#schedule.due(now);
    if (!due.multicast && !due.early && due.unicast.length === 0) return;
    const built = this.#build(now, outputs);
    if (!built) return;
    if (due.early) for (const bytes of built.messages) outputs.push({ kind: "send-each", bytes });
    for (const to of due.multicast ? [ALL_NODES, ...due.unicast] : due.unicast) {
      for (const bytes of built.messages) outputs.push({ kind: "send", to, bytes });
    }
  }

  /**
   * The messages of this moment; the same octets serve as long as no lifetime in them has lost a second. What they promise is remembered, and
   * saved when it must be.
   */
  #build(now: Instant, outputs: Outputs): Built | undefined {
    if (!this.#advertisement || !this.#link) return undefined;
    if (this.#built && now < this.#built.until) return this.#built;
    const advertisement = this.#advertisement;
    const takenBack = { prefixes: this.#prefixes.stale, ...this.#options.at(now) };
    const { mac, mtu: linkMtu } = this.#link;
    const maxInterval = this.#schedule.interval.max;
    const built = buildAdvertisement({ advertisement, takenBack, limits: this.#limits, maxInterval, mac, linkMtu }, now);
    this.#options.promise(advertisement, built.heldUntil);
    if (this.#prefixes.promise(built.prefixes)) outputs.push({ kind: "save" });
    this.#built = built;
    return built;
  }

  #fact(): Output<RaServerFact> {
    const withdrawing = this.#prefixes.stale.map(({ prefix, until }) => ({ prefix, until }));
    return { kind: "fact", fact: { withdrawing, otherRouters: this.#others.all } };
  }
}

/** What holds after leaving. */
const NOTHING: Advertisement = {
  defaultRouter: false,
  managed: false,
  other: false,
  prefixes: [],
  routes: [],
  resolvers: [],
  searchDomains: [],
  maxInterval: 300,
  minInterval: 100,
};

/** The owner's bounds, shortened by the shortest lifetime that is advertised. */
function intervalOf(advertisement: Advertisement, limits: LifetimeLimits, now: Instant): Interval {
  const owner = { min: seconds(advertisement.minInterval), max: seconds(advertisement.maxInterval) };
  const ends = [
    ...advertisement.prefixes.map(({ preferredUntil, validUntil }) => (preferredUntil > now ? preferredUntil : validUntil)),
    ...advertisement.routes.map(({ until }) => until),
  ];
  const rests = ends.map((end) => between(now, end)).filter((rest) => rest > 0);
  const bounds = advertisement.defaultRouter ? [limits.preferred, limits.router] : [limits.preferred];
  return intervalFor(owner, milliseconds(Math.min(...rests, ...bounds.map((bound) => seconds(bound)))));
}

function decode(bytes: Uint8Array): NdpMessage | undefined {
  try {
    return decodeNdp(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

const inSeconds = (span: Duration): number => Math.round(span / 1000);

const note = (level: Note["level"], event: string, text: string): Note => ({ kind: "note", level, event: `ra-server.${event}`, text });
