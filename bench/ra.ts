/**
 * `bench ra`: how fast a router solicitation is answered, and how many a second. RA-4's random delay is 0 here, and only here, for both. The kernel stamps
 * question and answer on the wire, so that the time of the one who asks does not count.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ALL_ROUTERS, type Ip6, ip6 } from "../src/addr/ip.ts";
import { openNamespace } from "../src/kernel/setns.ts";
import { NDP_AND_DHCPV6 } from "../src/kernel/packet-filter.ts";
import { type Frame, openPacketSocket } from "../src/kernel/packet-socket.ts";
import { openRawIcmpv6, type RawIcmpv6 } from "../src/kernel/raw-icmpv6.ts";
import { createHome, type Home } from "../src/lab/home.ts";
import { encodeNdp, NDP_TYPE } from "../src/wire/ndp.ts";
import { mac } from "../src/addr/mac.ts";
import type { Report } from "./figures.ts";

const ROUNDS = 5;
const SINGLE = 2000;
const WARM_UP = 2000;
const [SERVER_CPU, CLIENT_CPU] = ["0", "1"];
const FLOOD_MS = 2000;
/** Solicitations that may be unanswered at a time in the second part. */
const WINDOW = 128;
/** Where the type stands in an Ethernet frame: behind 14 octets of Ethernet and 40 of IPv6. */
const ICMPV6_TYPE = 54;

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
  const solicitor = await openSolicitor(home);
  try {
    await solicitor.inTurn(WARM_UP);
    await solicitor.many(FLOOD_MS / 4);
    return { p50: await latency(solicitor), perSecond: await rate(solicitor) };
  } finally {
    solicitor.close();
  }
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

interface Solicitor {
  /** Asks one after the other; microseconds from each solicitation on the wire to its answer there. */
  inTurn(count: number): Promise<readonly number[]>;
  /** Keeps WINDOW solicitations on their way for some milliseconds; how many were answered. */
  many(milliseconds: number): Promise<number>;
  close(): void;
}

/** In the laptop's namespace, from this process: what is measured is not the start of a program. */
async function openSolicitor(home: Home): Promise<Solicitor> {
  const namespace = openNamespace(`/proc/${home.laptop.pid}/ns/net`);
  const hardware = mac((await home.laptop.exec("cat", "/sys/class/net/eth0/address")).trim());
  const solicitation = encodeNdp({ kind: "router-solicitation", options: [{ kind: "source-link-layer-address", mac: hardware }] });
  let answered: (count: number) => void = () => undefined;
  let seen: (frames: readonly Frame[]) => void = () => undefined;
  const socket: RawIcmpv6 = namespace.run(() =>
    openRawIcmpv6({
      interface: "eth0",
      types: [NDP_TYPE.routerAdvertisement],
      groups: [ip6("ff02::1")],
      receive: (list) => answered(list.length),
    }),
  );
  const openTap = () =>
    namespace.run(() => openPacketSocket({ interface: "eth0", filter: NDP_AND_DHCPV6, receive: (frames) => seen(frames) }));
  const to: Ip6 = ALL_ROUTERS;
  const batch = Array.from({ length: WINDOW }, () => ({ to, bytes: solicitation }));
  return {
    inTurn: async (count) => {
      const tap = openTap();
      const samples: number[] = [];
      const one = (): Promise<number> =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error("no answer within 5 s")), 5000);
          let asked: bigint | undefined;
          seen = (frames) => {
            for (const { at, sent, bytes } of frames) {
              if (bytes[ICMPV6_TYPE] === NDP_TYPE.routerSolicitation && sent) asked = at;
              if (bytes[ICMPV6_TYPE] !== NDP_TYPE.routerAdvertisement || sent || asked === undefined) continue;
              clearTimeout(timer);
              resolve(Number(at - asked) / 1000);
            }
          };
          socket.send(to, solicitation);
        });
      for (let i = 0; i < count; i++) samples.push(await one());
      tap.close();
      return samples;
    },
    many: (milliseconds) =>
      new Promise((resolve) => {
        let total = 0;
        let open = 0;
        let done = false;
        const refill = (): void => {
          const count = WINDOW - open;
          open += count;
          socket.sendAll(batch.slice(0, count));
        };
        answered = (count) => {
          if (done) return;
          total += count;
          open = Math.max(0, open - count);
          if (open <= WINDOW / 2) refill();
        };
        // What got lost must not stop the flow.
        const watch = setInterval(() => {
          open = 0;
          refill();
        }, 50);
        setTimeout(() => {
          done = true;
          clearInterval(watch);
          resolve(total);
        }, milliseconds);
        refill();
      }),
    close: () => {
      socket.close();
      namespace.close();
    },
  };
}

async function latency(solicitor: Solicitor): Promise<number> {
  const samples = await solicitor.inTurn(SINGLE);
  return samples.toSorted((a, b) => a - b)[SINGLE >> 1]!;
}

async function rate(solicitor: Solicitor): Promise<number> {
  return ((await solicitor.many(FLOOD_MS)) * 1000) / FLOOD_MS;
}
