/** What the table of devices is told, and by whom. */
import type { Ip, Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Duration } from "../addr/time.ts";
import type { HomeLan } from "./home-lan.ts";
import type { Tick } from "./machine.ts";

/** A device that the owner named. */
export interface NamedDevice {
  readonly name: string;
  /** Absent where it is known by what it says in DHCP alone. */
  readonly mac?: Mac;
}

export type LeaseSource = "dhcpv4" | "dhcpv6";

/** What DHCP has given to a device. */
export interface DeviceLease {
  readonly address: Ip;
  /** Absent where the server does not know it: then `client` tells who it is. */
  readonly mac?: Mac;
  /** From where the device has asked. */
  readonly client?: Ip6;
  readonly link: string;
  readonly hostname?: string;
  /** The device made the address itself, and told the server. */
  readonly registered?: boolean;
  /** It was given back or taken away. */
  readonly ended?: true;
}

/** News of the kernel's neighbour table. */
export interface NeighborNews {
  readonly interface: string;
  readonly address: Ip;
  readonly mac?: Mac;
  readonly state: "reachable" | "stale" | "failed";
  readonly confirmedAgo: Duration;
}

export type DevicesInput =
  | { readonly kind: "home"; readonly lans: readonly HomeLan[] }
  | { readonly kind: "neighbors"; readonly neighbors: readonly NeighborNews[] }
  /** Frames of a LAN that may tell of their senders. */
  | { readonly kind: "overheard"; readonly link: string; readonly frames: readonly Uint8Array[] }
  /** Leases that were given or have ended. */
  | { readonly kind: "leases"; readonly source: LeaseSource; readonly leases: readonly DeviceLease[] }
  | Tick;
