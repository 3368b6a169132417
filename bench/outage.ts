/**
 * `bench outage`: the router's programs are stopped, replaced or killed, or the WAN cable is out. For how long a host of the LAN can open no connection, whether
 * an old one lives on, whether the LAN keeps its prefix, and what the provider hears of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Home } from "../src/lab/home.ts";
import { chosen, type Contender, dhcpcd, essay, networkd, requirePeers, skylan } from "./contenders.ts";
import type { Demand, Report } from "./figures.ts";
import { type Outage, PATIENCE, watchOutage } from "./outage-watch.ts";
import { sideBySide } from "./side-by-side.ts";

const ROUNDS = 3;
/** Milliseconds. */
const PAUSE = 3000;
/** RestartSec of packaging/skylan.service. */
const RESTART = 2000;
const CABLE_OUT = 30_000;

interface Event {
  readonly name: string;
  readonly unit: string;
  /** Ends with the moment when everything is there again. */
  readonly happen: (home: Home, contender: Contender) => Promise<void>;
  /** Whether the way to the internet is gone meanwhile, whoever the router is. */
  readonly cutsCable?: true;
}

const CUT = "s in which a host of the LAN could not open connections";

const EVENTS: readonly Event[] = [
  {
    name: "stop",
    unit: `${CUT}; SIGTERM, start after ${PAUSE / 1000} s`,
    happen: async (home, contender) => {
      await Promise.all([contender.stop(home), sleep(PAUSE)]);
      await contender.resume(home);
    },
  },
  {
    name: "upgrade",
    unit: `${CUT}; SIGTERM, start at once`,
    happen: async (home, contender) => {
      await contender.stop(home);
      await contender.resume(home);
    },
  },
  {
    name: "kill",
    unit: `${CUT}; kill -9, start after ${RESTART / 1000} s`,
    happen: async (home, contender) => {
      await Promise.all([contender.kill(home), sleep(RESTART)]);
      await contender.resume(home);
    },
  },
  {
    name: "cable",
    unit: `s from carrier-up until a host of the LAN can open connections; ${CABLE_OUT / 1000} s without WAN cable`,
    happen: async (home) => {
      await home.cutWan();
      await sleep(CABLE_OUT);
      await home.mendWan();
    },
    cutsCable: true,
  },
];

export async function run(options: readonly string[]): Promise<readonly Report[]> {
  const { rounds, contenders } = chosen(options, [skylan, networkd, essay, dhcpcd], ROUNDS);
  requirePeers(contenders);
  const outages = EVENTS.map(() => new Map(contenders.map(({ name }): [string, Outage[]] => [name, []])));
  for (let round = 1; round <= rounds; round++) {
    for (const [index, event] of EVENTS.entries()) {
      const seen = await sideBySide(contenders, {}, (home, contender) => watchOutage(home, () => event.happen(home, contender)));
      for (const [which, { name }] of contenders.entries()) outages[index]!.get(name)!.push(seen[which]!);
      const said = contenders.map(({ name }, which) => `${name} ${figureOf(event, seen[which]!).toFixed(2)} s`);
      console.error(`round ${round}, ${event.name}: ${said.join(", ")}`);
    }
  }
  return EVENTS.map((event, index) => report(event, outages[index]!));
}

function report(event: Event, outages: ReadonlyMap<string, readonly Outage[]>): Report {
  const ours = outages.get(skylan.name) ?? [];
  return {
    name: event.name,
    unit: event.unit,
    rows: [...outages].map(([name, all]) => ({ name, samples: all.map((outage) => figureOf(event, outage)) })),
    targets: demandsOf(event, ours),
    remarks: [
      ...[...outages].map(([name, all]) => describe(name, all)),
      ...(event.cutsCable
        ? [`of ours, s for which RA-5 forbade to tell the LAN: ${ours.map(({ held }) => held.toFixed(2)).join(", ")}`]
        : []),
    ],
  };
}

/** What never ended is counted as the bound. */
function figureOf({ cutsCable }: Event, { cut, over }: Outage): number {
  if (cut === undefined) return 0;
  return Math.min(PATIENCE / 1000, Math.max(0, cut.until - (cutsCable ? over : cut.from)));
}

function demandsOf({ cutsCable }: Event, ours: readonly Outage[]): readonly Demand[] {
  const failed = ours.map(({ cut }) => cut?.failed ?? 0);
  return [
    ...(cutsCable ? [] : [{ what: `no new connection fails: ${failed.join(", ")}`, met: failed.every((count) => count === 0) }]),
    { what: "the old connection lives on", met: ours.every(({ livesOn }) => livesOn) },
    { what: "the prefix is kept and never taken back", met: ours.every(({ prefix }) => prefix === "kept") },
    { what: "a Rebind is sent", met: ours.every(({ sent }) => sent.includes("rebind")) },
    { what: "no Release is sent", met: ours.every(({ sent }) => !sent.includes("release")) },
  ];
}

function describe(name: string, all: readonly Outage[]): string {
  const rounds = all.map(({ cut, livesOn, silence, prefix, sent }) =>
    [
      `${cut?.failed ?? 0} failed${cut?.until === Infinity ? `, never back within ${PATIENCE / 1000} s` : ""}`,
      livesOn ? `old connection lives (silent for ${silence.toFixed(1)} s)` : "old connection dead",
      `prefix ${prefix}`,
      `sent ${count(sent)}`,
    ].join(", "),
  );
  return `${name}: ${[...new Set(rounds)].join(" | ")}`;
}

/** "2 solicit, 1 request" */
function count(kinds: readonly string[]): string {
  const each = [...new Set(kinds)].map((kind) => `${kinds.filter((other) => other === kind).length} ${kind}`);
  return each.length === 0 ? "nothing" : each.join(" ");
}
