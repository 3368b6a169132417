/** What the owner wrote, checked and with every default filled in. */
import type { Duid } from "../addr/duid.ts";
import type { Ip4, Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Range4 } from "../addr/range4.ts";
import type { Seconds } from "../addr/time.ts";
import type { Upstream } from "../machines/dns-upstream.ts";
import type { LanIpv4 } from "./lan-ipv4.ts";
import type { Opening } from "./opening.ts";
import type { PortForward } from "./port-forward.ts";

export type { Opening } from "./opening.ts";
export type { PortForward } from "./port-forward.ts";

export interface Config {
  readonly wan: WanConfig;
  /** In the order in which they stand in the file: the first ones get a subnet when the delegation is too small for all. */
  readonly lans: readonly LanConfig[];
  /** In no particular order. */
  readonly devices: readonly DeviceConfig[];
  readonly gateway: GatewayConfig;
  readonly forwards: readonly PortForward[];
  readonly dns: DnsConfig;
  /** Unique local addresses (RFC 4193): off, made once at random, or the owner's own /48. */
  readonly ula: "off" | "auto" | Prefix;
}

export interface WanConfig {
  readonly interface: string;
  /** Length of the prefix asked for, 48..64. */
  readonly prefixHint: number;
  /** Ask for IA_NA: by the RA's M flag, always, or never. */
  readonly requestAddress: "auto" | "always" | "never";
  /** RFC 8981 addresses for the router's own traffic. */
  readonly temporaryAddresses: boolean;
  readonly rapidCommit: boolean;
  /** "off": IPv4 is in other hands. */
  readonly ipv4: "dhcp" | "off";
}

export interface LanConfig {
  /** Key of the table, e.g. "home" for [lan.home]. */
  readonly name: string;
  readonly interface: string;
  /** The owner's subnet number; absent: the first free one, kept from then on. */
  readonly subnet?: number;
  /** Absent: this LAN has no IPv4 by us. */
  readonly ipv4?: LanIpv4;
  /** Absent: nobody gets an IPv4 address by us. */
  readonly dhcp?: DhcpConfig;
  /** What the internet may open connections to, on any device of this LAN. */
  readonly open: readonly Opening[];
  readonly advertise: AdvertiseConfig;
  readonly dhcpv6: Dhcpv6Config;
}

export interface Dhcpv6Config {
  /** Addresses are leased: the M flag. */
  readonly addresses: boolean;
  /** Length of the prefixes that are delegated, 49..64; absent: none are. */
  readonly delegatedLength?: number;
}

/** The DHCPv4 server of one LAN. */
export interface DhcpConfig {
  /** Without the router's own address, should that lie in it. */
  readonly pool: Range4;
  readonly lease: Seconds;
}

/** What the owner says about a device: how it is recognised, and its address. */
export interface DeviceConfig {
  /** A DNS label in lower case. */
  readonly name: string;
  readonly mac?: Mac;
  /** DHCPv4 option 61 in lower-case hexadecimal without separators. */
  readonly clientId?: string;
  readonly duid?: Duid;
  /** Reserved for it, in the network of a LAN. */
  readonly ipv4?: Ip4;
}

export interface AdvertiseConfig {
  /** Seconds, RFC 4861 6.2.1; shortened when lifetimes are short. */
  readonly maxInterval: number;
  readonly minInterval: number;
  /** The O flag: devices ask DHCPv6 for what is no address. */
  readonly otherInformation: boolean;
  /** Absent: the provider's resolvers are passed on. */
  readonly resolvers?: readonly Ip6[];
  readonly searchDomains: readonly string[];
  readonly mtu?: number;
  readonly pref64?: Prefix;
  readonly captivePortal?: string;
}

export interface GatewayConfig {
  /** What the internet may open connections to on this box itself. */
  readonly open: readonly Opening[];
}

export interface DnsConfig {
  /** Off: the provider's resolvers are passed on to the LANs. */
  readonly enabled: boolean;
  /** Of the devices' names, without final dot. */
  readonly zone: string;
  /** Absent: those of the provider. */
  readonly upstreams?: readonly Upstream[];
  /** Domains that may point into the home. */
  readonly rebindExceptions: readonly string[];
  /** Locally served zones that are asked for outside all the same. */
  readonly forwardedZones: readonly string[];
}
