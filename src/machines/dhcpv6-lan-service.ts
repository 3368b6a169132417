/** What the DHCPv6 server of the LANs is told, and what it tells. */
import type { Duid } from "../addr/duid.ts";
import type { Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Instant } from "../addr/time.ts";
import type { Packet, Tick } from "./machine.ts";

export type Dhcpv6LanServerInput =
  | (Packet & { readonly link: string })
  | Tick
  /** All that shall be served from now on; nothing is answered before. */
  | { readonly kind: "serve"; readonly service: Dhcpv6Service }
  /** The owner wants the lease of this address or prefix to be nobody's. */
  | { readonly kind: "forget"; readonly value: Ip6 | Prefix };

/** What the LANs are served; the plan computes it. */
export interface Dhcpv6Service {
  /** By LAN interface. */
  readonly lans: Readonly<Record<string, LanService>>;
  /** What prefixes are delegated from, on all LANs alike: global ones before unique local ones (RFC 9818 LPD-9). */
  readonly pools: readonly DelegationPool[];
}

export interface LanService {
  /** Addresses are leased (IA_NA). */
  readonly addresses: boolean;
  /** Length of the prefixes that are delegated (IA_PD); absent: none are. */
  readonly delegatedLength?: number;
  /** The live /64s of the link. */
  readonly subnets: readonly Expiring[];
  /** Those of before, which hosts may still hold. */
  readonly stale: readonly Prefix[];
  readonly resolvers: readonly Ip6[];
  readonly searchDomains: readonly string[];
  readonly captivePortal?: string;
  /** Further options, as the provider gave them. */
  readonly passedOn: readonly { readonly code: number; readonly data: readonly number[] }[];
}

/** A prefix that we hold, with the ends of its life. */
export interface Expiring {
  readonly prefix: Prefix;
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
}

export interface DelegationPool extends Expiring {
  /** Parts that are in use otherwise: the LANs' own /64s, and what the provider has kept (RFC 6603). */
  readonly taken: readonly Prefix[];
}

/** The server's result: who has what. */
export interface Dhcpv6LanServerFact {
  readonly delegations: readonly LanDelegation[];
  readonly leases: readonly LanLease[];
}

/** Who has a lease. */
interface Holder {
  /** The LAN's interface. */
  readonly link: string;
  readonly duid: Duid;
  /** Where the client was heard. */
  readonly client: Ip6;
  /** The client's link-layer address, where its DUID tells it. */
  readonly mac?: Mac;
  /** One label, lower case: what the client calls itself, if nobody else on the LANs had that name before. */
  readonly hostname?: string;
  /** It ends then, unless it is prolonged. */
  readonly until: Instant;
}

/** A prefix of a router behind us, which is reached through `client`. */
export interface LanDelegation extends Holder {
  readonly iaid: number;
  readonly prefix: Prefix;
  /** It does not hold any more, and the client is told so. */
  readonly stale: boolean;
}

export interface LanLease extends Holder {
  readonly address: Ip6;
  /** Made by the host itself and registered here (RFC 9686). */
  readonly registered: boolean;
}
