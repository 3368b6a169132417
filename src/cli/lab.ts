/** `skylan lab`: a Starlink home in network namespaces, on this machine and without touching it. */
import { Command, Option } from "commander";
import { LabProblem } from "../lab/lab-problem.ts";
import type { LabOptions } from "../lab/lab.ts";
import { EXIT } from "./exit-codes.ts";
import { Failure } from "./failure.ts";

type Options = Pick<LabOptions, "isp" | "once">;

export function labCommand(): Command {
  return new Command("lab")
    .description("build a Starlink home in network namespaces, run skylan in its gateway, and tell what happens")
    .enablePositionalOptions()
    .addOption(new Option("--isp <kind>", "the provider: our own, or radvd and Kea").choices(["embedded", "kea"]).default("embedded"))
    .option("--once", "end after the story with a table, and exit code 0 or 1", false)
    .action((options: Options) => exitWith(tell(options)))
    .addCommand(execCommand())
    .addCommand(listCommand());
}

/** The lab is large; a router that runs has no use for it, so it is loaded when it is called for. */
async function tell(options: Options): Promise<number> {
  const { runLab } = await import("../lab/lab.ts");
  const color = process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined;
  return runLab({ ...options, color, command: commandName(), print: console.log });
}

function execCommand(): Command {
  return new Command("exec")
    .description("run a command in a host of the lab that runs (default: a shell); http://[laptop]/ in it means the laptop")
    .argument("<host>", "net, isp, gateway, laptop or camera")
    .argument("[command...]")
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (host: string, command: readonly string[]) => {
      const { execInLab } = await import("../lab/lab-exec.ts");
      const wanted = command[0] === "--" ? command.slice(1) : command;
      await exitWith(Promise.resolve().then(() => execInLab(host, wanted)));
    });
}

function listCommand(): Command {
  return new Command("list").description("name the hosts of the lab that runs").action(async () => {
    const { labHosts } = await import("../lab/lab-exec.ts");
    await exitWith(
      Promise.resolve().then(() => {
        for (const host of labHosts()) console.log(host);
        return EXIT.ok;
      }),
    );
  });
}

async function exitWith(work: Promise<number>): Promise<void> {
  try {
    process.exitCode = await work;
  } catch (error) {
    if (error instanceof LabProblem) throw new Failure(error.message, EXIT.unavailable);
    throw error;
  }
}

/** How this program is called where it was started: installed, or in a clone. */
const commandName = (): string => (import.meta.filename.endsWith(".ts") ? "bin/skylan.js" : "skylan");
