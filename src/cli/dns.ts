/** `skylan dns`: the resolver of the home: whom it asks, and what it keeps. */
import { Command } from "commander";
import { createClient } from "../api/client.ts";
import { formatDns } from "../api/dns-words.ts";
import { runDirOption } from "./options.ts";

interface Options {
  readonly runDir: string;
  readonly json?: boolean;
  readonly flush?: boolean;
}

export function dnsCommand(): Command {
  return new Command("dns")
    .description("show the resolver of the home: its upstreams, its cache, what it has counted")
    .option("--json", "as JSON, for programs")
    .option("--flush", "forget all answers that are kept")
    .addOption(runDirOption())
    .action(async ({ runDir, json, flush }: Options) => {
      const client = createClient(runDir);
      if (flush === true) {
        await client.flushDns();
        console.log("All answers that were kept are forgotten.");
        return;
      }
      const status = await client.dns();
      console.log(json === true ? JSON.stringify(status, null, 2) : formatDns(status));
    });
}
