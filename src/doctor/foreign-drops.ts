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

/** What of a home the rules are judged by. */
export interface Passage {
  /** Whether IPv4 is in our hands: then tables that see nothing else count too, on the way through the box. DHCP is heard below all rules. */
  readonly ipv4: boolean;
  /** Interfaces of the LANs: a rule that accepts all that comes from one of them lets the home through. */
  readonly lans: readonly string[];
}

/** The drops in a listing of the whole rule set, in the form of libnftables' JSON. */
export function findForeignDrops(
  listing: readonly NftObject[],
  { ipv4, lans }: Passage = { ipv4: false, lans: [] },
): readonly ForeignDrop[] {
  const chains = listing.flatMap((object) => fieldsOf(object, "chain"));
  const rules = listing.filter((object) => "rule" in object);
  return chains.flatMap((chain) => {
    const hook = chain["hook"];
    const table = tableOf(chain);
    const isSeen = FAMILIES.has(String(chain["family"])) || (ipv4 && chain["family"] === "ip" && hook === "forward");
    if (!isSeen || table === OURS || (hook !== "input" && hook !== "forward")) return [];
    const found = dropOf(chain, rules, lans, new Set());
    return found === undefined ? [] : [{ table, chain: String(chain["name"]), hook, what: found }];
  });
}

/** What refuses a packet that no earlier rule of the chain has decided on; undefined when it gets through. */
function dropOf(chain: Fields, rules: readonly NftObject[], lans: readonly string[], seen: ReadonlySet<string>): string | undefined {
  for (const object of rules) {
    const rule = fieldsOf(object, "rule")[0]!;
    if (tableOf(rule) !== tableOf(chain) || rule["chain"] !== chain["name"]) continue;
    const decision = decide(rule, rules, lans, seen);
    if (decision === "accept") return undefined;
    if (decision !== undefined) return decision === "drop" ? nftWords(object) : decision;
  }
  return chain["policy"] === "drop" ? `policy drop of chain ${String(chain["name"])}` : undefined;
}

/** What a rule does to every packet: nothing for sure (undefined), accept, drop, or what the chain that it jumps to does. */
function decide(rule: Fields, rules: readonly NftObject[], lans: readonly string[], seen: ReadonlySet<string>): string | undefined {
  const expressions = (Array.isArray(rule["expr"]) ? rule["expr"] : []) as readonly Fields[];
  if (acceptsHome(expressions, lans)) return "accept";
  if (expressions.some(narrows)) return undefined;
  for (const expression of expressions) {
    if ("drop" in expression || "reject" in expression) return "drop";
    if ("accept" in expression) return "accept";
    const target = targetOf(expression);
    if (target === undefined || seen.has(target)) continue;
    const inner = dropOf({ ...rule, name: target, policy: undefined }, rules, lans, new Set([...seen, target]));
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** Whether all that comes from a LAN is accepted: nothing else than interfaces is looked at. */
function acceptsHome(expressions: readonly Fields[], lans: readonly string[]): boolean {
  const matches = expressions.flatMap((expression) => fieldsOf(expression, "match"));
  const keyOf = ({ left }: Fields): unknown => ((left as Fields)["meta"] as Fields | undefined)?.["key"];
  const isOfLinks = matches.every((match) => keyOf(match) === "iifname" || keyOf(match) === "oifname");
  const isFromHome = matches.some((match) => keyOf(match) === "iifname" && match["op"] === "==" && lans.includes(String(match["right"])));
  return isFromHome && isOfLinks && expressions.some((expression) => "accept" in expression) && !expressions.some((one) => "xt" in one);
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
