/**
 * An internet provider without sockets: router advertisements, prefix delegation and IPv4 leases on one customer's link, and commands for all that goes wrong
 * with providers. The simulator and provider-process.ts carry its packets.
 */
import type { Ip6 } from "../addr/ip.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Random } from "../addr/random.ts";
import { earliest, type Instant, NEVER, type Seconds, seconds } from "../addr/time.ts";
import { createDhcpv6Server, type Delegation, type Dhcpv6ServerInput, type Dhcpv6ServerOptions } from "../machines/dhcpv6-server.ts";
import type { Advertisement } from "../machines/facts.ts";
import type { FrameIn, Note, Output, Packet, SendFrame } from "../machines/machine.ts";
import type { LifetimeLimits } from "../machines/ra-build.ts";
import { createRaServer, type RaServerInput } from "../machines/ra-server.ts";
import { SERVER_PORT } from "../wire/dhcpv6.ts";
import { type Dhcpv4Leasing, ProviderDhcpv4 } from "./provider-dhcpv4.ts";
import type { Advertising, ProviderProfile } from "./provider-profile.ts";

export type ProviderProtocol = "ndp" | "dhcpv6" | "dhcpv4";

export type ProviderInput =
  | { readonly kind: "packet"; readonly protocol: "ndp" | "dhcpv6"; readonly packet: Packet }
  | FrameIn
  | { readonly kind: "tick" }
  | { readonly kind: "link"; readonly up: boolean }
  | ProviderCommand;

export type ProviderCommand =
  /** The customer gets another delegated prefix, and another WAN prefix when `link` is given. */
  | { readonly kind: "renumber"; readonly pool: Prefix; readonly link?: Prefix }
  /** Another delegated length. */
  | { readonly kind: "length"; readonly length: number }
  /** Hears and says nothing any more on that protocol, or on all. */
  | { readonly kind: "mute"; readonly on: boolean; readonly protocol?: ProviderProtocol }
  /** All leases are lost. */
  | { readonly kind: "forget" }
  | { readonly kind: "flags"; readonly managed: boolean; readonly other: boolean }
  /** Of delegated prefixes; `link` says that the WAN prefix gets them too. */
  | { readonly kind: "lifetimes"; readonly preferred: Seconds; readonly valid: Seconds; readonly link?: boolean }
  /** 0: no default router any more. */
  | { readonly kind: "router-lifetime"; readonly lifetime: Seconds }
  /** Says farewell as a router that is switched off properly. */
  | { readonly kind: "stop-ra" }
  | { readonly kind: "start-ra" }
  /** Any option of the DHCPv6 server. */
  | { readonly kind: "dhcpv6"; readonly options: Partial<Dhcpv6ServerOptions> }
  | { readonly kind: "dhcpv4"; readonly options: Partial<Dhcpv4Leasing> };

export type ProviderOutput =
  | {
      readonly kind: "send";
      readonly protocol: "ndp" | "dhcpv6";
      readonly from: Ip6;
      /** UDP source port; 0 for ICMPv6. */
      readonly sourcePort: number;
      readonly to: Ip6;
      readonly bytes: Uint8Array;
    }
  /** DHCPv4 answers. */
  | SendFrame
  /** The delegations that the provider routes to the customer now. */
  | { readonly kind: "delegations"; readonly delegations: readonly Delegation[] }
  | Note;

export interface Provider {
  handle(input: ProviderInput, now: Instant): readonly ProviderOutput[];
  wakeAt(): Instant | undefined;
  readonly profile: ProviderProfile;
}

/** A provider whose link is down and that has leased nothing. */
export function createProvider(profile: ProviderProfile, random: Random): Provider {
  return new LinkProvider(profile, random);
}

class LinkProvider implements Provider {
  #profile: ProviderProfile;
  readonly #random: Random;
  readonly #dhcpv6: ReturnType<typeof createDhcpv6Server>;
  readonly #dhcpv4: ProviderDhcpv4;
  #ra: ReturnType<typeof createRaServer>;
  #up = false;
  readonly #mute = new Set<ProviderProtocol>();

  constructor(profile: ProviderProfile, random: Random) {
    this.#profile = profile;
    this.#random = random;
    this.#dhcpv6 = createDhcpv6Server(profile.dhcpv6);
    this.#dhcpv4 = new ProviderDhcpv4(profile.dhcpv4, profile.mac);
    this.#ra = createRaServer({ random, limits: limitsOf(profile.advertising) });
  }

  get profile(): ProviderProfile {
    return this.#profile;
  }

