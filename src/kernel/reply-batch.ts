/**
 * Questions answered where they lie: a batch of datagrams is received with one system call, each answer is written over its question, and the batch is
 * sent back with another one. The kernel finds the sender's address, and the own one that it wrote to, where it has put them itself.
 * The layout is that of message-batch.ts.
 */
import { addressOf, libc } from "./libc.ts";

const HEADER = 64;
const IOVEC = 16;
const NAME = 32;
const CONTROL = 64;
const [MSG_NAMELEN, MSG_IOV, MSG_IOVLEN, MSG_CONTROL, MSG_CONTROLLEN, MSG_FLAGS, MSG_LEN] = [8, 16, 24, 32, 40, 48, 56];
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;

/** Writes the answer to the question in `bytes` from `start` to `end` over it. Returns its length; 0: not now. */
export type Answer = (bytes: Uint8Array, start: number, end: number, slot: number) => number;

/** Where an answer that comes later goes. */
export interface Return {
  readonly name: Uint8Array;
  readonly control: Uint8Array;
}

export class ReplyBatch {
  /** Headers, I/O vectors, names, control data, payloads; the last slot is for late answers. */
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #slots: number;
  readonly #size: number;
  readonly #iovecs: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #payloads: number;
  /** The headers from each slot on. */
  readonly #from: readonly Uint8Array[];
  #used: number;

  /** Room for `slots` datagrams; neither question nor answer may be longer than `size`. */
  constructor(slots: number, size: number) {
    const all = slots + 1;
    this.#slots = slots;
    this.#size = size;
    this.#iovecs = all * HEADER;
    this.#names = this.#iovecs + all * IOVEC;
    this.#controls = this.#names + all * NAME;
    this.#payloads = this.#controls + all * CONTROL;
    this.#bytes = new Uint8Array(this.#payloads + all * size);
    this.#view = new DataView(this.#bytes.buffer);
    this.#from = Array.from({ length: all }, (_, slot) => this.#bytes.subarray(slot * HEADER));
    for (let slot = 0; slot < all; slot++) this.#layOut(slot);
    this.#used = slots;
  }

  /** Receives one batch and sends what `answer` has to say to it. @returns how many there were */
  serve(fd: number, answer: Answer): number {
    this.#makeReady();
    const count = libc.recvmmsg(fd, this.#bytes, this.#slots, MSG_DONTWAIT, null);
    this.#used = count > 0 ? count : 0;
    if (count < 0) return 0;
    const view = this.#view;
    let first = 0;
    for (let slot = 0; slot < count; slot++) {
      const start = this.#payloads + slot * this.#size;
      const truncated = (view.getUint32(slot * HEADER + MSG_FLAGS, true) & MSG_TRUNC) !== 0;
      const length = truncated ? 0 : answer(this.#bytes, start, start + view.getUint32(slot * HEADER + MSG_LEN, true), slot);
      view.setUint32(this.#iovecs + slot * IOVEC + 8, length, true);
      if (length > 0) continue;
      this.#send(fd, first, slot - first);
      first = slot + 1;
    }
    this.#send(fd, first, count - first);
    return count;
  }

  /** Where the sender's socket address in a slot of the batch being answered begins, in the same memory as the questions. */
  nameAt(slot: number): number {
    return this.#names + slot * NAME;
  }

  /** Whereto the question in a slot is answered later. */
  returnOf(slot: number): Return {
    const control = this.#controls + slot * CONTROL;
    const length = this.#view.getUint32(slot * HEADER + MSG_CONTROLLEN, true);
    const name = this.nameAt(slot);
    const end = name + this.#view.getUint32(slot * HEADER + MSG_NAMELEN, true);
    return { name: this.#bytes.slice(name, end), control: this.#bytes.slice(control, control + length) };
  }

  /** Sends a late answer. One that the kernel refuses is lost like a packet on the way. */
  sendLate(fd: number, { name, control }: Return, message: Uint8Array): void {
    const slot = this.#slots;
    this.#bytes.set(name, this.#names + slot * NAME);
    this.#bytes.set(control, this.#controls + slot * CONTROL);
    this.#bytes.set(message.subarray(0, this.#size), this.#payloads + slot * this.#size);
    this.#view.setUint32(slot * HEADER + MSG_NAMELEN, name.length, true);
    this.#view.setUint32(slot * HEADER + MSG_CONTROLLEN, control.length, true);
    this.#view.setUint32(this.#iovecs + slot * IOVEC + 8, Math.min(message.length, this.#size), true);
    this.#send(fd, slot, 1);
  }

  /** Undoes what the kernel and the answers have written into the headers. */
  #makeReady(): void {
    const view = this.#view;
    for (let slot = 0; slot < this.#used; slot++) {
      view.setUint32(slot * HEADER + MSG_NAMELEN, NAME, true);
      view.setUint32(slot * HEADER + MSG_CONTROLLEN, CONTROL, true);
      view.setUint32(this.#iovecs + slot * IOVEC + 8, this.#size, true);
    }
  }

  #send(fd: number, first: number, count: number): void {
    for (let at = first; at < first + count; ) {
      const sent = libc.sendmmsg(fd, this.#from[at]!, first + count - at, MSG_DONTWAIT);
      at += sent > 0 ? sent : 1;
    }
  }

  #layOut(slot: number): void {
    const base = addressOf(this.#bytes);
    const pointer = (at: number, to: number): void => this.#view.setBigUint64(at, base + BigInt(to), true);
    const [header, iovec] = [slot * HEADER, this.#iovecs + slot * IOVEC];
    pointer(header, this.#names + slot * NAME);
    pointer(header + MSG_IOV, iovec);
    this.#view.setBigUint64(header + MSG_IOVLEN, 1n, true);
    pointer(header + MSG_CONTROL, this.#controls + slot * CONTROL);
    pointer(iovec, this.#payloads + slot * this.#size);
    this.#view.setBigUint64(iovec + 8, BigInt(this.#size), true);
  }
}
