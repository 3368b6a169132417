/**
 * The host side of Router Discovery on the WAN: RFC 4861 6.1.2 and 6.3, solicitations without end by RFC 7559. The kernel's own accept_ra is off, so
 * advertisements are obeyed although forwarding is on.
 */
import { ALL_ROUTERS, type Ip6, isLinkLocal } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { uniform } from "../addr/random.ts";
import { after, between, earliest, FOREVER, type Instant, milliseconds, NEVER, seconds } from "../addr/time.ts";
import { WireError } from "../wire/bytes.ts";
import { decodeNdp, encodeNdp, type NdpMessage, type RouterAdvertisement } from "../wire/ndp.ts";
import type { RaClientFact } from "./facts.ts";
import type { Json, Machine, Note, Output, Packet, Tick } from "./machine.ts";
import { age, type Discovered, endings, evade, IDGEN_RETRIES, learn, NOTHING_DISCOVERED } from "./ra-discovery.ts";
import { discoveredFromJson, discoveredToJson, type Snapshot } from "./ra-client-memory.ts";
import { firstAt, type Retransmission, type Schedule, transmitted } from "./retransmission.ts";
import type { SlaacOptions } from "./slaac.ts";

export type RaClientInput =
  | Packet
  | Tick
  /** `linkLocal` and `mac` are needed when `up`: solicitations come from that address. */
  | { readonly kind: "link"; readonly up: boolean; readonly mtu: number; readonly linkLocal?: Ip6; readonly mac?: Mac }
  /** Duplicate address detection has refused this address. */
  | { readonly kind: "duplicate"; readonly address: Ip6 }
  /** Ask now, without waiting for the backoff. */
  | { readonly kind: "solicit" };

export type RaClientOptions = SlaacOptions;

/** RFC 4861 10 and RFC 7559 section 2. */
const RS_SCHEDULE: Schedule = { IRT: seconds(4), MRT: seconds(3600), MRC: Number.POSITIVE_INFINITY, MRD: FOREVER };
const MAX_RTR_SOLICITATION_DELAY = seconds(1);
/** RFC 7217 section 6. */
const IDGEN_DELAY = seconds(1);
/** When this part of its lifetime is left and no advertisement came, the router is asked: nobody shall find out overnight. */
const ASK_AT = 0.25;

export function createRaClient(options: RaClientOptions, saved?: Snapshot): Machine<RaClientInput, RaClientFact> {
  return new RaClient(options, saved);
}

class RaClient implements Machine<RaClientInput, RaClientFact> {
  readonly #options: RaClientOptions;
  #known: Discovered = NOTHING_DISCOVERED;
  #linkMtu = 1280;
  #mac: Mac | undefined;
  #up = false;
  #soliciting: Retransmission | undefined;
  /** When an advertisement is overdue. */
  #askAt: Instant = NEVER;
  /** Duplicates that wait for their new identifier. */
  #evading: { readonly address: Ip6; readonly at: Instant }[] = [];
  #told = "";

  constructor(options: RaClientOptions, saved: Snapshot | undefined) {
    this.#options = options;
    if (saved) this.#known = discoveredFromJson(saved);
  }

