/** What we hold of address space at this moment, and how the LANs are numbered from it: the common ground of addresses, routes, rules and advertisements. */
import { type Prefix, prefixLength } from "../addr/prefix.ts";
import { type Instant, NEVER } from "../addr/time.ts";
import type { Config, LanConfig } from "../config/config.ts";
import type { Facts } from "./facts.ts";
import { isNumberable, type Numbering, numberLans, rememberNumbers, type SubnetMemory, type SubnetPool } from "./subnets.ts";

/** A delegation or the ULA, with its life. */
export interface Holding extends SubnetPool {
  readonly kind: "delegated" | "ula";
  readonly preferredUntil: Instant;
  readonly validUntil: Instant;
}

/** One /64 on a LAN. */
export interface LanSubnet {
  readonly lan: LanConfig;
  readonly prefix: Prefix;
  readonly holding: Holding;
}

export interface Holdings {
  readonly holdings: readonly Holding[];
  readonly subnets: readonly LanSubnet[];
  readonly numbers: SubnetMemory;
  /** For the owner: what could not be done. */
  readonly notices: readonly string[];
}

export function planHoldings(config: Config, facts: Facts, now: Instant): Holdings {
  const numbers = rememberNumbers(config.lans, facts.subnets);
  const holdings = [...delegations(facts, now), ...ula(config, facts)];
  const numbered = holdings.map((holding) => ({ holding, numbering: numberIfPossible(holding, config.lans, numbers) }));
  return {
    holdings,
    numbers,
    subnets: numbered.flatMap(({ holding, numbering }) =>
      config.lans.flatMap((lan) => {
        const prefix = numbering.subnets.get(lan.name);
        return prefix ? [{ lan, prefix, holding }] : [];
      }),
    ),
    notices: numbered.flatMap(({ holding, numbering }) => notice(holding, numbering)),
  };
}

function delegations({ dhcpv6 }: Facts, now: Instant): readonly Holding[] {
  return (dhcpv6?.delegated ?? [])
    .filter(({ validUntil }) => validUntil > now)
    .map(({ prefix, excluded, preferredUntil, validUntil }) => ({
      kind: "delegated",
      prefix,
      ...(excluded && { excluded }),
      preferredUntil,
      validUntil,
    }));
}

function ula(config: Config, facts: Facts): readonly Holding[] {
  if (config.ula === "off") return [];
  const prefix = config.ula === "auto" ? facts.ula : config.ula;
  return [{ kind: "ula", prefix, preferredUntil: NEVER, validUntil: NEVER }];
}

function numberIfPossible(holding: Holding, lans: readonly LanConfig[], numbers: SubnetMemory): Numbering {
  return isNumberable(holding.prefix) ? numberLans(holding, lans, numbers) : { subnets: new Map(), without: lans.map((lan) => lan.name) };
}

function notice({ prefix }: Holding, { without }: Numbering): readonly string[] {
  if (without.length === 0) return [];
  const names = without.join(", ");
  if (!isNumberable(prefix)) return [`${prefix} is too small: a LAN needs a /64, so no LAN gets addresses from it (${names})`];
  return [`${prefix} has too few /64s (it is a /${prefixLength(prefix)}): no addresses from it for ${names}`];
}
