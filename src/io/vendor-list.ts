/**
 * Who made a network card, by the first 24 bits of its MAC address: the list of IEEE as the system has it (Debian's package ieee-data, nmap's, arp-scan's). It is
 * read when somebody looks, so that it costs the router nothing.
 */
import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Mac } from "../addr/mac.ts";

/** IEEE's own, "00-16-3E   (hex)\t\tXensource, Inc."; nmap's, "00163E Xensource"; arp-scan's, "00163E\tXensource, Inc.". */
const LISTS = ["/usr/share/ieee-data/oui.txt", "/usr/share/nmap/nmap-mac-prefixes", "/usr/share/arp-scan/ieee-oui.txt"];
const ENTRY = /^([0-9A-F]{2})-?([0-9A-F]{2})-?([0-9A-F]{2})\s+(?:\(hex\)\s+)?(\S.*)$/i;

/** The makers that the first list on this machine names; none where it has no list. */
export async function vendorsOf(macs: readonly Mac[], lists: readonly string[] = LISTS): Promise<ReadonlyMap<Mac, string>> {
  const list = lists.find((path) => existsSync(path));
  if (list === undefined || macs.length === 0) return new Map();
  const wanted = new Set(macs.map(beginningOf));
  const found = new Map<string, string>();
  for await (const line of createInterface({ input: createReadStream(list), crlfDelay: Number.POSITIVE_INFINITY })) {
    const [, a, b, c, vendor] = ENTRY.exec(line) ?? [];
    const beginning = `${a}${b}${c}`.toLowerCase();
    if (vendor !== undefined && wanted.has(beginning) && !found.has(beginning)) found.set(beginning, vendor.trim());
  }
  return new Map(
    macs.flatMap((mac) => {
      const vendor = found.get(beginningOf(mac));
      return vendor === undefined ? [] : [[mac, vendor]];
    }),
  );
}

const beginningOf = (mac: Mac): string => mac.slice(0, 8).replaceAll(":", "");
