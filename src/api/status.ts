/** What `skylan status` shows: one object with everything that once had to be collected from seven files. Spans are whole seconds left. */
import type { Duid } from "../addr/duid.ts";
import type { Ip, Ip4, Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Prefix4 } from "../addr/prefix4.ts";
import type { Dhcpv4State, Dhcpv6State, RouterPreference } from "../machines/facts.ts";

export interface Status {
  readonly version: string;
  /** Wall-clock time of this answer, ISO 8601. */
  readonly at: string;
  /** Seconds since the daemon started. */
  readonly uptime: number;
  readonly wan: WanStatus;
  readonly dhcpv6: Dhcpv6Status;
  /** Absent where IPv4 is not in skylan's hands. */
  readonly ipv4?: Ipv4Status;
  readonly delegations: readonly DelegationStatus[];
  /** How many devices are at home, and how many are known. */
  readonly devices: { readonly present: number; readonly known: number };
  /** Former and present delegations, newest first. */
  readonly prefixHistory: readonly PrefixPeriod[];
  readonly lans: readonly LanStatus[];
  readonly routes: readonly RouteStatus[];
  /** Whether packets pass between the LANs and the internet. */
  readonly forwarding: boolean;
  /** What the internet may reach on this box itself, e.g. "tcp/22". */
  readonly gatewayOpen: readonly string[];
  /** What is wrong now, worst first. */
  readonly problems: readonly Problem[];
  /** Newest first. */
  readonly events: readonly EventRecord[];
}

/** Seconds left; null: does not end. */
export type Left = number | null;

export interface WanStatus {
  readonly interface: string;
  readonly carrier: boolean;
  readonly linkLocal?: Ip6;
  /** Recognised by its router's address, e.g. "Starlink". */
  readonly provider?: string;
  readonly routers: readonly {
    readonly address: Ip6;
    readonly preference: RouterPreference;
    readonly left: Left;
    /** It advertises itself but does not answer: nobody is offered a way out by it. */
    readonly unreachable?: true;
  }[];
  /** Flags of the latest RA; absent before the first. */
  readonly flags?: { readonly managed: boolean; readonly other: boolean };
  readonly addresses: readonly {
    readonly address: Ip6;
    readonly origin: "slaac" | "temporary" | "leased";
    readonly state: "ready" | "tentative" | "duplicate";
    readonly preferred: Left;
    readonly valid: Left;
  }[];
  readonly mtu?: number;
  readonly resolvers: readonly Ip6[];
  readonly searchDomains: readonly string[];
}

export interface Dhcpv6Status {
  readonly state: Dhcpv6State;
  readonly duid: Duid;
  readonly serverDuid?: Duid;
  readonly serverAddress?: Ip6;
  readonly renewIn?: Left;
  readonly rebindIn?: Left;
  readonly refusal?: string;
}

export interface Ipv4Status {
  readonly state: Dhcpv4State;
  readonly lease?: {
    readonly address: Ip4;
    readonly network: Prefix4;
    readonly server: Ip4;
    readonly routers: readonly Ip4[];
    /** Out of 100.64.0.0/10 (RFC 6598): the provider translates addresses. */
    readonly isShared: boolean;
    readonly valid: Left;
    readonly renewIn: Left;
    readonly mtu?: number;
    readonly resolvers: readonly Ip4[];
  };
  /** Whether packets pass between the LANs and the internet. */
  readonly forwarding: boolean;
  /** Ports of the leased address that lead to devices. */
  readonly forwards: readonly {
    /** "tcp/443" or "udp/5000-5010". */
    readonly port: string;
    readonly to: Ip4;
    /** Absent: as on the leased address. */
    readonly toPort?: number;
    /** Absent: from everywhere. */
    readonly source?: Prefix4;
  }[];
}

export interface DelegationStatus {
  readonly prefix: Prefix;
  readonly excluded?: Prefix;
  readonly preferred: Left;
  readonly valid: Left;
}

