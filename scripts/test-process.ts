/** Runs test files in a process of their own and collects their results; a process that hangs is ended, its whole group with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestResult } from "./test-results.ts";

export interface TestProcess {
  readonly files: readonly string[];
  readonly timeoutSeconds: number;
  /** Only tests whose title matches this regular expression. */
  readonly pattern?: string;
  /** The root of the tree that is tested. */
  readonly root: string;
}

/** Node 22 has the option under its first name. */
const ISOLATION = process.allowedNodeEnvironmentFlags.has("--test-isolation") ? "--test-isolation" : "--experimental-test-isolation";
const REPORTER = join(import.meta.dirname, "json-reporter.ts");
/** A test that grows without end, as a deliberate fault can make it, must not take the machine with it. */
const MOST_BYTES = 4 * 1024 ** 3;
/** What a process that is told to stop has to clean up after itself. */
const GRACE_MILLISECONDS = 3_000;

export async function runTestProcess(job: TestProcess): Promise<readonly TestResult[]> {
  const directory = mkdtempSync("/tmp/skylan-test-");
  const output = join(directory, "results.ndjson");
  try {
    const child = start(job, output);
    const printed = collect(child);
    const end = await finish(child, job.timeoutSeconds);
    const results = readResults(output);
    const complaint = complaintOf(job, end, results);
    if (complaint === undefined) return results;
    return [...results, { ...complaint, message: `${complaint.message}\n${tail(printed())}`.trimEnd() }];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function start({ files, pattern, root }: TestProcess, output: string): ChildProcess {
  const options = ["--test", `${ISOLATION}=none`, `--test-reporter=${REPORTER}`, `--test-reporter-destination=${output}`];
  if (pattern !== undefined) options.push(`--test-name-pattern=${pattern}`);
  // Not our stdin: a test that reads it must not wait for a person. A group of its own: it can be ended with all its children.
  const command = [`--data=${MOST_BYTES}`, process.execPath, ...options, ...files];
  return spawn("prlimit", command, { cwd: root, stdio: ["ignore", "pipe", "pipe"], detached: true });
}

/** What the process prints beside its results; it is shown only when the process itself breaks. */
function collect(child: ChildProcess): () => string {
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

const tail = (text: string): string => text.split("\n").slice(-25).join("\n");

interface End {
  readonly timedOut: boolean;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

async function finish(child: ChildProcess, timeoutSeconds: number): Promise<End> {
  const exit = new Promise<Omit<End, "timedOut">>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const waiting = new AbortController();
  const timeout = sleep(timeoutSeconds * 1000, undefined, { signal: waiting.signal }).then(
    () => "timeout" as const,
    () => "ended" as const,
  );
  const timedOut = (await Promise.race([exit, timeout])) === "timeout";
  if (timedOut) {
    signalGroup(child, "SIGTERM");
    await Promise.race([exit, sleep(GRACE_MILLISECONDS)]);
  }
  signalGroup(child, "SIGKILL");
  const end = await exit;
  waiting.abort();
  return { ...end, timedOut };
}

/** What a test left running in its group ends with it. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readResults(output: string): readonly TestResult[] {
  let text: string;
  try {
    text = readFileSync(output, "utf8");
  } catch {
    return [];
  }
  // The last line of a process that was killed may be cut.
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as TestResult);
}

/** A process that breaks without a failed test is a failure of its own. */
function complaintOf({ files, timeoutSeconds }: TestProcess, end: End, results: readonly TestResult[]): TestResult | undefined {
  const file = files.length === 1 ? files[0]! : "";
  const failed = {
    title: files.length === 1 ? "the file as a whole" : `${files.length} files`,
    file,
    outcome: "failed" as const,
    milliseconds: 0,
  };
  if (end.timedOut) return { ...failed, milliseconds: timeoutSeconds * 1000, message: `not done after ${timeoutSeconds} s` };
  if (end.code === 0 || results.some((result) => result.outcome === "failed")) return undefined;
  return { ...failed, message: `the process ended with ${end.signal ?? `exit code ${end.code}`}` };
}
