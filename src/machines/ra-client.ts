/**
 * The host side of Router Discovery on the WAN: RFC 4861 6.1.2 and 6.3, RFC 7559. The kernel's own accept_ra is off, so advertisements are obeyed
 * although forwarding is on.
 */
import { ALL_ROUTERS, type Ip6, isLinkLocal } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { after, between, earliest, type Instant, instant, milliseconds, NEVER } from "../addr/time.ts";
import { WireError } from "../wire/bytes.ts";
import { decodeNdp, encodeNdp, type NdpMessage, type NdpOption, type RouterAdvertisement } from "../wire/ndp.ts";
import { duplicateNote, isLastTry, refused } from "./duplicate-tries.ts";
import type { RaClientFact } from "./facts.ts";
import type { Json, Machine, Note, Output, Packet, Send, Tick } from "./machine.ts";
import { memoryFromJson, memoryToJson, type Snapshot } from "./ra-client-memory.ts";
import { advertisementNotes, LOST, reachableNote, unreachableNote } from "./ra-client-notes.ts";
import { age, type Discovered, endings, fitted, isOnPath, learn, NOTHING_DISCOVERED } from "./ra-discovery.ts";
import * as solicitation from "./ra-solicitation.ts";
import * as reachability from "./router-reachability.ts";
import type { SlaacOptions } from "./slaac.ts";

export type RaClientInput =
  | Packet
  | Tick
  | Link
  /** Duplicate address detection has refused this address. */
  | { readonly kind: "duplicate"; readonly address: Ip6 }
  /** Neighbor unreachability detection has given this router up (RFC 4861 7.3.3). */
  | { readonly kind: "unreachable"; readonly router: Ip6 }
  /** Ask now, without waiting for the backoff. */
  | { readonly kind: "solicit" };

interface Link {
  readonly kind: "link";
  readonly up: boolean;
  readonly mtu: number;
  /** The link-local address once duplicate address detection is done: nothing is sent without it (RFC 7084 W-2). */
  readonly linkLocal?: Ip6;
  /** When the link got its carrier; now, when absent. */
  readonly since?: Instant;
  /** Goes with solicitations, so that the answer needs no neighbor discovery first. */
  readonly mac?: Mac;
}

export type RaClientOptions = SlaacOptions;

/** After this share of a router's lifetime without news it is asked: nobody shall find out when it is over. */
const OVERDUE = 0.75;

/** `saved`: a snapshot of an earlier run on the same link. */
export function createRaClient(options: RaClientOptions, saved?: Snapshot): Machine<RaClientInput, RaClientFact> {
  return new RaClient(options, saved);
}

class RaClient implements Machine<RaClientInput, RaClientFact> {
  readonly #options: RaClientOptions;
  #known: Discovered;
  #link: Link = { kind: "link", up: false, mtu: 0 };
  #soliciting = solicitation.NOT_SOLICITING;
  /** Routers that do not answer, and those that have only just begun to. */
  #lost: readonly reachability.Lost[] = [];
  /** When an advertisement is overdue. */
  #overdueAt: Instant = NEVER;
  #told = "";
  #wakeAt: Instant | undefined;

  constructor(options: RaClientOptions, saved: Snapshot | undefined) {
    this.#options = options;
    const memory = saved && memoryFromJson(saved, options.interfaceName);
    this.#known = memory?.known ?? NOTHING_DISCOVERED;
    this.#lost = reachability.lostBefore(memory?.unreachable ?? []);
    this.#wakeAt = earliest(...endings(this.#known));
  }

