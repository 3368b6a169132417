/**
 * Another table's drop beats our accept: in netfilter a packet must pass every table that hooks its path. Docker, ufw, firewalld or an old FORWARD
 * REJECT close the home though skylan has opened it; here they are found and named.
 */
import { nftWords } from "../diff/nft-words.ts";
import type { NftObject } from "../wire/nft-json.ts";

/** A rule or policy of somebody else that refuses what skylan lets through. */
export interface ForeignDrop {
  /** e.g. "ip6 filter". */
  readonly table: string;
  readonly chain: string;
  readonly hook: "input" | "forward";
  /** The rule in nft's words, or "policy drop". */
  readonly what: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Tables of other families never see IPv6. */
const FAMILIES = new Set(["ip6", "inet"]);
const OURS = "inet skylan";

/** The drops in a listing of the whole rule set, in the form of libnftables' JSON. */
export function findForeignDrops(listing: readonly NftObject[]): readonly ForeignDrop[] {
  const chains = listing.flatMap((object) => fieldsOf(object, "chain"));
  const rules = listing.filter((object) => "rule" in object);
  return chains.flatMap((chain) => {
    const hook = chain["hook"];
    const table = tableOf(chain);
    if (!FAMILIES.has(String(chain["family"])) || table === OURS || (hook !== "input" && hook !== "forward")) return [];
    const found = dropOf(chain, rules, new Set());
    return found === undefined ? [] : [{ table, chain: String(chain["name"]), hook, what: found }];
  });
}

/** What refuses a packet that no earlier rule of the chain has decided on; undefined when it gets through. */
function dropOf(chain: Fields, rules: readonly NftObject[], seen: ReadonlySet<string>): string | undefined {
  for (const object of rules) {
    const rule = fieldsOf(object, "rule")[0]!;
    if (tableOf(rule) !== tableOf(chain) || rule["chain"] !== chain["name"]) continue;
    const decision = decide(rule, rules, seen);
    if (decision === "accept") return undefined;
    if (decision !== undefined) return decision === "drop" ? nftWords(object) : decision;
  }
  return chain["policy"] === "drop" ? `policy drop of chain ${String(chain["name"])}` : undefined;
}

/** What a rule does to every packet: nothing for sure (undefined), accept, drop, or what the chain that it jumps to does. */
function decide(rule: Fields, rules: readonly NftObject[], seen: ReadonlySet<string>): string | undefined {
  const expressions = (Array.isArray(rule["expr"]) ? rule["expr"] : []) as readonly Fields[];
  if (expressions.some(narrows)) return undefined;
  for (const expression of expressions) {
    if ("drop" in expression || "reject" in expression) return "drop";
    if ("accept" in expression) return "accept";
    const target = targetOf(expression);
    if (target === undefined || seen.has(target)) continue;
    const inner = dropOf({ ...rule, name: target, policy: undefined }, rules, new Set([...seen, target]));
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** Whether only some packets get past this expression. */
function narrows(expression: Fields): boolean {
  return "match" in expression || "limit" in expression || "xt" in expression || "vmap" in expression;
}

function targetOf(expression: Fields): string | undefined {
  const jump = (expression["jump"] ?? expression["goto"]) as Fields | undefined;
  return typeof jump?.["target"] === "string" ? jump["target"] : undefined;
}

const tableOf = (fields: Fields): string => `${String(fields["family"])} ${String(fields["table"])}`;

function fieldsOf(object: NftObject, kind: string): readonly Fields[] {
  const fields = object[kind];
  return typeof fields === "object" && fields !== null ? [fields as Fields] : [];
}