  wakeAt(): Instant | undefined {
    return earliest(this.#ra.wakeAt(), this.#dhcpv6.wakeAt());
  }

  handle(input: ProviderInput, now: Instant): readonly ProviderOutput[] {
    if (input.kind === "packet") return this.#hear(input.protocol, input.packet, now);
    if (input.kind === "frame") return this.#lease(input.bytes);
    if (input.kind === "tick") return [...this.#advertise(input, now), ...this.#serve(input, now)];
    if (input.kind !== "link") return this.#obey(input, now);
    this.#up = input.up;
    return [...this.#advertise(this.#link(), now), ...this.#advertise(this.#wanted(), now)];
  }

  #lease(frame: Uint8Array): readonly ProviderOutput[] {
    const answer = this.#up && !this.#mute.has("dhcpv4") ? this.#dhcpv4.answer(frame) : undefined;
    return answer ? [{ kind: "send-frame", bytes: answer }] : [];
  }

  #hear(protocol: "ndp" | "dhcpv6", packet: Packet, now: Instant): readonly ProviderOutput[] {
    if (this.#mute.has(protocol)) return [];
    return protocol === "ndp" ? this.#advertise(packet, now) : this.#serve(packet, now);
  }

  #obey(command: ProviderCommand, now: Instant): readonly ProviderOutput[] {
    const { delegation } = this.#profile.dhcpv6;
    switch (command.kind) {
      case "mute":
        for (const protocol of command.protocol ? [command.protocol] : ALL) this.#mute[command.on ? "add" : "delete"](protocol);
        return [];
      case "stop-ra":
        return this.#advertise({ kind: "stop" }, now);
      case "start-ra":
        return this.#readvertise({}, now);
      case "flags":
        return this.#readvertise({ managed: command.managed, other: command.other }, now);
      case "router-lifetime":
        return this.#readvertise({ routerLifetime: command.lifetime }, now);
      case "renumber":
        return this.#renumber(command.pool, command.link, now);
      case "length":
        return delegation ? this.#setLeases({ delegation: { ...delegation, length: command.length } }, now) : [];
      case "lifetimes": {
        const { preferred, valid, link = false } = command;
        return [...this.#setLeases({ preferred, valid }, now), ...(link ? this.#readvertise({ preferred, valid }, now) : [])];
      }
      case "dhcpv6":
        return this.#setLeases(command.options, now);
      case "dhcpv4":
        this.#dhcpv4.set(command.options);
        return [];
      case "forget":
        return this.#serve(command, now);
    }
  }

  #renumber(pool: Prefix, link: Prefix | undefined, now: Instant): readonly ProviderOutput[] {
    const { delegation = { length: DEFAULT_LENGTH } } = this.#profile.dhcpv6;
    const leases = this.#setLeases({ delegation: { ...delegation, prefix: pool } }, now);
    return link ? [...leases, ...this.#readvertise({ prefix: link }, now)] : leases;
  }

  #setLeases(options: Partial<Dhcpv6ServerOptions>, now: Instant): readonly ProviderOutput[] {
    this.#profile = { ...this.#profile, dhcpv6: { ...this.#profile.dhcpv6, ...options } };
    return this.#serve({ kind: "set", options }, now);
  }

  /** Other values need another server. It takes over what the one before has promised, unless old prefixes shall vanish in silence. */
  #readvertise(change: Partial<Advertising>, now: Instant): readonly ProviderOutput[] {
    const advertising = { ...this.#profile.advertising, ...change };
    this.#profile = { ...this.#profile, advertising };
    const silent = change.prefix !== undefined && this.#profile.dhcpv6.formerPrefixes === "silence";
    const saved = { snapshot: silent ? [] : this.#ra.snapshot(), shift: seconds(0) };
    this.#ra = createRaServer({ random: this.#random, limits: limitsOf(advertising) }, saved);
    return [...this.#advertise(this.#link(), now), ...this.#advertise(this.#wanted(), now)];
  }

  #link(): RaServerInput {
    const { linkLocal, mac } = this.#profile;
    return { kind: "link", up: this.#up, linkLocal, mac };
  }

  /** The provider's own prefixes do not run out: the limits make the lifetimes. */
  #wanted(): RaServerInput {
    const { managed, other, prefix, routerLifetime, resolvers, mtu, maxInterval, minInterval } = this.#profile.advertising;
    const endless = { onLink: true, autonomous: true, preferredUntil: NEVER, validUntil: NEVER };
    const advertisement: Advertisement = {
      defaultRouter: routerLifetime > 0,
      managed,
      other,
      prefixes: prefix ? [{ prefix, ...endless }] : [],
      routes: [],
      resolvers,
      searchDomains: [],
      ...(mtu !== undefined && { mtu }),
      maxInterval,
      minInterval,
    };
    return { kind: "advertise", advertisement };
  }

  #advertise(input: RaServerInput, now: Instant): readonly ProviderOutput[] {
    const { linkLocal } = this.#profile;
    return this.#ra.handle(input, now).flatMap((output) => this.#speak(output, "ndp", { from: linkLocal, sourcePort: 0 }));
  }

  #serve(input: Dhcpv6ServerInput, now: Instant): readonly ProviderOutput[] {
    const { linkLocal, replies } = this.#profile;
    const sender =
      replies.kind === "plain" ? { from: linkLocal, sourcePort: SERVER_PORT } : { from: replies.source, sourcePort: replies.sourcePort };
    return this.#dhcpv6.handle(input, now).flatMap((output): readonly ProviderOutput[] => {
      if (output.kind === "fact") return [{ kind: "delegations", delegations: output.fact.delegations }];
      return this.#speak(output, "dhcpv6", sender);
    });
  }

  #speak(
    output: Output<unknown>,
    protocol: "ndp" | "dhcpv6",
    sender: { readonly from: Ip6; readonly sourcePort: number },
  ): ProviderOutput[] {
    if (output.kind === "note") return [output];
    if (output.kind !== "send" || !this.#up || this.#mute.has(protocol)) return [];
    return [{ kind: "send", protocol, ...sender, to: output.to, bytes: output.bytes }];
  }
}

const ALL: readonly ProviderProtocol[] = ["ndp", "dhcpv6", "dhcpv4"];
const DEFAULT_LENGTH = 56;

function limitsOf({ preferred, valid, routerLifetime }: Advertising): LifetimeLimits {
  return { preferred, valid, router: routerLifetime };
}
