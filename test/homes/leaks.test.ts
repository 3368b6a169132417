/** A day's work in a minute: leases of seconds, other prefixes, cables pulled, questions by the owner. What is held afterwards is what was held before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { descriptorsOf, kernelShareOf, memoryOf } from "../fixtures/belongings.ts";
import { leases, watchLink } from "../fixtures/link-watch.ts";

const [PREFERRED, VALID] = [4 as Seconds, 8 as Seconds];
const POOLS = ["2605:59c8:7700::/40", "2605:59c8:1200::/40"].map(prefix);
const ROUNDS = 5;
/** What the garbage collector may leave lying about. MiB. */
const SLACK = 40;

/** Another prefix, a cable that is pulled, and twenty questions; back where it began, with nothing that is still being withdrawn. */
async function goRound(home: Home): Promise<void> {
  for (const pool of POOLS) {
    await home.isp.command({ kind: "renumber", pool });
    await home.runSkylan("refresh");
    await home.until(async () => (await delegated(home)).startsWith(pool.slice(0, 12)), { within: 20_000, what: `a prefix of ${pool}` });
  }
  await home.cutWan();
  await home.mendWan();
  for (let i = 0; i < 20; i++) await home.status();
  const isQuiet = async (): Promise<boolean> =>
    (await home.status()).lans.every(({ subnets, withdrawing }) => subnets.length === 1 && withdrawing.length === 0);
  await home.until(isQuiet, { within: 30_000, what: "what was withdrawn is forgotten" });
}

const delegated = async (home: Home): Promise<string> => (await home.status()).delegations[0]?.prefix ?? "";

test("[ROB-9] leases of seconds, other prefixes, pulled cables and questions leave no descriptor, address, route or rule behind, and no memory", async () => {
  await using home = await createHome();
  using wan = watchLink(home.host("isp"), "customer");
  await home.isp.command({ kind: "lifetimes", preferred: PREFERRED, valid: VALID });
  const { pid } = (await home.startSkylan({ lan: { home: { open: ["tcp/8080"] } } })).process;
  await home.globalAddress("laptop");
  await goRound(home);
  const before = { descriptors: descriptorsOf(pid), kernel: await kernelShareOf(home) };
  const memory = memoryOf(pid);
  for (let i = 0; i < ROUNDS; i++) await goRound(home);
  await home.until(
    async () => {
      try {
        assert.deepEqual({ descriptors: descriptorsOf(pid), kernel: await kernelShareOf(home) }, before);
        return true;
      } catch {
        return false;
      }
    },
    {
      within: 15_000,
      what: "it holds what it held",
      dump: async () => JSON.stringify([before, descriptorsOf(pid), await kernelShareOf(home)]),
    },
  );
  assert.ok(leases(wan).length > 20, `${leases(wan).length} leases`);
  assert.ok(memoryOf(pid) < memory + SLACK, `${memory} MiB, then ${memoryOf(pid)} MiB`);
});
