/**
 * Which LAN gets which /64 of which delegation: RFC 7084 L-2, WPD-3; RFC 9818 LPD-2, LPD-3. A LAN keeps its number; a number that does not fit into a
 * smaller delegation is replaced for that delegation only, so that it is back when the delegation grows again.
 */
import { overlaps, type Prefix, prefixLength, subnet, subnetCount } from "../addr/prefix.ts";
import type { LanConfig } from "../config/config.ts";

/** Subnet numbers by LAN name. */
export type SubnetMemory = Readonly<Record<string, number>>;

/** A prefix to number LANs from: a delegation or the ULA. */
export interface SubnetPool {
  readonly prefix: Prefix;
  /** RFC 6603: on no LAN. */
  readonly excluded?: Prefix;
}

export interface Numbering {
  /** By LAN name; a LAN for which nothing is left is missing. */
  readonly subnets: ReadonlyMap<string, Prefix>;
  /** LANs that got none, in configured order. */
  readonly without: readonly string[];
}

const LAN_LENGTH = 64;

/** The numbers of all LANs: the owner's, those of before, and for new LANs the lowest free ones. */
export function rememberNumbers(lans: readonly LanConfig[], memory: SubnetMemory): SubnetMemory {
  const numbers: Record<string, number> = { ...memory };
  for (const lan of lans) if (lan.subnet !== undefined) numbers[lan.name] = lan.subnet;
  const fixed = new Set(lans.flatMap((lan) => (lan.subnet === undefined ? [] : [lan.subnet])));
  const taken = new Set(fixed);
  for (const { name, subnet: wanted } of lans) {
    if (wanted !== undefined) continue;
    const before = numbers[name];
    const number = before === undefined || taken.has(before) ? lowestFree(taken, numbers) : before;
    numbers[name] = number;
    taken.add(number);
  }
  return numbers;
}

/** One /64 of `pool` for each LAN, in configured order until none is left. */
export function numberLans(pool: SubnetPool, lans: readonly LanConfig[], numbers: SubnetMemory): Numbering {
  const count = subnetCount(pool.prefix, LAN_LENGTH);
  const usable = (number: number): boolean => number < count && !isExcluded(pool, number);
  const subnets = new Map<string, Prefix>();
  const taken = new Set<number>();
  for (const lan of lans) {
    const number = numbers[lan.name]!;
    if (!usable(number) || taken.has(number)) continue;
    taken.add(number);
    subnets.set(lan.name, subnet(pool.prefix, LAN_LENGTH, number));
  }
  for (const lan of lans) {
    if (subnets.has(lan.name)) continue;
    const number = firstUsable(count, (candidate) => usable(candidate) && !taken.has(candidate));
    if (number === undefined) continue;
    taken.add(number);
    subnets.set(lan.name, subnet(pool.prefix, LAN_LENGTH, number));
  }
  return inOrderOfConfig(lans, subnets, count);
}

/** When there is not enough for all, the LANs that stand first in the config win over those whose number happens to fit. */
function inOrderOfConfig(lans: readonly LanConfig[], subnets: ReadonlyMap<string, Prefix>, count: number): Numbering {
  const without = lans.filter((lan) => !subnets.has(lan.name)).map((lan) => lan.name);
  if (without.length === 0 || count === 0) return { subnets, without };
  const prefixes = [...subnets.values()];
  const served = lans.slice(0, prefixes.length);
  const kept = new Map(served.flatMap(({ name }) => (subnets.has(name) ? [[name, subnets.get(name)!] as const] : [])));
  const spare = prefixes.filter((prefix) => ![...kept.values()].includes(prefix));
  for (const { name } of served) if (!kept.has(name)) kept.set(name, spare.shift()!);
  return { subnets: kept, without: lans.slice(prefixes.length).map((lan) => lan.name) };
}

function isExcluded({ prefix, excluded }: SubnetPool, number: number): boolean {
  return excluded !== undefined && overlaps(subnet(prefix, LAN_LENGTH, number), excluded);
}

function lowestFree(taken: ReadonlySet<number>, numbers: SubnetMemory): number {
  const known = new Set(Object.values(numbers));
  let number = 0;
  while (taken.has(number) || known.has(number)) number++;
  return number;
}

/** More numbers than the largest excluded part that a provider could have (half of a /48) are never looked at. */
function firstUsable(count: number, usable: (number: number) => boolean): number | undefined {
  const most = Math.min(count, 70_000);
  for (let number = 0; number < most; number++) if (usable(number)) return number;
  return undefined;
}

/** Whether SLAAC can use it at all: a longer prefix than /64 makes no LAN (RFC 4862 5.5.3). */
export const isNumberable = (prefix: Prefix): boolean => prefixLength(prefix) <= LAN_LENGTH;
