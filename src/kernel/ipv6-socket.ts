/** What raw ICMPv6 and UDP sockets of one interface share: options, socket addresses, reading a batch, sending. */
import { type Ip6, ip6FromBytes, ip6ToBytes } from "../addr/ip.ts";
import { KernelError } from "./kernel-error.ts";
import { check, interfaceIndex, lastErrno, libc, setOption, setOptionBytes } from "./libc.ts";
import { type Message, ReceiveBatch } from "./message-batch.ts";
import { type Watched, watchReadable } from "./poll.ts";

export const AF_INET6 = 10;
export const SOL_IPV6 = 41;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const [IPV6_UNICAST_HOPS, IPV6_MULTICAST_IF, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP, IPV6_JOIN_GROUP] = [16, 17, 18, 19, 20];
const [IPV6_RECVPKTINFO, IPV6_PKTINFO, IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT, IPV6_RECVFRAGSIZE] = [49, 50, 51, 52, 77];
const SOCKET_ADDRESS = 28;
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const MSG_DONTWAIT = 0x40;
/** Batches read in one go before other work gets its turn. */
const BATCHES_PER_TURN = 4;

/** A message as it came over one interface. */
export interface Datagram {
  readonly from: Ip6;
  readonly to: Ip6;
  readonly hopLimit: number;
  /** 0 for ICMPv6. */
  readonly sourcePort: number;
  readonly bytes: Uint8Array;
}

export interface Ipv6Socket {
  readonly fd: number;
  readonly index: number;
}

/**
 * Opens a socket that hears and speaks on one interface alone, with hop limit 255 and without hearing itself; `groups` are joined there.
 * @throws KernelError ENODEV when there is no such interface, EPERM
 */
export function openIpv6Socket(type: number, protocol: number, name: string, groups: readonly Ip6[], change: string): Ipv6Socket {
  const index = interfaceIndex(name, change);
  const fd = check(libc.socket(AF_INET6, type | NONBLOCK_CLOEXEC, protocol), change);
  return orClose(fd, () => {
    setOptionBytes(fd, SOL_SOCKET, SO_BINDTODEVICE, new TextEncoder().encode(`${name}\0`), change);
    setOption(fd, SOL_IPV6, IPV6_MULTICAST_IF, index, change);
    for (const [option, value] of [
      [IPV6_UNICAST_HOPS, 255],
      [IPV6_MULTICAST_HOPS, 255],
      [IPV6_MULTICAST_LOOP, 0],
      [IPV6_RECVPKTINFO, 1],
      [IPV6_RECVHOPLIMIT, 1],
      [IPV6_RECVFRAGSIZE, 1],
    ] as const) {
      setOption(fd, SOL_IPV6, option, value, change);
    }
    for (const group of groups) joinGroup(fd, index, group, change);
    return { fd, index };
  });
}

/** Runs `action`; closes the descriptor when it fails. */
export function orClose<Result>(fd: number, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Calls `receive` with what has arrived, batch by batch. `keep` decides about each message before it is read. */
export function watchDatagrams(
  fd: number,
  room: { readonly slots: number; readonly size: number },
  keep: (message: Message) => boolean,
  receive: (datagrams: readonly Datagram[]) => void,
): Watched {
  const batch = new ReceiveBatch(room.slots, room.size);
  return watchReadable(fd, () => {
    for (let count = 0; count < BATCHES_PER_TURN; count++) {
      const { messages, full } = batch.receive(fd);
      const datagrams = messages.filter(keep).map(toDatagram);
      if (datagrams.length > 0) receive(datagrams);
      if (!full) break;
    }
  });
}

/** Whether the datagram came in fragments. */
export function wasFragmented(message: Message): boolean {
  return message.control(SOL_IPV6, IPV6_RECVFRAGSIZE) !== undefined;
}

/** Sends one datagram. @returns the kernel's refusal: the packet is then lost like any other */
export function sendTo(fd: number, name: Uint8Array, bytes: Uint8Array, change: string): KernelError | undefined {
  for (;;) {
    if (libc.sendto(fd, bytes, bytes.length, MSG_DONTWAIT, name, name.length) >= 0) return undefined;
    const errno = lastErrno();
    if (errno !== "EINTR") return new KernelError(errno, change);
  }
}

/** A struct sockaddr_in6; the scope matters for link-local addresses alone and is harmless for others. */
export function socketAddress(address: Ip6, port: number, scope: number): Uint8Array {
  const bytes = new Uint8Array(SOCKET_ADDRESS);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port);
  bytes.set(ip6ToBytes(address), 8);
  view.setUint32(24, scope, true);
  return bytes;
}

function joinGroup(fd: number, index: number, group: Ip6, change: string): void {
  const request = new Uint8Array(20);
  request.set(ip6ToBytes(group));
  new DataView(request.buffer).setInt32(16, index, true);
  setOptionBytes(fd, SOL_IPV6, IPV6_JOIN_GROUP, request, change);
}

function toDatagram(message: Message): Datagram {
  const { name, payload } = message;
  const info = message.control(SOL_IPV6, IPV6_PKTINFO);
  const from = ip6At(name, 8);
  return {
    from,
    to: info ? ip6At(info, 0) : from,
    hopLimit: message.control(SOL_IPV6, IPV6_HOPLIMIT)?.getInt32(0, true) ?? 0,
    sourcePort: name.getUint16(2),
    bytes: payload.slice(),
  };
}

/** Addresses heard before, by their octets: the same few come again and again. A sweep of others must not fill the memory. */
const MOST_HEARD = 1024;
const heard = new Map<bigint, Ip6>();

function ip6At(view: DataView, at: number): Ip6 {
  const octets = (view.getBigUint64(at) << 64n) | view.getBigUint64(at + 8);
  const known = heard.get(octets);
  if (known !== undefined) return known;
  const address = ip6FromBytes(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), at);
  if (heard.size >= MOST_HEARD) heard.clear();
  heard.set(octets, address);
  return address;
}
