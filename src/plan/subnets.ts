/**
 * Which LAN gets which /64 of a prefix: RFC 7084 L-2 and WPD-3, RFC 9818 LPD-2 and LPD-3. A LAN keeps its number as long as it fits: over restarts, in
 * another prefix, and when other LANs come, go or change their order.
 */
import type { Json } from "../addr/json.ts";
import { covers, overlaps, type Prefix, prefixAddress, prefixLength, prefixOf, subnet, subnetCount, subnetIndex } from "../addr/prefix.ts";
import type { LanConfig } from "../config/config.ts";

/** By LAN name, also of LANs that are gone from the config: they may come back. */
export type SubnetMemory = Readonly<Record<string, RememberedNumbers>>;

/** The numbers of one LAN. They differ between two prefixes of different lengths, and where one has an excluded part. */
export type RememberedNumbers = {
  /** The one it had last, wherever that was. */
  readonly last: number;
  /** By prefix, of the last few prefixes: one that comes back finds its LANs as they were. */
  readonly in: Readonly<Record<string, number>>;
};

/** A prefix to number LANs from: a delegation or the ULA. */
export interface SubnetPool {
  readonly prefix: Prefix;
  /** RFC 6603: on no LAN. */
  readonly excluded?: Prefix;
}

/** The LANs' subnet numbers in one pool, by LAN name. A LAN for which nothing is left is missing. */
export type Numbers = ReadonlyMap<string, number>;

const LAN_LENGTH = 64;
/** The first four billion /64s are enough, and all numbers stay exact. */
const MOST_SUBNETS = 2 ** 32;
/** LANs that are gone from the config and still remembered. */
const MOST_FORMER_LANS = 256;
const MOST_PREFIXES = 8;

/** Whether a LAN can be numbered from it at all: a prefix longer than /64 makes no LAN (RFC 4862 5.5.3 d). */
export const isNumberable = (prefix: Prefix): boolean => prefixLength(prefix) <= LAN_LENGTH;

/** The /64 with a number. */
export const lanPrefix = (pool: SubnetPool, number: number): Prefix => subnet(pool.prefix, LAN_LENGTH, number);

/**
 * One number of each pool for each LAN; two LANs never share a /64, not even where pools overlap. What is `delegated` to routers behind us is the last
 * choice for a LAN without a number.
 */
export function numberLans(
  pools: readonly SubnetPool[],
  lans: readonly LanConfig[],
  memory: SubnetMemory,
  delegated: readonly Prefix[] = [],
): readonly Numbers[] {
  const owners = new Map<Prefix, string>();
  const given = new Map<string, number>();
  return pools.map((pool) => {
    if (!isNumberable(pool.prefix)) return new Map();
    const numbers = numberPool(pool, lans, { memory, owners, given, delegated });
    for (const [name, number] of numbers) {
      owners.set(lanPrefix(pool, number), name);
      if (!given.has(name)) given.set(name, number);
    }
    return numbers;
  });
}

/** What is to be remembered after a numbering. */
export function rememberNumbers(pools: readonly SubnetPool[], numbered: readonly Numbers[], memory: SubnetMemory): SubnetMemory {
  const present = new Set(numbered.flatMap((numbers) => [...numbers.keys()]));
  const held = new Set(pools.flatMap(({ prefix }, i) => [...numbered[i]!.values()].map((number) => `${prefix} ${number}`)));
  const former = Object.entries(memory).filter(([name]) => !present.has(name));
  const now = [...present].toSorted().map((name) => [name, remembered(name, pools, numbered, own(memory, name))] as const);
  return Object.fromEntries([
    ...former.slice(-MOST_FORMER_LANS).map(([name, numbers]) => [name, withoutLost(numbers, held)] as const),
    ...now,
  ]);
}

/** Without the numbers that another LAN has by now: whoever comes back does not take them from it. */
function withoutLost(numbers: RememberedNumbers, held: ReadonlySet<string>): RememberedNumbers {
  return { ...numbers, in: Object.fromEntries(Object.entries(numbers.in).filter(([prefix, number]) => !held.has(`${prefix} ${number}`))) };
}

function remembered(
  name: string,
  pools: readonly SubnetPool[],
  numbered: readonly Numbers[],
  before?: RememberedNumbers,
): RememberedNumbers {
  const held = pools.flatMap(({ prefix }, i): (readonly [string, number])[] => {
    const number = numbered[i]!.get(name);
    return number === undefined ? [] : [[prefix, number]];
  });
  const earlier = Object.entries(before?.in ?? {}).filter(([prefix]) => !held.some(([now]) => now === prefix));
  return { last: held[0]![1], in: Object.fromEntries([...earlier, ...held].slice(-MOST_PREFIXES)) };
}

/** Reads a saved memory; undefined when it is none. */
export function subnetMemoryFromJson(json: Json): SubnetMemory | undefined {
  if (!isRecord(json)) return undefined;
  const right = Object.values(json).every(
    (entry) => isRecord(entry) && isNumber(entry["last"]) && isRecord(entry["in"]) && Object.values(entry["in"]).every(isNumber),
  );
  return right ? (json as unknown as SubnetMemory) : undefined;
}

