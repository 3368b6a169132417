/**
 * `bench renumber`: the provider hands over another /56, once with a Reply to the next Renew (T1 is 10 s, for all), once while the cable is out for 3 s (with
 * Starlink's times, so that no Renew comes to help). How long it takes until the LAN is told, and until a host is online again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Seconds } from "../src/addr/time.ts";
import type { Home } from "../src/lab/home.ts";
import { chosen, type Contender, dhcpcd, essay, networkd, requirePeers, skylan } from "./contenders.ts";
import type { Demand, Report, Row } from "./figures.ts";
import { type Moments, OTHER_POOL, PATIENCE, RenumberingWatch } from "./renumbering-watch.ts";
import { REST, sideBySide } from "./side-by-side.ts";

const ROUNDS = 3;
const T1 = 10 as Seconds;
const T2 = 60 as Seconds;
/** Milliseconds. */
const FLAP = 3000;

/** Seconds. */
const LIMITS = { told: 1, online: 0.5, flap: 3 };

/** By contender, one a round. */
type Samples<T> = ReadonlyMap<string, T[]>;
interface Flap extends Moments {
  /** Just before the plug went in again. */
  readonly plugged: number;
}

export async function run(options: readonly string[]): Promise<readonly Report[]> {
  const { rounds, contenders } = chosen(options, [skylan, networkd, essay, dhcpcd], ROUNDS);
  requirePeers(contenders);
  const renewed: Samples<Moments> = new Map(contenders.map(({ name }) => [name, []]));
  const flapped: Samples<Flap> = new Map(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    const renewals = await sideBySide(contenders, { provider: { dhcpv6: { t1: T1, t2: T2 } } }, renumber);
    add(renewed, contenders, renewals);
    console.error(`round ${round}, by Renew: ${describe(contenders, renewals, ({ reply }) => reply)}`);
    const flaps = await sideBySide(contenders, {}, renumberInFlap);
    add(flapped, contenders, flaps);
    console.error(`round ${round}, by a flap: ${describe(contenders, flaps, ({ plugged }) => plugged)}`);
  }
  return [...reportRenewals(renewed), ...reportFlaps(flapped)];
}

async function renumber(home: Home): Promise<Moments> {
  await using watch = await RenumberingWatch.open(home);
  await sleep(REST);
  const ordered = Date.now() / 1000;
  await home.isp.command({ kind: "renumber", pool: OTHER_POOL });
  return await watch.moments(ordered);
}

async function renumberInFlap(home: Home): Promise<Flap> {
  await using watch = await RenumberingWatch.open(home);
  await sleep(REST);
  await home.cutWan();
  const ordered = Date.now() / 1000;
  await home.isp.command({ kind: "renumber", pool: OTHER_POOL });
  await sleep(FLAP);
  const plugged = Date.now() / 1000;
  await home.mendWan();
  return { ...(await watch.moments(ordered)), plugged };
}

function add<T>(samples: Samples<T>, contenders: readonly Contender[], values: readonly T[]): void {
  for (const [index, { name }] of contenders.entries()) samples.get(name)!.push(values[index]!);
}

function reportRenewals(samples: Samples<Moments>): readonly Report[] {
  const ours = samples.get(skylan.name) ?? [];
  const gaps = ours.map(({ reply, permitted }) => span(reply, permitted));
  return [
    report("renew", "s from the Reply to the advertisement that announces the new prefix and deprecates the old", samples, {
      value: ({ reply, told }) => span(reply, told),
      remarks: [
        `of ours, s until RA-5's 3 s between advertisements to all nodes were over: ${list(gaps)}`,
        `of ours, advertisements to all nodes between the Reply and that one: ${ours.map(({ between }) => between).join(", ")}`,
        ...parts(samples, ({ reply }) => reply),
      ],
      demands: [
        atMost(
          LIMITS.told,
          "from when an advertisement was permitted",
          ours.map(({ permitted, told }) => span(permitted, told)),
        ),
      ],
    }),
    report("renew outwards", "s from the host's new address being usable to its first new connection", samples, {
      value: ({ usable, connected }) => span(usable, connected),
      demands: [
        atMost(
          LIMITS.online,
          "after duplicate address detection",
          ours.map(({ usable, connected }) => span(usable, connected)),
        ),
      ],
    }),
    report("renew inwards", "s from the host's new address being usable to the first connection from outside to an opened port", samples, {
      value: ({ usable, reached }) => span(usable, reached),
      demands: [
        atMost(
          LIMITS.online,
          "after duplicate address detection",
          ours.map(({ usable, reached }) => span(usable, reached)),
        ),
      ],
    }),
  ];
}

