/**
 * `bench ra`: how fast a router solicitation is answered, and how many a second. RA-4's random delay is 0 here, and only here, for both. The kernel stamps
 * question and answer on the wire, so that the time of the one who asks does not count.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHome, type Home } from "../src/lab/home.ts";
import type { Report } from "./figures.ts";
import { Solicitor } from "./solicitor.ts";

const ROUNDS = 5;
const SINGLE = 2000;
const WARM_UP = 2000;
const [SERVER_CPU, CLIENT_CPU] = ["0", "1"];
const FLOOD_MS = 2000;

interface Measured {
  /** Microseconds from solicitation to answer, one at a time. */
  readonly p50: number;
  readonly perSecond: number;
}

export async function run(): Promise<readonly Report[]> {
  const ours: Measured[] = [];
  const theirs: Measured[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measure(startOurs));
    theirs.push(await measure(startRadvd));
    console.error(`round ${round + 1}: skylan ${describe(ours.at(-1)!)}, radvd ${describe(theirs.at(-1)!)}`);
  }
  const rows = (value: (each: Measured) => number) => [
    { name: "skylan", samples: ours.map(value) },
    { name: "radvd", samples: theirs.map(value) },
  ];
  const latency: Report = {
    name: "answer",
    unit: "us from solicitation to advertisement, p50",
    rows: rows(({ p50 }) => p50),
    targets: [{ peer: "radvd", ratio: 0.85, sense: "at most" }],
    remarks: [],
  };
  const rate: Report = {
    name: "rate",
    unit: "solicitations answered a second",
    rows: rows(({ perSecond }) => perSecond),
    targets: [{ peer: "radvd", ratio: 1.5, sense: "at least" }],
    remarks: [],
  };
  return [latency, rate];
}

const describe = ({ p50, perSecond }: Measured): string => `${p50.toFixed(0)} us, ${perSecond.toFixed(0)} a second`;

/** The server has one processor for itself, and who asks the other one: where the scheduler puts them would count for more than what they do. */
async function measure(start: (home: Home) => Promise<number>): Promise<Measured> {
  await using home = await createHome();
  pin(await start(home), SERVER_CPU);
  pin(process.pid, CLIENT_CPU);
  using solicitor = await Solicitor.open(home.laptop);
  await solicitor.inTurn(WARM_UP);
  await solicitor.flood(FLOOD_MS / 4);
  return { p50: await latency(solicitor), perSecond: await rate(solicitor) };
}

function pin(pid: number, cpu: string): void {
  const { status, stderr } = spawnSync("taskset", ["--all-tasks", "--cpu-list", "--pid", cpu, String(pid)], { encoding: "utf8" });
  if (status !== 0) throw new Error(`taskset: ${stderr}`);
}

/** Returns the server's process. */
async function startOurs(home: Home): Promise<number> {
  const { pid } = await home.startSkylan({}, { SKYLAN_MAX_RA_DELAY_MS: "0" });
  await home.until(async () => (await home.status()).lans[0]?.defaultRouter, { within: 20_000, what: "the LAN is offered a way out" });
  return pid;
}

/** With the same content, and on the same kernel: addresses, routes and rules are those that skylan leaves behind when it is stopped. */
async function startRadvd(home: Home): Promise<number> {
  await startOurs(home);
  await home.skylan.stop();
  const config = join(home.directory, "radvd.conf");
  writeFileSync(config, RADVD);
  const { pid } = home.gateway.spawn(["radvd", "-n", "-C", config, "-p", "/run/radvd.pid", "-m", "stderr"]);
  await home.globalAddress("laptop");
  return pid;
}

const RADVD = `interface lan {
  AdvSendAdvert on; UnicastOnly off; MinRtrAdvInterval 7; MaxRtrAdvInterval 20; AdvDefaultLifetime 2700; AdvOtherConfigFlag on;
  MinDelayBetweenRAs 3; AdvRASolicitedUnicast on;
  prefix 2605:59c8:1200::/64 { AdvValidLifetime 300; AdvPreferredLifetime 150; };
  route 2605:59c8:1200::/56 { AdvRouteLifetime 300; };
  RDNSS 2606:4700:4700::1111 2001:4860:4860::8888 { AdvRDNSSLifetime 300; };
};
`;

async function latency(solicitor: Solicitor): Promise<number> {
  const samples = await solicitor.inTurn(SINGLE);
  return samples.toSorted((a, b) => a - b)[SINGLE >> 1]!;
}

async function rate(solicitor: Solicitor): Promise<number> {
  return ((await solicitor.flood(FLOOD_MS)) * 1000) / FLOOD_MS;
}
