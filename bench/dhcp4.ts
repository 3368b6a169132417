/**
 * `bench dhcp4`: how many devices a second get an address by DISCOVER, OFFER, REQUEST and ACK, and what each costs the server. perfdhcp asks as a relay would,
 * over a cable of its own; server and perfdhcp share the machine's processors. Each server is asked at rising rates until it does not follow: its best counts.
 */
import { readFileSync } from "node:fs";
import { createHome, type Home } from "../src/lab/home.ts";
import { requirePeers } from "./contenders.ts";
import { CLIENT, type Dhcp4Server, dnsmasq, kea, layCable, SERVER, skylan } from "./dhcp4-servers.ts";
import type { Report } from "./figures.ts";

const ROUNDS = 3;
/** Devices that come again and again, each with a lease of its own. */
const DEVICES = 5000;
/** Seconds for each rate. */
const SPAN = 4;
const FASTER = 1.4;
/** So much more must come of a higher rate. */
const GAIN = 1.02;
const MOST_TRIES = 14;
const LONGEST_WARM_UP = 25;
/** USER_HZ is 100 on all machines that Linux runs on here. */
const TICK = 10_000;

interface Tried {
  readonly perSecond: number;
  /** Of exchanges that were begun, in percent. */
  readonly lost: number;
  /** Microseconds of processor time of the server for one exchange. */
  readonly cost: number;
}

interface Measured {
  readonly perSecond: number;
  /** At a steady rate. */
  readonly cost: number;
}

export async function run(options: readonly string[]): Promise<readonly Report[]> {
  const servers = [skylan, kea, dnsmasq];
  requirePeers([...servers, { name: "asking", needs: ["/usr/sbin/perfdhcp"] }]);
  const rounds = Number(options[0] ?? ROUNDS);
  const measured = new Map(servers.map(({ name }) => [name, [] as Measured[]]));
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) {
      const each = await measure(server);
      measured.get(server.name)!.push(each);
      console.error(`round ${round + 1}: ${server.name} ${each.perSecond.toFixed(0)} a second, ${each.cost.toFixed(0)} us each`);
    }
  }
  const rows = (value: (each: Measured) => number) => [...measured].map(([name, all]) => ({ name, samples: all.map(value) }));
  const rate: Report = {
    name: "rate",
    unit: "exchanges of four messages a second",
    rows: rows(({ perSecond }) => perSecond),
    targets: [
      { peer: "Kea", ratio: 2, sense: "at least" },
      { peer: "dnsmasq", ratio: 10, sense: "at least" },
    ],
    remarks: [
      `${DEVICES} devices; a lease of skylan's is on disk before its ACK leaves, Kea and dnsmasq leave that to the kernel`,
      "perfdhcp itself takes 80 us and more of a processor for an exchange: with two processors it is the limit of whoever takes less",
    ],
  };
  const cost: Report = {
    name: "cost",
    unit: "us of the server's processor time for an exchange, at a rate that it follows",
    rows: rows((each) => each.cost),
    targets: [{ peer: "Kea", ratio: 0.5, sense: "at most" }],
    remarks: [`at ${skylan.steady} a second, dnsmasq at ${dnsmasq.steady}`],
  };
  return [rate, cost];
}

async function measure(server: Dhcp4Server): Promise<Measured> {
  await using home = await createHome({ lans: [{ name: "home", interface: "lan", hosts: ["laptop"] }] });
  await layCable(home);
  const pid = await server.start(home);
  await home.until(async () => (await home.laptop.attempt("ping", "-c", "1", "-W", "1", SERVER)).code === 0, {
    within: 20_000,
    what: "the server's address answers",
  });
  // Every device gets its lease for the first time: what is probed once counts for nobody.
  await ask(home, pid, server.slowest, Math.min(Math.ceil(DEVICES / server.slowest) + 1, LONGEST_WARM_UP));
  let best = 0;
  for (let rate = server.slowest, tries = 0; tries < MOST_TRIES; rate *= FASTER, tries++) {
    const tried = await ask(home, pid, Math.round(rate), SPAN);
    console.error(`  ${server.name}: ${tried.perSecond.toFixed(0)} of ${rate.toFixed(0)} a second, ${tried.lost.toFixed(1)} % lost`);
    if (tried.perSecond < best * GAIN) break;
    best = tried.perSecond;
  }
  const { cost } = await ask(home, pid, server.steady, 2 * SPAN);
  return { perSecond: best, cost };
}

async function ask(home: Home, pid: number, rate: number, span: number): Promise<Tried> {
  const options = ["-4", "-g", "single", "-r", String(rate), "-R", String(DEVICES), "-p", String(span), "-l", CLIENT, SERVER];
  const before = processorTime(pid);
  const { stdout, stderr } = await home.laptop.attempt("perfdhcp", ...options);
  const spent = processorTime(pid) - before;
  const perSecond = Number(/^Rate: ([0-9.e+]+)/m.exec(stdout)?.[1]);
  if (Number.isNaN(perSecond)) throw new Error(`perfdhcp said:\n${stdout}${stderr}`);
  const sent = Number(/sent packets: (\d+)/.exec(stdout)?.[1]);
  const received = Number(/REQUEST-ACK[^]*?received packets: (\d+)/.exec(stdout)?.[1]);
  return { perSecond, lost: 100 * (1 - received / Math.max(1, sent)), cost: spent / Math.max(1, received) };
}

/** Of a process with all its threads so far, in microseconds. */
function processorTime(pid: number): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ").slice(11, 13).map(Number);
  return (user! + system!) * TICK;
}
