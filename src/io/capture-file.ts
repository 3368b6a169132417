/** A capture file that grows frame by frame and can be read at any time. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { CapturedFrame } from "../wire/pcap.ts";
import { encodeCapturedFrame, encodeCaptureHeader } from "../wire/pcapng.ts";

/** The capture can't be written; the message is a sentence for the user. */
export class CaptureFileError extends Error {
  constructor(file: string, cause: NodeJS.ErrnoException) {
    super(`cannot write the capture ${file}: ${REASONS[cause.code ?? ""] ?? cause.message}`, { cause });
    this.name = "CaptureFileError";
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EACCES: "no permission there",
  ENOENT: "there is no such directory",
  EISDIR: "it is a directory",
  EROFS: "the place is read-only",
};

export interface CaptureFile {
  /** Appends a frame of one of the interfaces. @throws CaptureFileError */
  write(frame: CapturedFrame): void;
  close(): void;
}

/** Begins a pcapng file anew, for frames of these interfaces. @throws CaptureFileError */
export function openCaptureFile(file: string, interfaces: readonly string[]): CaptureFile {
  const told = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw new CaptureFileError(file, error as NodeJS.ErrnoException);
    }
  };
  const descriptor = told(() => openSync(file, "w"));
  told(() => writeSync(descriptor, encodeCaptureHeader(interfaces)));
  return {
    write: (frame) => told(() => writeSync(descriptor, encodeCapturedFrame(frame, interfaces.indexOf(frame.interface)))),
    close: () => closeSync(descriptor),
  };
}
