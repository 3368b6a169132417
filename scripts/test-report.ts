/** Tells a person how the tests went: quietly what passed, by name what was skipped, in full what failed. */
import type { TestResult } from "./test-results.ts";

export function printGroup(name: string, results: readonly TestResult[], milliseconds: number): void {
  const { passed, failed, skipped } = count(results);
  const parts = [`${passed} passed`, failed > 0 ? `${failed} failed` : "", skipped > 0 ? `${skipped} skipped` : ""].filter(
    (part) => part !== "",
  );
  console.log(`${name.padEnd(10)} ${parts.join(", ")} (${(milliseconds / 1000).toFixed(1)} s)`);
}

export function printDetails(results: readonly TestResult[]): void {
  printSkipped(results.filter((result) => result.outcome === "skipped"));
  for (const failure of results.filter((result) => result.outcome === "failed")) {
    console.log(`\nFAILED  ${failure.title}\n        ${failure.file}`);
    console.log((failure.message ?? "").replace(/^/gm, "        "));
  }
}

/** Parts that are skipped for the same reason are named together. */
function printSkipped(skipped: readonly TestResult[]): void {
  const byReason = Map.groupBy(skipped, (result) => result.message ?? "no reason given");
  for (const [reason, results] of byReason) {
    console.log(`\nSKIPPED (${reason}):`);
    for (const result of results) console.log(`        ${result.file}: ${result.title}`);
  }
}

/** The last line of every run; scripts read it. */
export function lastLine(results: readonly TestResult[]): string {
  const { passed, failed, skipped } = count(results);
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

export function count(results: readonly TestResult[]): Record<TestResult["outcome"], number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of results) counts[outcome]++;
  return counts;
}