export interface PrefixPeriod {
  readonly prefix: Prefix;
  /** ISO 8601. */
  readonly since: string;
  /** Absent while we hold it. */
  readonly until?: string;
}

export interface LanStatus {
  readonly name: string;
  readonly interface: string;
  readonly carrier: boolean;
  readonly ipv4?: { readonly address: Ip4; readonly network: Prefix4 };
  /** Leases that run, and addresses that there are for devices without a reservation; absent where skylan leases none. */
  readonly dhcpv4?: { readonly leases: number; readonly addresses: number };
  readonly subnets: readonly {
    readonly prefix: Prefix;
    /** The gateway's own address in it. */
    readonly address: Ip6;
    readonly preferred: Left;
    readonly valid: Left;
  }[];
  /** Former prefixes that hosts are being told to give up. */
  readonly withdrawing: readonly { readonly prefix: Prefix; readonly left: Left }[];
  /** Whether hosts are offered this gateway as default router. */
  readonly defaultRouter: boolean;
  readonly resolvers: readonly Ip6[];
  /** e.g. "tcp/8080". */
  readonly open: readonly string[];
  readonly otherRouters: readonly { readonly address: Ip6; readonly claim: string }[];
  /** DHCPv6 servers on this LAN that are not ours. */
  readonly dhcpv6Servers: readonly { readonly address: Ip6; readonly duid: Duid }[];
  /** Prefixes of routers behind us. */
  readonly delegated: readonly DelegatedStatus[];
  /** Addresses by DHCPv6: leased by us, or made by the host itself and registered here. */
  readonly leased: readonly LeasedStatus[];
}

/** Who holds something of ours by DHCPv6. */
export interface HolderStatus {
  readonly duid: Duid;
  /** What the client calls itself. */
  readonly hostname?: string;
  readonly left: Left;
}

export interface DelegatedStatus extends HolderStatus {
  readonly prefix: Prefix;
  /** The router's link-local address. */
  readonly via: Ip6;
  /** It does not hold any more; the router is told so when it asks. */
  readonly withdrawn: boolean;
}

export interface LeasedStatus extends HolderStatus {
  readonly address: Ip6;
  readonly registered: boolean;
}

export interface RouteStatus {
  readonly destination: Prefix | Prefix4;
  readonly kind: "unicast" | "unreachable";
  readonly via?: Ip;
  readonly interface?: string;
  readonly metric: number;
  readonly left: Left;
}

export interface Problem {
  /** Stable dotted name, e.g. "firewall.foreign-drop". */
  readonly name: string;
  readonly text: string;
  readonly remedy: string;
}

export interface EventRecord {
  /** ISO 8601. */
  readonly at: string;
  readonly level: "debug" | "info" | "warning" | "error";
  /** The part that says it, e.g. "dhcpv6-client". */
  readonly source: string;
  readonly event: string;
  readonly text: string;
}

/** What `skylan leases` shows. */
export interface Leases {
  readonly ipv4: readonly LeaseStatus[];
  readonly ipv6: readonly Ip6LeaseStatus[];
}

/** What a client on a LAN has by DHCPv6. */
export interface Ip6LeaseStatus extends HolderStatus {
  /** The name of the LAN. */
  readonly lan: string;
  readonly kind: "address" | "prefix" | "registered";
  /** An address, or the prefix of a router behind us. */
  readonly value: Ip6 | Prefix;
  /** In the DUID, where it is of a kind that tells. */
  readonly mac?: Mac;
}

/** An address that a device at home has by DHCP. */
export interface LeaseStatus {
  /** The name of the LAN. */
  readonly lan: string;
  readonly address: Ip4;
  readonly mac: Mac;
  /** DHCP option 61 in hexadecimal, if the device sends it. */
  readonly clientId?: string;
  readonly name?: string;
  readonly left: Left;
}
