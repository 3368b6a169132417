/**
 * Many small entries that must be on disk before they are promised: a file to which lines are added, with one fdatasync for all that have gathered while the
 * one before was under way. Now and then it is written anew with what still counts. A torn end, as a power cut leaves it, costs the torn line alone; a full
 * disk costs durability, which is said, but not the service.
 */
import { closeSync, existsSync, fdatasync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Json } from "../addr/json.ts";
import { type Duration, type Instant, instant, milliseconds } from "../addr/time.ts";
import type { Clocks } from "./store.ts";

/** An entry with what must be added to its Instants to make them Instants of this boot. */
export interface Entry {
  readonly data: Json;
  readonly shift: Duration;
}

export interface JournalOptions {
  readonly path: string;
  readonly clocks: Clocks;
  /** Everything that counts now, for writing the file anew. */
  readonly all: () => Iterable<Json>;
  /** The file can't be written, and what is done meanwhile; once until it can again. */
  readonly problem: (why: string) => void;
  readonly recovered: () => void;
}

/** Ties the Instants of the lines behind it, and those before it of the same boot, to the wall clock. */
interface ClockLine {
  readonly boot: string;
  readonly at: number;
  readonly wall: number;
}

interface Batch {
  readonly text: string;
  readonly count: number;
  readonly done: readonly (() => void)[];
}

/** The file is written anew when it has so many lines more than twice those that counted when it was written. */
const MOST_DEAD_LINES = 4096;
/** The wall clock has been set when it and the boot-time clock part by more than this, in milliseconds. */
const CLOCK_NOISE = 1000;
const RETRY_INTERVAL = 5000;
/** In milliseconds: who waits for the disk under load waits this much longer, for a tenth of the system calls. */
const GATHERING = 6;

/**
 * The entries in `path`, oldest first; none where there is no file. What is no entry is left out and counted.
 * @throws ErrnoException when the file can't be read
 */
export function readJournal(path: string, clocks: Clocks): { readonly entries: readonly Entry[]; readonly damaged: number } {
  if (!existsSync(path)) return { entries: [], damaged: 0 };
  const read: { readonly data: Json; readonly boot: string }[] = [];
  const latest = new Map<string, ClockLine>();
  let boot = "";
  let damaged = 0;
  // What stands behind the last end of a line was torn off.
  for (const line of readFileSync(path, "utf8").split("\n").slice(0, -1)) {
    const value = parseLine(line);
    if (value === undefined) damaged++;
    else if (isClockLine(value)) latest.set((boot = value.boot), value);
    else read.push({ data: value, boot });
  }
  const shifts = new Map([...latest].map(([name, clock]) => [name, shiftOf(clock, clocks)]));
  return { entries: read.flatMap(({ data, boot: of }) => (shifts.has(of) ? [{ data, shift: shifts.get(of)! }] : [])), damaged };
}

export class LeaseJournal {
  readonly #options: JournalOptions;
  #fd: number | undefined;
  /** Lines in the file; and how many of them counted when it was written anew. */
  #lines = 0;
  #counting = 0;
  /** Wall clock less boot-time clock, as the file has it. */
  #offset = 0;
  #text = "";
  #count = 0;
  #done: (() => void)[] = [];
  #busy = false;
  #wroteAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #retryAt: Instant = instant(0);