function reportFlaps(samples: Samples<Flap>): readonly Report[] {
  const ours = samples.get(skylan.name) ?? [];
  return [
    report("flap", "s from carrier-up to the advertisement that announces the new prefix and deprecates the old", samples, {
      value: ({ plugged, told }) => span(plugged, told),
      remarks: [
        `of ours, s until the Reply: ${list(ours.map(({ plugged, reply }) => span(plugged, reply)))}; until RA-5's 3 s since the advertisement before were over: ${list(ours.map(({ plugged, permitted }) => span(plugged, permitted)))}`,
        ...parts(samples, ({ plugged }) => plugged),
      ],
      demands: [
        atMost(
          LIMITS.flap,
          "from carrier-up",
          ours.map(({ plugged, told }) => span(plugged, told)),
        ),
      ],
    }),
    report("flap outwards", "s from carrier-up to the host's first new connection", samples, {
      value: ({ plugged, connected }) => span(plugged, connected),
      demands: [],
    }),
  ];
}

interface Measure<T> {
  readonly value: (moments: T) => number;
  readonly remarks?: readonly string[];
  readonly demands: readonly Demand[];
}

/** What did not come is counted as the bound, and said. */
function report<T>(name: string, unit: string, samples: Samples<T>, { value, remarks = [], demands }: Measure<T>): Report {
  const limit = PATIENCE / 1000;
  const measured = [...samples].map(([contender, moments]) => ({ name: contender, spans: moments.map(value) }));
  const rows: Row[] = measured.map(({ name, spans }) => ({ name, samples: spans.map((each) => Math.min(each, limit)) }));
  const never = measured
    .map(({ name, spans }) => ({ name, missing: spans.filter((each) => each >= limit).length, of: spans.length }))
    .filter(({ missing }) => missing > 0)
    .map(({ name, missing, of }) => `${name}: not within ${limit} s in ${missing} of ${of} rounds`);
  return { name, unit, rows, targets: demands, remarks: [...never, ...remarks] };
}

/** To announce a prefix is one thing, to take the old one back another; hosts leave it by themselves when its last promise has ended. */
function parts<T extends Moments>(samples: Samples<T>, start: (moments: T) => number | undefined): readonly string[] {
  const each = (all: readonly T[], pick: (moments: T) => number | undefined): string =>
    list(all.map((moments) => span(start(moments), pick(moments))));
  return [...samples].map(
    ([name, all]) =>
      `${name}, s until the new prefix is announced: ${each(all, ({ announced }) => announced)}; until the host has left the old one: ${each(all, ({ left }) => left)}`,
  );
}

function atMost(limit: number, since: string, spans: readonly number[]): Demand {
  return { what: `below ${limit} s ${since}: ${list(spans)}`, met: spans.every((each) => each < limit) };
}

/** A host is not slower than 0 when it dares to use its address early. */
function span(from: number | undefined, to: number | undefined): number {
  return from === undefined || to === undefined ? Infinity : Math.max(0, to - from);
}

const list = (spans: readonly number[]): string => spans.map((each) => (Number.isFinite(each) ? each.toFixed(3) : "never")).join(", ");

function describe<T extends Moments>(
  contenders: readonly Contender[],
  all: readonly T[],
  start: (moments: T) => number | undefined,
): string {
  return contenders.map(({ name }, index) => `${name} ${list([span(start(all[index]!), all[index]!.told)])} s`).join(", ");
}
