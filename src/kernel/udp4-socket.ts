/** IPv4 UDP on one interface and port, in batches: for the DHCPv4 server. It hears broadcasts, also of those who have no address. */
import { type Ip4, ip4FromNumber, ip4ToBytes, UNSPECIFIED4 } from "../addr/ip.ts";
import { orClose } from "./ipv6-socket.ts";
import { check, interfaceIndex, libc, setOption, setOptionBytes } from "./libc.ts";
import { type Message, ReceiveBatch, SendBatch } from "./message-batch.ts";
import { watchReadable } from "./poll.ts";

const [AF_INET, SOCK_DGRAM, NONBLOCK_CLOEXEC] = [2, 2, 0o4000 | 0o2000000];
const SOL_SOCKET = 1;
const [SO_BROADCAST, SO_BINDTODEVICE, SO_RCVBUFFORCE] = [6, 25, 33];
const RECEIVE_BUFFER = 1 << 20;
/** A message fits one frame of Ethernet, or is dropped. */
const [SLOTS, SIZE] = [32, 2048];
const BATCHES_PER_TURN = 1;

/** The payload is a view that is overwritten once `receive` has returned. */
export interface Datagram4 {
  readonly from: Ip4;
  readonly bytes: Uint8Array;
}

export interface Outgoing4 {
  readonly to: Ip4;
  readonly port: number;
  readonly bytes: Uint8Array;
}

export interface Udp4Options {
  readonly interface: string;
  /** Local port; messages are sent from it. */
  readonly port: number;
  /** Is given what has arrived, at least one message. */
  readonly receive: (datagrams: readonly Datagram4[]) => void;
}

export interface Udp4Socket {
  /** Sends all from the interface's address; what the kernel refuses is lost like a packet on the way. */
  sendAll(messages: readonly Outgoing4[]): void;
  close(): void;
}

/** @throws KernelError EADDRINUSE when another program has the port on this interface, ENODEV, EACCES for a port below 1024 */
export function openUdp4(options: Udp4Options): Udp4Socket {
  const change = `open UDP port ${options.port} on ${options.interface}`;
  interfaceIndex(options.interface, change);
  const fd = check(libc.socket(AF_INET, SOCK_DGRAM | NONBLOCK_CLOEXEC, 0), change);
  return orClose(fd, () => {
    setOptionBytes(fd, SOL_SOCKET, SO_BINDTODEVICE, new TextEncoder().encode(`${options.interface}\0`), change);
    setOption(fd, SOL_SOCKET, SO_BROADCAST, 1, change);
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, new Uint8Array(Int32Array.of(RECEIVE_BUFFER).buffer), 4);
    const own = socketAddress(UNSPECIFIED4, options.port);
    check(libc.bind(fd, own, own.length), change);
    const batch = new ReceiveBatch(SLOTS, SIZE);
    const outgoing = new SendBatch(SLOTS, SIZE);
    const watched = watchReadable(fd, () => {
      for (let count = 0; count < BATCHES_PER_TURN; count++) {
        const { messages, full } = batch.receive(fd);
        if (messages.length > 0) options.receive(messages.map(toDatagram));
        if (!full) break;
      }
    });
    const address = lastAddress();
    let closed = false;
    /** Not all at once: a relay has a short queue, and so has an access point. */
    const queue: Outgoing4[] = [];
    const drain = (): void => {
      if (closed) return;
      const piece = queue.splice(0, SLOTS);
      outgoing.send(
        fd,
        piece.map(({ to, port, bytes }) => ({ name: address(to, port), payload: bytes })),
      );
      if (queue.length > 0) setImmediate(drain);
    };
    return {
      sendAll: (messages) => {
        const isIdle = queue.length === 0;
        queue.push(...messages);
        if (isIdle && messages.length > 0) drain();
      },
      close: () => {
        closed = true;
        watched.close();
      },
    };
  });
}

function toDatagram({ name, payload }: Message): Datagram4 {
  return { from: ip4FromNumber(name.getUint32(4)), bytes: payload };
}

/** socketAddress() that remembers its latest result: what goes to a relay goes to the same one. */
function lastAddress(): (to: Ip4, port: number) => Uint8Array {
  let last = { to: UNSPECIFIED4, port: 0, name: socketAddress(UNSPECIFIED4, 0) };
  return (to, port) => {
    if (to !== last.to || port !== last.port) last = { to, port, name: socketAddress(to, port) };
    return last.name;
  };
}

/** A struct sockaddr_in. */
function socketAddress(address: Ip4, port: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(ip4ToBytes(address), 4);
  return bytes;
}
