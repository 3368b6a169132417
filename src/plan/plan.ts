/** From what the owner wrote and what the machines found out to what the kernel shall have and the LANs shall hear. Pure and total. */
import type { Instant } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import type { Dhcpv4Serving } from "../machines/dhcpv4-server-options.ts";
import type { Advertisement } from "../machines/facts.ts";
import type { Dhcpv6Service } from "../machines/dhcpv6-lan-service.ts";
import { addressNotices, planAddresses } from "./addresses.ts";
import { planAdvertisements } from "./advertisements.ts";
import { planDhcpv4Serving } from "./dhcpv4-serving.ts";
import { planDhcpv6Service } from "./dhcpv6-service.ts";
import { delegationRoutes, liveDelegations } from "./delegations.ts";
import { type DnsPlan, planDns } from "./dns.ts";
import type { Facts } from "./facts.ts";
import { planFirewall } from "./firewall.ts";
import { planHoldings } from "./holdings.ts";
import { planIpv4 } from "./ipv4.ts";
import type { KernelState } from "./kernel-state.ts";
import type { Notice } from "./notice.ts";
import { hasWayOut, planRoutes } from "./routes.ts";
import type { SubnetMemory } from "./subnets.ts";
import { planSysctls } from "./sysctls.ts";

export interface Desired {
  readonly kernel: KernelState;
  /** By LAN interface. */
  readonly advertisements: Readonly<Record<string, Advertisement>>;
  /** By LAN interface: what its DHCPv4 server gives; none where there is nothing to serve. */
  readonly dhcpv4: Readonly<Record<string, Dhcpv4Serving>>;
  /** What the LANs are served by DHCPv6. */
  readonly dhcpv6Service: Dhcpv6Service;
  /** Subnet numbers to be remembered. */
  readonly subnets: SubnetMemory;
  /** Whether IPv6 packets may pass between the LANs and the internet: RFC 7084 G-3. */
  readonly forwarding: boolean;
  /** The same for IPv4, where it is in our hands. */
  readonly forwardingIpv4: boolean;
  /** Absent where names are not resolved here. */
  readonly dns: DnsPlan | undefined;
  /** What could not be done, as long as it lasts. */
  readonly notices: readonly Notice[];
}

export function plan(config: Config, facts: Facts, now: Instant): Desired {
  const { holdings, subnets, memory, notices } = planHoldings(config, facts, now);
  const addresses = planAddresses(config, facts, subnets, now);
  const ipv4 = planIpv4(config, facts, now);
  // An address and a delegated prefix: a LAN's own address in a delegated /64 is both (RFC 7084 G-3, WAA-7). A lease from before a restart counts.
  const forwarding = subnets.some(({ holding }) => holding.kind === "delegated");
  const delegations = liveDelegations(config, facts, holdings, subnets, now);
  const wayOut = hasWayOut(facts, config.wan.interface, now);
  const advertisements = planAdvertisements(config, facts, holdings, subnets, wayOut, now);
  return {
    kernel: {
      up: [config.wan.interface, ...config.lans.map((lan) => lan.interface)],
      addresses: [...addresses, ...ipv4.addresses],
      routes: [...planRoutes(config, facts, holdings, subnets, now), ...delegationRoutes(config, facts, delegations, now), ...ipv4.routes],
      sysctls: planSysctls(config, facts.ra, { ipv6: subnets.length > 0, ipv4: ipv4.translated !== undefined }),
      ruleset: planFirewall(config, { forwarding, ipv4: ipv4.translated, holdings, subnets, links: facts.links, delegations }),
    },
    advertisements,
    dhcpv4: planDhcpv4Serving(config, facts),
    dhcpv6Service: planDhcpv6Service(config, facts, holdings, subnets, advertisements),
    subnets: memory,
    forwarding,
    forwardingIpv4: ipv4.translated !== undefined,
    dns: config.dns.enabled ? planDns(config, facts, holdings, now) : undefined,
    notices: [...notices, ...addressNotices(facts, subnets), ...ipv4.notices],
  };
}
