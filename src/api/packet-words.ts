/** A packet in words: the line that `skylan trace` prints for it, its options below, and the same as an object for programs. */
import { UNSPECIFIED } from "../addr/ip.ts";
import { arpWords } from "../wire/arp-words.ts";
import { dhcpv4Name, dhcpv4OptionLines, dhcpv4Reference, dhcpv4Words } from "../wire/dhcpv4-words.ts";
import { dhcpv6Name, dhcpv6OptionLines, dhcpv6Reference, dhcpv6Words } from "../wire/dhcpv6-words.ts";
import { BROADCAST } from "../wire/ethernet.ts";
import { type Content, type Content4, checksumState, type Frame } from "../wire/frame.ts";
import type { Ipv6Packet } from "../wire/ipv6.ts";
import { ndpName, ndpOptionLines, ndpWords } from "../wire/ndp-words.ts";
import type { CapturedFrame } from "../wire/pcap.ts";
import { type Ink, printable } from "./page-layout.ts";
import type { PacketNames } from "./packet-names.ts";

const MLD_NAMES: ReadonlyMap<number, string> = new Map([
  [130, "MLD query"],
  [131, "MLD report"],
  [132, "MLD done"],
  [143, "MLDv2 report"],
]);

/** As wide as "MLDv2 report". */
const NAME_WIDTH = 12;

/** Everything that a line says about a packet, uncoloured. */
export interface PacketWords {
  /** "Solicit", "RA", "MLDv2 report". */
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** The important content; "" when the name says it all. */
  readonly content: string;
  /** What makes the packet invalid. */
  readonly faults: readonly string[];
  /** A line for each option. */
  readonly options: readonly string[];
}

/** What a frame on that link says; undefined for one that is neither IP nor ARP. */
export function packetWords(frame: Frame, link: string, names: PacketNames): PacketWords | undefined {
  if (frame.kind === "foreign") return undefined;
  if (frame.kind === "malformed") return { name: `${frame.layer}?`, from: "", to: "", content: "", faults: [frame.problem], options: [] };
  if (frame.kind === "arp") return arpPacketWords(frame);
  const said = frame.kind === "ipv6" ? contentWords(frame.content, frame.packet) : contentWords4(frame.content);
  return {
    name: said.name,
    from: names.of(link, frame.packet.source),
    to: names.of(link, frame.packet.destination),
    content: printable(said.content),
    faults: frame.kind === "ipv6" ? faults(frame.packet, frame.content) : faults4(frame.content),
    options: said.options.map(printable),
  };
}

/** The line: time, interface, direction, name, from, to, content. */
export function packetLine(words: PacketWords, frame: CapturedFrame, ink: Ink, time: string): string {
  const { name, from, to, content, faults } = words;
  const way = from === "" ? "" : `${from} → ${to}`;
  const parts = [
    ink.faint(time),
    frame.interface,
    frame.direction === undefined ? "" : frame.direction.padEnd(3),
    ink.strong(name.padEnd(NAME_WIDTH)),
    way + (content === "" ? "" : `: ${content}`),
    ...faults.map((fault) => ink.bad(`[${fault}]`)),
  ];
  return parts.filter((part) => part !== "").join("  ");
}

interface Said {
  readonly name: string;
  readonly content: string;
  readonly options: readonly string[];
}

function contentWords(content: Content, packet: Ipv6Packet): Said {
  switch (content.kind) {
    case "ndp": {
      const { message } = content;
      const probe = message.kind === "neighbor-solicitation" && packet.source === UNSPECIFIED;
      const words = probe ? `does anyone use ${message.target}?` : ndpWords(message);
      return { name: ndpName(message), content: words, options: ndpOptionLines(message) };
    }
    case "dhcpv6": {
      const { message } = content;
      const words = [dhcpv6Words(message), dhcpv6Reference(message)].filter((part) => part !== "").join("; ");
      return { name: dhcpv6Name(message), content: words, options: dhcpv6OptionLines(message) };
    }
    case "icmpv6":
      return bare(MLD_NAMES.get(content.type) ?? "ICMPv6", MLD_NAMES.has(content.type) ? "" : `type ${content.type} code ${content.code}`);
    case "udp":
      return bare("UDP", `port ${content.datagram.sourcePort} to ${content.datagram.destinationPort}`);
    case "fragment":
      return bare("Fragment", `of ${content.fragment.identification.toString(16)} at octet ${content.fragment.offset}`);
    case "other":
      return bare("IPv6", `protocol ${content.protocol}`);
    case "malformed":
      return bare(`${content.layer}?`, "");
  }
}

function contentWords4(content: Content4): Said {
  switch (content.kind) {
    case "dhcpv4": {
      const { message } = content;
      const words = [dhcpv4Words(message), dhcpv4Reference(message)].filter((part) => part !== "").join("; ");
      return { name: dhcpv4Name(message), content: words, options: dhcpv4OptionLines(message) };
    }
    case "udp":
      return bare("UDP", `port ${content.datagram.sourcePort} to ${content.datagram.destinationPort}`);
    case "other":
      return bare("IPv4", `protocol ${content.protocol}`);
    case "malformed":
      return bare(`${content.layer}?`, "");
  }
}

/** Between link-layer addresses: that is what it is about. */
function arpPacketWords({ ethernet, packet }: Extract<Frame, { readonly kind: "arp" }>): PacketWords {
  const to = ethernet.destination === BROADCAST ? "all" : ethernet.destination;
  return { name: "ARP", from: ethernet.source, to, content: arpWords(packet), faults: [], options: [] };
}

function bare(name: string, content: string): Said {
  return { name, content, options: [] };
}

/** Faults for which a receiver must drop the packet: RFC 4861 6.1 and 7.1, RFC 8200 8.1. */
function faults(packet: Ipv6Packet, content: Content): string[] {
  const list: string[] = [];
  if (content.kind === "malformed") list.push(content.problem);
  if (content.kind === "ndp" && packet.hopLimit !== 255) list.push(`hop limit ${packet.hopLimit} where 255 is right`);
  if (checksumState(packet) === "wrong") list.push("wrong checksum");
  return list;
}

function faults4(content: Content4): string[] {
  return content.kind === "malformed" ? [content.problem] : [];
}
