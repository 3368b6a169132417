/** What is wrong with this box now, in sentences with a remedy: shown by `up` when it starts and by `status`. */
import type { Problem } from "../api/status.ts";
import { findForeignDrops, type ForeignDrop } from "../doctor/foreign-drops.ts";
import { openNftables } from "../kernel/nftables.ts";
import type { Note } from "../machines/machine.ts";

/** Foreign rules that refuse what skylan lets through. @throws KernelError */
export function foreignRuleProblems(): readonly Problem[] {
  return findForeignDrops(openNftables().run([{ list: { ruleset: null } }], "list all firewall rules")).map(problem);
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