  handle(input: RaClientInput, now: Instant): readonly Output<RaClientFact>[] {
    const outputs = [...this.#pass(now), ...this.#take(input, now), ...this.#tell(), ...this.#solicit(now), ...this.#probe(now)];
    const probesAt = reachability.probesAt(this.#lost);
    const instants = [this.#soliciting.exchange?.nextAt, this.#overdueAt, ...endings(this.#known), ...probesAt];
    this.#wakeAt = earliest(...instants.filter((at) => at !== undefined && at > now));
    return outputs;
  }

  wakeAt(): Instant | undefined {
    return this.#wakeAt;
  }

  snapshot(): Json {
    return memoryToJson({ known: this.#known, unreachable: this.#unreachable }, this.#options.interfaceName);
  }

  get #unreachable(): readonly Ip6[] {
    const lost = this.#lost.filter(({ router }) => reachability.isLost(this.#lost, router) && isOnPath(this.#known, router));
    return lost.map(({ router }) => router);
  }

  /** What time alone brings about. */
  #pass(now: Instant): readonly Note[] {
    const had = this.#known.routers.length > 0;
    this.#known = age(this.#known, this.#options, now);
    this.#lost = reachability.aged(this.#lost, now);
    const lost = had && this.#known.routers.length === 0;
    if (lost || this.#overdueAt <= now) {
      this.#overdueAt = NEVER;
      this.#ask(now);
    }
    return lost && this.#isReady() ? [LOST] : [];
  }

  #take(input: RaClientInput, now: Instant): readonly Note[] {
    switch (input.kind) {
      case "packet":
        return this.#hear(input, now);
      case "duplicate":
        return this.#meetDuplicate(input.address, now);
      case "link":
        this.#seeLink(input, now);
        return [];
      case "unreachable":
        return this.#giveUp(input.router, now);
      case "solicit":
        if (this.#isReady()) this.#soliciting = solicitation.begun(this.#soliciting, now);
        return [];
      case "tick":
        return [];
    }
  }

  #isReady(): boolean {
    return this.#link.up && this.#link.linkLocal !== undefined;
  }

  #seeLink(link: Link, now: Instant): void {
    const wasUp = this.#link.up;
    const wasReady = this.#isReady();
    this.#link = link;
    this.#known = fitted(this.#known, link.mtu);
    if (link.up && !wasUp) {
      this.#known = { ...this.#known, heard: false };
      this.#lost = reachability.onNewLink(this.#lost, now);
    }
    if (!this.#isReady()) this.#soliciting = solicitation.silent(this.#soliciting);
    else if (!wasReady) this.#soliciting = solicitation.greeting(this.#soliciting, this.#options.random, link.since ?? now, now);
  }

  #ask(at: Instant): void {
    if (this.#isReady()) this.#soliciting = solicitation.asking(this.#soliciting, at);
  }

  #solicit(now: Instant): readonly Output<RaClientFact>[] {
    if (!solicitation.isDue(this.#soliciting, now)) return [];
    this.#soliciting = solicitation.sent(this.#soliciting, this.#options.random, now);
    return [{ kind: "send", to: ALL_ROUTERS, bytes: encodeNdp({ kind: "router-solicitation", options: this.#ourMac() }) }];
  }

  /** One solicitation to the router itself: to send it, the kernel must find the router's link-layer address anew. */
  #probe(now: Instant): readonly Send[] {
    if (!this.#isReady()) return [];
    const routers = reachability.due(this.#lost, now).filter((router) => isOnPath(this.#known, router));
    for (const router of routers) this.#lost = reachability.probed(this.#lost, router, now);
    const solicitation = (target: Ip6) => encodeNdp({ kind: "neighbor-solicitation", target, options: this.#ourMac() });
    return routers.map((router) => ({ kind: "send", to: router, bytes: solicitation(router) }));
  }

  #ourMac(): readonly NdpOption[] {
    const { mac } = this.#link;
    return mac ? [{ kind: "source-link-layer-address", mac }] : [];
  }

  #hear(packet: Packet, now: Instant): readonly Note[] {
    const message = this.#link.up && packet.from !== this.#link.linkLocal ? validMessage(packet) : undefined;
    if (message?.kind === "neighbor-advertisement" && message.solicited) return this.#hearAnswer(message.target, now);
    return message?.kind === "router-advertisement" ? this.#hearRouter(packet, message, now) : [];
  }

  #hearAnswer(target: Ip6, now: Instant): readonly Note[] {
    const wasLost = reachability.isLost(this.#lost, target);
    this.#lost = reachability.answeredBy(this.#lost, target, now);
    return wasLost && !reachability.isLost(this.#lost, target) ? [reachableNote(target)] : [];
  }

  #hearRouter(packet: Packet, ra: RouterAdvertisement, now: Instant): readonly Note[] {
    const before = this.#known;
    const learned = learn(before, packet.from, ra, { ...this.#options, linkMtu: this.#link.mtu }, now);
    this.#known = age(learned, this.#options, now);
    this.#overdueAt = overdueAt(this.#known, now);
    this.#lost = reachability.heardOf(this.#lost, packet.from, now);
    if (ra.routerLifetime > 0) this.#soliciting = solicitation.answered(this.#soliciting);
    else if (this.#known.routers.length === 0) this.#ask(after(now, solicitation.RTR_SOLICITATION_INTERVAL));
    return advertisementNotes(packet.from, ra, before, this.#known);
  }

  #giveUp(router: Ip6, now: Instant): readonly Note[] {
    if (!isOnPath(this.#known, router) || reachability.isLost(this.#lost, router)) return [];
    this.#lost = reachability.lost(this.#lost, router, now);
    this.#ask(now);
    return [unreachableNote(router)];
  }

  #meetDuplicate(address: Ip6, now: Instant): readonly Note[] {
    const duplicate = this.#known.addresses.find((own) => own.address === address && own.replaceAt === undefined);
    if (!duplicate) return [];
    const addresses = this.#known.addresses.map((own) => (own === duplicate ? refused(own, now) : own));
    this.#known = { ...this.#known, addresses };
    return [duplicateNote("ra-client.duplicate", "the WAN", address, isLastTry(duplicate))];
  }

  /** The fact, when it is another one than before. */
  #tell(): readonly Output<RaClientFact>[] {
    const fact = toFact(this.#known, this.#unreachable);
    const text = JSON.stringify(fact);
    if (text === this.#told) return [];
    this.#told = text;
    return [{ kind: "save" }, { kind: "fact", fact }];
  }
}

/** RFC 4861 6.1.2 and 7.1.2. Checksums are the kernel's work, and what came in fragments is left out by the socket (RFC 6980 section 5). */
function validMessage({ from, hopLimit, bytes }: Packet): NdpMessage | undefined {
  if (!isLinkLocal(from) || hopLimit !== 255) return undefined;
  return decoded(bytes);
}

function decoded(bytes: Uint8Array): NdpMessage | undefined {
  try {
    return decodeNdp(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function overdueAt({ routers }: Discovered, now: Instant): Instant {
  if (routers.length === 0) return NEVER;
  const last = instant(Math.max(...routers.map(({ until }) => until)));
  return after(now, milliseconds(between(now, last) * OVERDUE));
}

/** An address that waits for its new identifier is not used. */
function toFact({ addresses, ...rest }: Discovered, unreachable: readonly Ip6[]): RaClientFact {
  const usable = addresses.filter((own) => own.replaceAt === undefined);
  return {
    ...rest,
    unreachable,
    addresses: usable.map(({ address, prefix, limits, preferredUntil, validUntil }) => {
      return { address, prefix, temporary: limits !== undefined, preferredUntil, validUntil };
    }),
  };
}
