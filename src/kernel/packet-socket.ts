/** Whole frames of one interface (packet(7)), as they were on the wire, in both directions. */
import { type BpfInstruction, encodeFilter } from "./packet-filter.ts";
import { bootNow } from "./clock.ts";
import { orClose } from "./ipv6-socket.ts";
import { KernelError } from "./kernel-error.ts";
import { addressOf, check, interfaceIndex, lastErrno, libc, setOption, setOptionBytes } from "./libc.ts";
import { type Message, ReceiveBatch } from "./message-batch.ts";
import { watchReadable } from "./poll.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const [SO_RCVBUFFORCE, SO_ATTACH_FILTER, SO_TIMESTAMPNS] = [33, 26, 35];
const SOL_PACKET = 263;
const [PACKET_ADD_MEMBERSHIP, PACKET_IGNORE_OUTGOING] = [1, 23];
const PACKET_MR_ALLMULTI = 2;
const PACKET_OUTGOING = 4;
/** Size of struct sock_fprog. */
const PROGRAM = 16;
const MSG_DONTWAIT = 0x40;
const RECEIVE_BUFFER = 1 << 20;
const ROOM = { slots: 32, size: 9216 };
const BATCHES_PER_TURN = 4;

export interface Frame {
  /** Wall-clock time in nanoseconds since 1970, as the kernel stamped it. */
  readonly at: bigint;
  /** Sent by this box. */
  readonly sent: boolean;
  /** From the Ethernet header on. */
  readonly bytes: Uint8Array;
}

export interface PacketOptions {
  readonly interface: string;
  /** What to hand over. */
  readonly filter: readonly BpfInstruction[];
  /** Frames that this box sends are left out, and cost nothing. */
  readonly ignoreOwn?: true;
  /** Also those to multicast addresses that nobody on this box has joined. */
  readonly allMulticast?: true;
  /** No more than so many frames a second are read: the rest of a flood is dropped. */
  readonly mostPerSecond?: number;
  /** Is given what has passed, at least one frame. */
  readonly receive: (frames: readonly Frame[]) => void;
}

export interface PacketSocket {
  /** Puts a whole frame on the wire. @returns the kernel's refusal */
  send(frame: Uint8Array): KernelError | undefined;
  close(): void;
}

/**
 * The filter is in place before the first frame can come: the socket is made for no protocol, and binding it starts it.
 * @throws KernelError ENODEV when there is no such interface, EPERM without CAP_NET_RAW
 */
export function openPacketSocket(options: PacketOptions): PacketSocket {
  const change = `capture packets on ${options.interface}`;
  const index = interfaceIndex(options.interface, change);
  const fd = check(libc.socket(AF_PACKET, SOCK_RAW | NONBLOCK_CLOEXEC, 0), change);
  return orClose(fd, () => {
    attach(fd, options.filter, change);
    setOption(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1, change);
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, new Uint8Array(Int32Array.of(RECEIVE_BUFFER).buffer), 4);
    if (options.ignoreOwn) setOption(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, change);
    if (options.allMulticast) setOptionBytes(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, allMulticastOn(index), change);
    const place = linkAddress(index);
    check(libc.bind(fd, place, place.length), change);
    const watched = watchFrames(fd, options);
    return {
      send: (frame) => {
        const refusal = sendFrame(fd, frame, place);
        // The first one after a time without the link is told of that time, not of now.
        const errno = refusal === "ENETDOWN" ? sendFrame(fd, frame, place) : refusal;
        return errno === undefined ? undefined : new KernelError(errno, `send a frame on ${options.interface}`);
      },
      close: () => watched.close(),
    };
  });
}

/** @returns the name of the refusal */
function sendFrame(fd: number, frame: Uint8Array, place: Uint8Array): string | undefined {
  return libc.sendto(fd, frame, frame.length, MSG_DONTWAIT, place, place.length) >= 0 ? undefined : lastErrno();
}

function watchFrames(fd: number, { receive, mostPerSecond = Number.POSITIVE_INFINITY }: PacketOptions): { close(): void } {
  const batch = new ReceiveBatch(ROOM.slots, ROOM.size);
  let [second, count] = [0, 0];
  /** Of these messages those that this second has room for. */
  const within = (messages: readonly Message[]): readonly Message[] => {
    const now = Math.floor(bootNow() / 1000);
    if (now !== second) [second, count] = [now, 0];
    const taken = messages.slice(0, Math.max(0, mostPerSecond - count));
    count += taken.length;
    return taken;
  };
  return watchReadable(fd, () => {
    for (let turn = 0; turn < BATCHES_PER_TURN; turn++) {
      const { messages, full } = batch.receive(fd);
      const taken = within(messages);
      if (taken.length > 0) receive(taken.map(toFrame));
      if (!full) break;
    }
  });
}

function toFrame(message: Message): Frame {
  const time = message.control(SOL_SOCKET, SO_TIMESTAMPNS);
  return {
    at: time ? time.getBigInt64(0, true) * 1_000_000_000n + time.getBigInt64(8, true) : BigInt(Date.now()) * 1_000_000n,
    sent: message.name.getUint8(10) === PACKET_OUTGOING,
    bytes: message.payload.slice(),
  };
}

/** struct sock_fprog: how many instructions, and where they are, namely right behind it in the same memory. */
function attach(fd: number, filter: readonly BpfInstruction[], change: string): void {
  const code = encodeFilter(filter);
  const memory = new Uint8Array(new ArrayBuffer(PROGRAM + code.length));
  memory.set(code, PROGRAM);
  const view = new DataView(memory.buffer);
  view.setUint16(0, filter.length, true);
  view.setBigUint64(8, addressOf(memory) + BigInt(PROGRAM), true);
  check(libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, memory, PROGRAM), change);
}

/** struct packet_mreq. */
function allMulticastOn(index: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, index, true);
  view.setUint16(4, PACKET_MR_ALLMULTI, true);
  return bytes;
}

/** struct sockaddr_ll for every protocol on one interface. */
function linkAddress(index: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ETH_P_ALL);
  view.setInt32(4, index, true);
  return bytes;
}
