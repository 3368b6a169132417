/** The list of domains in DHCPv4 option 119 (RFC 3397): names of RFC 1035 4.1.4 whose ends may point to an earlier place in the list. */
import { Reader, Writer } from "./bytes.ts";
import { nameOctets } from "./dns-name.ts";
import { decodeDomainName, encodeDomainName } from "./domain-name.ts";

/** Reads all names. @throws WireError */
export function decodeDomainList(data: Uint8Array): string[] {
  const domains: string[] = [];
  for (let at = 0; at < data.length; ) {
    const { octets, next } = nameOctets(data, at);
    domains.push(decodeDomainName(new Reader(octets)));
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