function isRecord(json: Json | undefined): json is Readonly<Record<string, Json>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

const isNumber = (json: Json | undefined): boolean => typeof json === "number" && Number.isInteger(json) && json >= 0;

/** What is known when a pool's turn comes. */
interface Known {
  readonly memory: SubnetMemory;
  /** LANs by the /64s of the pools before. */
  readonly owners: ReadonlyMap<Prefix, string>;
  /** Numbers of the first pool, so that a LAN has the same in each where it can. */
  readonly given: ReadonlyMap<string, number>;
  readonly delegated: readonly Prefix[];
}

/** From the strongest wish to the weakest: what the owner wrote, what the LAN has here, what it has elsewhere, what it had. */
const WISHES: readonly ((lan: LanConfig, pool: SubnetPool, known: Known) => number | undefined)[] = [
  (lan) => lan.subnet,
  (lan, pool, { memory }) => own(memory, lan.name)?.in[pool.prefix],
  (lan, _pool, { given }) => given.get(lan.name),
  (lan, _pool, { memory }) => own(memory, lan.name)?.last,
];

function numberPool(pool: SubnetPool, lans: readonly LanConfig[], known: Known): Numbers {
  const room = roomOf(pool);
  // RFC 7084 WPD-3 leaves the choice: the LANs that the owner wrote first.
  const served = lans.slice(0, room.count);
  const numbers = new Map<string, number>();
  const taken = new Set<number>();
  const isFree = (number: number, name: string): boolean => {
    if (taken.has(number) || !room.has(number)) return false;
    return (known.owners.get(lanPrefix(pool, number)) ?? name) === name;
  };
  const give = (name: string, number: number): void => {
    taken.add(number);
    numbers.set(name, number);
  };
  for (const wish of WISHES) {
    for (const lan of served) {
      const number = wish(lan, pool, known);
      if (number !== undefined && !numbers.has(lan.name) && isFree(number, lan.name)) give(lan.name, number);
    }
  }
  const unnumbered = served.filter((lan) => !numbers.has(lan.name));
  const claimed = [...formerNumbers(pool, lans, known.memory), ...delegatedNumbers(pool, known.delegated)];
  for (const avoided of [new Set(claimed), new Set<number>()]) {
    let next = 0;
    for (const { name } of unnumbered) {
      if (numbers.has(name)) continue;
      while (next < room.end && (avoided.has(next) || !isFree(next, name))) next = room.after(next);
      if (next < room.end) give(name, next);
    }
  }
  return numbers;
}

/** The numbers of LANs that are not in the config now: kept free for their return while there are others. */
function formerNumbers({ prefix }: SubnetPool, lans: readonly LanConfig[], memory: SubnetMemory): ReadonlySet<number> {
  const names = new Set(lans.map((lan) => lan.name));
  const former = Object.entries(memory).filter(([name]) => !names.has(name));
  return new Set(former.map(([, numbers]) => numbers.in[prefix] ?? numbers.last));
}

function delegatedNumbers({ prefix }: SubnetPool, delegated: readonly Prefix[]): readonly number[] {
  return delegated.flatMap((value) => {
    const [size, index] = [subnetCount(value, LAN_LENGTH), subnetIndex(prefix, value)];
    return index === undefined ? [] : Array.from({ length: size }, (_, i) => index * size + i);
  });
}

/** The numbers that exist in a pool. */
interface Room {
  readonly count: number;
  readonly end: number;
  has(number: number): boolean;
  /** The next number to be looked at; an excluded part is passed in one step. */
  after(number: number): number;
}

function roomOf(pool: SubnetPool): Room {
  const end = Math.min(subnetCount(pool.prefix, LAN_LENGTH), MOST_SUBNETS);
  const [from, to] = excludedNumbers(pool);
  const excluded = Math.max(0, Math.min(to, end) - Math.min(from, end));
  return {
    count: end - excluded,
    end,
    has: (number) => number < end && (number < from || number >= to),
    after: (number) => (number + 1 >= from && number + 1 < to ? to : number + 1),
  };
}

/** First excluded number and the first behind it. A part of a /64 excludes all of it. */
function excludedNumbers({ prefix, excluded }: SubnetPool): readonly [number, number] {
  if (excluded === undefined || !overlaps(prefix, excluded)) return [0, 0];
  if (covers(excluded, prefix)) return [0, Number.POSITIVE_INFINITY];
  const length = Math.min(prefixLength(excluded), LAN_LENGTH);
  const size = subnetCount(prefixOf(prefixAddress(excluded), length), LAN_LENGTH);
  const first = subnetIndex(prefix, prefixOf(prefixAddress(excluded), length))! * size;
  return [first, first + size];
}

function own(memory: SubnetMemory, name: string): RememberedNumbers | undefined {
  return Object.hasOwn(memory, name) ? memory[name] : undefined;
}
