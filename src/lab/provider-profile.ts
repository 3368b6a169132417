/** What a provider gives and how it behaves on the wire, as plain values; the default is Starlink. */
import { type Duid, parseDuid } from "../addr/duid.ts";
import { type Ip6, ip4, ip6 } from "../addr/ip.ts";
import { type Mac, mac } from "../addr/mac.ts";
import { type Prefix, prefix } from "../addr/prefix.ts";
import { SHARED_ADDRESSES } from "../addr/prefix4.ts";
import type { Seconds } from "../addr/time.ts";
import type { Dhcpv6ServerOptions, Pool } from "../machines/dhcpv6-server.ts";
import type { Dhcpv4Leasing } from "./provider-dhcpv4.ts";

export interface ProviderProfile {
  /** Address and MAC of the provider's router on the customer's link. */
  readonly linkLocal: Ip6;
  readonly mac: Mac;
  readonly advertising: Advertising;
  readonly dhcpv6: Dhcpv6ServerOptions;
  readonly replies: ReplyManner;
  readonly dhcpv4: Dhcpv4Leasing;
}

/** Router advertisements on the customer's link. */
export interface Advertising {
  readonly managed: boolean;
  readonly other: boolean;
  /** The customer's SLAAC prefix; absent: none. */
  readonly prefix?: Prefix;
  readonly preferred: Seconds;
  readonly valid: Seconds;
  /** 0: no default router. */
  readonly routerLifetime: Seconds;
  readonly resolvers: readonly Ip6[];
  readonly mtu?: number;
  /** Seconds. */
  readonly maxInterval: number;
  readonly minInterval: number;
}

/** How DHCPv6 answers travel: from the router's link-local address and port 547, or from elsewhere to the Ethernet broadcast address. */
export type ReplyManner = { readonly kind: "plain" } | { readonly kind: "broadcast"; readonly source: Ip6; readonly sourcePort: number };

const DNS = [ip6("2606:4700:4700::1111"), ip6("2001:4860:4860::8888")];
const LIFETIMES = { preferred: 150 as Seconds, valid: 300 as Seconds };

/** Out of which the Starlink profile delegates. */
const STARLINK_POOL: Pool = { prefix: prefix("2605:59c8:1200::/40"), length: 56 };
/** The customer's WAN link in the Starlink profile. */
export const STARLINK_LINK = prefix("2605:59c8:1:8a00::/64");
const SERVER_DUID = parseDuid("0004:5e000101c0ffee00c0ffee005e000101") as Duid;

/**
 * Starlink as its customers see it: M=0 O=1, a /64 for the WAN, a /56 by IA_PD for 150/300 s, resolvers by DHCPv6 only, and Replies from a global
 * address, from another port, to the Ethernet broadcast address. IPv4 for 300 s out of the shared address space (RFC 6598).
 */
export const STARLINK: ProviderProfile = {
  linkLocal: ip6("fe80::200:5eff:fe00:101"),
  mac: mac("00:00:5e:00:01:01"),
  advertising: {
    managed: false,
    other: true,
    prefix: STARLINK_LINK,
    ...LIFETIMES,
    routerLifetime: 300 as Seconds,
    resolvers: [],
    maxInterval: 60,
    minInterval: 20,
  },
  dhcpv6: {
    duid: SERVER_DUID,
    preference: 0,
    delegation: STARLINK_POOL,
    ...LIFETIMES,
    t1: 0 as Seconds,
    t2: 0 as Seconds,
    resolvers: DNS,
    searchDomains: [],
    rapidCommit: false,
    formerPrefixes: "withdraw",
    strangers: "no-binding",
  },
  replies: { kind: "broadcast", source: ip6("2605:59c8:1:8a00::1"), sourcePort: 49_152 },
  dhcpv4: {
    network: SHARED_ADDRESSES,
    router: ip4("100.64.0.1"),
    time: 300 as Seconds,
    resolvers: [ip4("1.1.1.1"), ip4("8.8.8.8")],
  },
};
