/** Everything the plan is made from, besides the config. */
import type { Prefix } from "../addr/prefix.ts";
import type { Dhcpv6LanServerFact } from "../machines/dhcpv6-lan-service.ts";
import type { Dhcpv4ClientFact, Dhcpv6ClientFact, RaClientFact, RaServerFact } from "../machines/facts.ts";
import type { LanIdentifiersFact } from "../machines/lan-identifiers.ts";
import type { Dhcpv6ServerWatchFact } from "../machines/dhcpv6-server-watch.ts";
import type { LinkFact } from "./kernel-state.ts";
import type { SubnetMemory } from "./subnets.ts";

export interface Facts {
  readonly links: readonly LinkFact[];
  readonly ra: RaClientFact | undefined;
  readonly dhcpv6: Dhcpv6ClientFact | undefined;
  /** Absent where IPv4 is not in our hands. */
  readonly dhcpv4: Dhcpv4ClientFact | undefined;
  /** The kernel has refused to translate IPv4. */
  readonly isUntranslated?: boolean;
  /** By LAN interface. */
  readonly lans: Readonly<Record<string, RaServerFact>>;
  /** By LAN interface: DHCPv6 servers that are not ours. */
  readonly lanServers: Readonly<Record<string, Dhcpv6ServerWatchFact>>;
  /** What we lease on the LANs. */
  readonly dhcpv6Server: Dhcpv6LanServerFact | undefined;
  /** Subnet numbers given before, by LAN name: kept while they fit. */
  readonly subnets: SubnetMemory;
  /** The home's own random /48, used when the config wants one. */
  readonly ula: Prefix;
  /** RFC 7217 secret. */
  readonly secret: Uint8Array;
  /** By LAN interface: the /64s in which another device had our first address. */
  readonly refused: Readonly<Record<string, LanIdentifiersFact>>;
}
