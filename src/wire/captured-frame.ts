/** What the two capture formats (pcap.ts, pcapng.ts) have in common: the frame they hold, and fields in either byte order. */
import { WireError } from "./bytes.ts";

/** One frame as a capture holds it. */
export interface CapturedFrame {
  /** Name of the interface; "" where the format knows none. */
  readonly interface: string;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** As seen from the machine that captured; absent where it is not recorded. */
  readonly direction?: "in" | "out";
  /** From the Ethernet header on; shorter than `length` when the capture cut it. */
  readonly bytes: Uint8Array;
  /** Octets of the frame on the wire. */
  readonly length: number;
}

/** LINKTYPE_ETHERNET. */
export const ETHERNET = 1;

/** Fixed-place fields of a part of a file that has chosen its byte order. Every access checks the end and throws a WireError. */
export class Fields {
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #base: number;

  /** `base` is the offset of the first octet within the file, for error messages. */
  constructor(bytes: Uint8Array, littleEndian: boolean, base = 0) {
    this.length = bytes.length;
    // Without a Buffer's own slice, which shares memory instead of copying it.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = littleEndian;
    this.#base = base;
  }

  uint16(at: number): number {
    return this.#view.getUint16(this.#checked(at, 2), this.#littleEndian);
  }

  uint32(at: number): number {
    return this.#view.getUint32(this.#checked(at, 4), this.#littleEndian);
  }

  /** A copy. */
  bytes(at: number, count: number): Uint8Array {
    return this.#bytes.slice(this.#checked(at, count), at + count);
  }

  /** A part of these fields, counted from 0. */
  part(at: number, count: number): Fields {
    this.#checked(at, count);
    return new Fields(this.#bytes.subarray(at, at + count), this.#littleEndian, this.#base + at);
  }

  #checked(at: number, count: number): number {
    if (at + count > this.length)
      throw new WireError(`${count} octets expected, ${Math.max(0, this.length - at)} are left`, this.#base + at);
    return at;
  }
}
