/** What is answered here and never asked upstream: the seam between the forwarder and the zones of this home. */
import type { Instant } from "../addr/time.ts";
import type { DnsQuestion, DnsRecord } from "../wire/dns.ts";

export interface LocalAnswer {
  /** RCODE. */
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly DnsRecord[];
  /** The SOA of a negative answer stands here. */
  readonly authorities: readonly DnsRecord[];
}

export interface LocalQuestion extends DnsQuestion {
  /** The client wants DNSSEC records (its DO bit). */
  readonly dnssecOk: boolean;
}

/** The answer to a question that is ours; undefined: it goes upstream. */
export type LocalDns = (question: LocalQuestion, now: Instant) => LocalAnswer | undefined;
