/** One raw ICMPv6 socket a link, and one DHCPv6 socket on the WAN. A link that is removed and made anew gets new sockets. */
import type { Ip6 } from "../addr/ip.ts";
import type { Config } from "../config/config.ts";
import type { LinkFact } from "../plan/kernel-state.ts";
import { openRawIcmpv6, type RawIcmpv6 } from "../kernel/raw-icmpv6.ts";
import { openUdp, type UdpSocket } from "../kernel/udp-socket.ts";
import type { Event, Protocol } from "./world.ts";

const DHCPV6_CLIENT_PORT = 546;
const DHCPV6_SERVER_PORT = 547;

interface Sockets {
  readonly index: number;
  readonly ndp: RawIcmpv6;
  readonly dhcpv6: UdpSocket | undefined;
}

export class LinkSockets {
  readonly #wan: string;
  readonly #names: ReadonlySet<string>;
  readonly #hear: (event: Event) => void;
  readonly #open = new Map<string, Sockets>();

  constructor(config: Config, hear: (event: Event) => void) {
    this.#wan = config.wan.interface;
    this.#names = new Set([config.wan.interface, ...config.lans.map((lan) => lan.interface)]);
    this.#hear = hear;
  }
}
