/** What is wrong with this box now, in sentences with a remedy: shown by `up` when it starts and by `status`. */
import type { Problem } from "../api/status.ts";
import type { Config } from "../config/config.ts";
import { findForeignDrops, type ForeignDrop } from "../doctor/foreign-drops.ts";
import { sharedHandles } from "../kernel/handles.ts";
import { legacyTables } from "../kernel/legacy-tables.ts";
import type { Note } from "../machines/machine.ts";

/** Foreign rules that refuse what skylan lets through, and tables that may hold some. @throws KernelError */
export function foreignRuleProblems({ wan, lans }: Config): readonly Problem[] {
  const links = lans.map((lan) => lan.interface);
  const drops = findForeignDrops(sharedHandles().ruleset.listAll(), { ipv4: wan.ipv4 === "dhcp", lans: links });
  return [...drops.map((drop) => problem(drop, links)), ...legacyTableProblems(legacyTables())];
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

function problem({ table, chain, hook, what }: ForeignDrop, lans: readonly string[]): Problem {
  const isOfIpv4 = table.startsWith("ip ");
  const effect =
    hook === "forward"
      ? `nothing that skylan lets through passes between the home and the internet${isOfIpv4 ? " by IPv4" : ""}`
      : "answers of the provider may not arrive";
  return {
    name: `firewall.foreign-${hook}`,
    text: `table ${table} refuses packets (${what}): another table's drop beats our accept, so ${effect}`,
    remedy: isOfIpv4
      ? lettingThrough(`${table} ${chain}`, lans)
      : `remove it (nft flush chain ${table} ${chain}), or tell the program that made it (Docker, ufw, firewalld) to leave IPv6 forwarding alone`,
  };
}

/** Docker drops what it does not know, and without its own rules containers have no network: theirs stay. */
function lettingThrough(chain: string, lans: readonly string[]): string {
  const rules = lans.flatMap((lan) => [`iifname ${lan} accept`, `oifname ${lan} ct state established,related accept`]);
  const commands = rules.map((rule) => `nft insert rule ${chain} ${rule}`).join("; ");
  return `let the home through (${commands}), or tell the program that made it (Docker: "ip-forward-no-drop": true in daemon.json)`;
}
