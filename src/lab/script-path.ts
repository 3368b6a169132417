/** Where our own programs stand: as TypeScript in a clone, as JavaScript in the published package. */
import { extname, join } from "node:path";

/** The path of a program of ours, named from src/lab without its ending, e.g. "web-server" or "../cli/main". */
const scriptPath = (name: string): string => join(import.meta.dirname, `${name}${extname(import.meta.filename)}`);

/** The command line that runs it. */
export const nodeCommand = (name: string, ...args: readonly string[]): readonly string[] => [process.execPath, scriptPath(name), ...args];
