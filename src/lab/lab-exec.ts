/** `skylan lab exec`: a command in a host of the lab that runs, from another terminal. */
import { spawn, spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { parseAddresses } from "./host-address.ts";
import { LabProblem } from "./lab-problem.ts";
import { type LabRecord, readRecord } from "./lab-record.ts";
import { enterCommand, toolEnvironment } from "./namespace.ts";

/**
 * Runs the command, or a shell when there is none, with our terminal; a host of the lab in a URL, `http://[laptop]/`, becomes its address.
 * Resolves with the exit code. @throws LabProblem
 */
export function execInLab(host: string, command: readonly string[]): Promise<number> {
  const record = requireLab();
  const pid = record.hosts[host];
  if (pid === undefined) throw new LabProblem(`the lab has no host ${host}; it has ${Object.keys(record.hosts).join(", ")}`);
  const shell = process.env["SHELL"] ?? "sh";
  const wanted = command.length === 0 ? [shell] : command.map((word) => withAddresses(word, record));
  const [program, ...args] = enter(pid, wanted);
  const child = spawn(program!, args, { stdio: "inherit", env: { ...toolEnvironment(), PATH: record.path, PS1: `${host}# ` } });
  // Ctrl-C is for the command; its end ends us.
  process.on("SIGINT", () => undefined);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/** The hosts of the lab that runs. @throws LabProblem when none runs */
export function labHosts(): readonly string[] {
  return Object.keys(requireLab().hosts);
}

function requireLab(): LabRecord {
  const record = readRecord();
  if (record === undefined) throw new LabProblem("no lab of yours runs; start one in another terminal: npm run lab");
  return record;
}

function withAddresses(word: string, { hosts }: LabRecord): string {
  return word.replace(/(?<=:\/\/)\[(\w+)\]/, (bracketed, host: string) =>
    Object.hasOwn(hosts, host) ? `[${addressOf(host, hosts[host]!)}]` : bracketed,
  );
}

/** @throws LabProblem when the host has none at this moment */
function addressOf(host: string, pid: number): string {
  const [program, ...args] = enter(pid, ["ip", "-6", "-json", "addr", "show"]);
  const { stdout } = spawnSync(program!, args, { encoding: "utf8", env: toolEnvironment() });
  const usable = parseAddresses(stdout || "[]").find(({ state }) => state === "preferred");
  if (usable === undefined) throw new LabProblem(`${host} has no global address now`);
  return usable.address;
}

const enter = (pid: number, command: readonly string[]): readonly string[] =>
  enterCommand(pid, command, { userNamespace: isInsideUserNamespace(pid) });

/** Whether a plain user's lab has to be entered through its user namespace. */
function isInsideUserNamespace(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/ns/user`) !== readlinkSync("/proc/self/ns/user");
}
