/** ARP for IPv4 on Ethernet (RFC 826), with the probes and announcements of RFC 5227 section 1.1. */
import type { Ip4 } from "../addr/ip.ts";
import { UNSPECIFIED4 } from "../addr/ip.ts";
import { type Mac, mac, macFromBytes, macToBytes } from "../addr/mac.ts";
import { Reader, WireError, Writer } from "./bytes.ts";

const [ETHERNET, IPV4, REQUEST, REPLY] = [1, 0x0800, 1, 2];
const NOBODY = mac("00:00:00:00:00:00");

export interface ArpPacket {
  readonly operation: "request" | "reply";
  readonly senderMac: Mac;
  /** 0.0.0.0 in a probe. */
  readonly sender: Ip4;
  readonly targetMac: Mac;
  readonly target: Ip4;
}

/** Asks whether anybody has `address`, without claiming it. */
export const arpProbe = (own: Mac, address: Ip4): ArpPacket => asking(own, UNSPECIFIED4, address);

/** Claims `address`. */
export const arpAnnouncement = (own: Mac, address: Ip4): ArpPacket => asking(own, address, address);

/** Reads a packet; the padding behind it is dropped. @throws WireError */
export function decodeArp(bytes: Uint8Array): ArpPacket {
  const reader = new Reader(bytes);
  const kinds = [reader.uint16(), reader.uint16(), reader.uint8(), reader.uint8()];
  if (kinds.join() !== [ETHERNET, IPV4, 6, 4].join()) throw new WireError("not about IPv4 on Ethernet", 0);
  const operation = reader.uint16();
  if (operation !== REQUEST && operation !== REPLY) throw new WireError(`operation ${operation} is neither request nor reply`, 6);
  const [senderMac, sender] = [macFromBytes(reader.bytes(6)), reader.ip4()];
  const [targetMac, target] = [macFromBytes(reader.bytes(6)), reader.ip4()];
  return { operation: operation === REQUEST ? "request" : "reply", senderMac, sender, targetMac, target };
}

export function encodeArp(packet: ArpPacket): Uint8Array {
  const operation = packet.operation === "request" ? REQUEST : REPLY;
  const writer = new Writer(28).uint16(ETHERNET).uint16(IPV4).uint8(6).uint8(4).uint16(operation);
  writer.bytes(macToBytes(packet.senderMac)).ip4(packet.sender);
  return writer.bytes(macToBytes(packet.targetMac)).ip4(packet.target).finish();
}

function asking(senderMac: Mac, sender: Ip4, target: Ip4): ArpPacket {
  return { operation: "request", senderMac, sender, targetMac: NOBODY, target };
}
