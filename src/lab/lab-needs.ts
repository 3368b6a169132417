/** What the lab needs of the machine: programs, and the right to make network namespaces. */
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { IspKind } from "./isp.ts";
import { LabProblem } from "./lab-problem.ts";
import { recordEnvironment } from "./lab-record.ts";
import { toolEnvironment } from "./namespace.ts";

/** Programs and the Debian packages that bring them. */
const PROGRAMS: readonly (readonly [program: string, packageName: string])[] = [
  ["ip", "iproute2"],
  ["nft", "nftables"],
  ["unshare", "util-linux"],
  ["nsenter", "util-linux"],
  ["mount", "mount"],
];
const KEA_PROGRAMS: typeof PROGRAMS = [
  ["radvd", "radvd"],
  ["kea-dhcp4", "kea-dhcp4-server"],
  ["kea-dhcp6", "kea-dhcp6-server"],
];

/** @throws LabProblem when programs are missing */
export function checkPrograms(isp: IspKind): void {
  const missing = [...PROGRAMS, ...(isp === "kea" ? KEA_PROGRAMS : [])].filter(([program]) => !isProgram(program));
  if (missing.length === 0) return;
  const programs = missing.map(([program]) => program).join(" and ");
  const packages = [...new Set(missing.map(([, packageName]) => packageName))].join(" ");
  throw new LabProblem(`the lab needs ${programs}: apt-get install ${packages}`);
}

export function isProgram(name: string): boolean {
  return toolEnvironment()
    ["PATH"]!.split(":")
    .some((directory) => {
      try {
        accessSync(join(directory, name), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Namespaces of our own, in which a plain user is root. */
const USER_NAMESPACE = ["--user", "--map-root-user", "--net", "--mount"];

/** @throws LabProblem when this user may not make network namespaces here */
export function checkPermission(): void {
  const options = process.getuid?.() === 0 ? ["--net", "--mount"] : USER_NAMESPACE;
  const { status, stderr, error } = spawnSync("unshare", [...options, "true"], { encoding: "utf8", env: toolEnvironment() });
  if (status === 0) return;
  const why = (error?.message ?? stderr).trim();
  if (process.getuid?.() === 0)
    throw new LabProblem(`root may not make network namespaces here (${why}); a container needs --privileged for it`);
  throw new LabProblem(`this kernel lets only root make network namespaces (${why}); run the lab with sudo`);
}

/**
 * Runs this very command line again as root of a user namespace of our own, with our terminal. It ends when we end, however that happens.
 * Resolves with its exit code.
 */
export function runInUserNamespace(): Promise<number> {
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const args = [...USER_NAMESPACE, "setpriv", "--pdeathsig", "TERM", "--", ...again];
  const child = spawn("unshare", args, { stdio: "inherit", env: { ...recordEnvironment(), PATH: toolEnvironment()["PATH"] } });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
