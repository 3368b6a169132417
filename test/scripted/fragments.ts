/** IPv6 packets in pieces (RFC 8200 4.5), as Ethernet frames. */
import { ETHERTYPE_IPV6, encodeEthernet } from "../../src/wire/ethernet.ts";
import type { FrameHeader } from "../../src/wire/frame.ts";
import { encodeIpv6, fragmentHeader } from "../../src/wire/ipv6.ts";
import type { Mac } from "../../src/addr/mac.ts";

/** The frames of one packet; `size` is how many octets of payload each piece has, a multiple of 8. */
export function fragmentFrames(
  header: FrameHeader & { readonly destinationMac: Mac },
  protocol: number,
  payload: Uint8Array,
  size: number,
): readonly Uint8Array[] {
  const identification = (payload.length * 7919) >>> 0;
  const { source, destination, hopLimit, sourceMac, destinationMac } = header;
  return Array.from({ length: Math.ceil(payload.length / size) }, (_, i) => {
    const offset = i * size;
    const packet = encodeIpv6({
      trafficClass: 0,
      flowLabel: 0,
      hopLimit,
      source,
      destination,
      extensions: [fragmentHeader({ offset, more: offset + size < payload.length, identification })],
      protocol,
      payload: payload.subarray(offset, offset + size),
    });
    return encodeEthernet({ destination: destinationMac, source: sourceMac, etherType: ETHERTYPE_IPV6, payload: packet });
  });
}
