/** Prefixes as sets of addresses. */
import { covers, overlaps, type Prefix, prefixLength, subnet } from "../addr/prefix.ts";

/** What of `outer` lies outside `inner`, as few prefixes, in the order of their addresses. */
export function without(outer: Prefix, inner: Prefix): readonly Prefix[] {
  if (!overlaps(outer, inner)) return [outer];
  if (covers(inner, outer)) return [];
  const length = prefixLength(outer) + 1;
  return [0, 1].flatMap((half) => without(subnet(outer, length, half), inner));
}

/** The same addresses without prefixes that lie in others: a set of nftables takes no overlap. */
export function withoutOverlaps(prefixes: readonly Prefix[]): readonly Prefix[] {
  const different = [...new Set(prefixes)];
  return different.filter((prefix) => !different.some((other) => other !== prefix && covers(other, prefix)));
}
