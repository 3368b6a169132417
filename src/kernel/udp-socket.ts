/** IPv6 UDP on one interface and port, for DHCPv6. */
import { type Ip6, UNSPECIFIED } from "../addr/ip.ts";
import { type Datagram, openIpv6Socket, orClose, SOL_IPV6, sendTo, socketAddress, watchDatagrams } from "./ipv6-socket.ts";
import type { KernelError } from "./kernel-error.ts";
import { check, libc, setOption } from "./libc.ts";

const SOCK_DGRAM = 2;
const IPV6_V6ONLY = 26;
/** A DHCPv6 message may be as long as UDP allows. */
const ROOM = { slots: 8, size: 65_536 };

export interface UdpOptions {
  readonly interface: string;
  /** Local port; messages are sent from it. */
  readonly port: number;
  /** Multicast groups to join: ff02::1:2 for a server. */
  readonly groups?: readonly Ip6[];
  /** Is given what has arrived, at least one message. */
  readonly receive: (datagrams: readonly Datagram[]) => void;
}

export interface UdpSocket {
  /** Sends from the interface's address that fits `to`. @returns the kernel's refusal: the message is then lost like any other */
  send(to: Ip6, port: number, bytes: Uint8Array): KernelError | undefined;
  close(): void;
}

/** @throws KernelError EADDRINUSE when another program has the port on this interface, ENODEV, EACCES for a port below 1024 */
export function openUdp(options: UdpOptions): UdpSocket {
  const change = `open UDP port ${options.port} on ${options.interface}`;
  const { fd, index } = openIpv6Socket(SOCK_DGRAM, 0, options.interface, options.groups ?? [], change);
  return orClose(fd, () => {
    setOption(fd, SOL_IPV6, IPV6_V6ONLY, 1, change);
    const own = socketAddress(UNSPECIFIED, options.port, 0);
    check(libc.bind(fd, own, own.length), change);
    const watched = watchDatagrams(fd, ROOM, () => true, options.receive);
    let closed = false;
    return {
      send: (to, port, bytes) =>
        closed ? undefined : sendTo(fd, socketAddress(to, port, index), bytes, `send to ${to} port ${port} on ${options.interface}`),
      close: () => {
        closed = true;
        watched.close();
      },
    };
  });
}
