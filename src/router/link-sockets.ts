/** One raw ICMPv6 socket a link, and one DHCPv6 socket on the WAN. A link that is removed and made anew gets new sockets. */
import { ALL_NODES, ALL_ROUTERS, type Ip6 } from "../addr/ip.ts";
import type { Config } from "../config/config.ts";
import type { Datagram } from "../kernel/ipv6-socket.ts";
import { type RawIcmpv6, openRawIcmpv6 } from "../kernel/raw-icmpv6.ts";
import { openUdp, type UdpSocket } from "../kernel/udp-socket.ts";
import type { LinkFact } from "../plan/kernel-state.ts";
import { NDP_TYPE } from "../wire/ndp.ts";
import type { Event, Protocol } from "./world.ts";

const DHCPV6_CLIENT_PORT = 546;
const DHCPV6_SERVER_PORT = 547;

interface Sockets {
  /** Of the link for which they were opened: a new link of the same name has another. */
  readonly index: number;
  readonly ndp: RawIcmpv6;
  readonly dhcpv6: UdpSocket | undefined;
}

export class LinkSockets {
  readonly #wan: string;
  readonly #names: readonly string[];
  readonly #hear: (event: Event) => void;
  readonly #open = new Map<string, Sockets>();

  constructor(config: Config, hear: (event: Event) => void) {
    this.#wan = config.wan.interface;
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
  send(link: string, protocol: Protocol, to: Ip6, bytes: Uint8Array): void {
    const sockets = this.#open.get(link);
    if (protocol === "ndp") sockets?.ndp.send(to, bytes);
    else sockets?.dhcpv6?.send(to, DHCPV6_SERVER_PORT, bytes);
  }

  close(): void {
    for (const name of this.#open.keys()) this.#close(name);
  }

  #openOn(name: string, index: number): Sockets {
    const wan = name === this.#wan;
    const ndp = openRawIcmpv6({
      interface: name,
      types: wan ? [NDP_TYPE.routerAdvertisement] : [NDP_TYPE.routerSolicitation, NDP_TYPE.routerAdvertisement],
      groups: wan ? [ALL_NODES] : [ALL_NODES, ALL_ROUTERS],
      receive: (datagrams) => this.#receive(name, "ndp", datagrams),
    });
    if (!wan) return { index, ndp, dhcpv6: undefined };
    const dhcpv6 = openUdp({
      interface: name,
      port: DHCPV6_CLIENT_PORT,
      receive: (datagrams) => this.#receive(name, "dhcpv6", datagrams),
    });
    return { index, ndp, dhcpv6 };
  }

  #receive(link: string, protocol: Protocol, datagrams: readonly Datagram[]): void {
    for (const { from, to, hopLimit, sourcePort, bytes } of datagrams) {
      this.#hear({ kind: "packet", link, protocol, packet: { kind: "packet", from, to, hopLimit, sourcePort, bytes } });
    }
  }

  #close(name: string): void {
    const sockets = this.#open.get(name);
    this.#open.delete(name);
    sockets?.ndp.close();
    sockets?.dhcpv6?.close();
  }
}
