/** What we hold of address space at this moment, and how the LANs are numbered from it: the common ground of addresses, routes, rules and advertisements. */
import { covers, type Prefix, prefix, prefixLength, UNIQUE_LOCAL } from "../addr/prefix.ts";
import { type Instant, NEVER } from "../addr/time.ts";
import type { Config, LanConfig } from "../config/config.ts";
import type { DelegatedPrefix } from "../machines/facts.ts";
import type { Facts } from "./facts.ts";
import type { Notice } from "./notice.ts";
import { isNumberable, lanPrefix, numberLans, rememberNumbers, type SubnetMemory, type SubnetPool } from "./subnets.ts";

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
  /** Also those that no LAN can use. */
  readonly holdings: readonly Holding[];
  /** By LAN in configured order within each holding. */
  readonly subnets: readonly LanSubnet[];
  readonly memory: SubnetMemory;
  readonly notices: readonly Notice[];
}

/** A provider moves a home with two at once; more than these are a mistake, and each costs every LAN an address, a route and a rule. */
const MOST_DELEGATIONS = 8;
/** A delegation inside one of these is no address space of the internet. */
const NOT_DELEGABLE = ["::/8", "fe80::/9", "ff00::/8", UNIQUE_LOCAL].map(prefix);

export function planHoldings(config: Config, facts: Facts, now: Instant): Holdings {
  const { lans } = config;
  const live = (facts.dhcpv6?.delegated ?? []).filter(({ validUntil }) => validUntil > now);
  const usable = once(live.filter(isDelegable)).slice(0, MOST_DELEGATIONS);
  const holdings = [...usable.map(delegated), ...ula(config, facts)];
  const behind = (facts.dhcpv6Server?.delegations ?? []).map((delegation) => delegation.prefix);
  const numbered = numberLans(holdings, lans, facts.subnets, behind);
  const subnets = holdings.flatMap((holding, i) =>
    lans.flatMap((lan) => {
      const number = numbered[i]!.get(lan.name);
      return number === undefined ? [] : [{ lan, prefix: lanPrefix(holding, number), holding }];
    }),
  );
  return {
    holdings,
    subnets: united(subnets),
    memory: rememberNumbers(holdings, numbered, facts.subnets),
    notices: [
      ...live.filter((delegation) => !isDelegable(delegation)).map(strange),
      ...usable.filter(({ prefix: length }) => !isNumberable(length)).map(tooLong),
      ...tooSmall(
        lans,
        usable.filter(({ prefix: length }) => isNumberable(length)),
        subnets,
      ),
      ...displaced(lans, holdings, subnets),
    ],
  };
}

/** A prefix that comes in two IAs is one, with the longer life; what either of them excludes is excluded. */
function once(delegations: readonly DelegatedPrefix[]): readonly DelegatedPrefix[] {
  const byPrefix = new Map<Prefix, DelegatedPrefix>();
  for (const delegation of delegations) {
    const other = byPrefix.get(delegation.prefix);
    const longer = !other || other.validUntil < delegation.validUntil ? delegation : other;
    const excluded = delegation.excluded ?? other?.excluded;
    byPrefix.set(delegation.prefix, { ...longer, ...(excluded && { excluded }) });
  }
  return [...byPrefix.values()];
}

function isDelegable({ prefix: value }: DelegatedPrefix): boolean {
  return !NOT_DELEGABLE.some((range) => covers(range, value));
}

function delegated({ prefix: value, excluded, preferredUntil, validUntil }: DelegatedPrefix): Holding {
  return { kind: "delegated", prefix: value, ...(excluded && { excluded }), preferredUntil, validUntil };
}

function ula(config: Config, facts: Facts): readonly Holding[] {
  if (config.ula === "off") return [];
  return [{ kind: "ula", prefix: config.ula === "auto" ? facts.ula : config.ula, preferredUntil: NEVER, validUntil: NEVER }];
}

/** Where delegations overlap, a LAN can have one /64 from two of them: it counts once, with the longer life. */
function united(subnets: readonly LanSubnet[]): readonly LanSubnet[] {
  const byPrefix = new Map<Prefix, LanSubnet>();
  for (const subnet of subnets) {
    const other = byPrefix.get(subnet.prefix);
    if (!other || other.holding.validUntil < subnet.holding.validUntil) byPrefix.set(subnet.prefix, subnet);
  }
  return [...byPrefix.values()];
}

function strange({ prefix: value }: DelegatedPrefix): Notice {
  return {
    name: "delegation.not-global",
    text: `The provider delegates ${value}, which is no address space of the internet; it is not used.`,
    remedy: "Tell the provider. If its router is one of your own, let it delegate a part of its global prefix.",
  };
}

function tooLong({ prefix: value }: DelegatedPrefix): Notice {
  return {
    name: "delegation.too-long",
    text: `The provider delegates ${value}, but a LAN needs a /64: no LAN gets addresses from it.`,
    remedy: "Ask the provider for a /64 or more; prefix_hint in [wan] says what is asked for.",
  };
}

/** LANs that get nothing while others do: RFC 7084 WPD-3 wants the owner to know. */
function tooSmall(lans: readonly LanConfig[], delegations: readonly DelegatedPrefix[], subnets: readonly LanSubnet[]): readonly Notice[] {
  const served = new Set(subnets.filter(({ holding }) => holding.kind === "delegated").map(({ lan }) => lan.name));
  const left = lans.filter((lan) => !served.has(lan.name)).map((lan) => `"${lan.name}"`);
  if (delegations.length === 0 || left.length === 0) return [];
  const prefixes = delegations.map((delegation) => delegation.prefix).join(", ");
  const hint = Math.min(...delegations.map((delegation) => prefixLength(delegation.prefix)));
  return [
    {
      name: "delegation.too-small",
      text: `The delegated ${prefixes} has no /64 left for LAN ${left.join(", ")}.`,
      remedy: `Ask for more with prefix_hint below ${hint} in [wan], or put the LANs that matter first in the config.`,
    },
  ];
}

/** The owner's own numbers that do not fit: the LAN has another one meanwhile. */
function displaced(lans: readonly LanConfig[], holdings: readonly Holding[], subnets: readonly LanSubnet[]): readonly Notice[] {
  return lans.flatMap((lan) => {
    if (lan.subnet === undefined) return [];
    const elsewhere = holdings.filter((holding) => {
      const own = subnets.find((subnet) => subnet.lan === lan && subnet.holding === holding);
      return own !== undefined && own.prefix !== lanPrefixOrNone(holding, lan.subnet!);
    });
    return elsewhere.map(({ prefix: value }) => ({
      name: "subnet.displaced",
      text: `Subnet ${lan.subnet} of LAN "${lan.name}" does not exist in ${value}; it has another number there.`,
      remedy: "Write a smaller number, or none.",
    }));
  });
}

function lanPrefixOrNone(holding: Holding, number: number): Prefix | undefined {
  return number < 2 ** (64 - prefixLength(holding.prefix)) ? lanPrefix(holding, number) : undefined;
}
