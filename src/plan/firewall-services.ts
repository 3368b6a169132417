/** What the owner opens, in the form in which the rules look it up. */
import type { Opening } from "../config/config.ts";
import { type Element, PROTOCOL, range } from "./nft-rules.ts";

/** Openings as elements of a set, which takes no overlap. */
export function services(openings: readonly Opening[]): readonly { readonly concat: readonly Element[] }[] {
  const merged: Opening[] = [];
  const order = (opening: Opening): string => `${opening.protocol} ${String(opening.from).padStart(5, "0")}`;
  for (const opening of openings.toSorted((a, b) => (order(a) < order(b) ? -1 : 1))) {
    const last = merged.at(-1);
    if (last?.protocol !== opening.protocol || opening.from > last.to + 1) merged.push(opening);
    else merged[merged.length - 1] = { ...last, to: Math.max(last.to, opening.to) };
  }
  return merged.map(({ protocol, from, to }) => ({ concat: [PROTOCOL[protocol], range(from, to)] }));
}
