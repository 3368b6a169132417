/** A process that was started in a namespace: what it says, and its end. */
import type { ChildProcess } from "node:child_process";
import { NotInTime } from "./until.ts";

export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Kept of what a process says; a chatty one must not eat the memory. */
const MOST_OUTPUT = 4_000_000;
/** Milliseconds. */
const LAST_WORDS = 250;

export class Running {
  readonly #child: ChildProcess;
  readonly #what: string;
  readonly #listeners = new Set<(line: string) => void>();
  readonly ended: Promise<End>;
  #output = "";
  #unfinished = "";
  #hasEnded = false;

  /** @param what how the process is called in sentences */
  constructor(child: ChildProcess, what: string) {
    this.#child = child;
    this.#what = what;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
    // A process that ends before it reads its input is told apart by its exit code, not by a broken pipe.
    child.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => this.#hear(`${error.message}\n`));
      child.once("error", () => resolve({ code: 127, signal: null }));
      child.once("close", (code, signal) => resolve({ code, signal }));
      // A child of its own that lives on keeps the pipes open; last words are waited for, but not for ever.
      child.once("exit", (code, signal) => setTimeout(() => resolve({ code, signal }), LAST_WORDS).unref());
    });
    void this.ended.then(() => (this.#hasEnded = true));
  }

  /** The process itself: entering a namespace does not fork. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return !this.#hasEnded;
  }

  /** Everything said so far on stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  /** Sends a line to its stdin. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Calls back with each line from now on. */
  onLine(listener: (line: string) => void): void {
    this.#listeners.add(listener);
  }

  /** The first line, said already or to come, that matches. @throws NotInTime, also when the process ends before */
  line(pattern: RegExp, within: number): Promise<string> {
    const said = this.#output.split("\n").find((line) => pattern.test(line));
    if (said !== undefined) return Promise.resolve(said);
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new NotInTime(`${this.#what} ${why} before it said ${pattern}\n${this.#output}`));
      const timer = setTimeout(() => fail(`was given ${within / 1000} s`), within);
      void this.ended.then(({ code, signal }) => {
        clearTimeout(timer);
        fail(`ended with ${signal ?? `exit code ${code}`}`);
      });
      this.#listeners.add((line) => {
        if (!pattern.test(line)) return;
        clearTimeout(timer);
        resolve(line);
      });
    });
  }

  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end; what does not end within `grace` milliseconds is killed. */
  async stop(signal: NodeJS.Signals = "SIGTERM", grace = 5_000): Promise<End> {
    this.kill(signal);
    const timer = setTimeout(() => this.kill("SIGKILL"), grace);
    const end = await this.ended;
    clearTimeout(timer);
    return end;
  }

  #hear(text: string): void {
    this.#output = (this.#output + text).slice(-MOST_OUTPUT);
    const lines = (this.#unfinished + text).split("\n");
    this.#unfinished = lines.pop()!;
    for (const line of lines) for (const listener of this.#listeners) listener(line);
  }
}
