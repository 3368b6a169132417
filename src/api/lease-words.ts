/** `skylan leases` for people: one line a lease, those of IPv4 in the order of their addresses and before those of IPv6. */
import { ip4ToNumber } from "../addr/ip.ts";
import { spanWords } from "./span-words.ts";
import type { Ip6LeaseStatus, Leases, LeaseStatus } from "./status.ts";

export function formatLeases({ ipv4, ipv6 }: Leases): string {
  if (ipv4.length + ipv6.length === 0) return "No device has an address by DHCP.";
  const sorted = ipv4.toSorted((a, b) => ip4ToNumber(a.address) - ip4ToNumber(b.address));
  const lines = [["ADDRESS", "NAME", "MAC", "LAN", "LEFT"], ...sorted.map(cells), ...ipv6.map(cellsIpv6)];
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

function cellsIpv6({ value, hostname, mac, lan, left, kind }: Ip6LeaseStatus): string[] {
  return [value, hostname ?? "-", mac ?? "-", lan, spanWords(left) + (kind === "registered" ? ", made by itself" : "")];
}
