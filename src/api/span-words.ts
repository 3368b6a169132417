/** Spans of time for people. */

const UNITS = [
  { name: "d", length: 86_400 },
  { name: "h", length: 3600 },
  { name: "min", length: 60 },
  { name: "s", length: 1 },
] as const;

/** Whole seconds in the two largest units that matter: "47 s", "2 min 13 s", "3 d 4 h"; null, a span without end, is "for ever". */
export function spanWords(seconds: number | null): string {
  if (seconds === null) return "for ever";
  const first = UNITS.findIndex((unit) => seconds >= unit.length);
  if (first < 0) return "0 s";
  let left = seconds;
  const words: string[] = [];
  for (const unit of UNITS.slice(first, first + 2)) {
    const count = Math.floor(left / unit.length);
    left -= count * unit.length;
    if (count > 0) words.push(`${count} ${unit.name}`);
  }
  return words.join(" ");
}
