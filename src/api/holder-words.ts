/** Who on a LAN holds a prefix or an address by DHCPv6, in rows for people. */
import type { Row } from "./page-layout.ts";
import { spanWords } from "./span-words.ts";
import type { LanStatus } from "./status.ts";

/** Of more than these the number says more than the rows. */
const MOST_ROWS = 16;

export function holderRows({ delegated, leased }: LanStatus): readonly Row[] {
  const prefixes = delegated.map(({ prefix, via, hostname, withdrawn, left }): Row => {
    const end = withdrawn ? "being withdrawn" : `for ${spanWords(left)}`;
    return { label: "delegated", cells: [prefix, `${end}, via ${hostname ?? via}`] };
  });
  const addresses = leased.map(({ address, hostname, registered, left }): Row => {
    const who = hostname === undefined ? "" : `, ${hostname}`;
    return { label: registered ? "registered" : "leased", cells: [address, `for ${spanWords(left)}${who}`] };
  });
  return [...bounded(prefixes), ...bounded(addresses)];
}

function bounded(rows: readonly Row[]): readonly Row[] {
  const [first] = rows;
  const rest = rows.length - MOST_ROWS;
  if (first === undefined || rest <= 0) return rows;
  return [...rows.slice(0, MOST_ROWS), { label: first.label, cells: [`and ${rest} more: skylan status --json`] }];
}
