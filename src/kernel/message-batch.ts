/**
 * Many datagrams with one system call (recvmmsg, sendmmsg). One block of memory holds headers, addresses, control data and payloads; it is laid out once, and
 * only numbers change afterwards. Layouts are those of 64-bit Linux, little-endian as all of its machines that Node runs on but s390x.
 */
import { addressOf, lastErrno, libc } from "./libc.ts";

/** struct mmsghdr: a msghdr of 56 octets, the length received, and padding. */
const HEADER = 64;
const IOVEC = 16;
const NAME = 32;
const CONTROL = 256;

const [MSG_NAMELEN, MSG_IOV, MSG_IOVLEN, MSG_CONTROL, MSG_CONTROLLEN, MSG_FLAGS, MSG_LEN] = [8, 16, 24, 32, 40, 48, 56];
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const CMSG_HEADER = 16;

/** A received datagram. All three are views that the next `receive` overwrites. */
export interface Message {
  /** The sender's socket address. */
  readonly name: DataView;
  readonly payload: Uint8Array;
  /** The content of a control message. */
  control(level: number, type: number): DataView | undefined;
}

export class ReceiveBatch {
  readonly #slots: number;
  readonly #size: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Headers that the kernel has written its own lengths into. */
  #used: number;

  /** Room for `slots` datagrams of `size` octets; longer ones are left out. */
  constructor(slots: number, size: number) {
    this.#slots = slots;
    this.#size = size;
    this.#bytes = new Uint8Array(slots * (HEADER + IOVEC + NAME + CONTROL + size));
    this.#view = layOut(this.#bytes, slots, size);
    this.#used = slots;
  }

  /** What there is, at most one batch; `full` tells that there may be more. An error of the socket (a link that went down) counts as nothing. */
  receive(fd: number): { readonly messages: readonly Message[]; readonly full: boolean } {
    for (let slot = 0; slot < this.#used; slot++) {
      this.#view.setUint32(slot * HEADER + MSG_NAMELEN, NAME, true);
      this.#view.setUint32(slot * HEADER + MSG_CONTROLLEN, CONTROL, true);
    }
    const count = libc.recvmmsg(fd, this.#bytes, this.#slots, MSG_DONTWAIT, null);
    this.#used = Math.max(0, count);
    if (count < 0) return { messages: [], full: lastErrno() === "EINTR" };
    const messages: Message[] = [];
    for (let slot = 0; slot < count; slot++) {
      const truncated = (this.#view.getUint32(slot * HEADER + MSG_FLAGS, true) & MSG_TRUNC) !== 0;
      if (!truncated) messages.push(this.#message(slot));
    }
    return { messages, full: count === this.#slots };
  }

  #message(slot: number): Message {
    const { names, controls, payloads } = places(this.#slots);
    const payload = payloads + slot * this.#size;
    const control = controls + slot * CONTROL;
    // Sizes are 64 bits wide, but none of ours needs the upper half.
    const length = this.#view.getUint32(slot * HEADER + MSG_CONTROLLEN, true);
    return {
      name: new DataView(this.#bytes.buffer, names + slot * NAME, NAME),
      payload: this.#bytes.subarray(payload, payload + this.#view.getUint32(slot * HEADER + MSG_LEN, true)),
      control: (level, type) => this.#control(control, control + length, level, type),
    };
  }

  #control(start: number, end: number, level: number, type: number): DataView | undefined {
    for (let at = start; at + CMSG_HEADER <= end; ) {
      const length = this.#view.getUint32(at, true);
      if (length < CMSG_HEADER) return undefined;
      if (this.#view.getInt32(at + 8, true) === level && this.#view.getInt32(at + 12, true) === type) {
        return new DataView(this.#bytes.buffer, at + CMSG_HEADER, length - CMSG_HEADER);
      }
      at += (length + 7) & ~7;
    }
    return undefined;
  }
}

/** A datagram to send: to whom, as a socket address, and what. */
export interface Outgoing {
  readonly name: Uint8Array;
  readonly payload: Uint8Array;
}

export class SendBatch {
  readonly #slots: number;
  readonly #size: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /** Sends up to `slots` datagrams of at most `size` octets with one call. */
  constructor(slots: number, size: number) {
    this.#slots = slots;
    this.#size = size;
    this.#bytes = new Uint8Array(slots * (HEADER + IOVEC + NAME + CONTROL + size));
    this.#view = layOut(this.#bytes, slots, size);
    for (let slot = 0; slot < slots; slot++) {
      this.#view.setBigUint64(slot * HEADER + MSG_CONTROL, 0n, true);
      this.#view.setBigUint64(slot * HEADER + MSG_CONTROLLEN, 0n, true);
    }
  }

  /** Sends all, in their order. One that the kernel refuses is skipped, like a packet lost on the way. @returns how many were refused */
  send(fd: number, messages: readonly Outgoing[]): number {
    let refused = 0;
    for (let at = 0; at < messages.length; ) {
      const count = Math.min(this.#slots, messages.length - at);
      for (let slot = 0; slot < count; slot++) this.#fill(slot, messages[at + slot]!);
      const sent = libc.sendmmsg(fd, this.#bytes, count, MSG_DONTWAIT);
      if (sent <= 0) refused++;
      at += Math.max(1, sent);
    }
    return refused;
  }

  #fill(slot: number, { name, payload }: Outgoing): void {
    if (payload.length > this.#size) throw new RangeError(`a datagram of ${payload.length} octets does not fit ${this.#size}`);
    const { iovecs, names, payloads } = places(this.#slots);
    this.#bytes.set(name, names + slot * NAME);
    this.#bytes.set(payload, payloads + slot * this.#size);
    this.#view.setUint32(slot * HEADER + MSG_NAMELEN, name.length, true);
    this.#view.setUint32(iovecs + slot * IOVEC + 8, payload.length, true);
  }
}

/** Where each region starts. */
function places(slots: number): { readonly iovecs: number; readonly names: number; readonly controls: number; readonly payloads: number } {
  const iovecs = slots * HEADER;
  const names = iovecs + slots * IOVEC;
  const controls = names + slots * NAME;
  return { iovecs, names, controls, payloads: controls + slots * CONTROL };
}

/** Writes the pointers of all headers. */
function layOut(bytes: Uint8Array, slots: number, size: number): DataView {
  const view = new DataView(bytes.buffer);
  const base = addressOf(bytes);
  const { iovecs, names, controls, payloads } = places(slots);
  const pointer = (at: number, to: number) => view.setBigUint64(at, base + BigInt(to), true);
  for (let slot = 0; slot < slots; slot++) {
    const [header, iovec] = [slot * HEADER, iovecs + slot * IOVEC];
    pointer(header, names + slot * NAME);
    pointer(header + MSG_IOV, iovec);
    view.setBigUint64(header + MSG_IOVLEN, 1n, true);
    pointer(header + MSG_CONTROL, controls + slot * CONTROL);
    pointer(iovec, payloads + slot * size);
    view.setBigUint64(iovec + 8, BigInt(size), true);
  }
  return view;
}
