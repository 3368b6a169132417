/** When two rule sets differ in the elements of named sets alone, the commands that move just those: counters and limits then live on. */
import type { Ruleset } from "../plan/kernel-state.ts";
import { canonicalRuleset, type NftObject } from "../wire/nft-json.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Elements that come, then elements that go; undefined when more than elements differ. */
export function elementChanges(from: Ruleset, to: Ruleset): readonly NftObject[] | undefined {
  const [before, after] = [canonicalRuleset(from), canonicalRuleset(to)];
  if (before.length !== after.length) return undefined;
  const adds: NftObject[] = [];
  const deletes: NftObject[] = [];
  for (const [index, object] of after.entries()) {
    const old = before[index]!;
    if (JSON.stringify(bare(old)) !== JSON.stringify(bare(object))) return undefined;
    const fields = setOf(object);
    if (!fields) continue;
    const [had, wanted] = [elementsOf(setOf(old)), elementsOf(fields)];
    const element = (elem: readonly unknown[]) => ({
      element: { family: fields["family"], table: fields["table"], name: fields["name"], elem },
    });
    const coming = [...wanted].filter(([text]) => !had.has(text)).map(([, value]) => value);
    const going = [...had].filter(([text]) => !wanted.has(text)).map(([, value]) => value);
    if (coming.length > 0) adds.push({ add: element(coming) });
    if (going.length > 0) deletes.push({ delete: element(going) });
  }
  return [...adds, ...deletes];
}

function setOf(object: NftObject): Fields | undefined {
  return (object["set"] ?? object["map"]) as Fields | undefined;
}

/** The object without its elements. */
function bare(object: NftObject): NftObject {
  const fields = setOf(object);
  return fields ? { ...object, [Object.keys(object)[0]!]: { ...fields, elem: undefined } } : object;
}

function elementsOf(fields: Fields | undefined): Map<string, unknown> {
  const elements = fields?.["elem"];
  return new Map((Array.isArray(elements) ? elements : []).map((element) => [JSON.stringify(element), element]));
}
