/**
 * Netlink sockets. The kernel puts its answers into the socket during send(), so that a request and its answer are one synchronous step. A second
 * kind of socket hears what the kernel announces by itself.
 */
import { decodeNetlink, decodeVerdict, type NetlinkMessage, type NetlinkVerdict, NetlinkWriter, NLM_F_DUMP_INTR } from "../wire/netlink.ts";
import { NLMSG_DONE, NLMSG_ERROR } from "../wire/netlink.ts";
import { KernelError } from "./kernel-error.ts";
import { check, errnoName, lastErrno, libc, setOption } from "./libc.ts";
import { type Watched, watchReadable } from "./poll.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const [NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK] = [1, 10, 11, 12];
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;

const ANSWER_SIZE = 65_536;
/** Answers of this many requests fit the receive buffer with room to spare. */
const BATCH = 64;
const DUMP_ATTEMPTS = 8;
const EVENT_BUFFER = 1 << 20;
/** Datagrams read in one go before other work gets its turn. */
const EVENTS_PER_TURN = 256;

/** Writes one request with the given sequence number. */
export type Encode = (writer: NetlinkWriter, sequence: number) => void;

/** One socket for requests; synchronous. */
export class NetlinkSocket {
  readonly port: number;
  readonly #fd: number;
  readonly #answer = new Uint8Array(ANSWER_SIZE);
  readonly #writer = new NetlinkWriter();
  #sequence = 0;

