/** Twenty minutes with leases of seconds and an owner who asks without end: more renewals, advertisements and questions than a day brings. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome } from "../../src/lab/home.ts";
import { descriptorsOf, kernelShareOf, memoryOf } from "../fixtures/belongings.ts";
import { leases, watchLink } from "../fixtures/link-watch.ts";

const [PREFERRED, VALID] = [4 as Seconds, 8 as Seconds];
const [WARM, WHOLE] = [300, 1200];
/** By when the heap has its size. MiB. */
const SLACK = 25;

test("[ROB-9] some hundred leases and a thousand questions leave no descriptor, address, route or rule behind, and no memory", async () => {
  await using home = await createHome();
  using wan = watchLink(home.host("isp"), "customer");
  await home.isp.command({ kind: "lifetimes", preferred: PREFERRED, valid: VALID });
  const { pid } = (await home.startSkylan()).process;
  await home.globalAddress("laptop");
  const from = Date.now() / 1000;
  const until = (seconds: number): Promise<unknown> =>
    home.until(
      async () => {
        await home.status();
        return Date.now() / 1000 > from + seconds;
      },
      { within: (seconds + 60) * 1000, what: `${seconds} s are over`, every: 1000 },
    );
  const holdings = async () => ({ descriptors: descriptorsOf(pid), kernel: await kernelShareOf(home) });
  await until(WARM);
  const [before, memory] = [await holdings(), memoryOf(pid)];
  await until(WHOLE);
  assert.deepEqual(await holdings(), before);
  assert.ok(memoryOf(pid) < memory + SLACK, `${memory} MiB, then ${memoryOf(pid)} MiB`);
  assert.ok(leases(wan).length > WHOLE / PREFERRED, `${leases(wan).length} leases`);
});
