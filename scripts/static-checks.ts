/** Types, lint and format: each is one result, so that it counts like a test. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { TestResult } from "./test-results.ts";

const CHECKS = [
  { title: "types: the type checker finds nothing", command: ["tsc", "--noEmit"] },
  { title: "lint: the walls between the layers stand and the linter finds nothing", command: ["oxlint", "--type-aware", "--quiet"] },
  { title: "format: every file is formatted", command: ["biome", "format", "--reporter=summary"] },
];

export async function runStaticChecks(root: string): Promise<readonly TestResult[]> {
  return Promise.all(CHECKS.map(({ title, command }) => runCheck(root, title, command)));
}

async function runCheck(root: string, title: string, command: readonly string[]): Promise<TestResult> {
  const start = performance.now();
  const { code, text } = await run(join(root, "node_modules/.bin", command[0]!), command.slice(1), root);
  const base = { title, file: command[0]!, milliseconds: Math.round(performance.now() - start) };
  return code === 0 ? { ...base, outcome: "passed" } : { ...base, outcome: "failed", message: text.trim() };
}

function run(program: string, options: readonly string[], cwd: string): Promise<{ readonly code: number | null; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, text: Buffer.concat(chunks).toString() }));
  });
}
