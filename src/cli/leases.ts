/** `skylan leases`: which device has which address by DHCP, and how to make the server forget it. */
import { Command } from "commander";
import { createClient } from "../api/client.ts";
import { formatLeases } from "../api/lease-words.ts";
import { EXIT } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import { runDirOption } from "./options.ts";

interface Options {
  readonly runDir: string;
  readonly json?: boolean;
  readonly flush?: string;
}

export function leasesCommand(): Command {
  return new Command("leases")
    .description("show the addresses and prefixes that devices at home have by DHCP")
    .option("--json", "as JSON, for programs")
    .option("--flush <address or name>", "forget the leases of this address, prefix or name; the device gets one again when it asks")
    .addOption(runDirOption())
    .action(async ({ runDir, json, flush }: Options) => {
      const client = createClient(runDir);
      const leases = await (flush === undefined ? client.leases() : client.flushLeases(flush));
      if (flush !== undefined && leases.ipv4.length + leases.ipv6.length === 0) {
        throw new Failure(`no lease has the address or name ${flush}; \`skylan leases\` lists them all`, EXIT.failed);
      }
      const words = formatLeases(leases);
      console.log(json ? JSON.stringify(leases, null, 2) : flush === undefined ? words : `Forgotten:\n${words}`);
    });
}
