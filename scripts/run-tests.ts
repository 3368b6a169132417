/**
 * Runs groups of tests and ends with the line "N passed, N failed, N skipped"; exit code 1 when anything failed.
 *
 * Usage: run-tests.ts GROUP ... [--file PART] [--name PATTERN]
 *   static    types, lint, format
 *   unit      src/**\/*.test.ts and test/*.test.ts, all in one process
 *   homes     test/homes: namespaces, the real kernel, real peers (root)
 *   scripted  test/scripted: namespaces and a scripted peer (root)
 *   long      test/long: what needs an hour
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runStaticChecks } from "./static-checks.ts";
import { whyNot } from "./test-needs.ts";
import { runTestProcess, type TestProcess } from "./test-process.ts";
import { count, lastLine, printDetails, printGroup } from "./test-report.ts";
import type { RunResults, TestResult } from "./test-results.ts";

const ROOT = join(import.meta.dirname, "..");

interface Group {
  readonly files: readonly string[];
  /** How many files run at the same time, each in its own process; 1: all files in one process. */
  readonly atOnce: number;
  readonly timeoutSeconds: number;
  readonly needsRoot: boolean;
}

const GROUPS: Readonly<Record<string, Group>> = {
  unit: { files: ["src/**/*.test.ts", "test/*.test.ts"], atOnce: 1, timeoutSeconds: 400, needsRoot: false },
  // These mostly wait for the timers of protocols, so more of them than there are processors fit beside each other; but with too many of them the
  // hosts are late, and what is measured is the machine.
  homes: { files: ["test/homes/*.test.ts"], atOnce: 4, timeoutSeconds: 300, needsRoot: true },
  scripted: { files: ["test/scripted/*.test.ts"], atOnce: 4, timeoutSeconds: 300, needsRoot: true },
  long: { files: ["test/long/*.test.ts"], atOnce: 16, timeoutSeconds: 2 * 3600, needsRoot: true },
};

const { positionals, values } = parseArgs({ allowPositionals: true, options: { file: { type: "string" }, name: { type: "string" } } });

async function main(): Promise<void> {
  const unknown = positionals.find((name) => name !== "static" && !(name in GROUPS));
  if (unknown !== undefined || positionals.length === 0) {
    console.error(
      `run-tests: ${unknown === undefined ? "name a group" : `no group is called ${unknown}`} (static, ${Object.keys(GROUPS).join(", ")})`,
    );
    process.exitCode = 64;
    return;
  }
  const tests = [...(await runQuick()), ...(await runSlow())];
  if (values.file === undefined && values.name === undefined) keep(tests);
  printDetails(tests);
  console.log(`\n${lastLine(tests)}`);
  if (count(tests).failed > 0 || tests.length === 0) process.exitCode = 1;
}

/** What needs the processor and not the clock runs side by side. */
async function runQuick(): Promise<readonly TestResult[]> {
  const quick = positionals.filter((name) => name === "static" || name === "unit");
  return (await Promise.all(quick.map(runGroup))).flat();
}

/** What measures time runs when the processor is free, and all its files share one pool. */
async function runSlow(): Promise<readonly TestResult[]> {
  const names = positionals.filter((name) => name !== "static" && name !== "unit");
  const start = performance.now();
  const all = names.flatMap((name) => filesOf(GROUPS[name]!).map((file) => ({ name, file })));
  // The one that takes minutes begins first: nothing then waits for it alone.
  const jobs = all.toSorted((one, other) => Number(other.file.includes("patience")) - Number(one.file.includes("patience")));
  const atOnce = Math.max(...names.map((name) => GROUPS[name]!.atOnce));
  const done = await mapAtOnce(jobs, atOnce, async ({ name, file }) => ({ name, results: await runSlowFile(GROUPS[name]!, file) }));
  for (const name of names) {
    const results = done.filter((each) => each.name === name).flatMap((each) => each.results);
    printGroup(name, results, performance.now() - start);
  }
  return done.flatMap(({ results }) => results);
}

async function runSlowFile(group: Group, file: string): Promise<readonly TestResult[]> {
  if (group.needsRoot && process.getuid?.() !== 0) return [skippedFile(file, "tests in network namespaces need root")];
  const obstacle = whyNot(readFileSync(join(ROOT, file), "utf8"));
  if (obstacle !== undefined) return [skippedFile(file, obstacle)];
  const start = performance.now();
  const results = await runTestProcess({ ...job(group), files: [file] });
  printGroup(`  ${file}`, results, performance.now() - start);
  return results;
}

/** Static checks, or a group whose files share one process. */
async function runGroup(name: string): Promise<readonly TestResult[]> {
  const start = performance.now();
  const results = name === "static" ? await runStaticChecks(ROOT) : await runTogether(GROUPS[name]!);
  printGroup(name, results, performance.now() - start);
  return results;
}

async function runTogether(group: Group): Promise<readonly TestResult[]> {
  const files = filesOf(group);
  return files.length === 0 ? [] : runTestProcess({ ...job(group), files });
}

function filesOf({ files }: Group): readonly string[] {
  const found = globSync([...files], { cwd: ROOT });
  return found.filter((file) => file.includes(values.file ?? "")).sort();
}

const job = ({ timeoutSeconds }: Group): Omit<TestProcess, "files"> => ({
  root: ROOT,
  timeoutSeconds,
  ...(values.name === undefined ? {} : { pattern: values.name }),
});

const skippedFile = (file: string, message: string): TestResult => ({
  title: "the file as a whole",
  file,
  outcome: "skipped",
  milliseconds: 0,
  message,
});

/** Like Promise.all over `items`, with at most `limit` under way; the results keep the order of the items. */
async function mapAtOnce<Item, Result>(items: readonly Item[], limit: number, work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}

/** The last whole run stays readable for `npm run conformance -- --last`; the long run's result belongs to the project. */
function keep(tests: readonly TestResult[]): void {
  const results: RunResults = { when: new Date().toISOString(), node: process.version, kernel: release(), groups: positionals, tests };
  const path = join(ROOT, positionals.includes("long") ? "docs/long-run.json" : ".tmp/results.json");
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
}

await main();