  /** Writes the file anew with all that counts now. A file that can't be written is said through `problem`. */
  constructor(options: JournalOptions) {
    this.#options = options;
    try {
      this.#writeAnew();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Calls `done` when the entries are safe; or at once when the file can't be written, as long as that lasts. */
  append(entries: readonly Json[], done: () => void): void {
    for (const entry of entries) this.#text += `${JSON.stringify(entry)}\n`;
    this.#count += entries.length;
    this.#done.push(done);
    if (!this.#busy) this.#soon();
  }

  close(): void {
    this.#closed = true;
    if (!this.#busy) this.#next();
  }

  /** At once after a rest; otherwise what comes meanwhile goes along. */
  #soon(): void {
    if (performance.now() - this.#wroteAt >= GATHERING) return this.#next();
    this.#timer ??= setTimeout(() => this.#next(), GATHERING);
  }

  #next(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#done.length === 0) return this.#closed ? this.#drop() : undefined;
    const batch = { text: this.#text, count: this.#count, done: this.#done };
    this.#text = "";
    this.#count = 0;
    this.#done = [];
    if (this.#fd === undefined) this.#retry(batch);
    else if (this.#lines > MOST_DEAD_LINES + 2 * this.#counting) this.#compact(batch);
    else this.#write(this.#fd, batch);
  }

  #write(fd: number, { text, count, done }: Batch): void {
    this.#busy = true;
    this.#wroteAt = performance.now();
    try {
      writeAll(fd, this.#clockLine() + text);
    } catch (error) {
      this.#fail(error);
      return this.#finish(done);
    }
    this.#lines += count;
    fdatasync(fd, (error) => {
      if (error) this.#fail(error);
      this.#finish(done);
    });
  }

  /** A line with the clocks when the wall clock has been set since the latest one. */
  #clockLine(): string {
    const { clocks } = this.#options;
    const [at, wall] = [clocks.now(), clocks.wall()];
    if (Math.abs(wall - at - this.#offset) <= CLOCK_NOISE) return "";
    this.#offset = wall - at;
    return `${JSON.stringify({ boot: clocks.bootId, at, wall } satisfies ClockLine)}\n`;
  }

  #finish(done: readonly (() => void)[]): void {
    this.#busy = false;
    for (const each of done) each();
    if (this.#busy) return;
    if (this.#closed) this.#next();
    else if (this.#done.length > 0) this.#soon();
  }

  /** The entries of the batch count already: they are in the new file. */
  #compact({ done }: Batch): void {
    this.#busy = true;
    this.#writeAnewAside().then(
      () => this.#finish(done),
      (error: unknown) => {
        this.#fail(error);
        this.#finish(done);
      },
    );
  }

  #retry({ done }: Batch): void {
    const now = this.#options.clocks.now();
    if (now >= this.#retryAt) {
      this.#retryAt = instant(now + RETRY_INTERVAL);
      try {
        this.#writeAnew();
        this.#options.recovered();
      } catch (error) {
        if (!isSystemError(error)) throw error;
      }
    }
    this.#finish(done);
  }

  #writeAnew(): void {
    const { path } = this.#options;
    const { text, lines } = this.#whole();
    const fd = openSync(`${path}.new`, "w", 0o600);
    try {
      writeAll(fd, text);
      fsyncSync(fd);
      renameSync(`${path}.new`, path);
      syncFolder(path);
    } catch (error) {
      closeSync(fd);
      rmSync(`${path}.new`, { force: true });
      throw error;
    }
    this.#adopt(fd, lines);
  }

  /** As writeAnew, while other work goes on. */
  async #writeAnewAside(): Promise<void> {
    const { path } = this.#options;
    const { text, lines } = this.#whole();
    const file = await open(`${path}.new`, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    const folder = await open(dirname(path), "r");
    await folder.sync().finally(() => folder.close());
    this.#adopt(openSync(path, "a"), lines);
  }

  #whole(): { readonly text: string; readonly lines: number } {
    this.#offset = 0;
    let text = this.#clockLine();
    let lines = 0;
    for (const entry of this.#options.all()) {
      text += `${JSON.stringify(entry)}\n`;
      lines++;
    }
    return { text, lines };
  }

  #adopt(fd: number, lines: number): void {
    this.#drop();
    this.#fd = fd;
    this.#lines = lines;
    this.#counting = lines;
  }

  #fail(error: unknown): void {
    if (!isSystemError(error)) throw error;
    this.#drop();
    this.#retryAt = instant(this.#options.clocks.now() + RETRY_INTERVAL);
    this.#options.problem(error.message);
  }

  #drop(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}

function parseLine(line: string): Json | undefined {
  try {
    return JSON.parse(line) as Json;
  } catch {
    return undefined;
  }
}

function isClockLine(value: Json): value is ClockLine & Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { boot, at, wall } = value as Partial<Record<keyof ClockLine, Json>>;
  return typeof boot === "string" && typeof at === "number" && typeof wall === "number";
}

/** As Store does it: a wall clock that went backwards tells nothing about the time that has passed. */
function shiftOf({ boot, at, wall }: ClockLine, clocks: Clocks): Duration {
  if (boot === clocks.bootId) return milliseconds(0);
  const elapsed = Math.max(0, clocks.wall() - wall);
  return milliseconds(clocks.now() - elapsed - at);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error;
}
