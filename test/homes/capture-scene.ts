/** Captures of a scenario's links, decoded, in the form in which the invariants look at them. */
import { readFileSync } from "node:fs";
import type { Mac } from "../../src/addr/mac.ts";
import type { Dhcpv6Message } from "../../src/wire/dhcpv6.ts";
import { decodeEthernet, ETHERTYPE_IPV4 } from "../../src/wire/ethernet.ts";
import { decodeFrame, type Frame } from "../../src/wire/frame.ts";
import type { NdpMessage } from "../../src/wire/ndp.ts";
import { decodeCapture } from "../../src/wire/pcap.ts";

/** One capture file. */
export interface LinkCapture {
  /** For the messages: "wan", "home". */
  readonly name: string;
  readonly role: "wan" | "lan";
  /** pcap or pcapng, of this link alone. */
  readonly file: string;
  /** All link-layer addresses that the router has had on this link: what comes from them, we sent. */
  readonly ours: readonly Mac[];
}

export interface Scene {
  readonly wans: readonly Link[];
  readonly lans: readonly Link[];
}

export interface Link {
  readonly name: string;
  readonly ours: readonly Mac[];
  readonly seen: readonly Seen[];
}

/** One captured frame. */
export interface Seen {
  /** As tshark counts: from 1. */
  readonly number: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly frame: Frame;
  /** The router sent it: by itself or on behalf of a host. */
  readonly fromUs: boolean;
}

export interface Violation {
  /** Stable name of the invariant. */
  readonly rule: string;
  readonly link: string;
  readonly frame: number;
  readonly text: string;
}

/** Looks at all links of a scene; the violations are in the order in which they were found. */
export type Rule = (scene: Scene) => readonly Violation[];

export type Ipv6Frame = Extract<Frame, { kind: "ipv6" }>;

/** A frame together with what is known to be in it. */
export interface SeenNdp<Message extends NdpMessage = NdpMessage> extends Seen {
  readonly frame: Ipv6Frame;
  readonly message: Message;
}

export interface SeenDhcpv6 extends Seen {
  readonly frame: Ipv6Frame;
  readonly message: Dhcpv6Message;
}

/** Reads the files. @throws WireError for a file that is no capture of an Ethernet link */
export function readScene(captures: readonly LinkCapture[]): Scene {
  const links = (role: LinkCapture["role"]) => captures.filter((capture) => capture.role === role).map(readLink);
  return { wans: links("wan"), lans: links("lan") };
}

/** A violation by that frame. */
export function violation(rule: string, link: Link, seen: Seen, text: string): Violation {
  return { rule, link: link.name, frame: seen.number, text };
}

/** The router advertisements that we sent on a link. */
export function ourAdvertisements(link: Link): SeenNdp<Extract<NdpMessage, { kind: "router-advertisement" }>>[] {
  return link.seen.flatMap((seen) => {
    const { frame, fromUs } = seen;
    if (!fromUs || frame.kind !== "ipv6" || frame.content.kind !== "ndp") return [];
    const { message } = frame.content;
    return message.kind === "router-advertisement" ? [{ ...seen, frame, message }] : [];
  });
}

/** All DHCPv6 messages on a link. */
export function dhcpv6Messages(link: Link): SeenDhcpv6[] {
  return link.seen.flatMap((seen) => {
    const { frame } = seen;
    return frame.kind === "ipv6" && frame.content.kind === "dhcpv6" ? [{ ...seen, frame, message: frame.content.message }] : [];
  });
}

/** The rules look at IPv4's octets themselves: also at those of fragments and of what is damaged. */
function undecoded(bytes: Uint8Array): Frame | undefined {
  const etherType = ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0);
  return etherType === ETHERTYPE_IPV4 ? { kind: "foreign", ethernet: decodeEthernet(bytes) } : undefined;
}

function readLink({ name, file, ours }: LinkCapture): Link {
  const macs = new Set<Mac>(ours);
  const seen = decodeCapture(readFileSync(file)).map(({ time, bytes }, i) => {
    const frame = undecoded(bytes) ?? decodeFrame(bytes);
    const fromUs = frame.kind !== "malformed" && macs.has(frame.ethernet.source);
    return { number: i + 1, time: Number(time) / 1e9, frame, fromUs };
  });
  return { name, ours, seen };
}
