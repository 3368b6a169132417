/** The note that a running lab leaves for `skylan lab exec`: which process holds which host. One lab for each user of the machine. */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LabProblem } from "./lab-problem.ts";

export interface LabRecord {
  /** Of the lab itself. */
  readonly pid: number;
  readonly directory: string;
  readonly path: string;
  /** Host and the process whose namespaces it is. */
  readonly hosts: Readonly<Record<string, number>>;
}

/** Set for the lab inside a user namespace, where the user's number looks like root's. */
const VARIABLE = "SKYLAN_LAB_RECORD";

/** Where no service manager gives the user a directory; with the user's number behind it. */
const OWN_DIRECTORY = "/tmp/skylan-lab-of-";

/** Where the note of this user's lab is. */
function recordPath(): string {
  const inside = process.env[VARIABLE];
  if (inside !== undefined) return inside;
  const own = process.env["XDG_RUNTIME_DIR"];
  return own !== undefined && existsSync(own) ? join(own, "skylan-lab.json") : `${OWN_DIRECTORY}${process.getuid?.()}/lab.json`;
}

/** Hands the path over to a lab in a user namespace. */
export const recordEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, [VARIABLE]: recordPath() });

/** The lab of this user that runs now; undefined when there is none. */
export function readRecord(): LabRecord | undefined {
  const path = recordPath();
  if (!existsSync(path) || !isOurs(path)) return undefined;
  const record = JSON.parse(readFileSync(path, "utf8")) as LabRecord;
  return Object.values(record.hosts).every(isAlive) ? record : undefined;
}

/** @throws LabProblem when the directory is not ours alone: everybody may write to /tmp */
export function writeRecord(record: LabRecord): void {
  const path = recordPath();
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (!isOurs(dirname(path))) throw new LabProblem(`${dirname(path)} belongs to somebody else; remove it, or set XDG_RUNTIME_DIR`);
  writeFileSync(path, JSON.stringify(record), { mode: 0o600 });
}

export function removeRecord(): void {
  const path = recordPath();
  rmSync(path, { force: true });
  if (dirname(path).startsWith(OWN_DIRECTORY)) rmSync(dirname(path), { recursive: true, force: true });
}

function isOurs(path: string): boolean {
  return statSync(path).uid === process.getuid?.();
}

/** A process that holds a network namespace which is not ours; its number may since belong to another one. */
function isAlive(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
  } catch {
    return false;
  }
}
