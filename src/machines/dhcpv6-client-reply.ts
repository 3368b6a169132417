/** What a Reply makes of what the client knows, and what the client must do next: RFC 8415 18.2.10. */
import type { Ip6 } from "../addr/ip.ts";
import type { Instant } from "../addr/time.ts";
import { optionOf, STATUS, statusOf } from "../wire/dhcpv6.ts";
import { rkapOf } from "../wire/dhcpv6-auth.ts";
import { ACTIVITIES } from "./dhcpv6-client-activity.ts";
import {
  applyReply,
  type Bindings,
  type IaKey,
  refusalIn,
  sameIa,
  type Unmentioned,
  type Verdict,
  wordsOf,
} from "./dhcpv6-client-bindings.ts";
import { configurationOf, maxRtOf } from "./dhcpv6-client-configuration.ts";
import type { Exchange } from "./dhcpv6-client-exchange.ts";
import type { Memory } from "./dhcpv6-client-memory.ts";
import { claimsOf } from "./dhcpv6-client-messages.ts";
import type { Heard } from "./dhcpv6-client-validation.ts";

export type Next =
  /** Nothing came of it: the exchange goes on as if the Reply had not arrived. */
  | { readonly kind: "wait" }
  /** The server has no record of some IAs: it is asked for all of them. */
  | { readonly kind: "request"; readonly unknown: readonly IaKey[] }
  /** The server gives nothing: another one is asked, or all are. */
  | { readonly kind: "refused" }
  /** The exchange is over; `missing` IAs are asked for again later. */
  | { readonly kind: "settled"; readonly missing: boolean };

export interface Outcome {
  readonly memory: Memory;
  readonly next: Next;
  /** The server's words for what it refuses. */
  readonly refusal: string | undefined;
}

/** Takes a Reply to a Solicit with Rapid Commit, a Request, Renew or Rebind. */
export function takeLeases(memory: Memory, exchange: Exchange, heard: Heard, from: Ip6, wanted: readonly IaKey[], now: Instant): Outcome {
  const { message } = heard;
  const learned = withBounds(memory, heard);
  const status = statusOf(message);
  const refusal = refusalIn(message);
  if (status.status === STATUS.NotOnLink) return notOnLink(learned, exchange, wordsOf(status));
  if (isPassing(status.status)) return { memory: learned, next: { kind: "wait" }, refusal };
  const verdict = applyReply(memory.bindings, message, wanted, now, (ia) => unmentionedIn(exchange, ia));
  const bindings = withoutForgotten(verdict, exchange);
  const next = nextAfter(verdict, exchange, wanted);
  const granted =
    verdict.granted.length > 0 ? { server: { duid: heard.server, address: from }, configuration: configurationOf(message) } : {};
  return { memory: { ...withKey(learned, heard), bindings, former: formerAfter(memory, bindings), ...granted }, next, refusal };
}

/** Takes a Reply to an Information-request. */
export function takeConfiguration(memory: Memory, heard: Heard, from: Ip6): Memory {
  const server = memory.bindings.length > 0 ? memory.server : { duid: heard.server, address: from };
  return { ...withKey(withBounds(memory, heard), heard), server, configuration: configurationOf(heard.message) };
}

function nextAfter(verdict: Verdict, exchange: Exchange, wanted: readonly IaKey[]): Next {
  const { granted, unknown, revoked } = verdict;
  if (ACTIVITIES[exchange.activity].upholds) {
    if (unknown.length > 0) return { kind: "request", unknown };
    if (granted.length === 0 && !revoked) return { kind: "wait" };
  } else if (granted.length === 0) {
    return { kind: "refused" };
  }
  return { kind: "settled", missing: wanted.some((key) => !includes(granted, key)) };
}

/** UnspecFail, the obsolete UseMulticast and what nobody knows: worth another try, at the pace of the retransmission. */
function isPassing(status: number): boolean {
  const decisive: readonly number[] = [STATUS.Success, STATUS.NoAddrsAvail, STATUS.NoBinding, STATUS.NoPrefixAvail];
  return !decisive.includes(status);
}

/** A Request whose addresses don't fit the link is not repeated with them (RFC 8415 18.2.10.1); bound addresses are not lost by it. */
function notOnLink(memory: Memory, exchange: Exchange, refusal: string): Outcome {
  if (ACTIVITIES[exchange.activity].upholds) return { memory, next: { kind: "wait" }, refusal };
  return { memory: { ...memory, former: memory.former.filter(({ kind }) => kind !== "ia-na") }, next: { kind: "refused" }, refusal };
}

/**
 * What the server had no record of and now gives anew replaces what it was. When the link was checked and another prefix is given, the old one
 * is kept as RFC 8415 has it, but not preferred any more: it belongs to the place where the link was before.
 */
function unmentionedIn({ activity, unknown }: Exchange, ia: IaKey): Unmentioned {
  if (includes(unknown, ia)) return "drop";
  return activity === "verify" ? "deprecate" : "keep";
}

/** A server that has no record of an IA and then refuses it again has taken it away. */
function withoutForgotten({ bindings, granted }: Verdict, { activity, unknown }: Exchange): Bindings {
  if (activity !== "request") return bindings;
  return bindings.filter((binding) => !includes(unknown, binding) || includes(granted, binding));
}

/** Leases that a server took away are not asked for again; those of an IA that was not bound stay as hints. */
function formerAfter(memory: Memory, bindings: Bindings): Memory["former"] {
  const untouched = memory.former.filter((claim) => !includes(bindings, claim) && !includes(memory.bindings, claim));
  return [...claimsOf(bindings), ...untouched];
}

function withBounds(memory: Memory, { message }: Heard): Memory {
  const solMaxRt = maxRtOf(message, "sol-max-rt") ?? memory.solMaxRt;
  const infMaxRt = maxRtOf(message, "inf-max-rt") ?? memory.infMaxRt;
  return { ...memory, solMaxRt, infMaxRt };
}

function withKey(memory: Memory, { message, server }: Heard): Memory {
  const auth = optionOf(message, "auth");
  const rkap = auth && rkapOf(auth);
  return rkap?.kind === "key" ? { ...memory, key: { server, value: rkap.value, replay: rkap.replay } } : memory;
}

function includes(ias: readonly IaKey[], ia: IaKey): boolean {
  return ias.some((other) => sameIa(other, ia));
}
