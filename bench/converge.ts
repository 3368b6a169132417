/** `bench converge`: from nothing (links down, no state, no daemon) to the first page that a LAN host fetches over IPv6. */
import { createHome, type Home, NET_ADDRESS } from "../src/lab/home.ts";
import { serveWeb, watchWeb, webUrl } from "../src/lab/traffic.ts";
import { chosen, type Contender, dhcpcd, essay, networkd, requirePeers, skylan } from "./contenders.ts";
import { median, type Report, type Row } from "./figures.ts";
import { floorParts } from "./floor.ts";

const PATIENCE = 40_000;

export async function run(options: readonly string[]): Promise<readonly Report[]> {
  const { rounds, contenders } = chosen(options, [skylan, networkd, essay, dhcpcd]);
  requirePeers(contenders);
  const samples = new Map<string, number[]>();
  const again: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const { first, second } = await measure(contender);
      samples.set(contender.name, [...(samples.get(contender.name) ?? []), first]);
      if (second !== undefined) again.push(second);
      console.error(
        `round ${round + 1}: ${contender.name} ${first.toFixed(2)} s${second === undefined ? "" : `, second start ${second.toFixed(2)} s`}`,
      );
    }
  }
  const rows: Row[] = contenders.map(({ name }) => ({ name, samples: samples.get(name)! }));
  const floor = floorParts();
  const total = floor.reduce((sum, part) => sum + part.seconds, 0);
  const report: Report = {
    name: "converge",
    unit: "s from cold start to the first IPv6 fetch",
    rows: [...rows, { name: "second start (stored lease)", samples: again }, { name: "floor", samples: [total] }],
    targets: [
      ...(contenders.includes(networkd) ? [{ peer: networkd.name, ratio: 0.85, sense: "at most" } as const] : []),
      { peer: "floor", ratio: 1.2, sense: "at most" },
      { what: "the second start, with a stored lease, is faster", met: median(again) < median(samples.get(skylan.name) ?? []) },
    ],
    remarks: [...floor.map(({ what, seconds }) => `floor: ${seconds.toFixed(2)} s ${what}`), `second start: ${median(again).toFixed(2)} s`],
  };
  return [report];
}

async function measure(contender: Contender): Promise<{ first: number; second?: number }> {
  await using home = await createHome({ isp: "kea" });
  await serveWeb(home.net, 80);
  const first = await timed(home, contender);
  if (contender !== skylan) return { first };
  await contender.stop(home);
  await forget(home);
  return { first, second: await timed(home, contender) };
}

/**
 * Tries begin at a steady pace, each with a connection of its own: one that began while the host had only a link-local address to speak from would wait for
 * a second before it speaks again.
 */
async function timed(home: Home, contender: Contender): Promise<number> {
  await using tries = watchWeb(home.laptop, webUrl(NET_ADDRESS), { every: 25, timeout: 3_000 });
  await home.until(() => tries.results().length > 0, { within: PATIENCE, what: "the laptop tries" });
  const start = Date.now();
  await contender.start(home);
  const first = await home.until(() => tries.results().find(({ at, ok }) => ok && at > start), {
    within: PATIENCE,
    what: `a page is fetched with ${contender.name}`,
  });
  return (first.at + first.ms - start) / 1000;
}

/** The box is switched off and on: addresses, routes and rules are gone, the hosts' too; only the state directory is left. */
async function forget(home: Home): Promise<void> {
  await home.gateway.shell("ip link set wan down; ip link set lan down; ip -6 route flush proto 93; nft flush ruleset");
  await Promise.all(home.hosts.map((host) => host.shell("ip link set eth0 down; ip link set eth0 up")));
}
