/** The addresses that a LAN's DHCP server gives to whoever asks, where the owner has not written which. */
import { host4, prefix4Length } from "../addr/prefix4.ts";
import type { Range4 } from "../addr/range4.ts";
import type { LanIpv4 } from "./lan-ipv4.ts";

/** More devices than any home has, and few enough to be remembered. */
export const MOST_ADDRESSES = 65_536;
/** Of 256 parts of a network those that are given out: the lower ones are left to the owner. */
const [FROM, UPTO, PARTS] = [100, 250, 256];

/** .100 to .249 of a /24 and the same part of other networks, without the network's own address and that for broadcasts. */
export function defaultPool({ network }: LanIpv4): Range4 {
  const size = 2 ** (32 - prefix4Length(network));
  const from = Math.max(1, Math.floor((size * FROM) / PARTS));
  const upTo = Math.min(Math.floor((size * UPTO) / PARTS) - 1, size - 2, from + MOST_ADDRESSES - 1);
  return { first: host4(network, from), last: host4(network, upTo) };
}
