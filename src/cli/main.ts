/** The command line: one file a command. */
import { Command } from "commander";
import { version } from "../io/version.ts";
import { downCommand } from "./down.ts";
import { labCommand } from "./lab.ts";
import { planCommand } from "./plan.ts";
import { refreshCommand } from "./refresh.ts";
import { statusCommand } from "./status.ts";
import { traceCommand } from "./trace.ts";
import { upCommand } from "./up.ts";
import { exitCodeOf } from "./failure.ts";

const program = new Command("skylan")
  .description("Your Linux box as the IPv6 router of your home.")
  .version(version)
  .showHelpAfterError("(skylan --help lists the commands)")
  .exitOverride();

for (const command of [upCommand, planCommand, statusCommand, traceCommand, refreshCommand, downCommand, labCommand]) {
  program.addCommand(command());
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
