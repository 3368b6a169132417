/**
 * Netlink framing (RFC 3549 section 2.2, linux/netlink.h): messages with a header of 16 octets and attributes padded to 4. Numbers are in the
 * byte order of the machine, which is why the network-order Reader and Writer do not serve here.
 */
import { WireError } from "./bytes.ts";

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const HEADER = 16;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
/** The dump was interrupted by a change and has to be repeated. */
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** In an answer: the failed request is not quoted; attributes follow. */
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const NLMSGERR_ATTR_MSG = 1;

/** One message; `payload` is a view into the received octets, not a copy. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Port of the socket that asked for it; 0 when the kernel speaks by itself. */
  readonly port: number;
  readonly payload: Uint8Array;
}

/** The kernel's verdict on one request. */
export interface NetlinkVerdict {
  /** 0, or the positive number of the error. */
  readonly errno: number;
  /** The kernel's own explanation, when it gives one. */
  readonly text?: string;
}

/** The messages of one received datagram. @throws WireError when a length leads outside. */
export function decodeNetlink(bytes: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = hostUint32(bytes, at);
    if (length < HEADER || at + length > bytes.length) throw new WireError(`netlink message of ${length} octets`, at);
    messages.push({
      type: hostUint16(bytes, at + 4),
      flags: hostUint16(bytes, at + 6),
      sequence: hostUint32(bytes, at + 8),
      port: hostUint32(bytes, at + 12),
      payload: bytes.subarray(at + HEADER, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** The attributes from `start` to the end, by type without its flag bits; of equal types the last. @throws WireError */
export function decodeAttributes(bytes: Uint8Array, start = 0): Map<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  for (let at = start; at + 4 <= bytes.length; ) {
    const length = hostUint16(bytes, at);
    if (length < 4 || at + length > bytes.length) throw new WireError(`netlink attribute of ${length} octets`, at);
    attributes.set(hostUint16(bytes, at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return attributes;
}

/** Reads an NLMSG_ERROR (an acknowledgement is one with errno 0) or the end of a dump. @throws WireError */
export function decodeVerdict(message: NetlinkMessage): NetlinkVerdict {
  const { payload, flags } = message;
  const errno = payload.length < 4 ? 0 : -hostInt32(payload, 0);
  if ((flags & NLM_F_ACK_TLVS) === 0) return { errno };
  const quoted = message.type === NLMSG_DONE ? 0 : (flags & NLM_F_CAPPED) !== 0 ? HEADER : align(hostUint32(payload, 4));
  const text = decodeAttributes(payload, 4 + quoted).get(NLMSGERR_ATTR_MSG);
  return text ? { errno, text: hostText(text) } : { errno };
}

/** The 16-bit number at `at`, in the machine's byte order. @throws WireError */
export function hostUint16(bytes: Uint8Array, at: number): number {
  need(bytes, at, 2);
  return LITTLE_ENDIAN ? bytes[at]! | (bytes[at + 1]! << 8) : (bytes[at]! << 8) | bytes[at + 1]!;
}

/** The unsigned 32-bit number at `at`, in the machine's byte order. @throws WireError */
export function hostUint32(bytes: Uint8Array, at: number): number {
  return hostInt32(bytes, at) >>> 0;
}

/** The signed 32-bit number at `at`, in the machine's byte order. @throws WireError */
export function hostInt32(bytes: Uint8Array, at: number): number {
  need(bytes, at, 4);
  const [a, b, c, d] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
  return LITTLE_ENDIAN ? a | (b << 8) | (c << 16) | (d << 24) : (a << 24) | (b << 16) | (c << 8) | d;
}

/** Zero-terminated text. */
export function hostText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Writes one or more messages into one buffer that is laid out once and used again. */
export class NetlinkWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  #start = 0;

  constructor(capacity = 32_768) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Octets written so far. */
  get length(): number {
    return this.#length;
  }

  /** Forgets what was written. */
  clear(): this {
    this.#length = 0;
    return this;
  }

  /** Starts a message; `end` closes it. */
  begin(type: number, flags: number, sequence: number): this {
    this.#start = this.#length;
    return this.uint32(0).uint16(type).uint16(flags).uint32(sequence).uint32(0);
  }

  /** Closes the message that was begun. */
  end(): this {
    this.#view.setUint32(this.#start, this.#length - this.#start, LITTLE_ENDIAN);
    return this;
  }

  uint8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  uint16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, LITTLE_ENDIAN);
    return this;
  }

  uint32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, LITTLE_ENDIAN);
    return this;
  }

  /** An attribute of any octets, padded. */
  attribute(type: number, value: Uint8Array): this {
    this.uint16(4 + value.length).uint16(type);
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    while (this.#length % 4 !== 0) this.uint8(0);
    return this;
  }

  attributeUint8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  attributeUint32(type: number, value: number): this {
    return this.uint16(8).uint16(type).uint32(value);
  }

  attributeText(type: number, value: string): this {
    return this.attribute(type, new TextEncoder().encode(`${value}\0`));
  }

  /** An attribute that holds the attributes written by `fill`. */
  nest(type: number, fill: () => void): this {
    const start = this.#length;
    this.uint16(0).uint16(type);
    fill();
    this.#view.setUint16(start, this.#length - start, LITTLE_ENDIAN);
    return this;
  }

  /** What was written: a view that the next message overwrites. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      bigger.set(this.#bytes.subarray(0, at));
      this.#bytes = bigger;
      this.#view = new DataView(bigger.buffer);
    }
    return at;
  }
}

function align(length: number): number {
  return (length + 3) & ~3;
}

function need(bytes: Uint8Array, at: number, count: number): void {
  if (at < 0 || at + count > bytes.length) throw new WireError(`${count} octets expected, ${Math.max(0, bytes.length - at)} are left`, at);
}
