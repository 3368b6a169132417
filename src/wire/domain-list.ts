/** The list of domains in DHCPv4 option 119 (RFC 3397): names of RFC 1035 4.1.4 whose ends may point to an earlier place in the list. */
import { Reader, WireError, Writer } from "./bytes.ts";
import { decodeDomainName, encodeDomainName } from "./domain-name.ts";

const POINTER = 0xc0;
const LONGEST_NAME = 255;

/** Reads all names. Pointers lead backwards only, so that there is an end. @throws WireError */
export function decodeDomainList(data: Uint8Array): string[] {
  const domains: string[] = [];
  for (let at = 0; at < data.length; ) {
    const { labels, next } = gather(data, at);
    domains.push(decodeDomainName(new Reader(Uint8Array.from(labels))));
    at = next;
  }
  return domains.filter((domain) => domain !== "");
}

/** Writes all names without pointers. @throws RangeError when one is no domain name */
export function encodeDomainList(domains: readonly string[]): Uint8Array {
  const writer = new Writer();
  for (const domain of domains) encodeDomainName(writer, domain);
  return writer.finish();
}

/** The octets of the name at `start` without pointers, and where the next one begins. */
function gather(data: Uint8Array, start: number): { readonly labels: readonly number[]; readonly next: number } {
  const labels: number[] = [];
  let next: number | undefined;
  for (let at = start, limit = start; ; ) {
    const length = data[at];
    if (length === undefined) throw new WireError("a name has no end", at);
    if (length < POINTER) {
      labels.push(...data.subarray(at, at + 1 + length));
      at += 1 + length;
      if (labels.length > LONGEST_NAME) throw new WireError("a name has at most 255 octets", start);
      if (length === 0) return { labels, next: next ?? at };
      continue;
    }
    const target = ((length & 0x3f) << 8) | (data[at + 1] ?? 0);
    if (target >= limit) throw new WireError("a pointer must lead backwards", at);
    next ??= at + 2;
    at = limit = target;
  }
}
