/** The command line: one file a command, and only the file of the command that is wanted is loaded. */
import { Command } from "commander";
import { version } from "../io/version.ts";
import { exitCodeOf } from "./failure.ts";

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import("./up.ts")).upCommand(),
  plan: async () => (await import("./plan.ts")).planCommand(),
  status: async () => (await import("./status.ts")).statusCommand(),
  leases: async () => (await import("./leases.ts")).leasesCommand(),
  devices: async () => (await import("./devices.ts")).devicesCommand(),
  dns: async () => (await import("./dns.ts")).dnsCommand(),
  trace: async () => (await import("./trace.ts")).traceCommand(),
  refresh: async () => (await import("./refresh.ts")).refreshCommand(),
  down: async () => (await import("./down.ts")).downCommand(),
  lab: async () => (await import("./lab.ts")).labCommand(),
};

const program = new Command("skylan")
  .description("Your Linux box as the IPv6 router of your home.")
  .version(version)
  .enablePositionalOptions()
  .showHelpAfterError("(skylan --help lists the commands)")
  .exitOverride();

const wanted = process.argv[2] ?? "";
const loaded = Object.hasOwn(COMMANDS, wanted) ? [COMMANDS[wanted]!] : Object.values(COMMANDS);
for (const load of loaded) program.addCommand(inherit(await load(), program));

/** A command that complains and ends as the program does, and so do those below it. */
function inherit(command: Command, from: Command): Command {
  command.copyInheritedSettings(from);
  for (const below of command.commands) inherit(below, command);
  return command;
}

try {
  await program.parseAsync();
} catch (error) {
  // What was opened before the error must not keep the process alive.
  process.exit(exitCodeOf(error));
}
