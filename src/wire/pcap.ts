/** Capture files: classic pcap (draft-ietf-opsawg-pcap sections 4 and 5), both byte orders and resolutions; pcapng is told apart and handed on. */
import { WireError } from "./bytes.ts";
import { type CapturedFrame, ETHERNET, Fields } from "./captured-frame.ts";
import { decodePcapng, isPcapng } from "./pcapng.ts";

const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;

export type { CapturedFrame } from "./captured-frame.ts";

/**
 * The frames of a pcap or pcapng file of Ethernet interfaces, in file order. A record that the end of the file cuts ends the list: the
 * capture may still be growing.
 * @throws WireError when it is another kind of file, another link type, or broken
 */
export function decodeCapture(bytes: Uint8Array): CapturedFrame[] {
  return isPcapng(bytes) ? decodePcapng(bytes) : decodeClassic(bytes);
}

function decodeClassic(bytes: Uint8Array): CapturedFrame[] {
  if (bytes.length < FILE_HEADER) throw new WireError(`a capture has at least 24 octets, this one ${bytes.length}`, 0);
  const { fields, nanosecondsPerUnit } = classicFormat(bytes);
  const linkType = fields.uint32(20) & 0x0fff_ffff;
  if (linkType !== ETHERNET) throw new WireError(`link type ${linkType} is not Ethernet`, 20);
  const frames: CapturedFrame[] = [];
  for (let at = FILE_HEADER; at + RECORD_HEADER <= bytes.length; ) {
    const captured = fields.uint32(at + 8);
    if (at + RECORD_HEADER + captured > bytes.length) break;
    const time = BigInt(fields.uint32(at)) * 1_000_000_000n + BigInt(fields.uint32(at + 4)) * nanosecondsPerUnit;
    frames.push({ interface: "", time, bytes: fields.bytes(at + RECORD_HEADER, captured), length: fields.uint32(at + 12) });
    at += RECORD_HEADER + captured;
  }
  return frames;
}

function classicFormat(bytes: Uint8Array): { fields: Fields; nanosecondsPerUnit: bigint } {
  for (const littleEndian of [true, false]) {
    const fields = new Fields(bytes, littleEndian);
    const magic = fields.uint32(0);
    if (magic === MICROSECONDS) return { fields, nanosecondsPerUnit: 1000n };
    if (magic === NANOSECONDS) return { fields, nanosecondsPerUnit: 1n };
  }
  throw new WireError("this is no capture file", 0);
}
