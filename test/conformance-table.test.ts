import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isProved, judge, readTable, unknownRows } from "../scripts/conformance-table.ts";
import { proofOf, rowsOf, type TestResult } from "../scripts/test-results.ts";

const ROOT = join(import.meta.dirname, "..");
const page = readFileSync(join(ROOT, "docs/conformance.md"), "utf8");

const result = (title: string, file: string, outcome: TestResult["outcome"] = "passed"): TestResult => ({
  title,
  file,
  outcome,
  milliseconds: 1,
});

test("docs/conformance.md has 200 rows: 153 must, 26 should, 21 beyond, and a core of 40", () => {
  const rows = readTable(page);
  const count = (level: string): number => rows.filter((row) => row.level === level).length;
  assert.deepEqual([rows.length, count("must"), count("should"), count("beyond")], [200, 153, 26, 21]);
  assert.equal(rows.filter(({ star }) => star).length, 40);
});

test("every line of the page that begins with a row's id is understood", () => {
  const lines = page.split("\n").filter((line) => /^\| [A-Z0-9]{2,3}-\d+\b[^|]*\|/.test(line) && line.split("|").length > 7);
  assert.equal(lines.length, readTable(page).length);
});

test("a case names rows that exist", () => {
  const known = new Set(readTable(page).map(({ id }) => id));
  const cases = [...page.matchAll(/^\| \d+ \|.*\| ([^|]+) \|$/gm)].flatMap((match) => match[1]!.split(", "));
  assert.ok(cases.length > 50);
  assert.deepEqual(
    cases.filter((id) => !known.has(id)),
    [],
  );
});

/** They wait for DHCPv4 and for DNS. */
const LATER_CASES = [31, 32];

test("every case that is due is named by a test with namespaces", () => {
  const cases = [...page.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));
  assert.equal(cases.length, 33);
  const titles = globSync("test/{homes,scripted}/*.test.ts", { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), "utf8"));
  const named = titles.flatMap((text) =>
    [...text.matchAll(/\(cases? ([\d, ]+)\)["`]/g)].flatMap((match) => match[1]!.split(", ").map(Number)),
  );
  assert.deepEqual(
    cases.filter((number) => !named.includes(number)),
    LATER_CASES,
  );
});

test("a title names its rows in one bracket or in several", () => {
  assert.deepEqual(rowsOf("[D6T-3] [RA-5] a title with [brackets] and [V4C-1, NAT-2]"), ["D6T-3", "RA-5", "V4C-1", "NAT-2"]);
  assert.deepEqual(rowsOf("no rows, RA-5 outside of brackets"), []);
});

test("the folder of a test says what kind of proof it is", () => {
  assert.equal(proofOf("src/machines/ra-client.test.ts"), "U");
  assert.equal(proofOf("test/architecture.test.ts"), "U");
  assert.equal(proofOf("test/homes/kea.test.ts"), "N");
  assert.equal(proofOf("test/scripted/renew.test.ts"), "X");
  assert.equal(proofOf("test/long/lifetimes.test.ts"), "N");
});

test("a unit test alone proves only what asks for nothing else", () => {
  assert.equal(isProved("U", ["U"]), true);
  assert.equal(isProved("U N", ["U"]), false);
  assert.equal(isProved("C", ["U"]), false);
  assert.equal(isProved("K", ["N"]), true);
  assert.equal(isProved("U X", ["N"]), true);
  assert.equal(isProved("U", ["N", "X"]), false);
  assert.equal(isProved("N/U", ["U"]), true);
  assert.equal(isProved("X", []), false);
});

test("a row fails with any of its tests, and a skipped test proves nothing", () => {
  const rows = readTable("| RA-1 | must | C | x |\n| RA-4 * | must | N | x |\n| RA-15 | must | U | x |\n");
  const judged = judge(rows, [
    result("[RA-1] one", "test/homes/a.test.ts"),
    result("[RA-1] two", "src/a.test.ts", "failed"),
    result("[RA-4] skipped", "test/homes/a.test.ts", "skipped"),
    result("[RA-15] three", "src/a.test.ts"),
  ]);
  assert.deepEqual(
    judged.map(({ id, star, verdict, found }) => [id, star, verdict, found]),
    [
      ["RA-1", false, "failed", ["N"]],
      ["RA-4", true, "open", []],
      ["RA-15", false, "proved", ["U"]],
    ],
  );
});

test("a typing error in a row's id is found", () => {
  assert.deepEqual(unknownRows(readTable(page), [result("[D6T-3] right", "a"), result("[D6T-33] wrong", "a")]), ["D6T-33"]);
});
