/** What happened, newest first: kept for the status, and printed as lines that journald files by their level. */
import type { EventRecord } from "../api/status.ts";
import type { Note } from "../machines/machine.ts";

const KEPT = 200;
/** sd-daemon(3) prefixes. */
const SYSLOG_LEVEL = { debug: 7, info: 6, warning: 4, error: 3 } as const;

export class Journal {
  readonly #print: (line: string) => void;
  readonly #wall: () => Date;
  readonly #format: (record: EventRecord) => string;
  #records: EventRecord[] = [];

  /** `journald`: lines carry the level for journald, which adds the time itself. */
  constructor(options: { readonly journald: boolean; readonly print: (line: string) => void; readonly wall?: () => Date }) {
    this.#print = options.print;
    this.#wall = options.wall ?? (() => new Date());
    this.#format = options.journald ? journaldLine : humanLine;
  }

  record(source: string, note: Note): void {
    const { level, event, text } = note;
    const record: EventRecord = { at: this.#wall().toISOString(), level, source, event, text };
    if (level === "debug") return;
    this.#records = [record, ...this.#records.slice(0, KEPT - 1)];
    this.#print(this.#format(record));
  }

  get records(): readonly EventRecord[] {
    return this.#records;
  }
}

function journaldLine(record: EventRecord): string {
  return `<${SYSLOG_LEVEL[record.level]}>${record.source}: ${record.text}`;
}

function humanLine(record: EventRecord): string {
  const time = new Date(record.at).toTimeString().slice(0, 8);
  const mark = { debug: " ", info: " ", warning: "!", error: "x" }[record.level];
  return `${time} ${mark} ${record.source.padEnd(14)} ${record.text}`;
}
