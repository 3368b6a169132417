/** What `skylan dns` shows. */

export interface DnsStatus {
  /** LAN interfaces, and loopback addresses. */
  readonly listening: readonly string[];
  readonly upstreams: readonly {
    readonly name: string;
    readonly state: "answers" | "silent" | "not asked";
    /** Smoothed milliseconds from question to answer; null before the first. */
    readonly latency: number | null;
    readonly asked: number;
    readonly answered: number;
    readonly failed: number;
  }[];
  readonly cache: { readonly entries: number; readonly octets: number; readonly hits: number; readonly misses: number };
  /** Questions on their way. */
  readonly pending: number;
  readonly counters: {
    /** Sent upstream. */
    readonly forwarded: number;
    /** Equal to one on its way. */
    readonly merged: number;
    /** Answered with what had expired, because no upstream answered. */
    readonly stale: number;
    readonly refused: number;
    readonly malformed: number;
    /** Answers from upstream addresses that matched no question: somebody may be guessing. */
    readonly strangers: number;
    /** Answers that pointed into the home. */
    readonly rebinding: number;
    /** Questions from addresses outside the home. */
    readonly offLink: number;
  };
}
