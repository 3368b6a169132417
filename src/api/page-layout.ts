/** A page for a terminal: titled sections of labelled, aligned rows. Colours are escape sequences that take no place. */

/** Columns that no line exceeds, as long as its words are shorter than that. */
export const PAGE_WIDTH = 96;

const LABEL_WIDTH = 14;
const MARGIN = "  ";
const GAP = "  ";

export interface Section {
  readonly title: string;
  /** Said beside the title. */
  readonly subtitle?: string;
  readonly rows: readonly Row[];
}

/** Cells of rows with several of them are aligned within the section. */
export interface Row {
  /** "" continues the row above. */
  readonly label: string;
  readonly cells: readonly string[];
}

/** How a text is painted. */
export interface Ink {
  readonly plain: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly bad: (text: string) => string;
}

const painter = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`;
const plain = (text: string) => text;

export const COLOURED: Ink = { plain, strong: painter(1), faint: painter(2), good: painter(32), warning: painter(33), bad: painter(31) };
export const UNCOLOURED: Ink = { plain, strong: plain, faint: plain, good: plain, warning: plain, bad: plain };

/** The lines of a section. */
export function layOut(section: Section, ink: Ink): string[] {
  const widths = columnWidths(section.rows);
  const labelWidth = section.rows.some((row) => row.label !== "") ? LABEL_WIDTH : 0;
  const subtitle = section.subtitle === undefined ? "" : `${GAP}${section.subtitle}`;
  return [ink.strong(section.title) + subtitle, ...section.rows.flatMap((row) => layOutRow(row, labelWidth, widths, ink))];
}

/** Breaks a text into lines of at most `width` columns between its words; a longer word keeps a line of its own. It becomes printable too. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of printable(text).match(/\s*\S+/g) ?? []) {
    if (line !== "" && line.length + word.length > width) {
      lines.push(line);
      line = word.trimStart();
    } else {
      line += line === "" ? word.trimStart() : word;
    }
  }
  return [...lines, line];
}

/** Text that others sent, without what would command a terminal or turn its writing round. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ");
}

function layOutRow(row: Row, labelWidth: number, widths: readonly number[], ink: Ink): string[] {
  const last = row.cells.length - 1;
  const text = row.cells.map((cell, i) => (i < last ? cell.padEnd(widths[i]!) : cell)).join(GAP);
  const lines = wrap(text.trimEnd(), PAGE_WIDTH - MARGIN.length - labelWidth);
  return lines.map((line, i) => `${MARGIN}${ink.faint((i === 0 ? row.label : "").padEnd(labelWidth))}${line}`.trimEnd());
}

function columnWidths(rows: readonly Row[]): number[] {
  const widths: number[] = [];
  for (const { cells } of rows) {
    for (const [i, cell] of cells.slice(0, -1).entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return widths;
}
