/** What the benches make of what they have seen. */
import assert from "node:assert/strict";
import { test } from "node:test";
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
