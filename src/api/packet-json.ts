/** A packet as one line of JSON: what `skylan trace --json` prints. */
import type { Frame } from "../wire/frame.ts";
import type { CapturedFrame } from "../wire/pcap.ts";
import type { PacketWords } from "./packet-words.ts";

/** Octets become hexadecimal text, big numbers decimal text. */
export function packetJson(words: PacketWords, captured: CapturedFrame, frame: Frame): string {
  const { name, faults } = words;
  const { interface: link, direction, time } = captured;
  return JSON.stringify({ time: isoTime(time), interface: link, direction, name, ...stack(frame), faults }, plain);
}

function stack(frame: Frame): object {
  if (frame.kind === "arp") return { message: frame.packet };
  if (frame.kind === "ipv4") {
    const { source, destination, ttl } = frame.packet;
    return { source, destination, ttl, message: frame.content.kind === "dhcpv4" ? frame.content.message : undefined };
  }
  if (frame.kind !== "ipv6") return {};
  const { source, destination, hopLimit } = frame.packet;
  const { content } = frame;
  const message = content.kind === "ndp" || content.kind === "dhcpv6" ? content.message : undefined;
  return { source, destination, hopLimit, message };
}

/** ISO 8601 with nanoseconds. */
function isoTime(nanoseconds: bigint): string {
  const toSeconds = new Date(Number(nanoseconds / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${toSeconds}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}Z`;
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}
