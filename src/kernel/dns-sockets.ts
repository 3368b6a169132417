/**
 * The sockets on which DNS questions come: bound to one interface, whatever addresses it has or will have, or to one address; for IPv6 and IPv4 alike.
 * An answer leaves from the address to which its question came.
 */
import { type Ip, type Ip4, type Ip6, ip4ToBytes, ip6FromBytes, ip6ToBytes, isIp4 } from "../addr/ip.ts";
import { AF_INET6, orClose, SOL_IPV6 } from "./ipv6-socket.ts";
import { check, libc, setOption, setOptionBytes } from "./libc.ts";
import { watchReadable } from "./poll.ts";
import { type Answer, ReplyBatch, type Return } from "./reply-batch.ts";

const [SOCK_STREAM, SOCK_DGRAM] = [1, 2];
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const [SO_REUSEADDR, SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_BINDTODEVICE] = [2, 33, 32, 25];
const [IPV6_V6ONLY, IPV6_RECVPKTINFO] = [26, 49];
/** A burst of questions while something else is being done must not get lost. */
const BUFFER = 1 << 20;
const SLOTS = 64;
/** The longest UDP answer, whatever a client says that it can take. */
export const LONGEST_UDP_ANSWER = 4096;
const BATCHES_PER_TURN = 8;
/**
 * Where several questions come at once more are on their way: waiting for them for a moment makes one call of many. To be woken for each costs more than to
 * answer it. A question that comes alone is answered at once. Microseconds.
 */
const PAUSE = 60;
const ENOUGH = 32;
/** Where the address stands in a struct sockaddr_in6. */
const ADDRESS_IN_NAME = 8;

export interface DnsPlace {
  /** Only what comes over this interface is heard. */
  readonly interface?: string;
  /** Absent: any. */
  readonly address?: Ip;
  readonly port: number;
}

export interface UdpListener {
  /** Whereto the question in a slot of the batch being answered goes back. */
  returnOf(slot: number): Return;
  /** Where the 16 octets of the address of who has asked stand, IPv4 mapped, in the same memory as the question. */
  senderAt(slot: number): number;
  sendLate(to: Return, message: Uint8Array): void;
  close(): void;
}

/** @throws KernelError EADDRINUSE when another program has the port, ENODEV, EADDRNOTAVAIL */
export function listenUdp(place: DnsPlace, answer: Answer): UdpListener {
  const change = `open UDP ${describe(place)}`;
  const fd = openSocket(SOCK_DGRAM, place, change);
  return orClose(fd, () => {
    setOption(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1, change);
    for (const option of [SO_RCVBUFFORCE, SO_SNDBUFFORCE]) {
      libc.setsockopt(fd, SOL_SOCKET, option, new Uint8Array(Int32Array.of(BUFFER).buffer), 4);
    }
    bindTo(fd, place, change);
    const batch = new ReplyBatch(SLOTS, LONGEST_UDP_ANSWER);
    let isOpen = true;
    const watched = watchReadable(fd, () => {
      for (let turn = 0; isOpen && turn < BATCHES_PER_TURN; turn++) {
        const count = batch.serve(fd, answer);
        if (count <= 1) return;
        if (count < ENOUGH) libc.usleep(PAUSE);
      }
    });
    return {
      returnOf: (slot) => batch.returnOf(slot),
      senderAt: (slot) => batch.nameAt(slot) + ADDRESS_IN_NAME,
      sendLate: (to, message) => {
        if (isOpen) batch.sendLate(fd, to, message);
      },
      close: () => {
        isOpen = false;
        watched.close();
      },
    };
  });
}

/** A bound TCP socket that does not listen yet: whoever gets the descriptor owns it. @throws KernelError as listenUdp */
export function bindTcp(place: DnsPlace): number {
  const change = `open TCP ${describe(place)}`;
  const fd = openSocket(SOCK_STREAM, place, change);
  return orClose(fd, () => {
    // A restart finds the connections of the run before still ending.
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1, change);
    bindTo(fd, place, change);
    return fd;
  });
}

/** The address in 16 octets, IPv4 where it is a mapped one. */
export function senderAddress(octets: Uint8Array): Ip {
  const address: Ip6 = ip6FromBytes(octets);
  return address.startsWith("::ffff:") ? (Array.from(octets.subarray(12), String).join(".") as Ip4) : address;
}

function openSocket(type: number, place: DnsPlace, change: string): number {
  const fd = check(libc.socket(AF_INET6, type | NONBLOCK_CLOEXEC, 0), change);
  return orClose(fd, () => {
    setOption(fd, SOL_IPV6, IPV6_V6ONLY, 0, change);
    if (place.interface !== undefined) {
      setOptionBytes(fd, SOL_SOCKET, SO_BINDTODEVICE, new TextEncoder().encode(`${place.interface}\0`), change);
    }
    return fd;
  });
}

function bindTo(fd: number, { address, port }: DnsPlace, change: string): void {
  const name = new Uint8Array(28);
  const view = new DataView(name.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port);
  if (address !== undefined && isIp4(address)) name.set([0xff, 0xff, ...ip4ToBytes(address)], 18);
  else if (address !== undefined) name.set(ip6ToBytes(address), 8);
  check(libc.bind(fd, name, name.length), change);
}

function describe(place: DnsPlace): string {
  const where = place.interface === undefined ? `of ${place.address}` : `on ${place.interface}`;
  return `port ${place.port} ${where} for DNS`;
}
