/**
 * What every protocol machine is: a pure object that is handed packets, time and commands and answers with what shall happen. It owns its
 * state, does no input or output, reads no clock and no randomness but what it was given. So the same machine runs in a unit test, in the
 * simulator, in the lab and on the router.
 */
import type { Ip6 } from "../addr/ip.ts";
import type { Json } from "../addr/json.ts";
import type { Instant } from "../addr/time.ts";

export type { Json } from "../addr/json.ts";

/** Something a person should be able to read later: machines do not log, they say it with a note. */
export interface Note {
  readonly kind: "note";
  readonly level: "debug" | "info" | "warning" | "error";
  /** Stable dotted name of what happened, e.g. "dhcpv6.bound". */
  readonly event: string;
  /** One sentence for a person. */
  readonly text: string;
}

/** A message to put on the machine's link. */
export interface Send {
  readonly kind: "send";
  /** Named by a machine that speaks on several links. */
  readonly link?: string;
  readonly to: Ip6;
  readonly bytes: Uint8Array;
}

/** A message to each node that the kernel knows on the machine's link, by unicast. */
export interface SendEach {
  readonly kind: "send-each";
  readonly bytes: Uint8Array;
}

/** A whole Ethernet frame to put on the machine's link: for those who speak before there is an address. */
export interface SendFrame {
  readonly kind: "send-frame";
  /** Named by a machine that speaks on several links. */
  readonly link?: string;
  readonly bytes: Uint8Array;
}

/** The machine's whole current result; it replaces the one before. */
export interface FactOutput<Fact> {
  readonly kind: "fact";
  readonly fact: Fact;
}

/** The machine's snapshot must be on stable storage before what follows in the same answer is sent or used. */
export interface Save {
  readonly kind: "save";
}

export type Output<Fact> = Note | Send | SendEach | SendFrame | FactOutput<Fact> | Save;

export interface Machine<Input, Fact> {
  /** Takes one input; the outputs are in the order in which they must take effect. Never throws for anything a peer sent. */
  handle(input: Input, now: Instant): readonly Output<Fact>[];
  /** When the machine wants a `tick`, undefined when never. A tick that comes early or late is harmless. */
  wakeAt(): Instant | undefined;
  /** What must survive a restart. Instants in it belong to the boot that wrote it; `restore` functions shift them. */
  snapshot(): Json;
}

/** The one timer of a machine has run out. */
export interface Tick {
  readonly kind: "tick";
}

/** A message that arrived on the machine's link, as the kernel delivered it. */
export interface Packet {
  readonly kind: "packet";
  readonly from: Ip6;
  readonly to: Ip6;
  /** IPv6 hop limit, 0..255. */
  readonly hopLimit: number;
  /** UDP source port; 0 for ICMPv6. */
  readonly sourcePort: number;
  /** ICMPv6 message (from its type on) or UDP payload. */
  readonly bytes: Uint8Array;
}

/** An Ethernet frame that arrived on the machine's link. */
export interface FrameIn {
  readonly kind: "frame";
  readonly bytes: Uint8Array;
}
