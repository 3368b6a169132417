/** Figures of a bench: medians with their spread, ratios to the peers measured in the same run, one table and one line of JSON. */

export interface Row {
  readonly name: string;
  /** One figure a round, all in `unit`. */
  readonly samples: readonly number[];
}

export interface Report {
  readonly bench: string;
  readonly unit: string;
  /** The first row is ours. */
  readonly rows: readonly Row[];
  /** What must hold, e.g. {"networkd": 0.85}: our median over the peer's at most (or at least) this. */
  readonly targets: readonly Target[];
  /** Parts and remarks that explain the figures. */
  readonly remarks: readonly string[];
}

export interface Target {
  readonly peer: string;
  readonly ratio: number;
  readonly sense: "at most" | "at least";
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Prints the table, then one line of JSON {name, unit, medians, ratios}. Returns whether every target is met. */
export function printReport(report: Report): boolean {
  const medians = Object.fromEntries(report.rows.map((row) => [row.name, round(median(row.samples))]));
  const ours = median(report.rows[0]!.samples);
  const ratios = Object.fromEntries(report.rows.slice(1).map((row) => [row.name, round(ours / median(row.samples))]));
  console.log(`${report.bench} (${report.unit})`);
  for (const { name, samples } of report.rows) {
    const spread = `${round(Math.min(...samples))} .. ${round(Math.max(...samples))}`;
    const ratio = name in ratios ? `ours is ${ratios[name]} x` : "";
    console.log(`  ${name.padEnd(28)} ${String(medians[name]).padStart(10)}   ${spread.padEnd(24)} ${ratio}`);
  }
  for (const remark of report.remarks) console.log(`  ${remark}`);
  const verdicts = report.targets.map((target) => ({ ...target, met: isMet(target, ratios[target.peer]!) }));
  for (const { peer, ratio, sense, met } of verdicts) console.log(`  ${met ? "met " : "MISS"} ${sense} ${ratio} x ${peer}`);
  console.log(JSON.stringify({ name: report.bench, unit: report.unit, medians, ratios }));
  return verdicts.every((verdict) => verdict.met);
}

function isMet({ ratio, sense }: Target, measured: number): boolean {
  return sense === "at most" ? measured <= ratio : measured >= ratio;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
