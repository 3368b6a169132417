/**
 * Small durable state: one JSON file a name, written whole (temporary file, fsync, rename, fsync of the folder), so that a power cut leaves the
 * old version or the new one and nothing between. A damaged file is kept aside and never trusted.
 */
import {
  closeSync,
  existsSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Json } from "../addr/json.ts";
import { type Duration, type Instant, instant, milliseconds, NEVER } from "../addr/time.ts";

const VERSION = 1;

/** The three clocks that tie an Instant of one boot to an Instant of another. */
export interface Clocks {
  /** CLOCK_BOOTTIME. */
  now(): Instant;
  /** Milliseconds since 1970. */
  wall(): number;
  /** Changes with every boot. */
  readonly bootId: string;
}

/** A snapshot as it was saved, and what must be added to its Instants to make them Instants of this boot. */
export interface Saved {
  readonly snapshot: Json;
  readonly shift: Duration;
  readonly sameBoot: boolean;
}

/** The state directory can't be used: no space, no permission. The message says what to do. */
export class StoreError extends Error {
  readonly code: string;

  constructor(directory: string, cause: NodeJS.ErrnoException) {
    super(`${directory}: ${REMEDIES[cause.code ?? ""] ?? cause.message}`, { cause });
    this.name = "StoreError";
    this.code = cause.code ?? "EIO";
  }
}

const REMEDIES: Record<string, string> = {
  ENOSPC: "the disk is full; make room there, then start skylan again",
  EDQUOT: "the disk quota is used up; make room there, then start skylan again",
  EROFS: "the file system is read-only; choose a writable place with --state-dir",
  EACCES: "no permission to write; run skylan as root or with the systemd unit, or choose another place with --state-dir",
  EEXIST: "this is not a folder; choose another place with --state-dir",
  ENOTDIR: "this is not a folder; choose another place with --state-dir",
};

interface Envelope {
  readonly version: number;
  readonly bootId: string;
  readonly savedAt: number;
  readonly savedWall: number;
  readonly data: Json;
}

export class Store {
  readonly #directory: string;
  readonly #clocks: Clocks;

  constructor(directory: string, clocks: Clocks) {
    this.#directory = directory;
    this.#clocks = clocks;
  }

  /** Creates the directory (mode 0700) and proves with a real write that it can hold state. @throws StoreError */
  prove(): void {
    this.#guarded(() => {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      this.#write("probe", "skylan can write here\n".repeat(200));
      rmSync(this.#path("probe"));
    });
  }

  /** Writes a snapshot so that it survives a power cut once this returns. @throws StoreError; the version before stays. */
  save(name: string, snapshot: Json): void {
    const envelope: Envelope = {
      version: VERSION,
      bootId: this.#clocks.bootId,
      savedAt: this.#clocks.now(),
      savedWall: this.#clocks.wall(),
      data: snapshot,
    };
    this.#guarded(() => this.#write(name, `${JSON.stringify(envelope, withNever)}\n`));
  }

  /**
   * The saved snapshot, undefined when there is none. A file that is no such snapshot is renamed to NAME.json.damaged and reported through
   * `damaged` with its new path.
   */
  load(name: string, damaged: (keptAs: string, why: string) => void): Saved | undefined {
    try {
      return this.#read(name);
    } catch (error) {
      const path = this.#path(name);
      const keptAs = `${path}.damaged`;
      this.#guarded(() => renameSync(path, keptAs));
      damaged(keptAs, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** Like load, but touches nothing: what is damaged counts as absent. */
  peek(name: string): Saved | undefined {
    try {
      return this.#read(name);
    } catch {
      return undefined;
    }
  }

  /** Forgets a snapshot; no error when there is none. */
  remove(name: string): void {
    this.#guarded(() => rmSync(this.#path(name), { force: true }));
  }

  #read(name: string): Saved | undefined {
    const path = this.#path(name);
    return existsSync(path) ? this.#adopt(parseEnvelope(readFileSync(path, "utf8"))) : undefined;
  }

  #adopt(envelope: Envelope): Saved {
    const sameBoot = envelope.bootId === this.#clocks.bootId;
    if (sameBoot) return { snapshot: envelope.data, shift: milliseconds(0), sameBoot };
    // A wall clock that went backwards (no battery, 1970) tells nothing about the time that has passed: then none is assumed, and the Rebind verifies.
    const elapsed = Math.max(0, this.#clocks.wall() - envelope.savedWall);
    const savedAtHere = instant(this.#clocks.now() - elapsed);
    return { snapshot: envelope.data, shift: milliseconds(savedAtHere - envelope.savedAt), sameBoot };
  }

  #write(name: string, text: string): void {
    const temporary = `${this.#path(name)}.new`;
    const file = openSync(temporary, "w", 0o600);
    try {
      this.#giveToOwner(file);
      writeSync(file, text);
      fsyncSync(file);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
    renameSync(temporary, this.#path(name));
    this.#syncDirectory();
  }

  /** Root, who says `skylan down` while the service is stopped, writes for the user of the service, who has to read it later. */
  #giveToOwner(file: number): void {
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = statSync(this.#directory);
    if (uid !== 0) fchownSync(file, uid, gid);
  }

  #syncDirectory(): void {
    const folder = openSync(this.#directory, "r");
    fsyncSync(folder);
    closeSync(folder);
  }

  #path(name: string): string {
    return join(this.#directory, `${name}.json`);
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof Error && "code" in error) throw new StoreError(this.#directory, error as NodeJS.ErrnoException);
      throw error;
    }
  }
}

function parseEnvelope(text: string): Envelope {
  const value: unknown = JSON.parse(text, backToNever);
  if (typeof value !== "object" || value === null) throw new Error("not a JSON object");
  const { version, bootId, savedAt, savedWall, data } = value as Partial<Envelope>;
  if (version !== VERSION) throw new Error(`version ${String(version)} where ${VERSION} is known`);
  if (typeof bootId !== "string" || typeof savedAt !== "number" || typeof savedWall !== "number" || data === undefined) {
    throw new Error("fields are missing");
  }
  return { version, bootId, savedAt, savedWall, data };
}

/** JSON has no infinity, and a deadline may be NEVER. */
const NEVER_TEXT = "never";
const withNever = (_key: string, value: unknown): unknown => (value === NEVER ? NEVER_TEXT : value);
const backToNever = (_key: string, value: unknown): unknown => (value === NEVER_TEXT ? NEVER : value);
