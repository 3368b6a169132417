/** The machines of one home, at their places: who hears which packet, which change of a link, whose fact goes where. */
import { ALL_NODES, ALL_ROUTERS, type Ip6 } from "../addr/ip.ts";
import type { Random } from "../addr/random.ts";
import { type Instant, NEVER } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import { createDhcpv4Client, type Dhcpv4ClientInput } from "../machines/dhcpv4-client.ts";
import { createDhcpv6Client, type Dhcpv6ClientInput } from "../machines/dhcpv6-client.ts";
import { createDhcpv6LanServer } from "../machines/dhcpv6-lan-server.ts";
import type { Dhcpv6LanServerFact, Dhcpv6LanServerInput, Dhcpv6Service } from "../machines/dhcpv6-lan-service.ts";
import { createDhcpv6ServerWatch, type Dhcpv6ServerWatchFact, type Dhcpv6ServerWatchInput } from "../machines/dhcpv6-server-watch.ts";
import type { Advertisement, Dhcpv4ClientFact, Dhcpv6ClientFact, RaClientFact, RaServerFact } from "../machines/facts.ts";
import type { Packet } from "../machines/machine.ts";
import { createLanIdentifiers, type LanIdentifiersFact, type LanIdentifiersInput } from "../machines/lan-identifiers.ts";
import { createNeighborAnnouncer, type NeighborAnnouncerInput } from "../machines/neighbor-announcer.ts";
import { createRaClient, type RaClientInput } from "../machines/ra-client.ts";
import { createRaServer, type RaServerInput } from "../machines/ra-server.ts";
import type { Facts } from "../plan/facts.ts";
import { isOfIpv6, type LinkFact, type Observed } from "../plan/kernel-state.ts";
import { devicesOptions, HomeDevices } from "./home-devices.ts";
import type { Past } from "./past.ts";
import { NDP_TYPE } from "../wire/ndp.ts";
import { type AnySeat, type Desk, Seat } from "./seat.ts";
import type { Event, Outgoing, Protocol, World } from "./world.ts";

/** An RA after this long a silence is a sign that the provider is back. A DHCPv6 answer is none: who asked takes it as an answer. Milliseconds. */
const SILENCE = 30_000;

/** Names of the snapshots, for reading the past. */
export function seatNames(config: Config): string[] {
  return [
    "ra-client",
    "dhcpv6-client",
    "dhcpv4-client",
    DHCPV6_SERVER,
    "devices",
    ...config.lans.map((lan) => raServerName(lan.interface)),
  ];
}

const DHCPV6_SERVER = "dhcpv6-server";

const raServerName = (link: string): string => `ra-server-${link}`;

export class Machines {
  readonly #wan: string;
  readonly #raClient: Seat<RaClientInput, RaClientFact>;
  readonly #dhcpv6: Seat<Dhcpv6ClientInput, Dhcpv6ClientFact>;
  /** Absent where IPv4 is not in our hands. */
  readonly #dhcpv4: Seat<Dhcpv4ClientInput, Dhcpv4ClientFact> | undefined;
  readonly #announcer: Seat<NeighborAnnouncerInput, never>;
  readonly #dhcpv6Server: Seat<Dhcpv6LanServerInput, Dhcpv6LanServerFact>;
  /** By interface. */
  readonly #raServers: ReadonlyMap<string, Seat<RaServerInput, RaServerFact>>;
  /** By interface. */
  readonly #serverWatches: ReadonlyMap<string, Seat<Dhcpv6ServerWatchInput, Dhcpv6ServerWatchFact>>;
  /** By interface. */
  readonly #identifiers: ReadonlyMap<string, Seat<LanIdentifiersInput, LanIdentifiersFact>>;
  /** Who is on the LANs. */
  readonly devices: HomeDevices;
  readonly #seats: readonly AnySeat[];
  /** Since when the WAN has its cable: the random delays of the first solicitations, of routers and of leases, count from there. */
  #carrierSince: Instant | undefined;
  #heardAt: Instant | undefined;
  #flags = "";
  #carrier = "";

