/** What is wrong with this box now, in sentences with a remedy: shown by `up` when it starts and by `status`. */
import type { Problem } from "../api/status.ts";
import { findForeignDrops, type ForeignDrop } from "../doctor/foreign-drops.ts";
import { sharedHandles } from "../kernel/handles.ts";
import { legacyTables } from "../kernel/legacy-tables.ts";
import type { Note } from "../machines/machine.ts";

/** Foreign rules that refuse what skylan lets through, and tables that may hold some. @throws KernelError */
export function foreignRuleProblems(): readonly Problem[] {
  const drops = findForeignDrops(sharedHandles().ruleset.listAll());
  return [...drops.map(problem), ...legacyTableProblems(legacyTables())];
}

/** What stands in these tables cannot be seen from here: one problem, and how to look. */
export function legacyTableProblems(tables: readonly string[]): readonly Problem[] {
  if (tables.length === 0) return [];
  return [
    {
      name: "firewall.legacy-tables",
      text: `the old ip6tables has tables here (${tables.join(", ")}) that nft does not show: a drop in them beats our accept`,
      remedy:
        "look at them with ip6tables-legacy -S; where they hold no rules and no policy DROP, nothing is wrong, and after the next boot without ip6tables-legacy they are gone",
    },
  ];
}

/** For the log: the problems of `now` that were not there before (RFC 7084 WPD-3). A text that has changed is another problem. */
export function newProblems(before: readonly Problem[], now: readonly Problem[]): readonly Note[] {
  const known = new Set(before.map(({ text }) => text));
  return now
    .filter(({ text }) => !known.has(text))
    .map(({ name, text, remedy }) => ({ kind: "note", level: "error", event: name, text: `${text} Remedy: ${remedy}` }));
}

function problem({ table, chain, hook, what }: ForeignDrop): Problem {
  const effect =
    hook === "forward"
      ? "nothing that skylan lets through passes between the home and the internet"
      : "answers of the provider may not arrive";
  return {
    name: `firewall.foreign-${hook}`,
    text: `table ${table} refuses packets (${what}): another table's drop beats our accept, so ${effect}`,
    remedy: `remove it (nft flush chain ${table} ${chain}), or tell the program that made it (Docker, ufw, firewalld) to leave IPv6 forwarding alone`,
  };
}
