/** The WAN's router discovery in virtual time: advertisements of a Starlink router, and all that the machine has said. */
import assert from "node:assert/strict";
import { type Ip6, ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { prefix } from "../addr/prefix.ts";
import { seededRandom } from "../addr/random.ts";
import { after, type Duration, type Instant, instant, milliseconds, type Seconds, seconds } from "../addr/time.ts";
import { encodeNdp, type NdpOption, type RouterAdvertisement } from "../wire/ndp.ts";
import type { RaClientFact } from "./facts.ts";
import type { Note, Packet } from "./machine.ts";
import { createRaClient, type RaClientInput } from "./ra-client.ts";
import type { Snapshot } from "./ra-client-memory.ts";

export const START = instant(1_000_000);
export const ROUTER = ip6("fe80::200:5eff:fe00:101");
export const OTHER_ROUTER = ip6("fe80::2");
export const OWN = ip6("fe80::7");
export const LINK = { kind: "link" as const, up: true, mtu: 1500, linkLocal: OWN, mac: mac("02:00:00:00:00:07") };
export const NO_CABLE: RaClientInput = { kind: "link", up: false, mtu: 1500 };
export const WAN_PREFIX = prefix("2605:59c8:1200::/64");
export const OPTIONS = { secret: new Uint8Array(32).fill(7), interfaceName: "wan0", temporaryAddresses: false };
/** Seconds of a lifetime on the wire. */
export const s = (count: number) => count as Seconds;

/** The Starlink router's advertisement, with changes. */
export function advertisement(changes: Partial<RouterAdvertisement> = {}): RouterAdvertisement {
  return {
    kind: "router-advertisement",
    hopLimit: 64,
    managed: false,
    other: true,
    preference: "medium",
    routerLifetime: s(1800),
    reachableTime: 0,
    retransTimer: 0,
    options: [],
    ...changes,
  };
}

export const pio = (valid: number, preferred: number, flags = { onLink: true, autonomous: true }): NdpOption => {
  return { kind: "prefix-information", prefix: WAN_PREFIX, ...flags, valid: s(valid), preferred: s(preferred) };
};

export function packet(ra: RouterAdvertisement, changes: Partial<Packet> = {}): Packet {
  return { kind: "packet", from: ROUTER, to: ip6("ff02::1"), hopLimit: 255, sourcePort: 0, bytes: encodeNdp(ra), ...changes };
}

/** The machine on a WAN link in virtual time, and all that it has said. */
export class Wan {
  now = START;
  readonly solicitations: { readonly at: Instant; readonly bytes: Uint8Array; readonly to: Ip6 }[] = [];
  readonly facts: RaClientFact[] = [];
  readonly notes: Note[] = [];
  readonly #machine;

  constructor({
    seed = 1,
    saved,
    ...options
  }: { seed?: number; saved?: Snapshot; temporaryAddresses?: boolean; interfaceName?: string } = {}) {
    this.#machine = createRaClient({ ...OPTIONS, ...options, random: seededRandom(seed) }, saved);
  }

  handle(input: RaClientInput): this {
    for (const output of this.#machine.handle(input, this.now)) {
      if (output.kind === "send") this.solicitations.push({ at: this.now, bytes: output.bytes, to: output.to });
      if (output.kind === "fact") this.facts.push(output.fact);
      if (output.kind === "note") this.notes.push(output);
    }
    const wakeAt = this.#machine.wakeAt();
    assert.ok(wakeAt === undefined || wakeAt > this.now, `a tick is wanted at ${wakeAt}, and it is ${this.now}`);
    return this;
  }

  hear(changes: Partial<RouterAdvertisement> = {}, from: Ip6 = ROUTER): this {
    return this.handle(packet(advertisement(changes), { from }));
  }

  /** Lets time pass, with a tick whenever the machine wants one. */
  pass(span: Duration): this {
    const end = after(this.now, span);
    for (let at = this.#machine.wakeAt(); at !== undefined && at <= end; at = this.#machine.wakeAt()) {
      this.now = at;
      this.handle({ kind: "tick" });
    }
    this.now = end;
    return this;
  }

  get fact(): RaClientFact {
    return this.facts.at(-1)!;
  }

  get routers(): readonly Ip6[] {
    return this.fact.routers.map((router) => router.address);
  }

  get events(): readonly string[] {
    return this.notes.map((note) => note.event);
  }

  /** Seconds between the solicitations. */
  get gaps(): readonly number[] {
    return this.solicitations.slice(1).map(({ at }, i) => (at - this.solicitations[i]!.at) / 1000);
  }

  /** How much it has said. */
  get said(): number {
    return this.facts.length + this.notes.length + this.solicitations.length;
  }

  restarted(changes: { interfaceName?: string; temporaryAddresses?: boolean } = {}, shift = milliseconds(0)): Wan {
    const wan = new Wan({ ...changes, seed: 2, saved: { snapshot: this.#machine.snapshot(), shift } });
    wan.now = after(this.now, shift);
    return wan;
  }
}

/** A WAN whose router was asked and has answered. */
export function settled(changes: Partial<RouterAdvertisement> = {}): Wan {
  const wan = new Wan().handle(LINK).pass(seconds(1)).hear(changes);
  wan.solicitations.length = 0;
  return wan;
}
