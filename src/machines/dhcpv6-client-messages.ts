/** The messages of a DHCPv6 client: RFC 8415 18.2.1 to 18.2.8, options as in 21; hints as in RFC 8168. */
import type { Duid } from "../addr/duid.ts";
import type { Ip6 } from "../addr/ip.ts";
import { type Prefix, prefix } from "../addr/prefix.ts";
import { type Duration, FOREVER, type Seconds } from "../addr/time.ts";
import { type ClientServerMessage, type Dhcpv6Option, OPTION_CODES } from "../wire/dhcpv6.ts";
import { ACTIVITIES, type Activity } from "./dhcpv6-client-activity.ts";
import { PASSED_ON } from "./dhcpv6-client-configuration.ts";
import { type Bindings, type IaKey, sameIa } from "./dhcpv6-client-bindings.ts";

/** An IA as a message names it: with the leases that are asked for, kept or given back. */
export interface Claim extends IaKey {
  readonly values: readonly (Ip6 | Prefix)[];
}

export interface Draft {
  readonly activity: Activity;
  readonly transactionId: number;
  /** Since the first transmission of this exchange. */
  readonly elapsed: Duration;
  readonly client: Duid;
  /** The one server that is addressed. */
  readonly server: Duid | undefined;
  readonly claims: readonly Claim[];
  readonly rapidCommit: boolean;
}

/** T1, T2 and lifetimes from a client carry nothing: RFC 8415 21.4, 21.6, 21.21, 21.22. */
const UNTOLD = 0 as Seconds;
const TIMES = { t1: UNTOLD, t2: UNTOLD };
const LIFETIMES = { preferred: UNTOLD, valid: UNTOLD, options: [] };

const WANTED = [
  OPTION_CODES["dns-servers"],
  OPTION_CODES["domain-list"],
  ...PASSED_ON,
  OPTION_CODES["pd-exclude"],
  OPTION_CODES["sol-max-rt"],
];
const WANTED_BY_INFORM = [
  OPTION_CODES["dns-servers"],
  OPTION_CODES["domain-list"],
  OPTION_CODES["information-refresh-time"],
  ...PASSED_ON,
  OPTION_CODES["inf-max-rt"],
];

/** Builds a message from what the exchange is about. */
export function draftMessage(draft: Draft): ClientServerMessage {
  const { activity, transactionId, client, server } = draft;
  const options: Dhcpv6Option[] = [{ kind: "client-id", duid: client }];
  if (server !== undefined && ACTIVITIES[activity].addressed) options.push({ kind: "server-id", duid: server });
  options.push(...draft.claims.map(claimOption));
  if (activity === "solicit" && draft.rapidCommit) options.push({ kind: "rapid-commit" });
  options.push(...requestsOf(activity));
  options.push({ kind: "elapsed-time", hundredths: hundredthsOf(draft.elapsed) });
  return { kind: ACTIVITIES[activity].message, transactionId, options };
}

/** What the bindings claim. */
export function claimsOf(bindings: Bindings): readonly Claim[] {
  return bindings.map(({ kind, iaid, leases }) => ({ kind, iaid, values: leases.map(({ value }) => value) }));
}

/** What to ask for an IA without lease: what it held last (`former`), else for a prefix only its length (RFC 8415 18.2.1, RFC 8168). */
export function hintFor({ kind, iaid }: IaKey, former: readonly Claim[], length: number): Claim {
  const last = former.find((claim) => sameIa(claim, { kind, iaid }));
  if (last && last.values.length > 0) return last;
  return { kind, iaid, values: kind === "ia-pd" ? [prefix(`::/${length}`)] : [] };
}

function requestsOf(activity: Activity): readonly Dhcpv6Option[] {
  switch (activity) {
    case "solicit":
    case "request":
    case "renew":
    case "rebind":
    case "verify":
      return [{ kind: "oro", codes: WANTED }, { kind: "reconfigure-accept" }];
    case "inform":
      return [{ kind: "oro", codes: WANTED_BY_INFORM }, { kind: "reconfigure-accept" }];
    case "confirm":
    case "release":
    case "decline":
      return [];
  }
}

function claimOption({ kind, iaid, values }: Claim): Dhcpv6Option {
  if (kind === "ia-na") {
    return { kind, iaid, ...TIMES, options: values.map((value) => ({ kind: "ia-address", address: value as Ip6, ...LIFETIMES })) };
  }
  return { kind, iaid, ...TIMES, options: values.map((value) => ({ kind: "ia-prefix", prefix: value as Prefix, ...LIFETIMES })) };
}

/** RFC 8415 21.9: longer times are 0xffff. */
function hundredthsOf(elapsed: Duration): number {
  return elapsed === FOREVER ? 0xffff : Math.min(0xffff, Math.floor(elapsed / 10));
}
