/**
 * The DHCPv4 server of one LAN, beside the loop: its packets change nothing in the kernel, and are too many for a whole turn each. The loop tells it what to
 * serve; it answers from its own sockets, and no ACK leaves before its record is on disk.
 */
import type { Instant } from "../addr/time.ts";
import type { Problem } from "../api/status.ts";
import { LeaseJournal, readJournal } from "../io/lease-journal.ts";
import type { Clocks } from "../io/store.ts";
import { BootTimer } from "../kernel/boot-timer.ts";
import { bindingFromJson, bindingToJson } from "../machines/dhcpv4-binding-json.ts";
import {
  type Dhcpv4Binding,
  type Dhcpv4Destination,
  type Dhcpv4Record,
  Dhcpv4Server,
  type Dhcpv4ServerInput,
  type Dhcpv4Serving,
} from "../machines/dhcpv4-server.ts";
import type { Note } from "../machines/machine.ts";
import type { LinkFact } from "../plan/kernel-state.ts";
import type { Json } from "../addr/json.ts";
import { Dhcpv4LanSockets } from "./dhcpv4-lan-sockets.ts";

export interface Dhcpv4ServiceOptions {
  readonly link: string;
  /** The file of its leases. */
  readonly path: string;
  readonly clocks: Clocks;
  readonly note: (note: Note) => void;
  /** Is given what has been leased or has ended; at the start, what an earlier run has leased. */
  readonly leased: (link: string, records: readonly Dhcpv4Record[]) => void;
}

interface Answer {
  readonly to: Dhcpv4Destination;
  readonly bytes: Uint8Array;
}

/** What is in the making: a disk that stands still must not fill the memory. Clients ask again. */
const MOST_WAITING = 4096;

export class Dhcpv4Service {
  readonly #options: Dhcpv4ServiceOptions;
  readonly #sockets: Dhcpv4LanSockets;
  readonly #timer: BootTimer;
  #server: Dhcpv4Server | undefined;
  #journal: LeaseJournal | undefined;
  #serving = "";
  /** ACKs whose records are being written. */
  #waiting = 0;
  #problem: Problem | undefined;

  /** @throws KernelError */
  constructor(options: Dhcpv4ServiceOptions) {
    this.#options = options;
    this.#timer = new BootTimer(
      () => this.#handle([{ kind: "tick" }]),
      () => undefined,
    );
    this.#sockets = new Dhcpv4LanSockets(options.link, (inputs) => this.#handle(inputs));
  }

  /** Serves what is wanted now, on the link as it is now; nothing where either is missing. */
  follow(link: LinkFact | undefined, serving: Dhcpv4Serving | undefined): void {
    if (serving) this.#serve(serving);
    this.#problem = this.#sockets.follow(serving ? link : undefined, serving?.router);
  }

  /** What keeps it from serving. */
  get problems(): readonly Problem[] {
    return this.#problem ? [this.#problem] : [];
  }

  /** Leases that run. */
  leases(): readonly Dhcpv4Binding[] {
    const now = this.#options.clocks.now();
    return [...(this.#server?.bindings() ?? [])].filter(({ until }) => until > now);
  }

  /** How many addresses there are for devices without a reservation. */
  get poolSize(): number {
    return this.#server?.poolSize ?? 0;
  }

  /** Forgets the leases of an address or a name; returns them. */
  flush(what: string): readonly Dhcpv4Binding[] {
    const bindings = [...(this.#server?.bindings() ?? [])].filter(({ address, name }) => address === what || name === what);
    this.#handle([{ kind: "flush", bindings }]);
    return bindings;
  }

  close(): void {
    this.#timer.close();
    this.#sockets.close();
    this.#journal?.close();
  }

  #serve(serving: Dhcpv4Serving): void {
    const text = JSON.stringify(serving);
    if (text === this.#serving) return;
    this.#serving = text;
    if (this.#server) return this.#handle([{ kind: "serve", serving }]);
    this.#server = new Dhcpv4Server(serving, this.#recall());
    this.#journal = new LeaseJournal({
      path: this.#options.path,
      clocks: this.#options.clocks,
      all: () => this.#entries(),
      problem: (why) =>
        this.#say(
          "error",
          "dhcpv4.undurable",
          `Leases can't be written (${why}): they are given from memory, and a restart would forget them.`,
        ),
      recovered: () => this.#say("info", "dhcpv4.durable", "Leases are on disk again."),
    });
    this.#options.leased(this.#options.link, this.leases());
  }

  /** What an earlier run has written, the latest for each address. */
  #recall(): Iterable<Dhcpv4Binding> {
    const { path } = this.#options;
    const { entries, damaged } = this.#read();
    const bindings = new Map<string, Dhcpv4Binding>();
    for (const { data, shift } of entries) {
      const record = bindingFromJson(data, shift);
      // The latest comes last.
      if (record) bindings.delete(record.address);
      if (record && !record.forgotten) bindings.set(record.address, record);
    }
    if (damaged > 0) this.#say("warning", "state.damaged", `${damaged} lines of ${path} are damaged and left out.`);
    return bindings.values();
  }

  /** A file that can't be read keeps nobody from an address. */
  #read(): ReturnType<typeof readJournal> {
    const { path, clocks } = this.#options;
    try {
      return readJournal(path, clocks);
    } catch (error) {
      if (!(error instanceof Error) || !("code" in error)) throw error;
      this.#say("error", "state.damaged", `${path} can't be read (${error.message}): skylan goes on without the leases of before.`);
      return { entries: [], damaged: 0 };
    }
  }

  *#entries(): Iterable<Json> {
    for (const binding of this.#server?.bindings() ?? []) yield bindingToJson(binding);
  }

  #handle(inputs: readonly Dhcpv4ServerInput[]): void {
    const now = this.#options.clocks.now();
    const [prompt, safe]: [Answer[], Answer[]] = [[], []];
    const records: Dhcpv4Record[] = [];
    for (const input of inputs) this.#collect(input, now, prompt, safe, records);
    this.#sockets.send(prompt);
    if (records.length > 0) this.#keep(records, safe);
    const wakeAt = this.#server?.wakeAt();
    if (wakeAt !== undefined) this.#timer.wakeAt(wakeAt);
  }

  #collect(input: Dhcpv4ServerInput, now: Instant, prompt: Answer[], safe: Answer[], records: Dhcpv4Record[]): void {
    if (input.kind === "packet" && this.#waiting + safe.length >= MOST_WAITING) return;
    for (const output of this.#server?.handle(input, now) ?? []) {
      switch (output.kind) {
        case "answer":
          if (output.record) records.push(output.record);
          (output.record ? safe : prompt).push(output);
          break;
        case "record":
          records.push(output.record);
          break;
        case "probe":
          this.#sockets.probe(output.address);
          break;
        case "note":
          this.#options.note(output);
          break;
      }
    }
  }

  /** The answers leave when the records are safe. */
  #keep(records: readonly Dhcpv4Record[], answers: readonly Answer[]): void {
    this.#waiting += answers.length;
    this.#options.leased(this.#options.link, records);
    this.#journal?.append(records.map(bindingToJson), () => {
      this.#waiting -= answers.length;
      this.#sockets.send(answers);
    });
  }

  #say(level: Note["level"], event: string, text: string): void {
    this.#options.note({ kind: "note", level, event, text });
  }
}
