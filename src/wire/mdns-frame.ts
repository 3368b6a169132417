/** Multicast DNS messages as whole frames (RFC 6762 11): hop limit 255, from and to port 5353. */
import type { Ip4, Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { encodeEthernet, ETHERTYPE_IPV4 } from "./ethernet.ts";
import { encodeUdpFrame } from "./frame.ts";
import { encodeIpv4 } from "./ipv4.ts";
import { UDP } from "./ipv6.ts";
import { MDNS_GROUP, MDNS_GROUP4, MDNS_PORT } from "./mdns.ts";
import { encodeUdp } from "./udp.ts";

const PORTS = { sourcePort: MDNS_PORT, destinationPort: MDNS_PORT };
/** The Ethernet address of 224.0.0.251, RFC 1112 6.4. */
const GROUP4_MAC = "01:00:5e:00:00:fb" as Mac;

export function mdnsFrame(sourceMac: Mac, source: Ip6, payload: Uint8Array): Uint8Array {
  return encodeUdpFrame({ sourceMac, source, destination: MDNS_GROUP, hopLimit: 255 }, { ...PORTS, payload });
}

export function mdnsFrame4(sourceMac: Mac, source: Ip4, message: Uint8Array): Uint8Array {
  const datagram = encodeUdp(source, MDNS_GROUP4, { ...PORTS, payload: message });
  const payload = encodeIpv4({ source, destination: MDNS_GROUP4, protocol: UDP, ttl: 255, payload: datagram });
  return encodeEthernet({ destination: GROUP4_MAC, source: sourceMac, etherType: ETHERTYPE_IPV4, payload });
}
