/** A LAN as its devices see it, and which addresses are its own. */
import { type Ip, type Ip4, type Ip6, isIp4, isLinkLocal } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { contains, type Prefix } from "../addr/prefix.ts";
import { contains4, type Prefix4 } from "../addr/prefix4.ts";
import type { Instant } from "../addr/time.ts";

/** A LAN as it is at this moment. */
export interface HomeLan {
  readonly link: string;
  /** The router's own. */
  readonly mac: Mac;
  /** The router's own, once it may be used. */
  readonly linkLocal?: Ip6;
  readonly ipv4?: { readonly address: Ip4; readonly network: Prefix4 };
  /** The router's own addresses that are not link-local. */
  readonly own: readonly { readonly address: Ip; readonly preferredUntil: Instant }[];
  /** The /64s that devices have addresses in. */
  readonly prefixes: readonly { readonly prefix: Prefix; readonly preferredUntil: Instant }[];
}

/** Whether a device of this LAN may have the address now. */
export function isOf({ ipv4, prefixes }: HomeLan, address: Ip): boolean {
  if (isIp4(address)) return ipv4 !== undefined && contains4(ipv4.network, address) && address !== ipv4.address;
  return isLinkLocal(address) || prefixes.some(({ prefix }) => contains(prefix, address));
}
