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
  /** What must hold. */
  readonly targets: readonly (Target | Demand)[];
  /** Parts and remarks that explain the figures. */
  readonly remarks: readonly string[];
}

/** Our median over that of a peer, e.g. at most 0.85. */
export interface Target {
  readonly peer: string;
  readonly ratio: number;
  readonly sense: "at most" | "at least";
}

/** What must hold whatever the peers do. */
export interface Demand {
  readonly what: string;
  readonly met: boolean;
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
  // Nothing is a multiple of nothing.
  const peers = report.rows.slice(1).filter((row) => median(row.samples) > 0);
  const ratios = Object.fromEntries(peers.map((row) => [row.name, round(ours / median(row.samples))]));
  console.log(`${report.bench} (${report.unit})`);
  for (const { name, samples } of report.rows) {
    const spread = `${round(Math.min(...samples))} .. ${round(Math.max(...samples))}`;
    const ratio = name in ratios ? `ours is ${ratios[name]} x` : "";
    console.log(`  ${name.padEnd(28)} ${String(medians[name]).padStart(10)}   ${spread.padEnd(24)} ${ratio}`);
  }
  for (const remark of report.remarks) console.log(`  ${remark}`);
  const demands = report.targets.map((target) => ("what" in target ? target : demandOf(target, ratios[target.peer]!)));
  for (const { what, met } of demands) console.log(`  ${met ? "met " : "MISS"} ${what}`);
  console.log(JSON.stringify({ name: report.bench, unit: report.unit, medians, ratios }));
  return demands.every(({ met }) => met);
}

function demandOf({ peer, ratio, sense }: Target, measured: number): Demand {
  return { what: `${sense} ${ratio} x ${peer}`, met: sense === "at most" ? measured <= ratio : measured >= ratio };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
