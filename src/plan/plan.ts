/** From what the owner wrote and what the machines found out to what the kernel shall have and the LANs shall hear. Pure and total. */
import { covers, type Prefix } from "../addr/prefix.ts";
import type { Instant } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import type { Advertisement } from "../machines/facts.ts";
import { planAddresses } from "./addresses.ts";
import { planAdvertisements } from "./advertisements.ts";
import type { Facts } from "./facts.ts";
import { planFirewall } from "./firewall.ts";
import { planHoldings } from "./holdings.ts";
import type { KernelState } from "./kernel-state.ts";
import { hasWayOut, planRoutes } from "./routes.ts";
import type { SubnetMemory } from "./subnets.ts";
import { planSysctls } from "./sysctls.ts";

export interface Desired {
  readonly kernel: KernelState;
  /** By LAN interface. */
  readonly advertisements: Readonly<Record<string, Advertisement>>;
  /** Subnet numbers to be remembered. */
  readonly subnets: SubnetMemory;
  /** Whether packets pass between the LANs and the internet. */
  readonly forwarding: boolean;
  /** Sentences for the owner about what could not be done. */
  readonly notices: readonly string[];
}

export function plan(config: Config, facts: Facts, now: Instant): Desired {
  const { holdings, subnets, numbers, notices } = planHoldings(config, facts, now);
  const delegated = holdings.filter((holding) => holding.kind === "delegated").map((holding) => holding.prefix);
  const lanPrefixes = subnets.filter(({ holding }) => holding.kind === "delegated").map(({ prefix }) => prefix);
  const addresses = planAddresses(config, facts, subnets);
  // RFC 7084 G-3: an address of our own and a delegation; an address on a LAN counts (WAA-7).
  const forwarding = lanPrefixes.length > 0 && addresses.length > 0;
  return {
    kernel: {
      up: [config.wan.interface, ...config.lans.map((lan) => lan.interface)],
      addresses,
      routes: planRoutes(config, facts, holdings, subnets),
      sysctls: planSysctls(config),
      ruleset: planFirewall(config, { forwarding, delegated: minimal(delegated), lanPrefixes: minimal(lanPrefixes) }),
    },
    advertisements: planAdvertisements(config, facts, holdings, subnets, hasWayOut(facts, config.wan.interface)),
    subnets: numbers,
    forwarding,
    notices,
  };
}

/** Without those that lie in another: a set with intervals takes no overlap. */
function minimal(prefixes: readonly Prefix[]): readonly Prefix[] {
  const different = [...new Set(prefixes)];
  return different.filter((prefix) => !different.some((other) => other !== prefix && covers(other, prefix)));
}
