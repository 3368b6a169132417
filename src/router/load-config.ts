/** Reads the owner's config file. */
import { readFileSync } from "node:fs";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { parseConfig } from "../config/parse-config.ts";

/** @throws ConfigError when the file can't be read or is wrong. */
export function loadConfig(file: string): Config {
  return parseConfig(readText(file), file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw ConfigError.ofFile(
        file,
        "there is no such file; write one (docs/config.md shows five lines that do) or name yours with --config",
      );
    if (code === "EACCES") throw ConfigError.ofFile(file, "no permission to read it");
    throw error;
  }
}
