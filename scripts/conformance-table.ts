/** Reads the table of docs/conformance.md and judges each row by the results of a run. */
import { proofOf, type Proof, rowsOf, type TestResult } from "./test-results.ts";

export interface Row {
  readonly id: string;
  /** One of the core. */
  readonly star: boolean;
  readonly level: "must" | "should" | "beyond";
  /** As written: "U N", or "N/U" where either will do. */
  readonly proof: string;
}

export type Verdict = "proved" | "failed" | "open";

export interface Judgement extends Row {
  /** The kinds of the tests that passed. */
  readonly found: readonly Proof[];
  readonly tests: readonly TestResult[];
  readonly verdict: Verdict;
}

const LINE = /^\| ([A-Z0-9]+-\d+)( \*)? \| (must|should|beyond) \| ([UNXCK](?:[ /][UNXCK])*) \|/gm;

/** The rows in the order of the page. Throws when an id stands there twice. */
export function readTable(page: string): readonly Row[] {
  const rows = [...page.matchAll(LINE)].map((match) => ({
    id: match[1]!,
    star: match[2] !== undefined,
    level: match[3] as Row["level"],
    proof: match[4]!,
  }));
  const repeated = rows.find((row, index) => rows.findIndex((other) => other.id === row.id) !== index);
  if (repeated !== undefined) throw new Error(`docs/conformance.md has ${repeated.id} twice`);
  return rows;
}

/** A row is failed when one of its tests failed, proved when tests of the kind it wants passed, and open otherwise. */
export function judge(rows: readonly Row[], results: readonly TestResult[]): readonly Judgement[] {
  const byRow = Map.groupBy(
    results.flatMap((result) => rowsOf(result.title).map((id) => ({ id, result }))),
    ({ id }) => id,
  );
  return rows.map((row) => {
    const tests = (byRow.get(row.id) ?? []).map(({ result }) => result);
    const passed = tests.filter(({ outcome }) => outcome === "passed").map(({ file }) => proofOf(file));
    const found = (["U", "N", "X"] as const).filter((kind) => passed.includes(kind));
    const failed = tests.some(({ outcome }) => outcome === "failed");
    return { ...row, found, tests, verdict: failed ? "failed" : isProved(row.proof, found) ? "proved" : "open" };
  });
}

/** What wants the kernel, a peer or a capture is not proved by a state machine alone; a state machine's row wants that machine. */
export function isProved(wanted: string, found: readonly Proof[]): boolean {
  if (wanted.includes("/")) return wanted.split("/").some((kind) => isProved(kind, found));
  return wanted === "U" ? found.includes("U") : found.includes("N") || found.includes("X");
}

/** Rows that tests name and the page does not have: a typing error in a title. */
export function unknownRows(rows: readonly Row[], results: readonly TestResult[]): readonly string[] {
  const known = new Set(rows.map(({ id }) => id));
  return [...new Set(results.flatMap(({ title }) => rowsOf(title)))].filter((id) => !known.has(id));
}
