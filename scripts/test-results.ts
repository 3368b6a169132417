/** What a run of the tests leaves behind: one record a test, read by the report, by `npm run conformance` and by `npm run faults`. */

/** U: a unit or simulator test; N: namespaces, the real kernel, real peers; X: namespaces and a scripted peer. */
export type Proof = "U" | "N" | "X";

export interface TestResult {
  /** With the titles of the tests around it: "outer > inner". */
  readonly title: string;
  /** Relative to the root of the project. */
  readonly file: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly milliseconds: number;
  /** Why it failed or was skipped. */
  readonly message?: string;
}

export interface RunResults {
  /** Wall clock, ISO 8601. */
  readonly when: string;
  readonly node: string;
  readonly kernel: string;
  readonly groups: readonly string[];
  readonly tests: readonly TestResult[];
}

/** Where a test stands says what kind of proof it is. */
export function proofOf(file: string): Proof {
  if (file.startsWith("test/scripted/") || file.startsWith("test/long/scripted-")) return "X";
  if (file.startsWith("test/homes/") || file.startsWith("test/long/")) return "N";
  return "U";
}

/** The rows of docs/conformance.md that a test's title names: "[D6T-3] [D6T-5] ..." or "[D6T-3, D6T-5] ...". */
export function rowsOf(title: string): readonly string[] {
  const tags = title.match(/\[[A-Z0-9]+-\d+(?:,\s*[A-Z0-9]+-\d+)*\]/g) ?? [];
  return [...new Set(tags.flatMap((tag) => tag.slice(1, -1).split(/,\s*/)))];
}
