/**
 * `bench dns`: answers from a warm cache, by dnsperf, from ours, unbound and dnsmasq in homes of their own. The server has one processor for itself; who asks
 * has the other one, and so has what the kernel does for the asking machine: in a home that is another machine's work.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHome, type Home } from "../src/lab/home.ts";
import { giveIpv4 } from "../src/lab/static-ipv4.ts";
import type { Report, Target } from "./figures.ts";

const ROUNDS = 5;
const NAMES = 1000;
/** Seconds of each measurement. */
const SPAN = 4;
const GATEWAY = "192.168.1.1";
const RESOLVER = "1.1.1.1";
const [SERVER_CPU, CLIENT_CPU] = ["0", "1"];
const PRIORITY = "-15";

const LOAD = { names: 10_000, perSecond: 1000, clients: 200, seconds: 60, p99: 5 };

interface Measured {
  /** Microseconds of the server's processor for each question. */
  readonly cpu: number;
  readonly perSecond: number;
  /** Microseconds from question to answer, one at a time, p50. */
  readonly latency: number;
}

interface Server {
  readonly name: string;
  /** Returns the server's process. */
  start(home: Home): Promise<number>;
}

const SERVERS: readonly Server[] = [
  { name: "skylan", start: startOurs },
  { name: "unbound", start: startUnbound },
  { name: "dnsmasq", start: startDnsmasq },
];

export async function run(): Promise<readonly Report[]> {
  const samples: Measured[][] = SERVERS.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, server] of SERVERS.entries()) samples[index]!.push(await measure(server));
    console.error(`round ${round + 1}: ${SERVERS.map(({ name }, index) => `${name} ${describe(samples[index]!.at(-1)!)}`).join("; ")}`);
  }
  const report = (name: string, unit: string, value: (each: Measured) => number, targets: readonly Target[]): Report => ({
    name,
    unit,
    rows: SERVERS.map((server, index) => ({ name: server.name, samples: samples[index]!.map(value) })),
    targets,
    remarks: [],
  });
  return [
    report("cpu", "us of processor for each answer from the cache", ({ cpu }) => cpu, [
      { peer: "unbound", ratio: 0.8, sense: "at most" },
      { peer: "dnsmasq", ratio: 0.6, sense: "at most" },
    ]),
    report("rate", "answers a second", ({ perSecond }) => perSecond, [
      { peer: "unbound", ratio: 1, sense: "at least" },
      { peer: "dnsmasq", ratio: 1, sense: "at least" },
    ]),
    report("latency", "us from question to answer, one at a time, p50", ({ latency }) => latency, [
      { peer: "dnsmasq", ratio: 1.2, sense: "at most" },
    ]),
    await load(),
  ];
}

const describe = ({ cpu, perSecond, latency }: Measured): string =>
  `${cpu.toFixed(2)} us, ${perSecond.toFixed(0)} a second, ${latency.toFixed(0)} us`;

async function measure(server: Server): Promise<Measured> {
  await using home = await preparedHome();
  const pid = await server.start(home);
  await placeOnProcessors(home, pid);
  const questions = writeQuestions(home, NAMES);
  await dnsperf(home, questions, "-l", "1");
  const before = processorTime(pid);
  const flood = await dnsperf(home, questions, "-l", String(SPAN), "-q", "100");
  const completed = Number(/Queries completed:\s+(\d+)/.exec(flood)?.[1]);
  const cpu = (processorTime(pid) - before) / completed;
  const perSecond = Number(/Queries per second:\s+([\d.]+)/.exec(flood)?.[1]);
  const single = await dnsperf(home, questions, "-l", String(SPAN), "-q", "1", "-v");
  return { cpu, perSecond, latency: percentile(single, 0.5) };
}

/** A home at work: many names, 200 clients, a minute. On a machine that has other work, the peers tell how much of it is in ours. */
async function load(): Promise<Report> {
  const loaded: Loaded[] = [];
  for (const server of SERVERS) loaded.push(await underLoad(server));
  const [{ p99, lost, grown }] = loaded as [Loaded];
  return {
    name: "load",
    unit: `ms from question to answer, p99, ${LOAD.names} names, ${LOAD.perSecond} a second from ${LOAD.clients} clients, ${LOAD.seconds} s`,
    rows: SERVERS.map(({ name }, index) => ({ name, samples: [loaded[index]!.p99] })),
    targets: [
      { what: `p99 below ${LOAD.p99} ms`, met: p99 < LOAD.p99 },
      { what: "no question lost", met: lost === 0 },
      { what: `memory flat: ${grown} KiB more than before`, met: grown < 16_384 },
    ],
    remarks: [],
  };
}

interface Loaded {
  /** Milliseconds. */
  readonly p99: number;
  readonly lost: number;
  /** KiB. */
  readonly grown: number;
}

