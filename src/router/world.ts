/** What the loop needs from outside. The router gives it Linux, the simulator a world of its own in virtual time. */
import type { Ip6 } from "../addr/ip.ts";
import type { Json } from "../addr/json.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Random } from "../addr/random.ts";
import type { Duration, Instant } from "../addr/time.ts";
import type { Change } from "../diff/change.ts";
import type { DeviceLease } from "../machines/devices.ts";
import type { FrameIn, Note, Packet } from "../machines/machine.ts";
import type { Neighbor, Observed } from "../plan/kernel-state.ts";

/** The protocols that the loop speaks, each over one socket a link: "dhcpv6" as a client asks, "dhcpv6-server" as a server answers, on LANs alone. */
export type Protocol = "ndp" | "dhcpv6" | "dhcpv6-server";
/** "frames": whole ones, for DHCPv4 and ARP. */
export type Channel = Protocol | "frames";

/** "every-neighbor": each node that the kernel knows on the link, by unicast. */
export type Recipient = Ip6 | "every-neighbor";

/** What is to be sent. */
export type Outgoing = OutgoingMessage | OutgoingFrame;

export interface OutgoingFrame {
  readonly link: string;
  readonly protocol: "frames";
  readonly bytes: Uint8Array;
}

export interface OutgoingMessage {
  readonly link: string;
  readonly protocol: Protocol;
  readonly to: Recipient;
  readonly bytes: Uint8Array;
}

/** How long a snapshot must live: over a restart of the program, or over a power cut too. */
export type Durability = "boot" | "disk";

export interface World {
  now(): Instant;
  readonly random: Random;
  /** What this box is called, perhaps with its domain. */
  readonly hostName?: string;
  /** Longest delay of an answer to a Router Solicitation where it is not the 500 ms of RFC 4861: for measuring only. */
  readonly maxRaDelay?: Duration;
  /** One look at the links, at what carries our mark, and at the named sysctls. */
  observe(wanted: { readonly interfaces: readonly string[]; readonly sysctls: readonly string[] }): Observed;
  /** Carries out the changes in their order; idempotent. @throws KernelError */
  apply(changes: readonly Change[]): void;
  /** Puts the messages on their links, in their order on each. */
  send(messages: readonly Outgoing[]): void;
  /** Returns when the snapshot is safe. */
  save(name: string, snapshot: Json, durability: Durability): void;
  note(source: string, note: Note): void;
}

export type Event =
  | { readonly kind: "packet"; readonly link: string; readonly protocol: Protocol; readonly packet: Packet }
  | { readonly kind: "frame"; readonly link: string; readonly frame: FrameIn }
  /** News of devices on any link. */
  | { readonly kind: "neighbors"; readonly neighbors: readonly Neighbor[] }
  /** What DHCP has given to devices. */
  | { readonly kind: "leases"; readonly source: "dhcpv4" | "dhcpv6"; readonly leases: readonly DeviceLease[] }
  /** Frames of a LAN that tell who is there. */
  | { readonly kind: "overheard"; readonly link: string; readonly frames: readonly Uint8Array[] }
  /** A link, an address, a route, a rule or a switch has changed. */
  | { readonly kind: "kernel" }
  | { readonly kind: "tick" }
  /** The machine was suspended. */
  | { readonly kind: "resume" }
  /** The owner gives the leases back. */
  | { readonly kind: "release" }
  /** The owner wants the provider asked again now. */
  | { readonly kind: "refresh" }
  /** The owner wants this lease of a LAN's DHCPv6 client forgotten. */
  | { readonly kind: "forget-lease"; readonly value: Ip6 | Prefix }
  /** Leaving for good: the LAN is told so. */
  | { readonly kind: "leave" };
