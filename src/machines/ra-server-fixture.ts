/** For tests: a LAN in virtual time with one advertising router, so that a test reads as a script of what happens there. */
import { ALL_NODES, ALL_ROUTERS, ip6, type Ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { type Prefix, prefix } from "../addr/prefix.ts";
import { seededRandom } from "../addr/random.ts";
import { after, type Duration, type Instant, instant, NEVER, seconds } from "../addr/time.ts";
import { decodeNdp, encodeNdp, type NdpOption, ndpOptionsOf, type RouterAdvertisement } from "../wire/ndp.ts";
import type { AdvertisedPrefix, Advertisement, RaServerFact } from "./facts.ts";
import type { Json, Note } from "./machine.ts";
import { createRaServer, type RaServerInput, type RaServerOptions } from "./ra-server.ts";

export const ROUTER = ip6("fe80::1");
export const ROUTER_MAC = mac("02:00:00:00:00:01");
export const HOST = ip6("fe80::aa");
export const HOST_MAC = mac("02:00:00:00:00:aa");
export const STRANGER = ip6("fe80::bad");
export const A = prefix("2605:59c8:1200::/64");
export const B = prefix("2605:59c8:3400::/64");
export const ULA = prefix("fd12:3456:789a:1::/64");
export const DELEGATION = prefix("2605:59c8:1200::/56");
export const START = instant(1_000_000);

export interface Sent {
  readonly at: Instant;
  readonly to: Ip6;
  readonly ra: RouterAdvertisement;
  readonly size: number;
}

/** A LAN in virtual time: one server, and a record of what it says. */
export class Lan {
  now: Instant;
  readonly sent: Sent[] = [];
  /** What is told to each known node before the next multicast is permitted. */
  readonly early: { readonly at: Instant; readonly ra: RouterAdvertisement }[] = [];
  readonly notes: Note[] = [];
  /** Snapshots in the order of their saving, each with the number of messages sent before it. */
  readonly saved: { readonly snapshot: Json; readonly before: number }[] = [];
  fact: RaServerFact | undefined;
  readonly #server: ReturnType<typeof createRaServer>;

  constructor(options: Partial<RaServerOptions> = {}, saved?: { snapshot: Json; shift: Duration }, now = START) {
    this.#server = createRaServer({ random: seededRandom(42), ...options }, saved);
    this.now = now;
  }

  give(input: RaServerInput): this {
    for (const output of this.#server.handle(input, this.now)) {
      if (output.kind === "send") this.#record(output.to, output.bytes);
      else if (output.kind === "send-each") this.early.push({ at: this.now, ra: decodeRa(output.bytes) });
      else if (output.kind === "fact") this.fact = output.fact;
      else if (output.kind === "save") this.saved.push({ snapshot: structuredClone(this.#server.snapshot()), before: this.sent.length });
      else if (output.kind === "note") this.notes.push(output);
    }
    return this;
  }

  linkUp(): this {
    return this.give({ kind: "link", up: true, linkLocal: ROUTER, mac: ROUTER_MAC, mtu: 1500 });
  }

  advertise(advertisement: Advertisement): this {
    return this.give({ kind: "advertise", advertisement });
  }

  /** Lets time pass, with a tick whenever the server wants one. */
  pass(span: Duration): this {
    const end = after(this.now, span);
    for (let at = this.wakeAt; at !== undefined && at <= end; at = this.wakeAt) {
      this.now = Math.max(at, this.now) as Instant;
      this.give({ kind: "tick" });
      if ((this.wakeAt ?? NEVER) <= this.now) throw new Error("a tick does not settle what it was wanted for");
    }
    this.now = end;
    return this;
  }

  solicit(from: Ip6 = HOST, options: readonly NdpOption[] = [{ kind: "source-link-layer-address", mac: HOST_MAC }]): this {
    return this.hear(from, encodeNdp({ kind: "router-solicitation", options }));
  }

  hear(from: Ip6, bytes: Uint8Array, hopLimit = 255): this {
    return this.give({ kind: "packet", from, to: ALL_ROUTERS, hopLimit, sourcePort: 0, bytes });
  }

  get wakeAt(): Instant | undefined {
    return this.#server.wakeAt();
  }

  get last(): Sent {
    return this.sent.at(-1)!;
  }

  get multicasts(): readonly Sent[] {
    return this.sent.filter(({ to }) => to === ALL_NODES);
  }

  /** What would be there after a power cut: the latest snapshot that was saved. */
  get disk(): Json {
    return this.saved.at(-1)?.snapshot ?? null;
  }

  #record(to: Ip6, bytes: Uint8Array): void {
    this.sent.push({ at: this.now, to, ra: decodeRa(bytes), size: bytes.length });
  }
}

function decodeRa(bytes: Uint8Array): RouterAdvertisement {
  const ra = decodeNdp(bytes);
  if (ra.kind !== "router-advertisement") throw new Error(`a ${ra.kind} was sent`);
  return ra;
}

export function live(name: Prefix, preferredUntil: Instant, validUntil: Instant): AdvertisedPrefix {
  return { prefix: name, onLink: true, autonomous: true, preferredUntil, validUntil };
}

/** Leased at `now` for 150/300 s, as by Starlink. */
export const leased = (name: Prefix, now: Instant): AdvertisedPrefix => live(name, after(now, seconds(150)), after(now, seconds(300)));

export function advertisement(prefixes: readonly AdvertisedPrefix[], more: Partial<Advertisement> = {}): Advertisement {
  const defaults = { defaultRouter: true, managed: false, other: true, routes: [], resolvers: [], searchDomains: [] };
  return { ...defaults, maxInterval: 300, minInterval: 100, prefixes, ...more };
}

export const serving = (prefixes: readonly AdvertisedPrefix[], more: Partial<Advertisement> = {}): Lan =>
  new Lan().linkUp().advertise(advertisement(prefixes, more));

/** The prefixes of an advertisement as "prefix preferred/valid". */
export const prefixesIn = (ra: RouterAdvertisement): string[] =>
  ndpOptionsOf(ra, "prefix-information").map((each) => `${each.prefix} ${each.preferred}/${each.valid}`);

export const gaps = (sent: readonly Sent[]): number[] => sent.slice(1).map(({ at }, i) => at - sent[i]!.at);
