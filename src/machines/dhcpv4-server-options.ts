/** What a DHCPv4 server is told, hears and says. */
import type { Ip4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Prefix4 } from "../addr/prefix4.ts";
import type { Range4 } from "../addr/range4.ts";
import type { Instant, Seconds } from "../addr/time.ts";
import type { Note, Tick } from "./machine.ts";

/** What a LAN's devices are given; the plan computes it. */
export interface Dhcpv4Serving {
  /** The server's identifier and the devices' way out. */
  readonly router: Ip4;
  readonly network: Prefix4;
  /** Within the network. The router's own address and reserved ones are left out of it. */
  readonly pool: Range4;
  readonly lease: Seconds;
  readonly resolvers: readonly Ip4[];
  readonly domain?: string;
  readonly searchDomains: readonly string[];
  /** Octets; absent: the option is not sent. */
  readonly mtu?: number;
  readonly reservations: readonly Reservation[];
  /** Names in lower case that no device may give to itself. */
  readonly reservedNames: readonly string[];
}

/** A device that the owner knows, by one of its identifiers. */
export interface Reservation {
  readonly name: string;
  readonly mac?: Mac;
  /** Hexadecimal. */
  readonly clientId?: string;
  /** Absent: the device has its name, and an address of the pool. */
  readonly address?: Ip4;
}

/** What is known of an address that was given to a device; on disk before the device hears of it. */
export interface Dhcpv4Binding {
  readonly address: Ip4;
  readonly mac: Mac;
  /** Option 61 in hexadecimal, if the device sends it: then it is who the device is (RFC 6842). */
  readonly clientId?: string;
  /** A clean DNS label. */
  readonly name?: string;
  readonly until: Instant;
}

export type Dhcpv4ServerInput =
  /** `from`: the sender's address, 0.0.0.0 when it has none yet. */
  | { readonly kind: "packet"; readonly from: Ip4; readonly bytes: Uint8Array }
  | { readonly kind: "serve"; readonly serving: Dhcpv4Serving }
  /** A node of the link claims an address by ARP. */
  | { readonly kind: "claimed"; readonly address: Ip4; readonly mac: Mac }
  /** The owner wants bindings forgotten. */
  | { readonly kind: "flush"; readonly bindings: readonly Dhcpv4Binding[] }
  | Tick;

/** To an address and port by way of the kernel, to all, or to a device that has no address yet. */
export type Dhcpv4Destination =
  | { readonly kind: "address"; readonly address: Ip4; readonly port: number }
  | { readonly kind: "broadcast" }
  | { readonly kind: "hardware"; readonly mac: Mac; readonly address: Ip4 };

/** What must be on disk: the binding as it is now, or that it is forgotten. */
export interface Dhcpv4Record extends Dhcpv4Binding {
  readonly forgotten?: true;
}

export type Dhcpv4ServerOutput =
  | Note
  /** With a record: it must be safe before the answer leaves. */
  | { readonly kind: "answer"; readonly to: Dhcpv4Destination; readonly bytes: Uint8Array; readonly record?: Dhcpv4Record }
  | { readonly kind: "record"; readonly record: Dhcpv4Record }
  /** Ask by ARP whether anybody has the address. */
  | { readonly kind: "probe"; readonly address: Ip4 };
