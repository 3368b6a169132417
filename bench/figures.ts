/** Figures of a bench: medians with their spread, ratios to the peers measured in the same run, a table for each part and one line of JSON for all. */

export interface Row {
  readonly name: string;
  /** One figure a round, all in `unit`. */
  readonly samples: readonly number[];
}

/** What was measured of one thing. */
export interface Report {
  /** The part's name where a bench has several; the bench's own otherwise. */
  readonly name: string;
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

interface Figures {
  readonly medians: Readonly<Record<string, number>>;
  readonly ratios: Readonly<Record<string, number>>;
}

/**
 * Prints a table for each part, then one line of JSON {name, unit, medians, ratios}, with the three by part where there are several. Returns whether
 * every target is met; all parts are printed, also after a miss.
 */
export function printReports(bench: string, reports: readonly Report[]): boolean {
  const figures = new Map(reports.map((report) => [report.name, figuresOf(report)]));
  const met = reports.map((report) => printTable(report, figures.get(report.name)!));
  const by = <T>(pick: (report: Report) => T): T | Readonly<Record<string, T>> =>
    reports.length === 1 ? pick(reports[0]!) : Object.fromEntries(reports.map((report) => [report.name, pick(report)]));
  const unit = by((report) => report.unit);
  const medians = by(({ name }) => figures.get(name)!.medians);
  const ratios = by(({ name }) => figures.get(name)!.ratios);
  console.log(JSON.stringify({ name: bench, unit, medians, ratios }));
  return met.every(Boolean);
}

function figuresOf({ rows }: Report): Figures {
  const ours = median(rows[0]!.samples);
  // Nothing is a multiple of nothing.
  const peers = rows.slice(1).filter((row) => median(row.samples) > 0);
  return {
    medians: Object.fromEntries(rows.map((row) => [row.name, round(median(row.samples))])),
    ratios: Object.fromEntries(peers.map((row) => [row.name, round(ours / median(row.samples))])),
  };
}

/** Returns whether the targets of this part are met. */
function printTable({ name: part, unit, rows, remarks, targets }: Report, { medians, ratios }: Figures): boolean {
  console.log(`${part} (${unit})`);
  for (const { name, samples } of rows) {
    const spread = `${round(Math.min(...samples))} .. ${round(Math.max(...samples))}`;
    const ratio = name in ratios ? `ours is ${ratios[name]} x` : "";
    console.log(`  ${name.padEnd(28)} ${String(medians[name]).padStart(10)}   ${spread.padEnd(24)} ${ratio}`);
  }
  for (const remark of remarks) console.log(`  ${remark}`);
  const demands = targets.map((target) => ("what" in target ? target : demandOf(target, ratios[target.peer]!)));
  for (const { what, met } of demands) console.log(`  ${met ? "met " : "MISS"} ${what}`);
  return demands.every(({ met }) => met);
}

function demandOf({ peer, ratio, sense }: Target, measured: number): Demand {
  return { what: `${sense} ${ratio} x ${peer}`, met: sense === "at most" ? measured <= ratio : measured >= ratio };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