  /** @throws KernelError */
  constructor(protocol: number) {
    this.#fd = openNetlink(protocol);
    setOption(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, 1, "open a netlink socket");
    setOption(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, 1, "open a netlink socket");
    if (protocol === NETLINK_ROUTE) setOption(this.#fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1, "open a netlink socket");
    setReceiveBuffer(this.#fd, EVENT_BUFFER);
    this.port = portOf(this.#fd);
  }

  /**
   * Carries out requests that ask for an acknowledgement, in their order and each by itself; returns the kernel's verdict on each.
   * @throws KernelError when the kernel cannot be talked to at all
   */
  request(requests: readonly Encode[], change: string): NetlinkVerdict[] {
    const verdicts: NetlinkVerdict[] = [];
    for (let at = 0; at < requests.length; at += BATCH) verdicts.push(...this.#batch(requests.slice(at, at + BATCH), change));
    return verdicts;
  }

  /** The messages that answer one request without acknowledgement. @throws KernelError with the kernel's refusal */
  ask(request: Encode, change: string): NetlinkMessage[] {
    const sequence = this.#send([request], change);
    const messages = this.#receive(change).filter((message) => message.sequence === sequence);
    for (const message of messages) if (message.type === NLMSG_ERROR) throwUnlessDone(decodeVerdict(message), change);
    return messages;
  }

  /**
   * Hands each message of a dump to `take`. A dump that a change interrupted is repeated: `restart` is called before the first message each time.
   * @throws KernelError
   */
  dump(request: Encode, change: string, restart: () => void, take: (message: NetlinkMessage) => void): void {
    for (let attempt = 1; ; attempt++) {
      restart();
      const whole = this.#dumpOnce(request, change, take);
      if (whole || attempt === DUMP_ATTEMPTS) return;
    }
  }

  close(): void {
    libc.close(this.#fd);
  }

  #batch(requests: readonly Encode[], change: string): NetlinkVerdict[] {
    const last = this.#send(requests, change);
    const first = last - requests.length + 1;
    const verdicts: NetlinkVerdict[] = [];
    while (verdicts.length < requests.length) {
      for (const message of this.#receive(change)) {
        if (message.type === NLMSG_ERROR && message.sequence >= first) verdicts.push(decodeVerdict(message));
      }
    }
    return verdicts;
  }

  /** False when a change interrupted it. */
  #dumpOnce(request: Encode, change: string, take: (message: NetlinkMessage) => void): boolean {
    const sequence = this.#send([request], change);
    let interrupted = false;
    for (;;) {
      for (const message of this.#receive(change)) {
        if (message.sequence !== sequence) continue;
        interrupted ||= (message.flags & NLM_F_DUMP_INTR) !== 0;
        if (message.type !== NLMSG_DONE && message.type !== NLMSG_ERROR) take(message);
        else {
          throwUnlessDone(decodeVerdict(message), change);
          return !interrupted;
        }
      }
    }
  }

  #send(requests: readonly Encode[], change: string): number {
    this.#writer.clear();
    for (const encode of requests) encode(this.#writer, this.#nextSequence());
    const bytes = this.#writer.finish();
    for (;;) {
      if (libc.sendto(this.#fd, bytes, bytes.length, 0, null, 0) >= 0) return this.#sequence;
      const errno = lastErrno();
      if (errno !== "EINTR") throw new KernelError(errno, change);
    }
  }

  #receive(change: string): NetlinkMessage[] {
    for (;;) {
      const length = libc.recv(this.#fd, this.#answer, ANSWER_SIZE, MSG_TRUNC);
      if (length > ANSWER_SIZE) throw new KernelError("EMSGSIZE", change);
      if (length >= 0) return decodeNetlink(this.#answer.subarray(0, length));
      const errno = lastErrno();
      if (errno !== "EINTR") throw new KernelError(errno, change);
    }
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0 || 1;
    return this.#sequence;
  }
}

/** What an event socket tells. `lost`: the kernel announced more than fitted, and everything has to be looked at again. */
export type NetlinkNews = { readonly kind: "messages"; readonly messages: readonly NetlinkMessage[] } | { readonly kind: "lost" };

export interface Subscription extends Watched {
  /** Hears now what has been announced so far. */
  catchUp(): void;
}

/** Hears the announcements of some multicast groups from here on. @throws KernelError */
export function subscribe(protocol: number, groups: readonly number[], hear: (news: NetlinkNews) => void): Subscription {
  const fd = openNetlink(protocol);
  try {
    setReceiveBuffer(fd, EVENT_BUFFER);
    for (const group of groups) setOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group, "listen to the kernel's announcements");
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  const buffer = new Uint8Array(ANSWER_SIZE);
  const catchUp = (): void => {
    const messages: NetlinkMessage[] = [];
    const lost = readEvents(fd, buffer, messages);
    if (lost) hear({ kind: "lost" });
    else if (messages.length > 0) hear({ kind: "messages", messages });
  };
  const watched = watchReadable(fd, catchUp);
  return { close: () => watched.close(), catchUp };
}

/** Reads what there is; true when the kernel had to drop something. */
function readEvents(fd: number, buffer: Uint8Array, messages: NetlinkMessage[]): boolean {
  let lost = false;
  for (let count = 0; count < EVENTS_PER_TURN; count++) {
    const length = libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT);
    if (length >= 0) messages.push(...decodeNetlink(buffer.slice(0, length)));
    else {
      const errno = lastErrno();
      if (errno === "ENOBUFS") lost = true;
      else if (errno !== "EINTR") break;
    }
  }
  return lost;
}

function openNetlink(protocol: number): number {
  const fd = check(libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol), "open a netlink socket");
  const address = new Uint8Array(12);
  new Uint16Array(address.buffer)[0] = AF_NETLINK;
  if (libc.bind(fd, address, address.length) >= 0) return fd;
  const errno = lastErrno();
  libc.close(fd);
  throw new KernelError(errno, "open a netlink socket");
}

/** The larger buffer needs CAP_NET_ADMIN; without it the kernel's own limit holds. */
function setReceiveBuffer(fd: number, size: number): void {
  const value = new Uint8Array(Int32Array.of(size).buffer);
  if (libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, value, 4) < 0) libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, value, 4);
}

function portOf(fd: number): number {
  const address = new Uint8Array(12);
  check(libc.getsockname(fd, address, new Uint8Array(Uint32Array.of(12).buffer)), "open a netlink socket");
  return new Uint32Array(address.buffer)[1]!;
}

function throwUnlessDone({ errno, text }: NetlinkVerdict, change: string): void {
  if (errno !== 0) throw new KernelError(errnoName(errno), change, text);
}
