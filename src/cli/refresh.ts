/** `skylan refresh`: asks the provider again now, without waiting for a backoff to end. */
import { Command } from "commander";
import { createClient } from "../api/client.ts";
import { runDirOption } from "./options.ts";

export function refreshCommand(): Command {
  return new Command("refresh")
    .description("ask the provider for router and prefix again now")
    .addOption(runDirOption())
    .action(async ({ runDir }: { readonly runDir: string }) => {
      await createClient(runDir).refresh();
      console.log("The provider is being asked; `skylan status` shows what it answers.");
    });
}
