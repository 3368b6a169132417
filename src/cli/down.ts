/** `skylan down`: leaves for good. The LAN is told first, then the kernel becomes what it was before skylan. */
import { Command } from "commander";
import { createClient, NotRunning } from "../api/client.ts";
import { leaveWithoutDaemon } from "../router/daemon.ts";
import { loadConfig } from "../router/load-config.ts";
import { configOption, type DaemonOptions, runDirOption, stateDirOption } from "./options.ts";

interface Options extends DaemonOptions {
  readonly release: boolean;
}

export function downCommand(): Command {
  return new Command("down")
    .description("leave for good: tell the LANs, then put back every switch, address, route and rule")
    .option("--release", "give the leases back to the provider too; the next start may get another prefix", false)
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(runDirOption())
    .action(async (options: Options) => {
      await leave(options);
      console.log("skylan is down; this box is as it was before.");
    });
}

async function leave({ config, stateDir, runDir, release }: Options): Promise<void> {
  try {
    await createClient(runDir).down({ release });
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    await leaveWithoutDaemon({ config: loadConfig(config), stateDir, runDir, print: console.log }, { release });
  }
}
