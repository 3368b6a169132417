/**
 * The DHCPv6 server of the LANs, one for all of them, so that no prefix is delegated twice: RFC 8415 18.3 (kept by RFC 9915) without relays and
 * Reconfigure, RFC 7084 L-8 to L-12, RFC 9096 3.5, RFC 9686, RFC 9818. It is told the whole of what holds and finds out by itself what is stale.
 */
import type { Duid } from "../addr/duid.ts";
import { isLinkLocal } from "../addr/ip.ts";
import { contains, prefixAddress } from "../addr/prefix.ts";
import { after, type Duration, type Instant, instant, type Seconds, seconds } from "../addr/time.ts";
import {
  type ClientServerMessage,
  type Dhcpv6Kind,
  type Dhcpv6Option,
  encodeDhcpv6,
  optionOf,
  optionsOf,
  STATUS,
  statusOf,
} from "../wire/dhcpv6.ts";
import { type Accepted, accept } from "./dhcpv6-acceptance.ts";
import { answer } from "./dhcpv6-answer.ts";
import { type Asker, type Binding, LanBindings } from "./dhcpv6-lan-bindings.ts";
import { hostnameOf, isNameFree } from "./dhcpv6-lan-names.ts";
import { lanLeasing } from "./dhcpv6-lan-leasing.ts";
import { isDelegable } from "./dhcpv6-lan-prefixes.ts";
import { acceptRegistration, isRegistration, register, registrar } from "./dhcpv6-lan-registration.ts";
import type { Dhcpv6LanServerFact, Dhcpv6LanServerInput, Dhcpv6Service, LanService } from "./dhcpv6-lan-service.ts";
import type { Json, Machine, Note, Output, Packet } from "./machine.ts";

export interface Dhcpv6LanServerOptions {
  readonly duid: Duid;
  /** RFC 7217 secret of this box: the addresses that it leases tell nothing. */
  readonly secret: Uint8Array;
}

type Outputs = readonly Output<Dhcpv6LanServerFact>[];
type LanPacket = Packet & { readonly link: string };

/** RFC 8415 21.23 and 7.6, IRT_MINIMUM: a host without a lease hears of another resolver when it asks again. */
const REFRESH = 600 as Seconds;
/** RFC 8415 21.24 and 21.25, the least: who waits for a prefix while the provider has none would else ask once an hour. */
const PATIENCE = 60 as Seconds;
/** An error that goes on is told this often. */
const REMINDER = seconds(600);
/** Flags of RFC 4704 4.1: the server sees to the name's address, also (O) where the client would rather have done it itself. */
const [FQDN_S, FQDN_O] = [1, 2];

/** A server that knows, from `saved`, what earlier runs have leased; Instants in it are moved by `shift`. */
export function createDhcpv6LanServer(
  options: Dhcpv6LanServerOptions,
  saved?: { readonly snapshot: Json; readonly shift: Duration },
): Machine<Dhcpv6LanServerInput, Dhcpv6LanServerFact> {
  return new Dhcpv6LanServer(options, new LanBindings(saved));
}

class Dhcpv6LanServer implements Machine<Dhcpv6LanServerInput, Dhcpv6LanServerFact> {
  readonly #options: Dhcpv6LanServerOptions;
  readonly #bindings: LanBindings;
  #service: Dhcpv6Service | undefined;
  /** What an earlier run has leased is told at once: there are routes to it. */
  #told = false;
  #exhaustedAt: Instant | undefined;

  constructor(options: Dhcpv6LanServerOptions, bindings: LanBindings) {
    this.#options = options;
    this.#bindings = bindings;
  }

  handle(input: Dhcpv6LanServerInput, now: Instant): Outputs {
    this.#bindings.expire(now);
    this.#told = true;
    if (input.kind === "serve") this.#serve(input.service, now);
    if (input.kind === "forget") this.#bindings.forget(input.value);
    const said = input.kind === "packet" ? this.#hear(input, now) : [];
    return [...this.#news(), ...said];
  }

  wakeAt(): Instant | undefined {
    return this.#told ? this.#bindings.wakeAt() : instant(0);
  }

  snapshot(): Json {
    return this.#bindings.snapshot();
  }

  #serve(service: Dhcpv6Service, now: Instant): void {
    this.#service = service;
    this.#bindings.judge((binding, prefix) => isLive(service, binding, prefix), now);
  }

  #hear(packet: LanPacket, now: Instant): Outputs {
    const lan = this.#service?.lans[packet.link];
    if (!lan || !this.#service) return [];
    if (isRegistration(packet)) return this.#register(packet, lan, now);
    const accepted = accept(packet, this.#options.duid);
    const problem = typeof accepted === "string" ? accepted : this.#problemOf(accepted, packet, lan);
    if (typeof accepted === "string" || problem !== undefined) return [discarded(packet, problem ?? "")];
    const reply = this.#answer(accepted, packet, this.#service, lan, now);
    if (!reply) return [];
    const exhausted = this.#exhaustion(reply, packet.link, now);
    return [...exhausted, { kind: "send", link: packet.link, to: packet.from, bytes: encodeDhcpv6(reply) }];
  }

  /** RFC 8415 13.1 has clients speak from their link-local address, and where nothing is leased only information is given. */
  #problemOf({ message }: Accepted, { from }: Packet, { addresses, delegatedLength }: LanService): string | undefined {
    if (!isLinkLocal(from)) return "its source is no link-local address";
    if (message.kind !== "information-request" && !addresses && delegatedLength === undefined) return "nothing is leased on this link";
    return undefined;
  }

