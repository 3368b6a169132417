/** What the machines have found out, in the form in which the plan reads it. Lists are in a stable order; every end is an Instant. */
import type { Duid } from "../addr/duid.ts";
import type { Ip4, Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Prefix4 } from "../addr/prefix4.ts";
import type { Instant } from "../addr/time.ts";

export type RouterPreference = "high" | "medium" | "low";

/** The ra-client's result: what the routers of the provider's link advertise, and the addresses made from it. */
export interface RaClientFact {
  /** A valid RA was heard since the link came up. */
  readonly heard: boolean;
  /** Flags of the latest RA, RFC 4861 4.2. */
  readonly managed: boolean;
  readonly other: boolean;
  readonly routers: readonly { readonly address: Ip6; readonly preference: RouterPreference; readonly until: Instant }[];
  /** More specific routes, RFC 4191. */
  readonly routes: readonly {
    readonly destination: Prefix;
    readonly router: Ip6;
    readonly preference: RouterPreference;
    readonly until: Instant;
  }[];
  /** Of these routers those that do not answer Neighbor Discovery: for use when there is no other. */
  readonly unreachable: readonly Ip6[];
  readonly onLink: readonly { readonly prefix: Prefix; readonly until: Instant }[];
  readonly addresses: readonly SlaacAddress[];
  /** A valid MTU option, 1280..link MTU. */
  readonly mtu?: number;
  readonly hopLimit?: number;
  /** Milliseconds, RFC 4861 4.2. */
  readonly reachableTime?: number;
  readonly retransTimer?: number;
  readonly resolvers: readonly { readonly address: Ip6; readonly until: Instant }[];
  readonly searchDomains: readonly { readonly domain: string; readonly until: Instant }[];
}

export interface SlaacAddress {
  readonly address: Ip6;
  readonly prefix: Prefix;
  readonly temporary: boolean;
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
}

export type Dhcpv6State =
  | "stopped"
  | "soliciting"
  | "requesting"
  | "bound"
  | "renewing"
  | "rebinding"
  | "verifying"
  | "confirming"
  | "releasing"
  | "informing";

/** The dhcpv6-client's result: what the provider has leased to us. */
export interface Dhcpv6ClientFact {
  readonly state: Dhcpv6State;
  readonly serverDuid?: Duid;
  /** Source address of the server's latest accepted answer. */
  readonly serverAddress?: Ip6;
  readonly delegated: readonly DelegatedPrefix[];
  readonly addresses: readonly LeasedAddress[];
  readonly resolvers: readonly Ip6[];
  readonly searchDomains: readonly string[];
  readonly ntpServers: readonly string[];
  /** Options for the LANs' own clients, as they came: RFC 7084 L-12. */
  readonly passedOn: readonly PassedOnOption[];
  /** When T1 and T2 of the current bindings come, absent without bindings; NEVER when they never do. */
  readonly renewAt?: Instant;
  readonly rebindAt?: Instant;
  /** Why there is no prefix, in the server's words, e.g. "NoPrefixAvail: pool is empty". */
  readonly refusal?: string;
}

/** An option of DHCPv6 as it stands on the wire. */
export type PassedOnOption = {
  readonly code: number;
  /** Octets. */
  readonly data: readonly number[];
};

export interface DelegatedPrefix {
  readonly iaid: number;
  readonly prefix: Prefix;
  /** RFC 6603: the part that the provider keeps. */
  readonly excluded?: Prefix;
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
}

export interface LeasedAddress {
  readonly iaid: number;
  readonly address: Ip6;
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
}

export type Dhcpv4State = "stopped" | "selecting" | "requesting" | "rebooting" | "bound" | "renewing" | "rebinding" | "waiting";

/** The dhcpv4-client's result. */
export interface Dhcpv4ClientFact {
  readonly state: Dhcpv4State;
  /** In use, whatever is being asked for meanwhile. */
  readonly lease?: Dhcpv4Lease;
}

/** An IPv4 address of the provider, with what comes with it. */
export interface Dhcpv4Lease {
  readonly address: Ip4;
  /** The network on the link. */
  readonly network: Prefix4;
  readonly server: Ip4;
  /** Where the server's answers come from on the link: itself, or the router that relays for it. */
  readonly via: Mac;
  /** Classless routes (RFC 3442), or the default route by the first router. A router 0.0.0.0 is none: the destination is on the link. */
  readonly routes: readonly { readonly destination: Prefix4; readonly router: Ip4 }[];
  /** 576 or more. */
  readonly mtu?: number;
  readonly resolvers: readonly Ip4[];
  readonly searchDomains: readonly string[];
  readonly ntpServers: readonly Ip4[];
  readonly renewAt: Instant;
  readonly rebindAt: Instant;
  readonly validUntil: Instant;
}

/** What the ra-server of one LAN shall advertise; the plan computes it. */
export interface Advertisement {
  /** Whether we offer ourselves as default router. */
  readonly defaultRouter: boolean;
  readonly managed: boolean;
  readonly other: boolean;
  readonly prefixes: readonly AdvertisedPrefix[];
  /** Route information options (RFC 4191): at most 17. */
  readonly routes: readonly { readonly destination: Prefix; readonly until: Instant }[];
  readonly resolvers: readonly Ip6[];
  readonly searchDomains: readonly string[];
  /** Octets; absent: no MTU option. */
  readonly mtu?: number;
  /** NAT64 prefix (RFC 8781). */
  readonly pref64?: Prefix;
  readonly captivePortal?: string;
  /** Bounds of the owner in seconds; the server shortens them when lifetimes are short. */
  readonly maxInterval: number;
  readonly minInterval: number;
}

export interface AdvertisedPrefix {
  readonly prefix: Prefix;
  readonly onLink: boolean;
  readonly autonomous: boolean;
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
}

/** The ra-server's result: prefixes of this LAN that it is withdrawing (RFC 9096 3.5). */
export interface RaServerFact {
  readonly withdrawing: readonly { readonly prefix: Prefix; readonly until: Instant }[];
  /** Other routers heard on this LAN, and what they claim. */
  readonly otherRouters: readonly { readonly address: Ip6; readonly until: Instant; readonly claim: string }[];
}
