/** What is wrong with this box now, in sentences with a remedy: shown by `up` when it starts and by `status`. */
import type { Problem } from "../api/status.ts";
import { findForeignDrops, type ForeignDrop } from "../doctor/foreign-drops.ts";
import { openNftables } from "../kernel/nftables.ts";

/** Foreign rules that refuse what skylan lets through. @throws KernelError */
export function foreignRuleProblems(): readonly Problem[] {
  return findForeignDrops(openNftables().run([{ list: { ruleset: null } }], "list all firewall rules")).map(problem);
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
