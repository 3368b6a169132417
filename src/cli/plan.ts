/** `skylan plan`: the difference between the kernel and what the config wants, in words, before anything is touched. */
import { Command } from "commander";
import { bootNow } from "../kernel/clock.ts";
import { changeWords } from "../diff/words.ts";
import { loadConfig } from "../router/load-config.ts";
import { peekPast } from "../router/linux-store.ts";
import { rehearse } from "../router/rehearsal.ts";
import { checkInterfaces } from "../router/start-checks.ts";
import { configOption, type DaemonOptions, runDirOption, stateDirOption } from "./options.ts";

export function planCommand(): Command {
  return new Command("plan")
    .description("show what `skylan up` would change on this box, and change nothing")
    .addOption(configOption())
    .addOption(stateDirOption())
    .addOption(runDirOption())
    .action((options: DaemonOptions) => {
      const config = loadConfig(options.config);
      checkInterfaces(config);
      const { changes, later, notices } = rehearse(config, peekPast(config, options));
      for (const change of changes) console.log(changeWords(change, bootNow()));
      for (const sentence of later) console.log(sentence);
      for (const { text, remedy } of notices) console.log(`! ${text} Remedy: ${remedy}`);
      console.log(changes.length === 0 ? "Nothing to change." : `${changes.length} changes; \`skylan up\` makes them.`);
    });
}
