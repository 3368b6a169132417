/** What a DHCPv6 server gives, how it is spoken to, and what it has given. */
import type { Duid } from "../addr/duid.ts";
import type { Ip6 } from "../addr/ip.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Instant, Seconds } from "../addr/time.ts";
import type { Packet, Tick } from "./machine.ts";

export interface Dhcpv6ServerOptions {
  readonly duid: Duid;
  /** 0..255; 0 is not sent. */
  readonly preference: number;
  /** Prefixes of `length` are delegated out of `prefix`; absent: none are. */
  readonly delegation?: Pool;
  /** Addresses are leased out of this prefix; absent: none are. */
  readonly addresses?: Prefix;
  readonly preferred: Seconds;
  readonly valid: Seconds;
  /** 0: left to the client. */
  readonly t1: Seconds;
  readonly t2: Seconds;
  readonly resolvers: readonly Ip6[];
  readonly searchDomains: readonly string[];
  readonly rapidCommit: boolean;
  /** Given to clients that ask, RFC 8415 21.24 and 21.25. */
  readonly solMaxRt?: Seconds;
  readonly infMaxRt?: Seconds;
  /** Given with configuration alone to clients that ask, RFC 8415 21.23. */
  readonly refreshTime?: Seconds;
  /** What becomes of a prefix that is not given any more: named with lifetimes 0, or not mentioned. */
  readonly formerPrefixes: "withdraw" | "silence";
  /** The answer to a Renew or Rebind of a lease that this server does not know. */
  readonly strangers: "no-binding" | "adopt" | "silence";
}

export interface Pool {
  readonly prefix: Prefix;
  readonly length: number;
}

export type Dhcpv6ServerInput =
  | Packet
  | Tick
  /** Options that hold from now on; those not named stay. */
  | { readonly kind: "set"; readonly options: Partial<Dhcpv6ServerOptions> }
  /** The prefixes of all clients come out of another pool from now on. */
  | { readonly kind: "renumber"; readonly pool: Prefix }
  /** All leases are lost, as after a crash without a disk. */
  | { readonly kind: "forget" }
  | { readonly kind: "mute"; readonly on: boolean };

/** The server's result: what is leased. Prefixes that are no longer in the pool are not part of it. */
export interface Dhcpv6ServerFact {
  readonly delegations: readonly Delegation[];
  readonly addresses: readonly { readonly address: Ip6; readonly duid: Duid; readonly validUntil: Instant }[];
}

export interface Delegation {
  readonly prefix: Prefix;
  readonly duid: Duid;
  readonly iaid: number;
  /** Link-local address of the client: the next hop to the prefix. */
  readonly client: Ip6;
  readonly validUntil: Instant;
}
