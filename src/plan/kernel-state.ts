/**
 * The part of the kernel's state that skylan plans, in the form in which it is desired, observed and compared. Addresses and routes here are
 * always ours (they carry our mark); what belongs to others never appears.
 */
import { type Ip, type Ip4, type Ip6, isIp4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Prefix4 } from "../addr/prefix4.ts";
import type { Duration, Instant } from "../addr/time.ts";
import type { RouterPreference } from "../machines/facts.ts";

/** rtm_protocol of our routes and IFA_PROTO of our addresses (Linux 5.18 and newer): not used by iproute2's table of names. */
export const MARK = 93;

export interface KernelState {
  /** Interfaces that shall be up. */
  readonly up: readonly string[];
  readonly addresses: readonly AddressState[];
  readonly routes: readonly RouteState[];
  /** Path below /proc/sys, "/"-separated, e.g. "net/ipv6/conf/eth0/accept_ra", to value. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Our nft table in the form in which libnftables lists it; undefined: the table shall not exist. */
  readonly ruleset: Ruleset | undefined;
}

export interface AddressState {
  readonly interface: string;
  readonly address: Ip;
  /** 128 or 32; 64 and that of its network for an address of a LAN. The kernel makes no prefix route for it: routes are planned. */
  readonly prefixLength: number;
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
}

export interface Ip6AddressState extends AddressState {
  readonly address: Ip6;
}

export function isOfIpv6(state: AddressState): state is Ip6AddressState {
  return !isIp4(state.address);
}

export type RouteState = UnicastRoute | RejectRoute;

export interface UnicastRoute {
  readonly kind: "unicast";
  readonly destination: Prefix | Prefix4;
  readonly interface: string;
  /** Absent: the destination is on the link. */
  readonly gateway?: Ip;
  /** The address from which this box itself speaks: the kernel knows no end of an IPv4 route, but removes it with this address. */
  readonly source?: Ip4;
  readonly metric: number;
  /** Always "medium" in IPv4. */
  readonly preference: RouterPreference;
  /** The kernel removes the route at this Instant even when we are gone; NEVER when it does not end, as always in IPv4. */
  readonly until: Instant;
  readonly mtu?: number;
}

/** A destination that is refused with an ICMPv6 error: the rest of a delegation, or fc00::/7. */
export interface RejectRoute {
  readonly kind: "unreachable";
  readonly destination: Prefix | Prefix4;
  readonly metric: number;
}

/** Objects of libnftables' JSON (libnftables-json(5)), each {"table"|"set"|"chain"|"rule": ...}, without handles and counts, in listing order. */
export type Ruleset = readonly NftObject[];

export type NftObject = Readonly<Record<string, unknown>>;

/** What the kernel reports of a link, desired or not. */
export interface LinkFact {
  readonly index: number;
  readonly name: string;
  readonly mac: Mac;
  readonly mtu: number;
  /** Administratively up. */
  readonly up: boolean;
  /** Lower layer up: there is a cable. */
  readonly carrier: boolean;
  /** How often the cable has gone: it may have gone and come back between two looks. */
  readonly carrierLosses: number;
  /** The link-local address, once duplicate address detection is done. */
  readonly linkLocal?: Ip6;
  /** The link-local address while duplicate address detection goes on, where the kernel lets it be used meanwhile (RFC 4429). */
  readonly optimisticLinkLocal?: Ip6;
}

/** News of a node on a link, from the kernel's neighbour table. */
export interface Neighbor {
  readonly interface: string;
  readonly address: Ip;
  /** Absent where the kernel has given it up. */
  readonly mac?: Mac;
  readonly state: "reachable" | "stale" | "failed";
  /** How long ago it proved to be there; FOREVER when that is not known. */
  readonly confirmedAgo: Duration;
}

/** One look at the kernel. */
export interface Observed extends KernelState {
  readonly links: readonly LinkFact[];
  /** Our addresses that are still being probed, and those that duplicate address detection refused. */
  readonly tentative: readonly Ip6[];
  readonly duplicates: readonly { readonly interface: string; readonly address: Ip6 }[];
  /** Link-local neighbours that have stopped answering since the look before. */
  readonly unreachable: readonly { readonly interface: string; readonly address: Ip6 }[];
}
