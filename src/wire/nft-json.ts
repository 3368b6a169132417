/**
 * Rule sets in libnftables' JSON (libnftables-json(5)), brought to one canonical form. The kernel gives handles and counts, lists the elements of sets in
 * an order of its own, and versions of the library differ in small things; none of that is a difference that matters.
 */
import { parseIp6 } from "../addr/ip.ts";

/** One object of a listing: {"table"|"set"|"map"|"chain"|"rule"|...: {...}}. */
export type NftObject = Readonly<Record<string, unknown>>;

type Fields = Readonly<Record<string, unknown>>;

/** What is listed first; everything that rules refer to comes before them. */
const ORDER = ["table", "counter", "limit", "set", "map", "chain", "rule"];

/**
 * The same rules without handles, counts, expiries and elements that packets have added; names in alphabetical order, elements of sets sorted,
 * the rules of each chain in their order. Two rule sets mean the same if their canonical forms are equal as JSON text.
 */
export function canonicalRuleset(objects: readonly NftObject[]): readonly NftObject[] {
  const canonical: { readonly kind: string; readonly name: string; readonly object: NftObject }[] = [];
  for (const object of objects) {
    const [kind, fields] = Object.entries(object)[0] ?? [];
    if (kind === undefined || kind === "metainfo" || !isFields(fields)) continue;
    const name = String(kind === "rule" ? fields["chain"] : (fields["name"] ?? ""));
    canonical.push({ kind, name, object: { [kind]: canonicalFields(kind, fields) } });
  }
  canonical.sort((a, b) => rank(a.kind) - rank(b.kind) || compare(a.name, b.name));
  return canonical.map(({ object }) => object);
}

/** Texts of rule sets that were compared before: the kernel's is the same object until its rules change. */
const texts = new WeakMap<readonly NftObject[], string>();

/** The canonical form as text, for comparing. */
export function rulesetText(objects: readonly NftObject[]): string {
  const known = texts.get(objects);
  if (known !== undefined) return known;
  const text = JSON.stringify(canonicalRuleset(objects));
  texts.set(objects, text);
  return text;
}

function canonicalFields(kind: string, fields: Fields): Fields {
  const left = Object.entries(fields).filter(([key]) => key !== "handle" && key !== "index");
  const named = kind === "counter" ? left.filter(([key]) => key !== "packets" && key !== "bytes") : left;
  const kept = named.filter(([key, value]) => key !== "elem" || (!isDynamic(fields) && asList(value).length > 0));
  return Object.fromEntries(kept.map(([key, value]) => [key, canonicalValue(key, value)] as const).sort(byKey));
}

/** Sets whose elements packets add or time removes. */
function isDynamic(fields: Fields): boolean {
  return asList(fields["flags"]).some((flag) => flag === "dynamic" || flag === "timeout");
}

/** `key` is the name under which the value stands: it tells whether the order of a list means something. */
function canonicalValue(key: string, value: unknown): unknown {
  if (key === "counter" && isFields(value)) return null;
  if (key === "flags") return asList(value).toSorted((a, b) => compare(String(a), String(b)));
  if (Array.isArray(value)) {
    const items = value.map((item) => canonicalValue("", item));
    return key === "set" || key === "elem" ? sortedByText(items) : items;
  }
  if (typeof value === "string") return value.includes(":") ? (parseIp6(value) ?? value) : value;
  if (!isFields(value)) return value;
  const kept = Object.entries(value).filter(([name]) => key !== "elem" || name !== "expires");
  return Object.fromEntries(kept.map(([name, inner]) => [name, canonicalValue(name, inner)] as const).sort(byKey));
}

function sortedByText(items: readonly unknown[]): unknown[] {
  const texts = items.map((item) => ({ item, text: JSON.stringify(item) }));
  return texts.sort((a, b) => compare(a.text, b.text)).map(({ item }) => item);
}

function asList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function rank(kind: string): number {
  const place = ORDER.indexOf(kind);
  return place < 0 ? 1 : place;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return compare(a[0], b[0]);
}

/** By code unit: the same on every machine. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
