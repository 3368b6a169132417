/** How the DHCPv4 server of a LAN hears and speaks: UDP port 67 for most, whole frames for devices without an address, and ARP for probes. */
import { BROADCAST4, type Ip4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Problem } from "../api/status.ts";
import { KernelError } from "../kernel/kernel-error.ts";
import { ARP_ALONE } from "../kernel/packet-filter.ts";
import { type Frame, openPacketSocket, type PacketSocket } from "../kernel/packet-socket.ts";
import { ownersOf, udp4Sockets } from "../kernel/socket-owners.ts";
import { type Datagram4, openUdp4, type Outgoing4, type Udp4Socket } from "../kernel/udp4-socket.ts";
import type { Dhcpv4Destination, Dhcpv4ServerInput } from "../machines/dhcpv4-server.ts";
import type { LinkFact } from "../plan/kernel-state.ts";
import { arpProbe, decodeArp, encodeArp } from "../wire/arp.ts";
import { WireError } from "../wire/bytes.ts";
import { DHCPV4_CLIENT_PORT, DHCPV4_SERVER_PORT } from "../wire/dhcpv4.ts";
import { BROADCAST, encodeEthernet, ETHERTYPE_ARP, ETHERTYPE_IPV4 } from "../wire/ethernet.ts";
import { encodeIpv4 } from "../wire/ipv4.ts";
import { UDP } from "../wire/ipv6.ts";
import { encodeUdp } from "../wire/udp.ts";

interface Open {
  readonly index: number;
  readonly mac: Mac;
  readonly udp: Udp4Socket;
  readonly frames: PacketSocket;
}

const TTL = 64;
/** Where the sender's address stands in a frame of ARP. */
const SHORTEST_ARP = 42;

export class Dhcpv4LanSockets {
  readonly #name: string;
  readonly #hear: (inputs: readonly Dhcpv4ServerInput[]) => void;
  #open: Open | undefined;
  /** The server's own, for the frames that it makes itself. */
  #address: Ip4 | undefined;

  constructor(name: string, hear: (inputs: readonly Dhcpv4ServerInput[]) => void) {
    this.#name = name;
    this.#hear = hear;
  }

  /** Opens and closes so that it fits the link, and speaks with `address`; returns why it can't. @throws KernelError that nobody can help */
  follow(link: LinkFact | undefined, address: Ip4 | undefined): Problem | undefined {
    this.#address = address;
    if (this.#open && this.#open.index === link?.index && this.#open.mac === link.mac) return undefined;
    this.close();
    if (!link) return undefined;
    try {
      this.#open = this.#openOn(link);
      return undefined;
    } catch (error) {
      if (!(error instanceof KernelError) || error.errno !== "EADDRINUSE") throw error;
      return this.#rival();
    }
  }

  send(answers: readonly { readonly to: Dhcpv4Destination; readonly bytes: Uint8Array }[]): void {
    const datagrams: Outgoing4[] = [];
    for (const { to, bytes } of answers) {
      if (to.kind === "hardware") this.#sendFrame(to, bytes);
      else if (to.kind === "broadcast") datagrams.push({ to: BROADCAST4, port: DHCPV4_CLIENT_PORT, bytes });
      else datagrams.push({ to: to.address, port: to.port, bytes });
    }
    this.#open?.udp.sendAll(datagrams);
  }

  /** Asks the link who has the address. */
  probe(address: Ip4): void {
    if (!this.#open) return;
    const { mac, frames } = this.#open;
    frames.send(
      encodeEthernet({ destination: BROADCAST, source: mac, etherType: ETHERTYPE_ARP, payload: encodeArp(arpProbe(mac, address)) }),
    );
  }

  close(): void {
    this.#open?.udp.close();
    this.#open?.frames.close();
    this.#open = undefined;
  }

  #openOn({ index, mac }: LinkFact): Open {
    const udp = openUdp4({ interface: this.#name, port: DHCPV4_SERVER_PORT, receive: (datagrams) => this.#receive(datagrams) });
    try {
      const frames = openPacketSocket({
        interface: this.#name,
        filter: ARP_ALONE,
        ignoreOwn: true,
        receive: (list) => this.#receiveArp(list),
      });
      return { index, mac, udp, frames };
    } catch (error) {
      udp.close();
      throw error;
    }
  }

  #receive(datagrams: readonly Datagram4[]): void {
    this.#hear(datagrams.map(({ from, bytes }) => ({ kind: "packet", from, bytes })));
  }

  #receiveArp(frames: readonly Frame[]): void {
    const claims = frames.filter(({ bytes }) => bytes.length >= SHORTEST_ARP).flatMap(({ bytes }) => claimIn(bytes));
    if (claims.length > 0) this.#hear(claims);
  }

  /** To a device that would not answer ARP for the address yet: RFC 2131 4.1. */
  #sendFrame({ mac: destination, address }: Extract<Dhcpv4Destination, { readonly kind: "hardware" }>, payload: Uint8Array): void {
    if (!this.#open || !this.#address) return;
    const ends = { source: this.#address, destination: address };
    const ports = { sourcePort: DHCPV4_SERVER_PORT, destinationPort: DHCPV4_CLIENT_PORT };
    const packet = encodeIpv4({
      ...ends,
      protocol: UDP,
      ttl: TTL,
      payload: encodeUdp(ends.source, ends.destination, { ...ports, payload }),
    });
    this.#open.frames.send(encodeEthernet({ destination, source: this.#open.mac, etherType: ETHERTYPE_IPV4, payload: packet }));
  }

  #rival(): Problem {
    const [owner] = ownersOf(new Set(udp4Sockets(DHCPV4_SERVER_PORT).map(({ inode }) => inode)));
    const who = owner ? `${owner.name} (pid ${owner.pid})` : "A program of another user";
    const how = owner ? `systemctl disable --now ${owner.name}, or kill ${owner.pid}` : "as root, `ss -lunp 'sport = :67'` names it";
    return {
      name: "dhcpv4.rival",
      text: `${who} is a DHCP server on this box already (UDP port 67), so the devices on ${this.#name} get no IPv4 address from skylan.`,
      remedy: `stop it: ${how}; or write dhcp.enabled = false for this LAN`,
    };
  }
}

function claimIn(frame: Uint8Array): readonly Dhcpv4ServerInput[] {
  try {
    const { sender, senderMac } = decodeArp(frame.subarray(14));
    return [{ kind: "claimed", address: sender, mac: senderMac }];
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return [];
  }
}
