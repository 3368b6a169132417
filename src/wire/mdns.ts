/** Multicast DNS (RFC 6762): what hosts announce about their names and addresses, and the question for the name behind an address. */
import { type Ip, type Ip4, type Ip6, ip4FromBytes, ip6FromBytes } from "../addr/ip.ts";
import { decodeDns, type DnsRecord, encodeDns, NO_FLAGS, RR_CLASS, RR_TYPE } from "./dns.ts";
import { labelsOf } from "./dns-name.ts";
import { addressOfReverse, reverseName } from "./reverse-name.ts";

export const MDNS_PORT = 5353;
export const MDNS_GROUP = "ff02::fb" as Ip6;
export const MDNS_GROUP4 = "224.0.0.251" as Ip4;
/** RFC 6762 10.2: the record replaces what was known. */
const CACHE_FLUSH = 0x8000;

/** A host name in .local with an address of that host. */
export interface MdnsHost {
  /** Without ".local". */
  readonly label: string;
  readonly address: Ip;
}

/** The hosts that a response names with their addresses, or behind addresses. Nothing for a question. @throws WireError */
export function decodeMdnsHosts(payload: Uint8Array): readonly MdnsHost[] {
  const { flags, opcode, rcode, answers, additionals } = decodeDns(payload);
  // RFC 6762 18: others are to be ignored.
  if (!flags.response || opcode !== 0 || rcode !== 0) return [];
  return [...answers, ...additionals].filter(({ ttl }) => ttl > 0).flatMap(hostOf);
}

/** Asks all hosts of the link for the names behind these addresses. */
export function encodeMdnsQuestion(addresses: readonly Ip[]): Uint8Array {
  return encodeDns({
    id: 0,
    flags: NO_FLAGS,
    opcode: 0,
    rcode: 0,
    questions: addresses.map((address) => ({ name: reverseName(address), type: RR_TYPE.PTR, class: RR_CLASS.IN })),
    answers: [],
    authorities: [],
    additionals: [],
  });
}

function hostOf({ name, type, class: rrClass, data }: DnsRecord): MdnsHost[] {
  if ((rrClass & ~CACHE_FLUSH) !== RR_CLASS.IN) return [];
  const own = labelOf(name);
  switch (data.kind) {
    case "a":
    case "aaaa":
      return own === undefined ? [] : [{ label: own, address: data.address }];
    case "name": {
      const [target, address] = [labelOf(data.target), addressOfReverse(name.toLowerCase())];
      return type !== RR_TYPE.PTR || target === undefined || address === undefined ? [] : [{ label: target, address }];
    }
    case "opaque": {
      const address = addressIn(type, data.octets);
      return own === undefined || address === undefined ? [] : [{ label: own, address }];
    }
    case "soa":
    case "srv":
    case "txt":
      return [];
  }
}

/** With the cache-flush bit the class is another number, and the data is left as octets. */
function addressIn(type: number, octets: Uint8Array): Ip | undefined {
  if (type === RR_TYPE.A && octets.length === 4) return ip4FromBytes(octets);
  return type === RR_TYPE.AAAA && octets.length === 16 ? ip6FromBytes(octets) : undefined;
}

/** "laptop" of "laptop.local"; undefined for other names. */
function labelOf(name: string): string | undefined {
  const labels = labelsOf(name);
  return labels.length === 2 && labels[1]!.toLowerCase() === "local" && !labels[0]!.includes("\\") ? labels[0] : undefined;
}
