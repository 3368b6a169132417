/** What the checks say about a file, and how they look into one of which nothing is known yet. */
import type { Path } from "./toml-document.ts";

/** A complaint about the value (or, for a table, the header) at `path`. */
export interface Complaint {
  readonly path: Path;
  /** The key itself is wrong, not its value. */
  readonly at?: "key";
  /** What is wrong and what would be right. */
  readonly text: string;
}

/** The tables below [lan], as they were written. */
export type Lans = readonly (readonly [name: string, lan: Readonly<Record<string, unknown>>])[];

/** Tables of the document have no prototype; lists and dates have one. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}
