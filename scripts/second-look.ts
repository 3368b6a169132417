/**
 * Tests that measure time on a real kernel can fail because the machine was busy with other tests. A file that failed beside others runs once more when
 * nothing else does: what fails then has failed, what passes is reported as unsteady. Where many files fail the machine is not the reason.
 */
import type { TestResult } from "./test-results.ts";

export interface FileRun {
  readonly file: string;
  readonly results: readonly TestResult[];
}

const MOST_FILES = 3;

/** The runs, with those of files that failed replaced by a second one. `again` runs a file alone. */
export async function lookAgain<Run extends FileRun>(
  runs: readonly Run[],
  again: (run: Run) => Promise<readonly TestResult[]>,
): Promise<readonly Run[]> {
  const failed = runs.filter(({ results }) => results.some(hasFailed));
  if (failed.length === 0 || failed.length > MOST_FILES) return runs;
  const seconds = new Map<Run, readonly TestResult[]>();
  for (const run of failed) seconds.set(run, await again(run));
  return runs.map((run) => ({ ...run, results: merged(run.results, seconds.get(run)) }));
}

/** The second results, which say of those that failed only at first how they did. */
function merged(first: readonly TestResult[], second: readonly TestResult[] | undefined): readonly TestResult[] {
  if (second === undefined || second.length === 0) return first;
  const messages = new Map(first.filter(hasFailed).map(({ title, message }) => [title, message ?? "no message"]));
  return second.map((result) => {
    const unsteady = messages.get(result.title);
    return unsteady === undefined || hasFailed(result) ? result : { ...result, unsteady };
  });
}

const hasFailed = ({ outcome }: TestResult): boolean => outcome === "failed";
