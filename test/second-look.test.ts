/** Tests that fail beside others get one more chance, alone, and are named. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FileRun, lookAgain } from "../scripts/second-look.ts";
import type { TestResult } from "../scripts/test-results.ts";

const result = (title: string, outcome: TestResult["outcome"]): TestResult => ({
  title,
  file: "f",
  outcome,
  milliseconds: 1,
  ...(outcome === "failed" && { message: `${title} was late` }),
});
const run = (file: string, ...results: readonly TestResult[]): FileRun => ({ file, results });

test("what passes alone has passed and is called unsteady, what fails alone has failed", async () => {
  const runs = [run("a", result("x", "passed")), run("b", result("y", "failed"), result("z", "failed"))];
  const looked: string[] = [];
  const done = await lookAgain(runs, async ({ file }) => {
    looked.push(file);
    return [result("y", "passed"), result("z", "failed")];
  });
  assert.deepEqual(looked, ["b"]);
  assert.deepEqual(done[0]!.results, runs[0]!.results);
  assert.deepEqual(done[1]!.results, [{ ...result("y", "passed"), unsteady: "y was late" }, result("z", "failed")]);
});

test("where many files fail nothing is tried again", async () => {
  const runs = ["a", "b", "c", "d"].map((file) => run(file, result("x", "failed")));
  assert.equal(await lookAgain(runs, () => assert.fail("no second look")), runs);
});
