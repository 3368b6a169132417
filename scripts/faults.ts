/**
 * Puts deliberate faults into a copy of the source, one at a time, and runs the test that must notice. A fault that no test notices is a hole
 * in the tests: exit code 1.
 *
 * Usage: faults.ts [WORDS ...]   only faults whose row, file or description contains one of the words
 */
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "../test/faults/fault.ts";
import { readTable } from "./conformance-table.ts";
import { runTestProcess } from "./test-process.ts";
import type { TestResult } from "./test-results.ts";

const ROOT = join(import.meta.dirname, "..");
/** Two copies of the tree, two processors: the tests of most faults are short. */
const AT_ONCE = 2;
const TIMEOUT_SECONDS = 240;

type Verdict = "noticed" | "SURVIVED" | "SKIPPED" | "STALE";

interface Trial {
  readonly fault: Fault;
  readonly verdict: Verdict;
  readonly detail: string;
}

/** What the test does with the source as it is, once for each test. */
const sound = new Map<string, Promise<readonly TestResult[]>>();

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const all = await loadFaults();
  const faults = all.filter(
    (fault) => words.length === 0 || words.some((word) => `${fault.row} ${fault.file} ${fault.breaks}`.includes(word)),
  );
  const trials: Trial[] = [];
  const queue = faults.values();
  await Promise.all(Array.from({ length: AT_ONCE }, () => inCopy((copy) => work(copy, queue, trials))));
  report(trials, all);
  if (trials.some(({ verdict }) => verdict === "SURVIVED" || verdict === "STALE")) process.exitCode = 1;
}

async function loadFaults(): Promise<readonly Fault[]> {
  const files = globSync("test/faults/*.ts", { cwd: ROOT }).filter((file) => !file.endsWith("/fault.ts"));
  const modules = await Promise.all(files.sort().map((file) => import(join(ROOT, file)) as Promise<{ readonly faults: readonly Fault[] }>));
  return modules.flatMap(({ faults }) => faults);
}

async function inCopy(use: (copy: string) => Promise<void>): Promise<void> {
  const copy = mkdtempSync("/tmp/skylan-fault-");
  try {
    for (const part of ["src", "test", "scripts", "bin", "docs", "package.json", "tsconfig.json", ".oxlintrc.json"]) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    await use(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function work(copy: string, queue: Iterator<Fault> & Iterable<Fault>, trials: Trial[]): Promise<void> {
  for (const fault of queue) {
    const trial = await attempt(copy, fault);
    trials.push(trial);
    console.log(
      `${trial.verdict.padEnd(8)} ${fault.row.padEnd(7)} ${fault.breaks}${trial.detail === "" ? "" : `\n${" ".repeat(17)}${trial.detail}`}`,
    );
  }
}

async function attempt(copy: string, fault: Fault): Promise<Trial> {
  const source = readFileSync(join(copy, fault.file), "utf8");
  const places = source.split(fault.find).length - 1;
  if (places !== 1) return { fault, verdict: "STALE", detail: `the text stands ${places} times in ${fault.file}` };
  const before = await runSound(copy, fault);
  if (before.length === 0) return { fault, verdict: "STALE", detail: `no test of ${fault.test.file} is called "${fault.test.name}"` };
  if (before.some(({ outcome }) => outcome === "failed"))
    return { fault, verdict: "STALE", detail: "the test fails without the fault too" };
  if (before.every(({ outcome }) => outcome === "skipped")) return { fault, verdict: "SKIPPED", detail: before[0]?.message ?? "" };
  writeFileSync(
    join(copy, fault.file),
    source.replace(fault.find, () => fault.replace),
  );
  try {
    return judgeTrial(fault, await runTest(copy, fault));
  } finally {
    writeFileSync(join(copy, fault.file), source);
  }
}

/** A test has to fail; that the program does not even start would prove nothing. */
function judgeTrial(fault: Fault, results: readonly TestResult[]): Trial {
  const named = results.filter(({ title }) => title.includes(fault.test.name));
  if (named.length === 0)
    return {
      fault,
      verdict: "STALE",
      detail: `the test did not run: ${results[0]?.message?.split("\n").find((line) => line !== "") ?? ""}`,
    };
  const failed = named.some(({ outcome }) => outcome === "failed");
  return failed
    ? { fault, verdict: "noticed", detail: "" }
    : { fault, verdict: "SURVIVED", detail: `by ${fault.test.file}: ${fault.test.name}` };
}

function runSound(copy: string, fault: Fault): Promise<readonly TestResult[]> {
  const key = `${fault.test.file} ${fault.test.name}`;
  const known = sound.get(key) ?? runTest(copy, fault);
  sound.set(key, known);
  return known;
}

function runTest(copy: string, { test }: Fault): Promise<readonly TestResult[]> {
  const pattern = test.name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  return runTestProcess({ root: copy, files: [test.file], pattern, timeoutSeconds: TIMEOUT_SECONDS });
}

function report(trials: readonly Trial[], all: readonly Fault[]): void {
  const count = (verdict: Verdict): number => trials.filter((trial) => trial.verdict === verdict).length;
  const core = readTable(readFileSync(join(ROOT, "docs/conformance.md"), "utf8")).filter(({ star }) => star);
  const without = core.filter(({ id }) => !all.some(({ row }) => row === id)).map(({ id }) => id);
  if (without.length > 0) console.log(`\nRows of the core without a fault: ${without.join(", ")}`);
  console.log(`\n${count("noticed")} noticed, ${count("SURVIVED")} survived, ${count("STALE")} stale, ${count("SKIPPED")} skipped`);
}

await main();
