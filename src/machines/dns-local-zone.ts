/**
 * The home's own zone (home.arpa, RFC 8375, or the owner's) and the reverse names of its addresses, answered with authority from who is at home; and with them
 * all that is never asked for outside. The names are looked up when they are asked for, so that they are those of this moment.
 */
import { covers, type Prefix } from "../addr/prefix.ts";
import { contains4, isPrefix4, type Prefix4, prefix4Address, prefix4Length } from "../addr/prefix4.ts";
import { between, type Instant } from "../addr/time.ts";
import { type DnsRecord, RCODE, type RecordData, RR_CLASS, RR_TYPE } from "../wire/dns.ts";
import { isWithin } from "../wire/dns-name.ts";
import { addressOfReverse, networkOfReverse, reverseZone } from "../wire/reverse-name.ts";
import { emptyZoneAnswer, servedZoneOf, specialAnswer } from "./dns-served-zones.ts";
import type { LocalAnswer, LocalDns, LocalQuestion } from "./local-dns.ts";
import { type LocalName, type LocalNames, ROUTER_LABEL } from "./local-names.ts";

export interface LocalZoneOptions {
  /** Without final dot. */
  readonly zone: string;
  readonly names: LocalNames;
  /** Served zones that the owner wants asked for outside (RFC 6303 section 3: each with a switch). */
  readonly forwardedZones: readonly string[];
}

/** Addresses move with the provider's prefix, and devices come and go: nobody shall remember them for long. Seconds. */
const TTL = 30;
const NEGATIVE_TTL = 10;
/** The only zone whose DS is asked for outside: it proves to those who validate that home.arpa is unsigned (RFC 8375 section 4). */
const DELEGATED_INSECURELY = "home.arpa";

/** What is answered in the home; undefined: ask outside. */
export function createLocalDns({ zone: written, names, forwardedZones }: LocalZoneOptions): LocalDns {
  const zone = written.replace(/\.$/, "").toLowerCase();
  const forwarded = new Set(forwardedZones.map((each) => each.replace(/\.$/, "").toLowerCase()));
  const home = new HomeZone(zone, names);
  return (question, now) => {
    if (question.class !== RR_CLASS.IN) return undefined;
    const name = question.name.toLowerCase();
    if (question.type === RR_TYPE.DS && question.dnssecOk && name === DELEGATED_INSECURELY) return undefined;
    if (isWithin(name, zone)) return home.answer(name, question, now);
    const special = specialAnswer(name, question.name, question.type);
    if (special) return special;
    return home.reverse(name, question) ?? served(name, question, forwarded, names);
  };
}

/** What is left of the names that have to do with addresses. */
function served(name: string, question: LocalQuestion, forwarded: ReadonlySet<string>, { networks }: LocalNames): LocalAnswer | undefined {
  const zone = servedZoneOf(name);
  if (zone === undefined || forwarded.has(zone)) return undefined;
  // A part of the name of the home's addresses must not be said not to exist: nothing would exist below it (RFC 8020).
  const part = networkOfReverse(name);
  const isParent = part !== undefined && networks.some((network) => includes(part, network));
  return emptyZoneAnswer(zone, name, question.name, question.type, isParent);
}

/** Whether all addresses of `inner` are in `outer`. */
function includes(outer: Prefix | Prefix4, inner: Prefix | Prefix4): boolean {
  if (isPrefix4(outer)) return isPrefix4(inner) && contains4(outer, prefix4Address(inner)) && prefix4Length(outer) <= prefix4Length(inner);
  return !isPrefix4(inner) && covers(outer, inner);
}

class HomeZone {
  readonly #zone: string;
  readonly #names: LocalNames;

  constructor(zone: string, names: LocalNames) {
    this.#zone = zone;
    this.#names = names;
  }

  answer(name: string, { name: asked, type }: LocalQuestion, now: Instant): LocalAnswer {
    if (name === this.#zone) return this.#apex(asked, type);
    const label = name.slice(0, -this.#zone.length - 1);
    const found = label.includes(".") ? undefined : this.#names.find(label, now);
    if (!found) return this.#negative(RCODE.NXDOMAIN);
    const answers = recordsOf(found, asked, type, now);
    return answers.length > 0 ? positive(answers) : this.#negative(RCODE.NOERROR);
  }

  /** A name for the way back from an address of the home, or a part of one; undefined for other names. */
  reverse(name: string, { name: asked, type }: LocalQuestion): LocalAnswer | undefined {
    const part = networkOfReverse(name);
    const network = part && this.#names.networks.find((each) => includes(each, part));
    if (network === undefined) return undefined;
    const address = addressOfReverse(name);
    const soa = this.#soa(servedZoneOf(name) ?? reverseZone(network));
    if (address === undefined)
      return name === soa.name && type === RR_TYPE.SOA ? positive([{ ...soa, name: asked }]) : negativeOf(soa, RCODE.NOERROR);
    const label = this.#names.nameOf(address);
    if (label === undefined) return negativeOf(soa, RCODE.NXDOMAIN);
    if (type !== RR_TYPE.PTR && type !== RR_TYPE.ANY) return negativeOf(soa, RCODE.NOERROR);
    return positive([record(asked, RR_TYPE.PTR, TTL, { kind: "name", target: `${label}.${this.#zone}` })]);
  }

  #apex(asked: string, type: number): LocalAnswer {
    if (type === RR_TYPE.SOA || type === RR_TYPE.ANY) return positive([{ ...this.#soa(this.#zone), name: asked }]);
    if (type === RR_TYPE.NS) return positive([record(asked, RR_TYPE.NS, TTL, { kind: "name", target: this.#server })]);
    return this.#negative(RCODE.NOERROR);
  }

  #negative(rcode: number): LocalAnswer {
    return negativeOf(this.#soa(this.#zone), rcode);
  }

  get #server(): string {
    return `${ROUTER_LABEL}.${this.#zone}`;
  }

  #soa(owner: string): DnsRecord {
    const times = { serial: 1, refresh: 3600, retry: 1200, expire: 604_800, minimum: NEGATIVE_TTL };
    return record(owner, RR_TYPE.SOA, NEGATIVE_TTL, { kind: "soa", mname: this.#server, rname: "nobody.invalid", ...times });
  }
}

/** An address is not promised for longer than it is preferred. */
function recordsOf({ ip4: four, ip6: six }: LocalName, asked: string, type: number, now: Instant): readonly DnsRecord[] {
  const wants = (own: number): boolean => type === own || type === RR_TYPE.ANY;
  return [
    ...(wants(RR_TYPE.A) ? four.map((address) => record(asked, RR_TYPE.A, TTL, { kind: "a", address })) : []),
    ...(wants(RR_TYPE.AAAA)
      ? six.map(({ address, preferredUntil }) => {
          const left = Math.floor(between(now, preferredUntil) / 1000);
          return record(asked, RR_TYPE.AAAA, Math.max(0, Math.min(TTL, left)), { kind: "aaaa", address });
        })
      : []),
  ];
}

function record(name: string, type: number, ttl: number, data: RecordData): DnsRecord {
  return { name, type, class: RR_CLASS.IN, ttl, data };
}

const positive = (answers: readonly DnsRecord[]): LocalAnswer => ({ rcode: RCODE.NOERROR, authoritative: true, answers, authorities: [] });

const negativeOf = (soa: DnsRecord, rcode: number): LocalAnswer => ({ rcode, authoritative: true, answers: [], authorities: [soa] });
