/** skylan in the gateway of a home: its config, its process, and what it says about itself. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../api/client.ts";
import type { DevicesStatus } from "../api/devices.ts";
import type { Status } from "../api/status.ts";
import type { CommandResult, Namespace } from "./namespace.ts";
import type { End, Running } from "./running.ts";
import { nodeCommand } from "./script-path.ts";

const STARTING = 60_000;

export type TomlValue = string | number | boolean | readonly (string | number)[];
type Table = Readonly<Record<string, TomlValue>>;

/** The tables of skylan.toml; a table below one of them is written by dotted keys, such as "dhcp.lease". */
export interface ConfigTables {
  readonly wan?: Table;
  /** By the name of the LAN. */
  readonly lan?: Readonly<Record<string, Table>>;
  /** By the name of the device. */
  readonly device?: Readonly<Record<string, Table>>;
  readonly gateway?: Table;
  readonly dns?: Table;
  /** Values before the first table. */
  readonly top?: Table;
}

/** What skylan needs to know of its place. */
export interface SkylanSite {
  readonly gateway: Namespace;
  /** For config, state, run directory; it exists. */
  readonly directory: string;
}

/** A skylan that runs in the gateway. */
export interface Skylan {
  readonly process: Running;
  readonly pid: number;
  /** @throws NotRunning */
  status(): Promise<Status>;
  /** @throws NotRunning */
  devices(): Promise<DevicesStatus>;
  /** Sends a signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<End>;
  /** SIGTERM, as an upgrade would. */
  stop(): Promise<End>;
}

/** Writes the config and starts `skylan up`; returns when it says that it is up. @throws NotInTime with what it has said instead */
export async function startSkylan(site: SkylanSite, config: string, env: Readonly<Record<string, string>> = {}): Promise<Skylan> {
  const { gateway, directory } = site;
  const { run, file, args } = pathsOf(directory);
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, config);
  const process = gateway.spawn(nodeCommand("../cli/main", "up", "--config", file, ...args), { env });
  await process.line(/ is up: /, STARTING);
  return {
    process,
    pid: process.pid,
    status: () => createClient(run).status(),
    devices: () => createClient(run).devices(),
    kill: (signal) => process.stop(signal),
    stop: () => process.stop("SIGTERM"),
  };
}

/** Runs another skylan command in the gateway, e.g. ("down", "--release"), with this home's config and directories. */
export function runSkylan({ gateway, directory }: SkylanSite, command: string, ...options: readonly string[]): Promise<CommandResult> {
  const { file, stateArgs, runArgs } = pathsOf(directory);
  const wantsConfig = command === "plan" || command === "down";
  return gateway.attempt(
    ...nodeCommand("../cli/main", command, ...(wantsConfig ? ["--config", file, ...stateArgs] : []), ...runArgs, ...options),
  );
}

/** A directory for a PATH: its `skylan` finds this home's config and daemon by itself, its `fetch URL` prints a page where curl is missing. */
export function writeLaunchers(directory: string): string {
  const bin = join(directory, "bin");
  mkdirSync(bin, { recursive: true });
  const { run, state } = pathsOf(directory);
  const variables = `RUNTIME_DIRECTORY='${run}' STATE_DIRECTORY='${state}'`;
  for (const [name, program] of [
    ["skylan", "../cli/main"],
    ["fetch", "web-client"],
  ] as const) {
    const command = nodeCommand(program).map((word) => `'${word}'`);
    const launcher = join(bin, name);
    writeFileSync(launcher, `#!/bin/sh\nexport ${variables}\nexec ${command.join(" ")} "$@"\n`);
    chmodSync(launcher, 0o755);
  }
  return bin;
}

function pathsOf(directory: string) {
  const [file, state, run] = [join(directory, "skylan.toml"), join(directory, "state"), join(directory, "run")];
  const stateArgs = ["--state-dir", state];
  const runArgs = ["--run-dir", run];
  return { file, state, run, stateArgs, runArgs, args: [...stateArgs, ...runArgs] };
}

/** skylan.toml, tables with later values over earlier ones. */
export function formatConfig(...layers: readonly ConfigTables[]): string {
  const merge = (pick: (tables: ConfigTables) => Table | undefined): Table => Object.assign({}, ...layers.map(pick)) as Table;
  return [
    formatTable(
      "",
      merge((tables) => tables.top),
    ),
    formatTable(
      "wan",
      merge((tables) => tables.wan),
    ),
    ...(["lan", "device"] as const).flatMap((kind) =>
      [...new Set(layers.flatMap((tables) => Object.keys(tables[kind] ?? {})))].map((name) =>
        formatTable(
          `${kind}.${name}`,
          merge((tables) => tables[kind]?.[name]),
        ),
      ),
    ),
    formatTable(
      "gateway",
      merge((tables) => tables.gateway),
    ),
    formatTable(
      "dns",
      merge((tables) => tables.dns),
    ),
  ].join("");
}

function formatTable(name: string, table: Table): string {
  const lines = Object.entries(table).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  if (lines.length === 0) return "";
  return name === "" ? lines.join("") : `[${name}]\n${lines.join("")}`;
}
