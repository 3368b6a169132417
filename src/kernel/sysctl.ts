/** Kernel switches below /proc/sys, by path such as "net/ipv6/conf/eth0/accept_ra". */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { KernelError } from "./kernel-error.ts";

const ROOT = "/proc/sys/";
const buffer = Buffer.alloc(4096);

/** The value without its line end; undefined when there is no such switch. @throws KernelError when it cannot be read */
export function readSysctl(path: string): string | undefined {
  try {
    const fd = openSync(ROOT + path, "r");
    try {
      return buffer.toString("latin1", 0, readSync(fd, buffer, 0, buffer.length, 0)).trimEnd();
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") return undefined;
    throw new KernelError(errno, `read the switch ${path}`);
  }
}

/** @throws KernelError, ENOENT when there is no such switch */
export function writeSysctl(path: string, value: string): void {
  try {
    const fd = openSync(ROOT + path, "w");
    try {
      writeSync(fd, `${value}\n`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new KernelError(errnoOf(error), `set the switch ${path} to ${value}`);
  }
}

function errnoOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return code;
}
