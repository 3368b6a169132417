/** ARP packets in words (RFC 826, RFC 5227). */
import { UNSPECIFIED4 } from "../addr/ip.ts";
import type { ArpPacket } from "./arp.ts";

/** "who has 192.168.1.2? 192.168.1.1 asks", a probe, an announcement, or an answer. */
export function arpWords({ operation, sender, senderMac, target }: ArpPacket): string {
  if (sender === target) return `${sender} is at ${senderMac}, says its owner to all`;
  if (operation === "reply") return `${sender} is at ${senderMac}`;
  return sender === UNSPECIFIED4 ? `does anyone use ${target}?` : `who has ${target}? ${sender} asks`;
}
