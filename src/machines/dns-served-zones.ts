/**
 * Zones that every resolver serves by itself, so that nothing of the home leaks to the root: the reverse names of private addresses (RFC 6303, RFC 7793), empty
 * but for SOA and NS, and names for special use (RFC 6761, RFC 6762 22.1, RFC 7686, RFC 9462 6.4).
 */
import { ip4, ip6 } from "../addr/ip.ts";
import { type DnsRecord, RCODE, RR_CLASS, RR_TYPE } from "../wire/dns.ts";
import { isWithin } from "../wire/dns-name.ts";
import type { LocalAnswer } from "./local-dns.ts";

/** RFC 6303 section 3. Seconds. */
const TTL = 10_800;
const RNAME = "nobody.invalid";

const numbered = (from: number, to: number, rest: string): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}.${rest}`);

/** RFC 6303 4.1 to 4.6, RFC 7793. */
export const EMPTY_ZONES: readonly string[] = [
  "10.in-addr.arpa",
  ...numbered(16, 31, "172.in-addr.arpa"),
  "168.192.in-addr.arpa",
  "0.in-addr.arpa",
  "127.in-addr.arpa",
  "254.169.in-addr.arpa",
  "2.0.192.in-addr.arpa",
  "100.51.198.in-addr.arpa",
  "113.0.203.in-addr.arpa",
  "255.255.255.255.in-addr.arpa",
  ...numbered(64, 127, "100.in-addr.arpa"),
  `${"0.".repeat(32)}ip6.arpa`,
  `1.${"0.".repeat(31)}ip6.arpa`,
  "d.f.ip6.arpa",
  "8.e.f.ip6.arpa",
  "9.e.f.ip6.arpa",
  "a.e.f.ip6.arpa",
  "b.e.f.ip6.arpa",
  "8.b.d.0.1.0.0.2.ip6.arpa",
];

/** Nothing exists below them: at once, and for ever. */
const NOWHERE: readonly string[] = ["invalid", "test", "onion", "local"];
/** Without designated resolvers the question for them has no answer, but the name is there (RFC 9462 section 4). */
const RESOLVER_DISCOVERY = "_dns.resolver.arpa";
const LOCALHOST = { [RR_TYPE.A]: { kind: "a", address: ip4("127.0.0.1") }, [RR_TYPE.AAAA]: { kind: "aaaa", address: ip6("::1") } } as const;

const BY_ZONE: ReadonlySet<string> = new Set([...EMPTY_ZONES, "resolver.arpa", "home.arpa"]);

/** The served zone that `name` (lower case) is in, undefined when there is none. */
export function servedZoneOf(name: string): string | undefined {
  for (let zone: string = name; ; ) {
    if (BY_ZONE.has(zone)) return zone;
    const dot = zone.indexOf(".");
    if (dot < 0) return undefined;
    zone = zone.slice(dot + 1);
  }
}

/** The answer to a question for a name (lower case) with a special use; undefined for all other names. */
export function specialAnswer(name: string, asked: string, type: number): LocalAnswer | undefined {
  if (isWithin(name, "localhost")) {
    const data = type === RR_TYPE.A || type === RR_TYPE.AAAA ? LOCALHOST[type] : undefined;
    if (!data) return negative("localhost", RCODE.NOERROR);
    return positive([{ name: asked, type, class: RR_CLASS.IN, ttl: TTL, data }]);
  }
  const zone = NOWHERE.find((each) => isWithin(name, each));
  return zone === undefined ? undefined : negative(zone, RCODE.NXDOMAIN);
}

/** The answer of an empty zone. `isParent`: the name has names below it, and so it exists. */
export function emptyZoneAnswer(zone: string, name: string, asked: string, type: number, isParent = false): LocalAnswer {
  if (name !== zone) return negative(zone, isParent || name === RESOLVER_DISCOVERY ? RCODE.NOERROR : RCODE.NXDOMAIN);
  if (type === RR_TYPE.SOA) return positive([{ ...soa(zone), name: asked }]);
  if (type === RR_TYPE.NS) {
    return positive([{ name: asked, type: RR_TYPE.NS, class: RR_CLASS.IN, ttl: TTL, data: { kind: "name", target: zone } }]);
  }
  return negative(zone, RCODE.NOERROR);
}

const positive = (answers: readonly DnsRecord[]): LocalAnswer => ({ rcode: RCODE.NOERROR, authoritative: true, answers, authorities: [] });

/** The SOA says how long the absence may be remembered (RFC 2308 section 3). */
function negative(zone: string, rcode: number): LocalAnswer {
  return { rcode, authoritative: true, answers: [], authorities: [soa(zone)] };
}

function soa(zone: string): DnsRecord {
  const times = { serial: 1, refresh: 3600, retry: 1200, expire: 604_800, minimum: TTL };
  return { name: zone, type: RR_TYPE.SOA, class: RR_CLASS.IN, ttl: TTL, data: { kind: "soa", mname: zone, rname: RNAME, ...times } };
}
