/** From an error to a sentence on stderr and an exit code. What is none of these is a bug and is shown with its stack. */
import { CommanderError } from "commander";
import { NotRunning } from "../api/client.ts";
import { ConfigError } from "../config/config-error.ts";
import { StoreError } from "../io/store.ts";
import { KernelError } from "../kernel/kernel-error.ts";
import { Conflict, MissingInterface } from "../router/start-checks.ts";
import { EXIT } from "./exit-codes.ts";

/** A sentence for the user that is no bug, with its exit code. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(sentence: string, exitCode: number) {
    super(sentence);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

/** Prints the error for a person and returns the exit code. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const code = knownCode(error);
  if (code === undefined) {
    console.error(error);
    console.error("skylan: this is a bug in skylan; please report it with the lines above");
    return EXIT.software;
  }
  console.error(`skylan: ${(error as Error).message}`);
  return code;
}

function knownCode(error: unknown): number | undefined {
  if (error instanceof Failure) return error.exitCode;
  if (error instanceof ConfigError) return EXIT.config;
  if (error instanceof StoreError) return EXIT.state;
  if (error instanceof NotRunning || error instanceof Conflict) return EXIT.conflict;
  if (error instanceof MissingInterface) return EXIT.unavailable;
  if (error instanceof KernelError) return kernelCode(error);
  return undefined;
}

function kernelCode(error: KernelError): number {
  if (error.errno === "EPERM" || error.errno === "EACCES") return EXIT.permission;
  return error.errno === "ENODEV" || error.errno === "ENOSYS" ? EXIT.unavailable : EXIT.kernel;
}
