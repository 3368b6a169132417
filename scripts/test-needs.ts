/**
 * What a test file needs of the machine: a line such as `// Needs: dhcpcd, python:scapy` in it. Where something is missing the file is skipped by name. The words
 * are those by which scripts/setup.sh sees that a package is there: a command, a path, or a module of Python.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { isProgram } from "../src/lab/lab-needs.ts";

/** Without these there are no namespaces and no rules. */
const ALWAYS = ["ip", "nft", "unshare"];

/** The words of the line, none without one. */
export function namedNeeds(source: string): readonly string[] {
  const [, list = ""] = /^\/\/ Needs: (.+)$/m.exec(source) ?? [];
  return list
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
}

/** Why the file with this source can't be tested here; undefined when it can. */
export function whyNot(source: string): string | undefined {
  const missing = [...ALWAYS, ...namedNeeds(source)].filter((need) => !isThere(need));
  return missing.length === 0 ? undefined : `${missing.join(" and ")} not installed`;
}

const known = new Map<string, boolean>();

function isThere(need: string): boolean {
  const found = known.get(need) ?? look(need);
  known.set(need, found);
  return found;
}

function look(need: string): boolean {
  if (need.startsWith("/")) return existsSync(need);
  const [, module] = /^python:(.+)$/.exec(need) ?? [];
  if (module === undefined) return isProgram(need);
  const script = `import sys, importlib.util as i; sys.exit(i.find_spec("${module}") is None)`;
  return spawnSync("/usr/bin/python3", ["-c", script]).status === 0;
}
