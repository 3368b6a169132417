/** Options that several commands share: one spelling, one default. */
import { Option } from "commander";

export const configOption = (): Option => new Option("--config <file>", "the config file").default("/etc/skylan/skylan.toml");

export const stateDirOption = (): Option =>
  new Option("--state-dir <directory>", "what must survive a reboot").default("/var/lib/skylan").env("STATE_DIRECTORY");

export const runDirOption = (): Option =>
  new Option("--run-dir <directory>", "the daemon's socket and what must survive its restart")
    .default("/run/skylan")
    .env("RUNTIME_DIRECTORY");

/** What the three options above give. */
export interface DaemonOptions {
  readonly config: string;
  readonly stateDir: string;
  readonly runDir: string;
}
