/**
 * What a frame on a LAN tells of its sender: duplicate address detection (RFC 4862 5.4.2), router
 * solicitations, ARP (RFC 826, RFC 5227), multicast DNS (RFC 6762). The filter of
 * the socket lets nothing else through, but it looks less closely.
 */
import { type Ip, isLinkLocal, isMulticast, UNSPECIFIED, UNSPECIFIED4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { decodeArp } from "../wire/arp.ts";
import { WireError } from "../wire/bytes.ts";
import { decodeEthernet, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, type EthernetFrame } from "../wire/ethernet.ts";
import { checksumState } from "../wire/frame.ts";
import { decodeIpv4 } from "../wire/ipv4.ts";
import { decodeIpv6, ICMPV6, type Ipv6Packet, UDP } from "../wire/ipv6.ts";
import { decodeMdnsHosts, MDNS_PORT, type MdnsHost } from "../wire/mdns.ts";
import { decodeNdp, ndpOptionOf } from "../wire/ndp.ts";
import { decodeUdp } from "../wire/udp.ts";

/** A host has a name and some addresses. */
const MOST_HOSTS = 32;

export type Sighting =
  /** It wants the address, and has it unless another device says no. */
  | { readonly kind: "probe"; readonly mac: Mac; readonly address: Ip }
  /** It asks for routers: it has just come. */
  | { readonly kind: "coming"; readonly mac: Mac; readonly address: Ip }
  /** It uses the address. */
  | { readonly kind: "use"; readonly mac: Mac; readonly address: Ip }
  /** It says its name and addresses. */
  | { readonly kind: "announcement"; readonly mac: Mac; readonly from: Ip; readonly hosts: readonly MdnsHost[] };

/** undefined: it tells nothing. Never throws. */
export function readSighting(bytes: Uint8Array): Sighting | undefined {
  try {
    const frame = decodeEthernet(bytes);
    // A group can't be a sender.
    if ((bytes[6]! & 1) !== 0) return undefined;
    if (frame.etherType === ETHERTYPE_ARP) return readArp(frame);
    if (frame.etherType === ETHERTYPE_IPV6) return readIpv6(frame);
    return frame.etherType === ETHERTYPE_IPV4 ? readIpv4(frame) : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function readArp({ source, payload }: EthernetFrame): Sighting | undefined {
  const { senderMac: mac, sender, target } = decodeArp(payload);
  if (mac !== source) return undefined;
  return sender === UNSPECIFIED4 ? { kind: "probe", mac, address: target } : { kind: "use", mac, address: sender };
}

function readIpv6({ source: mac, payload }: EthernetFrame): Sighting | undefined {
  const packet = decodeIpv6(payload);
  if (packet.protocol === ICMPV6) return readProbe(mac, packet);
  return packet.protocol === UDP && checksumState(packet) !== "wrong" ? readAnnouncement(mac, packet.source, packet.payload) : undefined;
}

function readIpv4({ source: mac, payload }: EthernetFrame): Sighting | undefined {
  const packet = decodeIpv4(payload);
  return packet.protocol === UDP ? readAnnouncement(mac, packet.source, packet.payload) : undefined;
}

/** RFC 6762 6: a response that does not come from port 5353 is none. */
function readAnnouncement(mac: Mac, from: Ip, bytes: Uint8Array): Sighting | undefined {
  const { sourcePort, destinationPort, payload } = decodeUdp(bytes);
  if (sourcePort !== MDNS_PORT || destinationPort !== MDNS_PORT) return undefined;
  const hosts = decodeMdnsHosts(payload).slice(0, MOST_HOSTS);
  return hosts.length === 0 ? undefined : { kind: "announcement", mac, from, hosts };
}

/** RFC 4861 6.1.1, 7.1.1: what is not valid is not there. */
function readProbe(mac: Mac, packet: Ipv6Packet): Sighting | undefined {
  const { source, hopLimit, payload } = packet;
  if (hopLimit !== 255 || checksumState(packet) === "wrong") return undefined;
  const message = decodeNdp(payload);
  if (message.kind === "router-solicitation") return isLinkLocal(source) ? { kind: "coming", mac, address: source } : undefined;
  if (source !== UNSPECIFIED || message.kind !== "neighbor-solicitation" || isMulticast(message.target)) return undefined;
  if (ndpOptionOf(message, "source-link-layer-address")) return undefined;
  return { kind: "probe", mac, address: message.target };
}
