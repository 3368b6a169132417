/** Eyes on an outage: connections that are tried all the time, an old one that should live on, the prefix of the LAN, and what is sent to the provider. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Home, NET_ADDRESS } from "../src/lab/home.ts";
import { converse, type Echo, type Series, type Try, watchWeb, webUrl } from "../src/lab/traffic.ts";
import { until } from "../src/lab/until.ts";
import { MIN_DELAY_BETWEEN_RAS } from "../src/machines/ra-schedule.ts";
import { type LinkWatch, prefixesOf, watchLink } from "../test/fixtures/link-watch.ts";
import { orNever, REST } from "./side-by-side.ts";
import { type Cut, cutIn, PACE, PROMPT } from "./tries.ts";

/** Longest wait for the end of an outage. Milliseconds, as all of these. */
export const PATIENCE = 90_000;
/** How long all is watched after the event in any case: some cuts come late. */
const AFTERMATH = 25_000;
/** So long must all be well before it counts as over. */
const QUIET = 5000;
/** A connection whose segments got lost for 30 s repeats them up to 26 s later. */
const REPEATED = 60_000;

export interface Outage {
  /** Of new connections; undefined: none failed. */
  readonly cut: Cut | undefined;
  /** When the event itself was over, in seconds since 1970. */
  readonly over: number;
  /** For how many seconds after it RA-5's gap of 3 s forbade another advertisement to all nodes. */
  readonly held: number;
  readonly livesOn: boolean;
  /** Longest wait for an echo on the old connection, in seconds. */
  readonly silence: number;
  readonly prefix: "kept" | "kept, but taken back meanwhile" | "lost";
  /** The kinds of DHCPv6 messages from the gateway, in their order. */
  readonly sent: readonly string[];
}

/** Lets it happen, and watches until all is well again or time is up. @throws Error when it was not well before */
export async function watchOutage(home: Home, happen: () => Promise<void>): Promise<Outage> {
  await sleep(REST);
  await using tries = watchWeb(home.laptop, webUrl(NET_ADDRESS), { every: PACE, timeout: PROMPT });
  await using talk = await converse(home.laptop, home.net, NET_ADDRESS, 7000);
  await until(() => isQuiet(tries), { within: PATIENCE, every: 200, what: "all is well before" });
  const before = await home.globalAddress("laptop");
  using wan = watchLink(home.gateway, "wan");
  using lan = watchLink(home.laptop);
  const from = Date.now();
  await happen();
  const over = Date.now() / 1000;
  await sleep(AFTERMATH);
  await until(() => isQuiet(tries), { within: PATIENCE - AFTERMATH, every: 200, what: "all is well again" }).catch(orNever);
  const livesOn = await isAlive(talk);
  return {
    cut: cutIn(tries.results().filter(({ at, ms }) => at + ms >= from)),
    over,
    held: heldAt(over, lan),
    livesOn,
    silence: Math.max(0, ...talk.results().map((echo) => ("ms" in echo ? echo.ms / 1000 : 0))),
    prefix: await fateOf(before, home, lan),
    sent: wan.dhcpv6.filter(({ sent }) => sent).map(({ message }) => message.kind),
  };
}

/** Only what has come to its end is known: a try that hangs is none yet. */
function isQuiet(tries: Series<Try>): boolean {
  const recent = tries.results().filter(({ at }) => at > Date.now() - QUIET);
  return recent.length > QUIET / PACE / 4 && recent.every(({ ok }) => ok);
}

function heldAt(moment: number, lan: LinkWatch): number {
  const last = lan.multicasts.findLast(({ at }) => at < moment);
  return last ? Math.max(0, last.at + MIN_DELAY_BETWEEN_RAS / 1000 - moment) : 0;
}

async function isAlive(talk: Series<Echo>): Promise<boolean> {
  const said = talk.results().length;
  const goesOn = (): boolean => talk.results().length > said + 5;
  const hasEnded = (): boolean => talk.results().some((echo) => "ended" in echo);
  await until(() => goesOn() || hasEnded(), { within: REPEATED, what: "the old connection goes on" }).catch(orNever);
  return goesOn() && !hasEnded();
}

async function fateOf(address: string, home: Home, lan: LinkWatch): Promise<Outage["prefix"]> {
  const now = (await home.addresses("laptop")).find((each) => each.address === address);
  if (now?.state !== "preferred") return "lost";
  const beginning = address.split(":").slice(0, 4).join(":");
  const told = lan.advertisements.flatMap(prefixesOf).filter(({ prefix }) => prefix.startsWith(beginning));
  return told.some(({ preferred }) => preferred === 0) ? "kept, but taken back meanwhile" : "kept";
}