  #answer(
    accepted: Accepted,
    { link, from }: LanPacket,
    service: Dhcpv6Service,
    lan: LanService,
    now: Instant,
  ): ClientServerMessage | undefined {
    const { message, client } = accepted;
    const { duid: server, secret } = this.#options;
    const bindings = this.#bindings;
    // Only an Information-request may be without an identifier, and it is about no lease.
    const leasing = lanLeasing({ service, lan, link, bindings, client: client ?? server, from, secret, now, reserved: new Set() });
    const configuration = configurationOf(lan, message.kind);
    const reply = answer(accepted, leasing, { server, preference: 0, rapidCommit: true, configuration });
    if (reply?.kind === "reply" && client !== undefined) this.#takeName(message, link, client);
    return reply && withFqdn(reply, message);
  }

  /** The client's name, in all its bindings on the link; who had it first keeps it. */
  #takeName(message: ClientServerMessage, link: string, duid: Duid): void {
    const name = hostnameOf(optionOf(message, "client-fqdn"));
    if (name === undefined || !isNameFree(name, duid, this.#bindings.all)) return;
    const askers: Asker[] = [...optionsOf(message, "ia-na"), ...optionsOf(message, "ia-pd")].map(({ kind, iaid }) => ({
      link,
      kind,
      duid,
      iaid,
    }));
    for (const asker of [...askers, registrar(link, duid)]) this.#bindings.name(asker, name);
  }

  #register(packet: LanPacket, lan: LanService, now: Instant): Outputs {
    const registration = acceptRegistration(packet, lan);
    if (typeof registration === "string") return [discarded(packet, registration)];
    const { link, from: to } = packet;
    const reply = register(registration, registrar(link, registration.client), this.#bindings, now);
    this.#takeName(registration.message, link, registration.client);
    return [{ kind: "send", link, to, bytes: encodeDhcpv6(reply) }];
  }

  /** RFC 9818 LPD-8: the owner learns that a router behind us gets nothing. */
  #exhaustion(reply: ClientServerMessage, link: string, now: Instant): readonly Note[] {
    const none = optionsOf(reply, "ia-pd").some((ia) => statusOf(ia).status === STATUS.NoPrefixAvail);
    if (!none || (this.#exhaustedAt !== undefined && now < after(this.#exhaustedAt, REMINDER))) return [];
    this.#exhaustedAt = now;
    const text = `No prefix is left for a router on ${link} that asks for one: the provider delegates too little, or too many routers ask.`;
    return [{ kind: "note", level: "error", event: "dhcpv6-lan-server.exhausted", text }];
  }

  #news(): Outputs {
    const { changed, unsaved } = this.#bindings.takeNews();
    return [
      ...(unsaved ? [{ kind: "save" } as const] : []),
      ...(changed ? [{ kind: "fact", fact: factOf(this.#bindings.all) } as const] : []),
    ];
  }
}

/** Whether what was leased still holds. */
function isLive({ lans, pools }: Dhcpv6Service, { link, kind }: Binding, prefix: Binding["leases"][number]["prefix"]): boolean {
  const lan = lans[link];
  if (!lan) return false;
  const { delegatedLength: length } = lan;
  if (kind === "ia-pd") return length !== undefined && pools.some((pool) => isDelegable(pool, length, prefix));
  return (lan.addresses || kind === "addr-reg") && lan.subnets.some((subnet) => contains(subnet.prefix, prefixAddress(prefix)));
}

/** What the clients of a LAN may ask for besides leases. */
function configurationOf(lan: LanService, asked: Dhcpv6Kind): readonly Dhcpv6Option[] {
  const { resolvers, searchDomains, captivePortal, passedOn } = lan;
  const options: Dhcpv6Option[] = [
    { kind: "addr-reg-enable" },
    { kind: "sol-max-rt", time: PATIENCE },
    { kind: "inf-max-rt", time: PATIENCE },
  ];
  if (resolvers.length > 0) options.push({ kind: "dns-servers", addresses: resolvers });
  if (searchDomains.length > 0) options.push({ kind: "domain-list", domains: searchDomains });
  if (captivePortal !== undefined) options.push({ kind: "captive-portal", uri: captivePortal });
  for (const { code, data } of passedOn) options.push({ kind: "unknown", code, data: Uint8Array.from(data) });
  if (asked === "information-request") {
    options.push({ kind: "information-refresh-time", time: REFRESH });
  }
  return options;
}

/** RFC 4704 section 6: a server that heard a name says what it does about it. */
function withFqdn(reply: ClientServerMessage, message: ClientServerMessage): ClientServerMessage {
  const asked = optionOf(message, "client-fqdn");
  if (!asked) return reply;
  const flags = asked.flags & FQDN_S ? FQDN_S : FQDN_S | FQDN_O;
  return { ...reply, options: [...reply.options, { ...asked, flags }] };
}

function factOf(all: Iterable<Binding>): Dhcpv6LanServerFact {
  const delegations: Dhcpv6LanServerFact["delegations"][number][] = [];
  const leases: Dhcpv6LanServerFact["leases"][number][] = [];
  for (const { link, kind, duid, iaid, client, mac, hostname, leases: held } of all) {
    const holder = { link, duid, client, ...(mac && { mac }), ...(hostname !== undefined && { hostname }) };
    for (const { prefix, until, staleUntil } of held) {
      if (kind === "ia-pd") delegations.push({ ...holder, iaid, prefix, until: staleUntil ?? until, stale: staleUntil !== undefined });
      else if (staleUntil === undefined) leases.push({ ...holder, address: prefixAddress(prefix), until, registered: kind === "addr-reg" });
    }
  }
  return { delegations, leases };
}

function discarded({ from }: Packet, why: string): Note {
  return {
    kind: "note",
    level: "debug",
    event: "dhcpv6-lan-server.discarded",
    text: `A DHCPv6 message from ${from} is discarded: ${why}.`,
  };
}
