/**
 * One raw ICMPv6 and one DHCPv6 socket a link; on the WAN one for DHCPv4 and ARP, on a LAN one to serve DHCPv6 from and one that hears who is there. A
 * link that is removed and made anew gets new sockets.
 */
import { ALL_DHCP_SERVERS, ALL_NODES, ALL_ROUTERS, type Ip6 } from "../addr/ip.ts";
import type { Config, WanConfig } from "../config/config.ts";
import { neighborsOn } from "../kernel/neighbors.ts";
import type { Datagram } from "../kernel/ipv6-socket.ts";
import { dhcpv4AndArp, WHO_IS_THERE } from "../kernel/packet-filter.ts";
import { type Frame, openPacketSocket, type PacketSocket } from "../kernel/packet-socket.ts";
import { type RawIcmpv6, openRawIcmpv6 } from "../kernel/raw-icmpv6.ts";
import { openUdp, type UdpSocket } from "../kernel/udp-socket.ts";
import type { LinkFact } from "../plan/kernel-state.ts";
import { DHCPV4_CLIENT_PORT } from "../wire/dhcpv4.ts";
import { MDNS_GROUP } from "../wire/mdns.ts";
import { NDP_TYPE } from "../wire/ndp.ts";
import type { Event, Outgoing, OutgoingMessage, Protocol } from "./world.ts";

const DHCPV6_CLIENT_PORT = 546;
const DHCPV6_SERVER_PORT = 547;

interface Sockets {
  /** Of the link for which they were opened: a new link of the same name has another. */
  readonly index: number;
  readonly ndp: RawIcmpv6;
  readonly dhcpv6: UdpSocket;
  /** On LANs alone: from the internet nobody can even ask. */
  readonly dhcpv6Server?: UdpSocket;
  /** On a LAN: what tells who is there. */
  readonly overheard?: PacketSocket;
  /** On the WAN, where IPv4 is in our hands: DHCPv4 and ARP. */
  readonly frames?: PacketSocket;
}

/** Frames a second of each LAN that are looked at. */
const MOST_OVERHEARD = 1000;
/** A LAN with more nodes is told by multicast in time. */
const MOST_NEIGHBORS = 256;

interface Addressed extends OutgoingMessage {
  readonly to: Ip6;
}

/** The message, once for each of its recipients. */
function addressed(message: OutgoingMessage, index: number): readonly Addressed[] {
  const { to } = message;
  if (to !== "every-neighbor") return [{ ...message, to }];
  return neighborsOn(index)
    .slice(0, MOST_NEIGHBORS)
    .map((neighbor) => ({ ...message, to: neighbor }));
}

export class LinkSockets {
  readonly #wan: WanConfig;
  readonly #names: readonly string[];
  readonly #hear: (events: readonly Event[]) => void;
  readonly #open = new Map<string, Sockets>();

  constructor(config: Config, hear: (events: readonly Event[]) => void) {
    this.#wan = config.wan;
    this.#names = [config.wan.interface, ...config.lans.map((lan) => lan.interface)];
    this.#hear = hear;
  }

  /** Opens and closes sockets so that they fit the links that exist. @throws KernelError */
  follow(links: readonly LinkFact[]): void {
    for (const name of this.#names) {
      const index = links.find((link) => link.name === name)?.index;
      if (this.#open.get(name)?.index === index) continue;
      this.#close(name);
      if (index !== undefined) this.#open.set(name, this.#openOn(name, index));
    }
  }

  /** A message that the kernel refuses is lost like one that gets lost on the way: the machines send again. */
  send(messages: readonly Outgoing[]): void {
    for (const [name, { index, ndp, dhcpv6, dhcpv6Server, frames, overheard }] of this.#open) {
      const onLink = messages.filter(({ link }) => link === name);
      for (const each of onLink) if (each.protocol === "frames") (frames ?? overheard)?.send(each.bytes);
      const ours = onLink.flatMap((each) => (each.protocol === "frames" ? [] : addressed(each, index)));
      const advertisements = ours.filter(({ protocol }) => protocol === "ndp");
      if (advertisements.length === 1) ndp.send(advertisements[0]!.to, advertisements[0]!.bytes);
      else if (advertisements.length > 1) ndp.sendAll(advertisements);
      for (const { protocol, to, bytes } of ours) {
        if (protocol === "dhcpv6") dhcpv6.send(to, DHCPV6_SERVER_PORT, bytes);
        if (protocol === "dhcpv6-server") dhcpv6Server?.send(to, DHCPV6_CLIENT_PORT, bytes);
      }
    }
  }

  close(): void {
    for (const name of this.#open.keys()) this.#close(name);
  }

  #openOn(name: string, index: number): Sockets {
    const wan = name === this.#wan.interface;
    const ndp = openRawIcmpv6({
      interface: name,
      types: wan
        ? [NDP_TYPE.routerAdvertisement, NDP_TYPE.neighborAdvertisement]
        : [NDP_TYPE.routerSolicitation, NDP_TYPE.routerAdvertisement],
      groups: wan ? [ALL_NODES] : [ALL_NODES, ALL_ROUTERS, MDNS_GROUP],
      receive: (datagrams) => this.#receive(name, "ndp", datagrams),
    });
    const dhcpv6 = openUdp({
      interface: name,
      port: DHCPV6_CLIENT_PORT,
      receive: (datagrams) => this.#receive(name, "dhcpv6", datagrams),
    });
    if (!wan) return { index, ndp, dhcpv6, dhcpv6Server: this.#openServer(name), overheard: this.#overhear(name) };
    return this.#wan.ipv4 === "dhcp" ? { index, ndp, dhcpv6, frames: this.#openFrames(name) } : { index, ndp, dhcpv6 };
  }

  #openServer(name: string): UdpSocket {
    const receive = (datagrams: readonly Datagram[]): void => this.#receive(name, "dhcpv6-server", datagrams);
    return openUdp({ interface: name, port: DHCPV6_SERVER_PORT, groups: [ALL_DHCP_SERVERS], receive });
  }

  #openFrames(link: string): PacketSocket {
    const receive = (frames: readonly Frame[]): void =>
      this.#hear(frames.map(({ bytes }): Event => ({ kind: "frame", link, frame: { kind: "frame", bytes } })));
    return openPacketSocket({ interface: link, filter: dhcpv4AndArp(DHCPV4_CLIENT_PORT), ignoreOwn: true, receive });
  }

  #overhear(link: string): PacketSocket {
    const receive = (frames: readonly Frame[]): void => this.#hear([{ kind: "overheard", link, frames: frames.map(({ bytes }) => bytes) }]);
    const manners = { ignoreOwn: true, allMulticast: true, mostPerSecond: MOST_OVERHEARD } as const;
    return openPacketSocket({ interface: link, filter: WHO_IS_THERE, receive, ...manners });
  }

  #receive(link: string, protocol: Protocol, datagrams: readonly Datagram[]): void {
    this.#hear(datagrams.map((datagram): Event => ({ kind: "packet", link, protocol, packet: { kind: "packet", ...datagram } })));
  }

  #close(name: string): void {
    const sockets = this.#open.get(name);
    this.#open.delete(name);
    sockets?.ndp.close();
    sockets?.dhcpv6.close();
    sockets?.dhcpv6Server?.close();
    sockets?.frames?.close();
    sockets?.overheard?.close();
  }
}
