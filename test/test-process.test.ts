import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runTestProcess } from "../scripts/test-process.ts";
import { lastLine } from "../scripts/test-report.ts";
import type { TestResult } from "../scripts/test-results.ts";

async function resultsOf(
  source: string,
  options: { readonly pattern?: string; readonly timeoutSeconds?: number } = {},
): Promise<readonly TestResult[]> {
  const root = mkdtempSync("/tmp/skylan-runner-");
  try {
    writeFileSync(join(root, "example.test.mjs"), `import { describe, it, test } from "node:test";\n${source}`);
    return await runTestProcess({ root, files: ["example.test.mjs"], timeoutSeconds: 20, ...options });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const brief = (results: readonly TestResult[]): readonly string[] => results.map(({ outcome, title }) => `${outcome}: ${title}`);

test("each test counts once, under the titles around it, and what only holds others does not count", async () => {
  const results = await resultsOf(`
    test("outer", async (t) => { await t.test("first", () => {}); await t.test("second", () => { throw new Error("boo"); }); });
    test("after", () => {});
    describe("suite", () => { it("a", () => {}); it("b", (t) => t.skip("no root")); it.todo("c"); });
    test("a parent that fails by itself", async (t) => { await t.test("child", () => {}); throw new Error("self"); });
  `);
  assert.deepEqual(brief(results), [
    "passed: outer > first",
    "failed: outer > second",
    "passed: after",
    "passed: suite > a",
    "skipped: suite > b",
    "skipped: suite > c",
    "passed: a parent that fails by itself > child",
    "failed: a parent that fails by itself",
  ]);
  assert.match(results[1]!.message!, /^boo\n.*example\.test\.mjs:3/);
  assert.equal(results[4]!.message, "no root");
  assert.equal(lastLine(results), "4 passed, 2 failed, 2 skipped");
});

test("a hook that fails outside of all tests is a failure of its file", async () => {
  const results = await resultsOf(
    `import { after } from "node:test"; after(() => { throw new Error("left behind"); }); test("one", () => {});`,
  );
  assert.deepEqual(brief(results), ["passed: one", "failed: example.test.mjs outside of its tests"]);
});

test("only the tests of the pattern run", async () => {
  assert.deepEqual(brief(await resultsOf(`test("one", () => {}); test("two", () => {});`, { pattern: "two" })), ["passed: two"]);
});

test("a file that can't be loaded is a failure, with what it printed", async () => {
  const [failure, ...rest] = await resultsOf(`import "./not-there.mjs";`);
  assert.deepEqual(rest, []);
  assert.equal(failure!.outcome, "failed");
  assert.match(failure!.message!, /not-there/);
});

test("a file that hangs is ended after its time, and what was done before counts", async () => {
  const results = await resultsOf(`test("quick", () => {}); test("slow", () => new Promise(() => setInterval(() => {}, 1000)));`, {
    timeoutSeconds: 1,
  });
  assert.equal(results[0]!.title, "quick");
  assert.ok(results.some(({ outcome, message }) => outcome === "failed" && message?.startsWith("not done after 1 s")));
});
