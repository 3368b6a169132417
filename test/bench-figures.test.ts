/** What the benches make of what they have seen. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { printReports, type Report } from "../bench/figures.ts";
import { cutIn, firstSuccess } from "../bench/tries.ts";
import type { Try } from "../src/lab/traffic.ts";

const well = (at: number): Try => ({ at, ms: 10, ok: true });
const ill = (at: number): Try => ({ at, ms: 900, error: "no answer" });

test("a cut lasts from the first connection that fails to the first after the last that failed", () => {
  assert.deepEqual(cutIn([well(1000), ill(1050), well(1100), ill(1150), ill(1200), well(1250)]), { from: 1.05, until: 1.25, failed: 3 });
});

test("no failure is no cut, and one without an end lasts for ever", () => {
  assert.equal(cutIn([well(1000), well(1050)]), undefined);
  assert.deepEqual(cutIn([well(1000), ill(1050)]), { from: 1.05, until: Infinity, failed: 1 });
});

test("only a connection that began afterwards is a success", () => {
  assert.equal(firstSuccess([well(1000), ill(1050), well(1100)], 1), 1.11);
  assert.equal(firstSuccess([well(1000)], 1), undefined);
});

const LATENCY: Report = {
  name: "answers",
  unit: "ms",
  rows: [
    { name: "skylan", samples: [3, 1, 2] },
    { name: "radvd", samples: [4, 4, 5, 3] },
  ],
  targets: [
    { peer: "radvd", ratio: 0.85, sense: "at most" },
    { what: "every solicitation was answered", met: true },
  ],
  remarks: ["100 solicitations a round"],
};
const RATE: Report = {
  name: "rate",
  unit: "1/s",
  rows: [
    { name: "skylan", samples: [3000] },
    { name: "radvd", samples: [2500] },
    { name: "a peer that answers nothing", samples: [0] },
  ],
  targets: [{ peer: "radvd", ratio: 1.5, sense: "at least" }],
  remarks: [],
};

/** What is printed, line by line, and whether all targets were met. */
function printed(t: TestContext, reports: readonly Report[]): { readonly lines: readonly string[]; readonly met: boolean } {
  const log = t.mock.method(console, "log", () => undefined);
  const met = printReports("ra", reports);
  log.mock.restore();
  return { lines: log.mock.calls.map(({ arguments: words }) => String((words as readonly unknown[])[0])), met };
}

test("a bench of one part prints medians, spreads, ratios and targets, and the last line is JSON", (t) => {
  const { lines, met } = printed(t, [LATENCY]);
  assert.ok(met);
  assert.deepEqual(
    lines.slice(0, -1).map((line) => line.trimEnd().replaceAll(/ {2,}/g, " | ")),
    [
      "answers (ms)",
      " | skylan | 2 | 1 .. 3",
      " | radvd | 4 | 3 .. 5 | ours is 0.5 x",
      " | 100 solicitations a round",
      " | met | at most 0.85 x radvd",
      " | met | every solicitation was answered",
    ],
  );
  assert.deepEqual(JSON.parse(lines.at(-1)!), { name: "ra", unit: "ms", medians: { skylan: 2, radvd: 4 }, ratios: { radvd: 0.5 } });
});

test("a miss in one part fails the bench, all parts are printed, the JSON has them by part, and nothing is a multiple of nothing", (t) => {
  const { lines, met } = printed(t, [RATE, LATENCY]);
  assert.ok(!met);
  assert.ok(lines.includes("  MISS at least 1.5 x radvd"));
  assert.ok(lines.includes("answers (ms)"));
  assert.deepEqual(JSON.parse(lines.at(-1)!), {
    name: "ra",
    unit: { rate: "1/s", answers: "ms" },
    medians: { rate: { skylan: 3000, radvd: 2500, "a peer that answers nothing": 0 }, answers: { skylan: 2, radvd: 4 } },
    ratios: { rate: { radvd: 1.2 }, answers: { radvd: 0.5 } },
  });
});