  handle(input: RaClientInput, now: Instant): readonly Output<RaClientFact>[] {
    switch (input.kind) {
      case "packet":
        return [...this.#hear(input, now), ...this.#tell(now)];
      case "link":
        this.#seeLink(input, now);
        return this.#tell(now);
      case "duplicate":
        return [...this.#meetDuplicate(input.address, now), ...this.#tell(now)];
      case "solicit":
        if (this.#up) this.#soliciting = firstAt(now);
        return this.#pass(now);
      case "tick":
        return this.#pass(now);
    }
  }

  wakeAt(): Instant | undefined {
    const waiting = this.#evading.map(({ at }) => at);
    return earliest(this.#soliciting?.nextAt, this.#up ? this.#askAt : undefined, ...waiting, ...endings(this.#known));
  }

  snapshot(): Json {
    return discoveredToJson(this.#known);
  }

  /** What time alone brings about: ends of lifetimes, new identifiers, solicitations. */
  #pass(now: Instant): readonly Output<RaClientFact>[] {
    for (const { address } of this.#evading.filter(({ at }) => at <= now)) this.#evade(address);
    this.#evading = this.#evading.filter(({ at }) => at > now);
    const had = this.#known.routers.length > 0;
    this.#known = age(this.#known, this.#options, now);
    const lost = had && this.#known.routers.length === 0;
    if (this.#up && !this.#soliciting && (lost || this.#askAt <= now)) this.#soliciting = firstAt(now);
    if (this.#askAt <= now) this.#askAt = NEVER;
    return [...(lost ? [LOST] : []), ...this.#tell(now), ...this.#solicit(now)];
  }

  #solicit(now: Instant): readonly Output<RaClientFact>[] {
    if (!this.#up || !this.#soliciting || this.#soliciting.nextAt > now) return [];
    this.#soliciting = transmitted(RS_SCHEDULE, this.#soliciting, now, this.#options.random);
    const options = this.#mac ? [{ kind: "source-link-layer-address" as const, mac: this.#mac }] : [];
    return [{ kind: "send", to: ALL_ROUTERS, bytes: encodeNdp({ kind: "router-solicitation", options }) }];
  }

  #seeLink(link: Extract<RaClientInput, { kind: "link" }>, now: Instant): void {
    const cameUp = link.up && !this.#up;
    this.#up = link.up;
    this.#linkMtu = link.mtu;
    this.#mac = link.mac;
    if (!link.up) this.#soliciting = undefined;
    if (cameUp) this.#soliciting = firstAt(after(now, milliseconds(uniform(this.#options.random, 0, MAX_RTR_SOLICITATION_DELAY))));
  }

  #hear(packet: Packet, now: Instant): readonly Output<RaClientFact>[] {
    const ra = this.#up ? validAdvertisement(packet) : undefined;
    if (!ra) return [];
    const known = this.#known.routers.some((router) => router.address === packet.from);
    this.#known = learn(age(this.#known, this.#options, now), packet.from, ra, { ...this.#options, linkMtu: this.#linkMtu }, now);
    if (ra.routerLifetime > 0) this.#soliciting = undefined;
    this.#askAt = overdueAt(this.#known, now);
    return known === ra.routerLifetime > 0 ? [] : [routerNote(packet.from, ra)];
  }

  #meetDuplicate(address: Ip6, now: Instant): readonly Note[] {
    const own = this.#known.addresses.find((candidate) => candidate.address === address);
    if (!own || this.#evading.some((waiting) => waiting.address === address)) return [];
    const last = (this.#known.dadCounters[own.prefix] ?? 0) >= IDGEN_RETRIES;
    if (last) this.#evade(address);
    else this.#evading.push({ address, at: after(now, IDGEN_DELAY) });
    const text = `another device on the WAN uses ${address}; ${last ? "no identifier is free after three more tries" : "another identifier is tried"}`;
    return [{ kind: "note", level: last ? "error" : "warning", event: "ra-client.duplicate", text }];
  }

  #evade(address: Ip6): void {
    const own = this.#known.addresses.find((candidate) => candidate.address === address);
    if (own) this.#known = evade(this.#known, own, this.#options);
  }

  /** The fact, when it is another one than before. */
  #tell(now: Instant): readonly Output<RaClientFact>[] {
    const fact = toFact(age(this.#known, this.#options, now), this.#evading);
    const text = JSON.stringify(fact);
    if (text === this.#told) return [];
    this.#told = text;
    return [{ kind: "save" }, { kind: "fact", fact }];
  }
}

const LOST: Note = {
  kind: "note",
  level: "warning",
  event: "ra-client.router-lost",
  text: "the provider's router has not advertised itself in time; it is being asked",
};

/** RFC 4861 6.1.2; fragments never get here (RFC 6980): the kernel drops fragmented Neighbor Discovery. */
function validAdvertisement({ from, hopLimit, bytes }: Packet): RouterAdvertisement | undefined {
  if (!isLinkLocal(from) || hopLimit !== 255) return undefined;
  const message = decoded(bytes);
  return message?.kind === "router-advertisement" ? message : undefined;
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
  const last = Math.max(...routers.map(({ until }) => until), 0);
  return last > 0 && last < NEVER ? after(now, milliseconds(between(now, last as Instant) * (1 - ASK_AT))) : NEVER;
}

function routerNote(from: Ip6, ra: RouterAdvertisement): Note {
  const text =
    ra.routerLifetime > 0
      ? `router ${from} advertises itself (M=${Number(ra.managed)}, O=${Number(ra.other)}) for ${ra.routerLifetime} s`
      : `router ${from} is no default router any more`;
  return { kind: "note", level: "info", event: "ra-client.router", text };
}

/** An address that waits for its new identifier is not used. */
function toFact({ dadCounters: _, addresses, ...rest }: Discovered, evading: readonly { readonly address: Ip6 }[]): RaClientFact {
  const usable = addresses.filter((own) => !evading.some((waiting) => waiting.address === own.address));
  return { ...rest, addresses: usable.map(({ limits, ...own }) => ({ ...own, temporary: limits !== undefined })) };
}
