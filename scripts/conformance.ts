/**
 * Prints for every row of docs/conformance.md what proves it: the kinds of proof it wants and has, its tests, proved, open or failed.
 * The hour-long tests count by their last run, which is kept in docs/long-run.json.
 *
 * Usage: conformance.ts [--json]   after a run of the tests, whose results are in .tmp/results.json
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { judge, type Judgement, readTable, unknownRows, type Verdict } from "./conformance-table.ts";
import type { RunResults, TestResult } from "./test-results.ts";

const ROOT = join(import.meta.dirname, "..");
const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });

function main(): void {
  const rows = readTable(readFileSync(join(ROOT, "docs/conformance.md"), "utf8"));
  const run = readRun(".tmp/results.json");
  if (run === undefined) {
    console.error("conformance: there is no result of a run yet; start without --last.");
    process.exitCode = 69;
    return;
  }
  const long = readRun("docs/long-run.json");
  const results = [...run.tests, ...(long?.tests ?? [])];
  const judged = judge(rows, results);
  if (values.json)
    console.log(JSON.stringify({ when: run.when, kernel: run.kernel, groups: run.groups, long: long?.when, rows: judged }, null, 2));
  else print(judged, run, long);
  const unknown = unknownRows(rows, results);
  if (unknown.length > 0) console.error(`Tests name rows that docs/conformance.md does not have: ${unknown.join(", ")}`);
  if (unknown.length > 0 || judged.some(({ verdict }) => verdict === "failed")) process.exitCode = 1;
}

function readRun(path: string): RunResults | undefined {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), "utf8")) as RunResults;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function print(judged: readonly Judgement[], run: RunResults, long: RunResults | undefined): void {
  console.log(line("ROW", "LEVEL", "WANTS", "HAS", "RESULT", "TESTS"));
  for (const row of judged) printRow(row);
  console.log(`\n${summaryLine("", "proved", "open", "failed", "must proved", "core proved")}`);
  for (const [name, rows] of Map.groupBy(judged, ({ id }) => id.split("-")[0]!)) console.log(summaryOf(name, rows));
  console.log(summaryOf("all", judged));
  console.log(`\nThe tests ran on ${run.when} (groups ${run.groups.join(", ")}; Linux ${run.kernel}, Node ${run.node}).`);
  if (long !== undefined) console.log(`The hour-long ones ran on ${long.when}.`);
}

function printRow({ id, star, level, proof, found, verdict, tests }: Judgement): void {
  const [first, ...rest] = tests.map(testWords);
  console.log(line(star ? `${id} *` : id, level, proof, found.join(" "), verdict, first ?? ""));
  for (const words of rest) console.log(line("", "", "", "", "", words));
}

const MARKS = { passed: "", failed: "FAILED ", skipped: "skipped " } as const;
const testWords = ({ outcome, file, title }: TestResult): string => `${MARKS[outcome]}${file}: ${title.replace(/(\[[^\]]*\]\s*)+/, "")}`;

const line = (id: string, level: string, wants: string, has: string, result: string, test: string): string =>
  `${id.padEnd(9)} ${level.padEnd(7)} ${wants.padEnd(6)} ${has.padEnd(6)} ${result.padEnd(7)} ${test}`.trimEnd();

function summaryOf(name: string, rows: readonly Judgement[]): string {
  const count = (verdict: Verdict): string => String(rows.filter((row) => row.verdict === verdict).length);
  const share = (part: readonly Judgement[]): string => `${part.filter(({ verdict }) => verdict === "proved").length}/${part.length}`;
  const must = rows.filter(({ level }) => level === "must");
  const core = rows.filter(({ star }) => star);
  return summaryLine(name, count("proved"), count("open"), count("failed"), share(must), share(core));
}

const summaryLine = (name: string, ...cells: readonly string[]): string =>
  `${name.padEnd(6)}${cells.map((cell) => cell.padStart(13)).join("")}`;

main();
