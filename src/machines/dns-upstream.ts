/** The resolvers that are asked, how well they answer, and which of them is asked next. */
import type { Ip } from "../addr/ip.ts";
import { after, between, type Duration, type Instant, milliseconds, NEVER, seconds } from "../addr/time.ts";

/** A resolver and the way to it. */
export type Upstream =
  /** UDP, and TCP where an answer is too long for it. `interface`: for a link-local address. */
  | { readonly kind: "plain"; readonly address: Ip; readonly port: number; readonly interface?: string }
  /** DNS over TLS, RFC 7858. `name`: whose certificate it must be. */
  | { readonly kind: "tls"; readonly address: Ip; readonly port: number; readonly name: string }
  /** DNS over HTTPS, RFC 8484. `address`: where the server is, so that no name has to be resolved for it. */
  | { readonly kind: "https"; readonly url: string; readonly address: Ip };

/** The text of an upstream, as in the config. */
export function formatUpstream(upstream: Upstream): string {
  switch (upstream.kind) {
    case "plain":
      return `${upstream.address}${upstream.interface === undefined ? "" : `%${upstream.interface}`}${upstream.port === 53 ? "" : `#${upstream.port}`}`;
    case "tls":
      return `tls://${upstream.address.includes(":") ? `[${upstream.address}]` : upstream.address}${upstream.port === 853 ? "" : `:${upstream.port}`}#${upstream.name}`;
    case "https":
      return `${upstream.url}#${upstream.address}`;
  }
}

/** Bounds of how long an answer is waited for before another resolver is asked. */
const [SHORTEST_WAIT, FIRST_WAIT, LONGEST_WAIT] = [milliseconds(300), milliseconds(500), milliseconds(1000)];
/** A resolver that does not answer is tried again after 1, 2, 4 ... 30 s, beside one that does. */
const [FIRST_REST, LONGEST_REST] = [seconds(1), seconds(30)];
/** One that answers only without EDNS is given another chance after this. */
const WITHOUT_EDNS = seconds(600);

export class UpstreamState {
  readonly upstream: Upstream;
  readonly name: string;
  /** Smoothed time of an answer in milliseconds; undefined before the first. */
  latency: number | undefined;
  /** It has not answered in time since its latest answer. */
  isDown = false;
  /** When it should be tried beside another one: at once when nothing is known of it. */
  probeAt: Instant | undefined;
  asked = 0;
  answered = 0;
  failed = 0;
  /** An answer to a question with EDNS has come. */
  knowsEdns = false;
  #rest: Duration = FIRST_REST;
  #withoutEdnsUntil: Instant | undefined;

  constructor(upstream: Upstream) {
    this.upstream = upstream;
    this.name = formatUpstream(upstream);
  }

  /** How long its answer is waited for. */
  get patience(): Duration {
    if (this.latency === undefined) return FIRST_WAIT;
    return milliseconds(Math.min(Math.max(this.latency * 4, SHORTEST_WAIT), LONGEST_WAIT));
  }

  answeredAfter(span: Duration): void {
    this.answered++;
    this.latency = this.latency === undefined ? span : this.latency * 0.875 + span * 0.125;
    this.isDown = false;
    this.probeAt = NEVER;
    this.#rest = FIRST_REST;
  }

  failedAt(now: Instant): void {
    this.failed++;
    this.isDown = true;
    this.probeAt = after(now, this.#rest);
    this.#rest = Math.min(this.#rest * 2, LONGEST_REST) as Duration;
  }

  /** Whether it should be asked beside another one now; true only once for each time. */
  takeProbe(now: Instant): boolean {
    if (this.probeAt !== undefined && this.probeAt > now) return false;
    this.probeAt = after(now, FIRST_REST);
    return true;
  }

  useEdns(now: Instant): boolean {
    return this.#withoutEdnsUntil === undefined || between(now, this.#withoutEdnsUntil) <= 0;
  }

  refuseEdns(now: Instant): void {
    this.#withoutEdnsUntil = after(now, WITHOUT_EDNS);
  }
}

/** All resolvers, in the order of the owner or the provider. */
export class Upstreams {
  #states: readonly UpstreamState[] = [];

  get states(): readonly UpstreamState[] {
    return this.#states;
  }

  /** Takes the resolvers that there are now; what is known of those that stay is kept. @returns whether they are others */
  set(upstreams: readonly Upstream[]): boolean {
    const known = new Map(this.#states.map((state) => [state.name, state]));
    const states = upstreams.map((upstream) => known.get(formatUpstream(upstream)) ?? new UpstreamState(upstream));
    const same = states.length === this.#states.length && states.every((state, index) => state === this.#states[index]);
    this.#states = states;
    return !same;
  }

  /** Whom to ask next: somebody who answers, whom we have not asked yet, the quickest first. */
  choose(asked: readonly UpstreamState[]): UpstreamState | undefined {
    const cost = (state: UpstreamState): number => {
      const times = asked.filter((each) => each === state).length;
      return times * 1e9 + (state.isDown ? 1e6 : 0) + (state.latency ?? 1e5);
    };
    return this.#states.toSorted((a, b) => cost(a) - cost(b))[0];
  }

  /** Those that should be asked beside `chosen`, to learn how they do. */
  probes(chosen: UpstreamState, now: Instant): readonly UpstreamState[] {
    chosen.takeProbe(now);
    return this.#states.filter((state) => state !== chosen && state.takeProbe(now)).slice(0, MOST_PROBES);
  }
}

const MOST_PROBES = 2;
