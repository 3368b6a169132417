/** `skylan leases` for people: one line a lease, in the order of the addresses. */
import { ip4ToNumber } from "../addr/ip.ts";
import { spanWords } from "./span-words.ts";
import type { Leases, LeaseStatus } from "./status.ts";

export function formatLeases({ ipv4 }: Leases): string {
  if (ipv4.length === 0) return "No device has an address by DHCP.";
  const sorted = ipv4.toSorted((a, b) => ip4ToNumber(a.address) - ip4ToNumber(b.address));
  const lines = [["ADDRESS", "NAME", "MAC", "LAN", "LEFT"], ...sorted.map(cells)];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const cells = ({ address, name = "-", mac, lan, left }: LeaseStatus): string[] => [address, name, mac, lan, spanWords(left)];