  constructor(config: Config, { random, maxRaDelay, hostName }: Pick<World, "random" | "maxRaDelay" | "hostName">, past: Past, desk: Desk) {
    const { wan, lans } = config;
    const { identity, snapshots } = past;
    this.#wan = wan.interface;
    const raSaved = snapshots.get("ra-client");
    this.#raClient = new Seat(
      { name: "ra-client", link: wan.interface, protocol: "ndp", durability: "boot" },
      createRaClient(
        { random, interfaceName: wan.interface, secret: identity.secret, temporaryAddresses: wan.temporaryAddresses },
        raSaved?.sameBoot ? raSaved : undefined,
      ),
      desk,
    );
    this.#announcer = new Seat(
      { name: "neighbor-announcer", link: wan.interface, protocol: "ndp", durability: "boot" },
      createNeighborAnnouncer(),
      desk,
    );
    this.#dhcpv6 = new Seat(
      { name: "dhcpv6-client", link: wan.interface, protocol: "dhcpv6", durability: "disk" },
      createDhcpv6Client({ random, ...identity, ...wan }, snapshots.get("dhcpv6-client")),
      desk,
    );
    this.#dhcpv4 = wan.ipv4 === "off" ? undefined : dhcpv4Seat(wan.interface, random, past, desk);
    this.#raServers = new Map(
      lans.map((lan) => {
        const name = raServerName(lan.interface);
        const machine = createRaServer({ random, ...(maxRaDelay !== undefined && { maxRaDelay }) }, snapshots.get(name));
        return [lan.interface, new Seat({ name, link: lan.interface, protocol: "ndp", durability: "disk" }, machine, desk)];
      }),
    );
    this.#identifiers = new Map(
      lans.map(({ interface: link }) => {
        const place = { name: `lan-identifiers-${link}`, link, protocol: "ndp", durability: "boot" } as const;
        return [link, new Seat(place, createLanIdentifiers({ secret: identity.secret, interfaceName: link }), desk)];
      }),
    );
    this.#serverWatches = new Map(
      lans.map(({ interface: link }) => {
        const place = { name: `dhcpv6-server-watch-${link}`, link, protocol: "dhcpv6", durability: "boot" } as const;
        return [link, new Seat(place, createDhcpv6ServerWatch({ random, duid: identity.duid }), desk)];
      }),
    );
    this.#dhcpv6Server = new Seat(
      { name: DHCPV6_SERVER, protocol: "dhcpv6-server", durability: "disk" },
      createDhcpv6LanServer(identity, snapshots.get(DHCPV6_SERVER)),
      desk,
    );
    this.devices = new HomeDevices(devicesOptions(config, hostName), snapshots.get("devices"), desk);
    const byLan = [this.#raServers, this.#serverWatches, this.#identifiers];
    const ipv4 = this.#dhcpv4 ? [this.#dhcpv4] : [];
    this.#seats = [
      this.#raClient,
      this.#dhcpv6,
      ...ipv4,
      this.#announcer,
      this.#dhcpv6Server,
      this.devices.seat,
      ...byLan.flatMap((seats): readonly AnySeat[] => [...seats.values()]),
    ];
  }

  /** Hands an event to those whom it concerns, then a tick to those whose time has come. */
  deliver(event: Event, now: Instant): void {
    switch (event.kind) {
      case "packet":
        this.#hear(event.link, event.protocol, event.packet, now);
        break;
      case "frame":
        if (event.link === this.#wan) this.#dhcpv4?.deliver(event.frame, now);
        break;
      case "neighbors":
      case "overheard":
      case "leases":
        this.devices.seat.deliver(event, now);
        break;
      case "resume":
        this.#dhcpv6.deliver({ kind: "resume" }, now);
        this.#dhcpv4?.deliver({ kind: "resume" }, now);
        this.#raClient.deliver({ kind: "solicit" }, now);
        break;
      case "refresh":
        this.#dhcpv6.deliver({ kind: "refresh" }, now);
        this.#dhcpv4?.deliver({ kind: "refresh" }, now);
        this.#raClient.deliver({ kind: "solicit" }, now);
        break;
      case "release":
        this.#dhcpv6.deliver({ kind: "release" }, now);
        this.#dhcpv4?.deliver({ kind: "release" }, now);
        break;
      case "forget-lease":
        this.#dhcpv6Server.deliver({ kind: "forget", value: event.value }, now);
        break;
      case "leave":
        for (const server of this.#raServers.values()) server.deliver({ kind: "stop" }, now);
        // Nothing is promised any more; who has leases is kept in mind for a return.
        this.serve({ lans: {}, pools: [] }, now);
        break;
      case "kernel":
      case "tick":
        break;
    }
    for (const seat of this.#seats) {
      if (seat.wakeAt() <= now) seat.deliver({ kind: "tick" }, now);
    }
  }

  wakeAt(): Instant {
    let first = NEVER;
    for (const seat of this.#seats) if (seat.wakeAt() < first) first = seat.wakeAt();
    return first;
  }

  /** After `leave` and `release`: whether the last words have been said. */
  areQuiet(): boolean {
    const speaking = [...this.#raServers.values()].some((server) => server.wakeAt() !== NEVER);
    return !speaking && this.#dhcpv6.fact?.state !== "releasing";
  }

  /** Tells each machine what has become of its link. */
  seeLinks(before: readonly LinkFact[], links: readonly LinkFact[], now: Instant): void {
    for (const name of [this.#wan, ...this.#raServers.keys()]) {
      const link = links.find((candidate) => candidate.name === name);
      const former = before.find((candidate) => candidate.name === name);
      if (JSON.stringify(link) === JSON.stringify(former)) continue;
      // A cable that was out for a moment only may now lead elsewhere: nobody shall take the link for the one of before.
      if (link && former && link.carrierLosses !== former.carrierLosses) this.#seeLink(name, { ...link, carrier: false }, now);
      this.#seeLink(name, link, now);
    }
  }

  /** Tells the owner of each address that duplicate address detection has refused it. */
  seeDuplicates(duplicates: Observed["duplicates"], now: Instant): void {
    for (const { interface: name, address } of duplicates) {
      if (name !== this.#wan) this.#identifiers.get(name)?.deliver({ kind: "duplicate", address }, now);
      else if (this.#dhcpv6.fact?.addresses.some((leased) => leased.address === address)) {
        this.#dhcpv6.deliver({ kind: "duplicate", address }, now);
      } else this.#raClient.deliver({ kind: "duplicate", address }, now);
    }
  }

  /** A router of the provider that does not answer is the last choice, until it answers again. */
  seeUnreachable(neighbors: Observed["unreachable"], now: Instant): void {
    for (const { interface: name, address } of neighbors) {
      if (name === this.#wan) this.#raClient.deliver({ kind: "unreachable", router: address }, now);
    }
  }

  /** Lets the first-hop router learn our new addresses (RFC 9131) once they may be used, and each LAN which of its own have passed. */
  seeReady(observed: Observed, now: Instant): void {
    for (const [name, seat] of this.#identifiers) seat.deliver({ kind: "ready", addresses: readyOn(name, observed) }, now);
    const mac = observed.links.find((link) => link.name === this.#wan)?.mac;
    if (mac !== undefined) this.#announcer.deliver({ kind: "addresses", addresses: readyOn(this.#wan, observed), mac }, now);
  }

  /**
   * Kernel and disk may have held up what a turn has sent: advertisements to all nodes (RFC 4861 6.2.6) and the client's repetitions (RFC 8415 15) keep
   * their distance on the wire.
   */
  haveLeft(sent: readonly Outgoing[], now: Instant): void {
    for (const message of sent) {
      if (message.protocol === "ndp" && message.to === ALL_NODES) this.#raServers.get(message.link)?.deliver({ kind: "sent" }, now);
    }
    const onWan = sent.filter(({ link }) => link === this.#wan);
    if (onWan.some((message) => message.protocol === "ndp" && message.to === ALL_ROUTERS)) this.#announcer.deliver({ kind: "sent" }, now);
    if (onWan.some(({ protocol }) => protocol === "dhcpv6")) this.#dhcpv6.deliver({ kind: "sent" }, now);
  }

  advertise(link: string, advertisement: Advertisement, now: Instant): void {
    this.#raServers.get(link)?.deliver({ kind: "advertise", advertisement }, now);
    this.#identifiers.get(link)?.deliver({ kind: "prefixes", prefixes: advertisement.prefixes.map(({ prefix }) => prefix) }, now);
  }

  serve(service: Dhcpv6Service, now: Instant): void {
    this.#dhcpv6Server.deliver({ kind: "serve", service }, now);
  }

  facts(): Pick<Facts, "ra" | "dhcpv6" | "dhcpv4" | "lans" | "lanServers" | "dhcpv6Server" | "refused"> {
    return {
      ra: this.#raClient.fact,
      dhcpv6: this.#dhcpv6.fact,
      dhcpv4: this.#dhcpv4?.fact,
      lans: factsByLink(this.#raServers),
      lanServers: factsByLink(this.#serverWatches),
      dhcpv6Server: this.#dhcpv6Server.fact,
      refused: factsByLink(this.#identifiers),
    };
  }

  #hear(link: string, protocol: Protocol, packet: Packet, now: Instant): void {
    if (link !== this.#wan) return this.#hearLan(link, protocol, packet, now);
    // RFC 6092 REC-9: nobody is served there.
    if (protocol === "dhcpv6-server") return;
    if (protocol === "ndp" && packet.bytes[0] === NDP_TYPE.neighborAdvertisement) return this.#raClient.deliver(packet, now);
    const wasSilent = this.#heardAt === undefined || now - this.#heardAt > SILENCE;
    if (protocol === "ndp" && wasSilent) this.#dhcpv6.deliver({ kind: "provider-heard" }, now);
    this.#heardAt = now;
    if (protocol === "dhcpv6") this.#dhcpv6.deliver(packet, now);
    else this.#raClient.deliver(packet, now);
    this.#passFlags(now);
  }

  #hearLan(link: string, protocol: Protocol, packet: Packet, now: Instant): void {
    switch (protocol) {
      case "ndp":
        this.#raServers.get(link)?.deliver(packet, now);
        break;
      case "dhcpv6":
        this.#serverWatches.get(link)?.deliver(packet, now);
        break;
      case "dhcpv6-server":
        this.#dhcpv6Server.deliver({ ...packet, link }, now);
        this.devices.takeLeases(this.#dhcpv6Server.fact?.leases, now);
        break;
    }
  }

  /** The M and O flags of an RA matter to the DHCPv6 client when they change. */
  #passFlags(now: Instant): void {
    const ra = this.#raClient.fact;
    if (!ra?.heard) return;
    const flags = `${ra.managed} ${ra.other}`;
    if (flags === this.#flags) return;
    this.#flags = flags;
    this.#dhcpv6.deliver({ kind: "flags", managed: ra.managed, other: ra.other }, now);
  }

  /** DHCPv4 needs a cable and no address: another link-local address is no news to it. */
  #passCarrier(up: boolean, link: LinkFact | undefined, now: Instant): void {
    const known = `${up} ${link?.mac}`;
    if (known === this.#carrier) return;
    this.#carrier = known;
    this.#dhcpv4?.deliver({ kind: "link", up, ...(link && { mac: link.mac }) }, now);
  }

  #seeLink(name: string, link: LinkFact | undefined, now: Instant): void {
    const carrier = link !== undefined && link.up && link.carrier;
    const linkLocal = link?.linkLocal;
    const up = carrier && linkLocal !== undefined;
    const about = { up, mtu: link?.mtu ?? 1280, ...(link && { mac: link.mac }), ...(linkLocal && { linkLocal }) };
    if (name !== this.#wan) {
      this.#raServers.get(name)?.deliver({ kind: "link", ...about }, now);
      this.#serverWatches.get(name)?.deliver({ kind: "link", up }, now);
      this.#identifiers.get(name)?.deliver({ kind: "link", up, ...(link && { mac: link.mac }) }, now);
      return;
    }
    this.#carrierSince = carrier ? (this.#carrierSince ?? now) : undefined;
    // A link that has just come up was not silent: its first exchange is young, and repeating it early would break RFC 8415 15.
    if (up) this.#heardAt = now;
    const mayAsk = carrier && (linkLocal ?? link.optimisticLinkLocal) !== undefined;
    const since = this.#carrierSince === undefined ? {} : { since: this.#carrierSince };
    this.#raClient.deliver({ kind: "link", ...about, up: carrier, ...since }, now);
    this.#dhcpv6.deliver({ kind: "link", up: mayAsk, ...since }, now);
    this.#passCarrier(carrier, link, now);
  }
}

function dhcpv4Seat(link: string, random: Random, { identity, snapshots }: Past, desk: Desk): Seat<Dhcpv4ClientInput, Dhcpv4ClientFact> {
  const { duid, iaidAddress: iaid } = identity;
  const machine = createDhcpv4Client({ random, duid, iaid }, snapshots.get("dhcpv4-client"));
  return new Seat({ name: "dhcpv4-client", link, protocol: "frames", durability: "disk" }, machine, desk);
}

/** IPv6 addresses of ours that duplicate address detection has nothing against. */
function readyOn(name: string, { addresses, tentative }: Observed): readonly Ip6[] {
  const onLink = addresses.filter(isOfIpv6).filter((own) => own.interface === name);
  return onLink.filter((own) => !tentative.includes(own.address)).map(({ address }) => address);
}

function factsByLink<Fact>(seats: ReadonlyMap<string, { readonly fact: Fact | undefined }>): Readonly<Record<string, Fact>> {
  return Object.fromEntries([...seats].flatMap(([link, { fact }]) => (fact ? [[link, fact]] : [])));
}
