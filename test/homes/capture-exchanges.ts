/** Invariants of the router's DHCPv6 exchanges with the provider: rate, transaction ids, elapsed times. */
import { optionOf } from "../../src/wire/dhcpv6.ts";
import type { Link, Rule, SeenDhcpv6, Violation } from "./capture-scene.ts";
import { dhcpv6Messages, violation } from "./capture-scene.ts";

/** RFC 8415 14.1 as this project reads it: messages within seconds. */
const MOST_MESSAGES = 20;
const WINDOW = 20;
/** RFC 8415 21.9: hundredths of a second in 16 bits. */
const LONGEST_ELAPSED = 0xffff;
/** Between the clock of the machine and the wire. Seconds. */
const TOLERANCE = 0.5;

/** The shortest first RT (RFC 8415 15 and 18.2): IRT less a tenth, for Solicit more than IRT. A Rebind may be one that verifies. Seconds. */
const LEAST_REPEAT: Readonly<Record<string, number>> = { solicit: 1, renew: 9 };
const LEAST_REPEAT_OF_OTHERS = 0.9;
/** What the scheduler may have delayed the first of two packets. Seconds. */
const JITTER = 0.02;

/** RFC 8415 14.1. */
export const dhcpv6Rate: Rule = ({ wans }) =>
  wans.flatMap((link) => {
    const sent = ourMessages(link);
    return sent.flatMap((seen, i) => {
      const first = sent[i - MOST_MESSAGES];
      if (!first || seen.time - first.time > WINDOW) return [];
      return [violation("dhcpv6-rate", link, seen, `${MOST_MESSAGES + 1} messages in ${(seen.time - first.time).toFixed(1)} s`)];
    });
  });

/**
 * RFC 8415 16.1 and 21.9: an exchange keeps its transaction id, a new one has another; elapsed time starts at 0 and runs with the clock;
 * section 15: nothing is repeated too soon.
 */
export const dhcpv6Exchanges: Rule = ({ wans }) =>
  wans.flatMap((link) => {
    const running = new Map<string, Exchange>();
    const used = new Set<number>();
    return ourMessages(link).flatMap((seen, i) => judge(seen, link, { running, used, captureBegins: i === 0 }));
  });

interface Exchange {
  readonly transactionId: number;
  /** When its first message passed, seconds since 1970. */
  readonly since: number;
  elapsed: number;
  /** When its latest message passed. */
  sentAt: number;
}

interface Memory {
  /** The latest exchange of each kind of message. */
  readonly running: Map<string, Exchange>;
  readonly used: Set<number>;
  /** The message may be in the middle of an exchange. */
  readonly captureBegins: boolean;
}

function judge(seen: SeenDhcpv6, link: Link, memory: Memory): readonly Violation[] {
  const { message, time } = seen;
  if (!("transactionId" in message)) return [violation("relayed-on-wan", link, seen, `a ${message.kind} on the WAN`)];
  const { kind, transactionId } = message;
  const option = optionOf(message, "elapsed-time");
  if (!option) return [violation("elapsed-time", link, seen, `a ${kind} without elapsed time`)];
  const elapsed = option.hundredths;
  const exchange = memory.running.get(kind);
  const isFirst = elapsed === 0 || memory.captureBegins;
  if (!isFirst && exchange?.transactionId === transactionId) return judgeRepetition(seen, link, exchange, elapsed);
  const isReused = memory.used.has(transactionId);
  memory.running.set(kind, { transactionId, since: time - elapsed / 100, elapsed, sentAt: time });
  memory.used.add(transactionId);
  if (!isFirst) return [violation("transaction-id", link, seen, `a repeated ${kind} has another transaction id than its first`)];
  return isReused ? [violation("transaction-id", link, seen, `the first ${kind} of an exchange has a used transaction id`)] : [];
}

function judgeRepetition(seen: SeenDhcpv6, link: Link, exchange: Exchange, elapsed: number): readonly Violation[] {
  const { elapsed: before, since, sentAt } = exchange;
  Object.assign(exchange, { elapsed, sentAt: seen.time });
  const passed = seen.time - since;
  const gap = seen.time - sentAt;
  const violations: Violation[] = [];
  if (gap < (LEAST_REPEAT[seen.message.kind] ?? LEAST_REPEAT_OF_OTHERS) - JITTER) {
    violations.push(violation("dhcpv6-repeat", link, seen, `a ${seen.message.kind} is repeated after ${gap.toFixed(3)} s`));
  }
  if (elapsed < before) violations.push(violation("elapsed-time", link, seen, `${elapsed} after ${before} hundredths`));
  else if (Math.abs(elapsed / 100 - Math.min(passed, LONGEST_ELAPSED / 100)) > TOLERANCE) {
    violations.push(violation("elapsed-time", link, seen, `${elapsed / 100} s told, ${passed.toFixed(2)} s passed`));
  }
  return violations;
}

/** A server's messages from us are another invariant's affair. */
function ourMessages(link: Link): SeenDhcpv6[] {
  return dhcpv6Messages(link).filter(({ fromUs, message }) => fromUs && !["advertise", "reply", "reconfigure"].includes(message.kind));
}
