/** DHCPv6 answers as Starlink sends them: unicast IPv6 from a global address in an Ethernet broadcast, so no socket of the kernel can send them. */
import type { Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { CLIENT_PORT } from "../wire/dhcpv6.ts";
import { BROADCAST, ETHERTYPE_IPV6, encodeEthernet } from "../wire/ethernet.ts";
import { encodeIpv6, UDP } from "../wire/ipv6.ts";
import { encodeUdp } from "../wire/udp.ts";

const HOP_LIMIT = 64;

/** The frame that carries `payload` from `source` to the DHCPv6 client at `client`. */
export function broadcastReply(
  router: Mac,
  source: { readonly address: Ip6; readonly port: number },
  client: Ip6,
  payload: Uint8Array,
): Uint8Array {
  const datagram = encodeUdp(source.address, client, { sourcePort: source.port, destinationPort: CLIENT_PORT, payload });
  const packet = encodeIpv6({
    trafficClass: 0,
    flowLabel: 0,
    hopLimit: HOP_LIMIT,
    source: source.address,
    destination: client,
    extensions: [],
    protocol: UDP,
    payload: datagram,
  });
  return encodeEthernet({ destination: BROADCAST, source: router, etherType: ETHERTYPE_IPV6, payload: packet });
}
