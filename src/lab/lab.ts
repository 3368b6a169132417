/** `skylan lab`: a Starlink home on this machine, told as a story, for exploring or as a check. */
import { createHome, type Home } from "./home.ts";
import type { IspKind } from "./isp.ts";
import { checkPermission, checkPrograms, isProgram, runInUserNamespace } from "./lab-needs.ts";
import { LabProblem } from "./lab-problem.ts";
import { readRecord, removeRecord, writeRecord } from "./lab-record.ts";
import { formatCheck, formatHints, formatTable, formatTitle, type Palette, palette } from "./lab-words.ts";
import { tellStory } from "./story.ts";

export interface LabOptions {
  readonly isp: Exclude<IspKind, "none">;
  /** End after the story, with a table. */
  readonly once: boolean;
  readonly color: boolean;
  /** How a person calls this program here, e.g. "bin/skylan.js". */
  readonly command: string;
  readonly print: (text: string) => void;
}

/** Resolves with the exit code: 0 when every check has passed. @throws LabProblem when this machine can't run the lab */
export async function runLab(options: LabOptions): Promise<number> {
  checkPrograms(options.isp);
  const running = options.once ? undefined : readRecord();
  if (running) throw new LabProblem(`a lab runs already (process ${running.pid}); end it with Ctrl-C in its terminal first`);
  checkPermission();
  return process.getuid?.() === 0 ? runHere(options) : runInUserNamespace();
}

async function runHere(options: LabOptions): Promise<number> {
  const colors = palette(options.color);
  const ended = untilEnded();
  options.print(formatTitle(options.isp, colors));
  await using home = await createHome({ isp: options.isp });
  const story = tellAll(home, options, colors);
  const outcome = await Promise.race([story, ended]);
  if (outcome === "ended") return options.once ? 1 : 0;
  if (!options.once && (await Promise.race([explore(home, options, colors), ended])) === "ended") options.print("\nThe home is gone.");
  return outcome;
}

async function tellAll(home: Home, { once, print }: LabOptions, colors: Palette): Promise<number> {
  const checks = await tellStory(home, (check) => print(formatCheck(check, colors)));
  const passed = checks.every((check) => check.result === "ok");
  if (!passed) print(`\n${await home.describe()}`);
  if (once || !passed) print(formatTable(checks, colors));
  return passed ? 0 : 1;
}

/** Stays up, says what skylan says, and lets `skylan lab exec` in. */
async function explore(home: Home, { command, print }: LabOptions, colors: Palette): Promise<void> {
  writeRecord({
    pid: process.pid,
    directory: home.directory,
    path: home.path,
    hosts: Object.fromEntries(home.all.map((host) => [host.name, host.pid])),
  });
  process.once("exit", removeRecord);
  print(formatHints(command, isProgram("curl") ? "curl" : "fetch", colors));
  home.skylan.process.onLine((line) => print(colors.dim(`  ${line}`)));
  await new Promise<void>(() => undefined);
}

/** A signal that asks us to end; a plain user's lab gets Ctrl-C twice, from the terminal and from outside its user namespace. */
function untilEnded(): Promise<"ended"> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve("ended"));
  });
}
