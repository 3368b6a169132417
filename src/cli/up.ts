/** `skylan up`: runs the router in the foreground. */
import { Command } from "commander";
import { loadConfig } from "../router/load-config.ts";
import { runDaemon } from "../router/daemon.ts";
import { configOption, type DaemonOptions, runDirOption, stateDirOption } from "./options.ts";

export function upCommand(): Command {
  return new Command("up")
    .description("make this box the router that the config describes, and keep it so (foreground; SIGTERM leaves the network as it is)")
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(runDirOption())
    .action(async ({ config, stateDir, runDir }: DaemonOptions) => {
      await runDaemon({ config: loadConfig(config), stateDir, runDir, print: console.log });
    });
}
