/** Reading and writing network-order octets with errors that name the offset. Every codec of this folder stands on these two classes. */
import { type Ip4, type Ip6, ip4FromBytes, ip4ToNumber, ip6FromBytes, ip6ToBytes } from "../addr/ip.ts";

/** A message that is not what its format says; `offset` counts octets from the start of the message. */
export class WireError extends Error {
  readonly offset: number;

  constructor(problem: string, offset: number) {
    super(`${problem} (at octet ${offset})`);
    this.name = "WireError";
    this.offset = offset;
  }
}

/** A cursor over received octets. Every read checks the end first and throws a WireError instead of reading past it. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #base: number;
  #at = 0;

  /** `base` is the offset of the first octet within the whole message, for error messages of nested readers. */
  constructor(bytes: Uint8Array, base = 0) {
    this.#bytes = bytes;
    this.#base = base;
  }

  /** The current offset within the whole message. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /** Octets left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  uint16(): number {
    const at = this.#take(2);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  uint32(): number {
    return this.uint16() * 0x10000 + this.uint16();
  }

  uint64(): bigint {
    return (BigInt(this.uint32()) << 32n) | BigInt(this.uint32());
  }

  ip4(): Ip4 {
    return ip4FromBytes(this.#bytes, this.#take(4));
  }

  ip6(): Ip6 {
    return ip6FromBytes(this.#bytes, this.#take(16));
  }

  /** A copy of the next `count` octets. */
  bytes(count: number): Uint8Array {
    const start = this.#take(count);
    return this.#bytes.slice(start, start + count);
  }

  /** All that is left, copied. */
  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** A reader over the next `count` octets, which this one skips. */
  nested(count: number): Reader {
    const base = this.offset;
    const start = this.#take(count);
    return new Reader(this.#bytes.subarray(start, start + count), base);
  }

  #take(count: number): number {
    const start = this.#at;
    if (count < 0 || start + count > this.#bytes.length) {
      throw new WireError(`${count} octets expected, ${this.left} are left`, this.offset);
    }
    this.#at = start + count;
    return start;
  }
}

/** A growing buffer of octets in network order. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  /** Room for so many octets at first, or memory to begin in, whatever is in it. */
  constructor(room: number | Uint8Array = 256) {
    this.#bytes = typeof room === "number" ? new Uint8Array(room) : room;
  }

  get length(): number {
    return this.#length;
  }

  uint8(value: number): this {
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  uint16(value: number): this {
    return this.setUint16(this.#grow(2), value);
  }

  uint32(value: number): this {
    return this.uint16(value >>> 16).uint16(value);
  }

  uint64(value: bigint): this {
    return this.uint32(Number((value >> 32n) & 0xffffffffn)).uint32(Number(value & 0xffffffffn));
  }

  ip4(address: Ip4): this {
    return this.uint32(ip4ToNumber(address));
  }

  ip6(address: Ip6): this {
    return this.bytes(ip6ToBytes(address));
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  zeros(count: number): this {
    const at = this.#grow(count);
    this.#bytes.fill(0, at, at + count);
    return this;
  }

  /** What was written, in the very memory of the writer. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Overwrites the 16-bit field at `at`, for lengths known only afterwards. */
  setUint16(at: number, value: number): this {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      bigger.set(this.#bytes);
      this.#bytes = bigger;
    }
    return at;
  }
}
