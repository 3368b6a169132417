/** Captures in pcapng (draft-ietf-opsawg-pcapng sections 4.1 to 4.3): several interfaces with names, directions and nanoseconds. */
import { WireError, Writer } from "./bytes.ts";
import { type CapturedFrame, ETHERNET, Fields } from "./captured-frame.ts";

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

const OPTION_END = 0;
const OPTION_NAME = 2;
const OPTION_FLAGS = 2;
const OPTION_RESOLUTION = 9;
/** Negative powers of ten; 6 where an interface says nothing. */
const MICROSECONDS = 6;
const NANOSECONDS = 9;
const INBOUND = 1;
const OUTBOUND = 2;
/** The type and the two lengths that enclose every block. */
const BLOCK_OVERHEAD = 12;

/** The octets with which a capture of these Ethernet interfaces begins; packet blocks follow. */
export function encodeCaptureHeader(interfaces: readonly string[]): Uint8Array {
  const writer = new Writer();
  const sectionLengthUnknown = 0xffff_ffff_ffff_ffffn;
  block(writer, SECTION_HEADER, (body) => body.uint32(BYTE_ORDER_MAGIC).uint16(1).uint16(0).uint64(sectionLengthUnknown));
  for (const name of interfaces) {
    block(writer, INTERFACE_DESCRIPTION, (body) => {
      body.uint16(ETHERNET).uint16(0).uint32(0);
      option(body, OPTION_NAME, new TextEncoder().encode(name));
      option(body, OPTION_RESOLUTION, Uint8Array.of(NANOSECONDS));
      option(body, OPTION_END, new Uint8Array());
    });
  }
  return writer.finish();
}

/** The octets of one packet block; `index` is the frame's interface in the list that the header was made from. */
export function encodeCapturedFrame(frame: CapturedFrame, index: number): Uint8Array {
  const writer = new Writer(frame.bytes.length + 64);
  block(writer, ENHANCED_PACKET, (body) => {
    body.uint32(index).uint64(frame.time).uint32(frame.bytes.length).uint32(frame.length);
    padded(body, frame.bytes);
    if (!frame.direction) return;
    option(body, OPTION_FLAGS, Uint8Array.of(0, 0, 0, frame.direction === "in" ? INBOUND : OUTBOUND));
    option(body, OPTION_END, new Uint8Array());
  });
  return writer.finish();
}

/** Whether a file begins like a pcapng capture. */
export function isPcapng(bytes: Uint8Array): boolean {
  return bytes.length >= BLOCK_OVERHEAD && new Fields(bytes, false).uint32(0) === SECTION_HEADER;
}

/**
 * The frames of a capture of Ethernet interfaces, in file order. A block that is cut by the end of the file ends the list: the capture may
 * still be growing. Blocks of other kinds are skipped.
 * @throws WireError
 */
export function decodePcapng(bytes: Uint8Array): CapturedFrame[] {
  const frames: CapturedFrame[] = [];
  let section: Section = { littleEndian: false, interfaces: [] };
  for (let at = 0; at + BLOCK_OVERHEAD <= bytes.length; ) {
    if (isPcapng(bytes.subarray(at))) section = { littleEndian: isLittleEndian(bytes, at), interfaces: [] };
    const fields = new Fields(bytes, section.littleEndian);
    const length = fields.uint32(at + 4);
    if (length < BLOCK_OVERHEAD || length % 4 !== 0) throw new WireError(`a block can't have ${length} octets`, at + 4);
    if (at + length > bytes.length) break;
    const body = fields.part(at + 8, length - BLOCK_OVERHEAD);
    const type = fields.uint32(at);
    if (type === INTERFACE_DESCRIPTION) section.interfaces.push(decodeInterface(body, at));
    if (type === ENHANCED_PACKET) frames.push(decodePacket(body, at, section));
    at += length;
  }
  return frames;
}

interface Section {
  readonly littleEndian: boolean;
  readonly interfaces: CaptureInterface[];
}

interface CaptureInterface {
  readonly name: string;
  /** Timestamp units in a second. */
  readonly unitsPerSecond: bigint;
}

function isLittleEndian(bytes: Uint8Array, at: number): boolean {
  if (new Fields(bytes, false).uint32(at + 8) === BYTE_ORDER_MAGIC) return false;
  if (new Fields(bytes, true).uint32(at + 8) === BYTE_ORDER_MAGIC) return true;
  throw new WireError("the byte-order magic is neither way round", at + 8);
}

function decodeInterface(body: Fields, at: number): CaptureInterface {
  const linkType = body.uint16(0);
  if (linkType !== ETHERNET) throw new WireError(`link type ${linkType} is not Ethernet`, at);
  const options = decodeOptions(body, 8);
  const name = options.get(OPTION_NAME);
  const resolution = options.get(OPTION_RESOLUTION)?.bytes(0, 1)[0] ?? MICROSECONDS;
  const unitsPerSecond = resolution & 0x80 ? 1n << BigInt(resolution & 0x7f) : 10n ** BigInt(resolution);
  return { name: name ? new TextDecoder().decode(name.bytes(0, name.length)) : "", unitsPerSecond };
}

function decodePacket(body: Fields, at: number, section: Section): CapturedFrame {
  const from = section.interfaces[body.uint32(0)];
  if (!from) throw new WireError("a packet of an interface that was not described", at);
  const units = (BigInt(body.uint32(4)) << 32n) | BigInt(body.uint32(8));
  const captured = body.uint32(12);
  const bytes = body.bytes(20, captured);
  const frame = { interface: from.name, time: (units * 1_000_000_000n) / from.unitsPerSecond, bytes, length: body.uint32(16) };
  const direction =
    (decodeOptions(body, 20 + padTo4(captured))
      .get(OPTION_FLAGS)
      ?.uint32(0) ?? 0) & 3;
  if (direction !== INBOUND && direction !== OUTBOUND) return frame;
  return { ...frame, direction: direction === INBOUND ? "in" : "out" };
}

function decodeOptions(body: Fields, at: number): Map<number, Fields> {
  const options = new Map<number, Fields>();
  while (at + 4 <= body.length && body.uint16(at) !== OPTION_END) {
    const length = body.uint16(at + 2);
    options.set(body.uint16(at), body.part(at + 4, length));
    at += 4 + padTo4(length);
  }
  return options;
}

function block(writer: Writer, type: number, fill: (body: Writer) => void): void {
  const body = new Writer();
  fill(body);
  const length = BLOCK_OVERHEAD + body.length;
  writer.uint32(type).uint32(length).bytes(body.finish()).uint32(length);
}

function option(writer: Writer, code: number, value: Uint8Array): void {
  writer.uint16(code).uint16(value.length);
  padded(writer, value);
}

function padded(writer: Writer, value: Uint8Array): void {
  writer.bytes(value).zeros(padTo4(value.length) - value.length);
}

function padTo4(length: number): number {
  return Math.ceil(length / 4) * 4;
}
