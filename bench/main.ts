/** `npm run bench -- NAME`: measures skylan and its peers in the same run. */
import { printReports, type Report } from "./figures.ts";

const BENCHES = ["converge", "converge4", "renumber", "outage", "ra", "plan", "dhcp4", "dns"] as const;

const [name, ...options] = process.argv.slice(2);
if (!BENCHES.some((bench) => bench === name)) {
  console.error(`usage: npm run bench -- NAME, where NAME is one of: ${BENCHES.join(", ")}`);
  process.exit(64);
}
const bench = (await import(`./${name}.ts`)) as { run(options: readonly string[]): Promise<readonly Report[]> };
process.exitCode = printReports(name!, await bench.run(options)) ? 0 : 1;
