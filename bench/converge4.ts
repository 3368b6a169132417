/**
 * `bench converge4`: from nothing (links down, no state, no daemon) to a LAN host's IPv4 address, and to the first page that it fetches through the
 * translation. The provider is Kea.
 */
import { join } from "node:path";
import { createHome, NET_ADDRESS_IPV4 } from "../src/lab/home.ts";
import { serveWeb, watchWeb, webUrl } from "../src/lab/traffic.ts";
import { chosen, type Contender, requirePeers } from "./contenders.ts";
import { dhcpcd4, essay4, networkd4, skylan4 } from "./contenders-ipv4.ts";
import { median, type Report, type Row } from "./figures.ts";

const PATIENCE = 60_000;
/** Seconds. */
const TARGET = 1.5;

interface Times {
  /** Seconds from the start. */
  readonly lease: number;
  readonly page: number;
}

export async function run(options: readonly string[]): Promise<readonly Report[]> {
  const { rounds, contenders } = chosen(options, [skylan4, networkd4, essay4, dhcpcd4]);
  requirePeers(contenders);
  const times = new Map<string, Times[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const found = await measure(contender);
      times.get(contender.name)!.push(found);
      console.error(`round ${round + 1}: ${contender.name} lease ${found.lease.toFixed(2)} s, page ${found.page.toFixed(2)} s`);
    }
  }
  const rows = (pick: (times: Times) => number): readonly Row[] => [...times].map(([name, own]) => ({ name, samples: own.map(pick) }));
  const ours = median(times.get(skylan4.name)!.map(({ page }) => page));
  return [
    { name: "lease", unit: "s from cold start to a LAN host's IPv4 address", rows: rows(({ lease }) => lease), targets: [], remarks: [] },
    {
      name: "page",
      unit: "s from cold start to the first IPv4 fetch",
      rows: rows(({ page }) => page),
      targets: [{ what: `below ${TARGET} s`, met: ours < TARGET }],
      remarks: ["the host asks every 25 ms, and tries to fetch every 25 ms: the pauses of a real client come on top for all alike"],
    },
  ];
}

async function measure(contender: Contender): Promise<Times> {
  await using home = await createHome({ isp: "kea" });
  await serveWeb(home.net, 80);
  await using tries = watchWeb(home.laptop, webUrl(NET_ADDRESS_IPV4), { every: 25, timeout: 3_000 });
  const host = home.laptop.spawn([process.execPath, join(import.meta.dirname, "lan-lease.ts"), "eth0"]);
  await host.line(/asking/, PATIENCE);
  await home.until(() => tries.results().length > 0, { within: PATIENCE, what: "the laptop tries" });
  const start = Date.now();
  await contender.start(home);
  const page = await home.until(() => tries.results().find(({ at, ok }) => ok && at > start), {
    within: PATIENCE,
    what: `a page is fetched with ${contender.name}`,
  });
  const leased = JSON.parse(await host.line(/leased/, PATIENCE)) as { readonly at: number };
  return { lease: (leased.at - start) / 1000, page: (page.at + page.ms - start) / 1000 };
}
