/** `skylan status`: everything there is to know, on one page. */
import { Command } from "commander";
import { createClient } from "../api/client.ts";
import { formatStatus } from "../api/status-words.ts";
import { runDirOption } from "./options.ts";

interface Options {
  readonly runDir: string;
  readonly json?: boolean;
}

export function statusCommand(): Command {
  return new Command("status")
    .description("show WAN, delegation, LANs, routes and the last events")
    .option("--json", "as JSON, for programs")
    .addOption(runDirOption())
    .action(async (options: Options) => {
      const status = await createClient(options.runDir).status();
      console.log(options.json ? JSON.stringify(status, null, 2) : formatStatus(status, { color: process.stdout.isTTY === true }));
    });
}