async function underLoad(server: Server): Promise<Loaded> {
  await using home = await preparedHome();
  const pid = await server.start(home);
  await placeOnProcessors(home, pid);
  const questions = writeQuestions(home, LOAD.names);
  await dnsperf(home, questions, "-n", "1");
  const before = memoryOf(pid);
  const pace = ["-Q", String(LOAD.perSecond), "-c", String(LOAD.clients), "-l", String(LOAD.seconds), "-v"];
  const said = await dnsperf(home, questions, ...pace);
  return {
    p99: percentile(said, 0.99) / 1000,
    lost: Number(/Queries lost:\s+(\d+)/.exec(said)?.[1]),
    grown: memoryOf(pid) - before,
  };
}

/** With a resolver of the provider that knows every name below example.org. */
async function preparedHome(): Promise<Home> {
  const home = await createHome();
  const isp = home.host("isp");
  await isp.ip(`addr add ${RESOLVER}/32 dev lo`);
  const options = ["--no-resolv", "--no-hosts", "--address=/example.org/198.18.0.80", "--local=/org/", "--local-ttl=3600", "--user=root"];
  isp.spawn(["dnsmasq", "-k", "-C", "/dev/null", "--pid-file=", "--bind-interfaces", `--listen-address=${RESOLVER}`, ...options]);
  await giveIpv4(home);
  return home;
}

async function startSkylan(home: Home, enabled: boolean): Promise<number> {
  const dns = enabled ? { dns: { enabled, upstreams: [RESOLVER] } } : {};
  const { pid } = await home.startSkylan({ wan: { ipv4: "dhcp" }, ...dns });
  await home.until(async () => (await home.status()).ipv4?.forwarding, { within: 20_000, what: "IPv4 is there" });
  return pid;
}

async function startOurs(home: Home): Promise<number> {
  return ready(home, await startSkylan(home, true));
}

/** On the same kernel: addresses, routes and rules are those that skylan leaves behind when it is stopped. */
async function startPeer(home: Home, command: readonly string[]): Promise<number> {
  await startSkylan(home, false);
  await home.skylan.stop();
  return ready(home, home.gateway.spawn(command).pid);
}

function startDnsmasq(home: Home): Promise<number> {
  const options = ["--no-resolv", "--no-hosts", `--server=${RESOLVER}`, "--cache-size=20000", "--user=root", "--pid-file="];
  return startPeer(home, ["dnsmasq", "-k", "-C", "/dev/null", "--bind-interfaces", "--interface=lan", ...options]);
}

function startUnbound(home: Home): Promise<number> {
  const config = join(home.directory, "unbound.conf");
  writeFileSync(config, UNBOUND);
  return startPeer(home, ["unbound", "-d", "-c", config]);
}

const UNBOUND = `server:
  interface: ${GATEWAY}
  access-control: 0.0.0.0/0 allow
  num-threads: 1
  module-config: "iterator"
  do-daemonize: no
  username: ""
  chroot: ""
  directory: ""
  pidfile: ""
  use-syslog: no
forward-zone:
  name: "."
  forward-addr: ${RESOLVER}
`;

async function ready(home: Home, pid: number): Promise<number> {
  const answers = async (): Promise<boolean> => {
    const { stdout } = await home.laptop.attempt("dig", `@${GATEWAY}`, "+short", "+tries=1", "+timeout=1", "ready.example.org");
    return stdout.includes("198.18.0.80");
  };
  await home.until(answers, { within: 20_000, what: "the server answers" });
  return pid;
}

async function placeOnProcessors(home: Home, pid: number): Promise<void> {
  const { status, stderr } = spawnSync("taskset", ["--all-tasks", "--cpu-list", "--pid", SERVER_CPU, String(pid)], { encoding: "utf8" });
  if (status !== 0) throw new Error(`taskset: ${stderr}`);
  // What else the machine does shall not count.
  const threads = readdirSync(`/proc/${pid}/task`);
  spawnSync("renice", ["-n", PRIORITY, "-p", ...threads]);
  const steer = `for file in /sys/class/net/*/queues/rx-*/rps_cpus; do echo ${(1 << Number(CLIENT_CPU)).toString(16)} >$file; done`;
  for (const host of ["cables", "laptop"]) await home.host(host).attempt("sh", "-c", steer);
}

function writeQuestions(home: Home, count: number): string {
  const file = join(home.directory, `questions-${count}`);
  writeFileSync(file, Array.from({ length: count }, (_, i) => `host${i}.example.org A\n`).join(""));
  return file;
}

/** Longer than a command of the lab may take. */
async function dnsperf(home: Home, questions: string, ...options: readonly string[]): Promise<string> {
  const process = home.laptop.spawn([
    "nice",
    "-n",
    PRIORITY,
    "taskset",
    "--cpu-list",
    CLIENT_CPU,
    "dnsperf",
    "-s",
    GATEWAY,
    "-d",
    questions,
    ...options,
  ]);
  await process.ended;
  return process.output;
}

/** Of the latencies that dnsperf tells of each question, in microseconds. */
function percentile(said: string, part: number): number {
  const samples = [...said.matchAll(/^> NOERROR \S+ A ([\d.]+)$/gm)].map(([, time]) => Number(time) * 1e6).sort((a, b) => a - b);
  return samples[Math.floor(samples.length * part)]!;
}

/** What all threads have had, in microseconds. */
function processorTime(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce(
    (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1000,
    0,
  );
}

/** In KiB. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}
