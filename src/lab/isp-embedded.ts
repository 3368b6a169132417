/** The embedded provider of provider-process.ts in a namespace. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { prefixAddress } from "../addr/prefix.ts";
import type { Isp, IspChanges, IspSite } from "./isp.ts";
import { sendProviderCommand } from "./provider-control.ts";
import type { ProviderCommand } from "./provider.ts";
import type { Running } from "./running.ts";
import { nodeCommand } from "./script-path.ts";

const STARTING = 60_000;

export function startEmbeddedIsp(site: IspSite, changes: IspChanges): Isp {
  const { namespace } = site;
  const control = join(site.directory, "provider.sock");
  const settings = join(site.directory, "provider.json");
  writeFileSync(settings, JSON.stringify({ interface: site.interface, control, ...changes }, undefined, 2));
  let running: Running | undefined;
  let said = "";
  return {
    namespace,
    output: () => said + (running?.output ?? ""),
    async start() {
      running = namespace.spawn(nodeCommand("provider-process", settings));
      await running.line(/"event":"ready"/, STARTING);
    },
    async stop() {
      await running?.stop("SIGKILL");
      said += running?.output ?? "";
      running = undefined;
    },
    async command(command: ProviderCommand) {
      if (command.kind === "renumber" && command.link !== undefined) {
        await namespace.ip(`addr replace ${prefixAddress(command.link)}1/64 dev ${site.interface} nodad`);
      }
      return sendProviderCommand(control, command);
    },
  };
}
