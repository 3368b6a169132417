/** Tables of ip6tables-legacy: older than nftables, beside it, and not in what nft lists. */
import { readFileSync } from "node:fs";

const NAMES = "/proc/net/ip6_tables_names";

/** Their names; none where the kernel has no such tables, or shows them to root alone and we are somebody else. */
export function legacyTables(): readonly string[] {
  try {
    return readFileSync(NAMES, "utf8").split("\n").filter(Boolean);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EACCES" || code === "EPERM") return [];
    throw error;
  }
}
