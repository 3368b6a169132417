/** A device of the home as one entry: who it is, where it was seen, and its addresses, each with what is known of its nature and by which evidence. */
import { type Ip, isEui64, isIp4, isLinkLocal, isUniqueLocal } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Instant } from "../addr/time.ts";

export type AddressScope = "ipv4" | "link-local" | "unique-local" | "global";

/** On the wire a stable and a temporary identifier look alike: without evidence it stays "unknown". */
export type AddressNature = "mac-derived" | "stable" | "temporary" | "unknown";

/**
 * What an address is classed by.
 * "mac": its identifier is made from the device's MAC address. "lease": DHCP gave it. "same-identifier": it has the same identifier in another prefix. "alone": the only one that the device probed for when it came, while those with temporary
 * addresses probe for two. "returned": the device came back with it, and with another one in place of its second. "old": older than any temporary address.
 * "late": the device took it while it had another one there.
 */
export type Evidence = "mac" | "lease" | "same-identifier" | "alone" | "returned" | "old" | "late";

export interface DeviceAddress {
  readonly address: Ip;
  readonly scope: AddressScope;
  readonly nature: AddressNature;
  readonly evidence?: Evidence;
  readonly firstSeen: Instant;
  readonly lastSeen: Instant;
  /** It lies in a network that its LAN has now. */
  readonly current: boolean;
  /** It did not answer when it was asked last. */
  readonly silent: boolean;
}

/** Who says what a device is called; the first in this list is believed first. */
export const NAME_SOURCES = ["config", "dhcpv4", "dhcpv6", "mdns"] as const;
export type NameSource = (typeof NAME_SOURCES)[number];

export interface Device {
  readonly mac: Mac;
  /** Interface of the LAN on which it was seen last. */
  readonly link: string;
  /** One label, in lower case. */
  readonly name?: string;
  readonly nameFrom?: NameSource;
  readonly firstSeen: Instant;
  readonly lastSeen: Instant;
  /** It was there a moment ago, or answers when it is asked. */
  readonly present: boolean;
  readonly addresses: readonly DeviceAddress[];
}

export function scopeOf(address: Ip): AddressScope {
  if (isIp4(address)) return "ipv4";
  if (isLinkLocal(address)) return "link-local";
  return isUniqueLocal(address) ? "unique-local" : "global";
}

/** Whether the device chose this MAC address itself (IEEE 802: locally administered), so that it tells no vendor and may change. */
export function isRandomMac(mac: Mac): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 0x02) !== 0;
}

/** Whether the address shows a MAC address to everybody it speaks to (modified EUI-64, RFC 4291 appendix A). */
export function showsMac(address: Ip): boolean {
  return !isIp4(address) && isEui64(address);
}
