/** Words for rules of nftables in libnftables' JSON, in the form in which libnftables lists them (libnftables-json(5)). */
import type { Ip4 } from "../addr/ip.ts";
import { isPrefix4, type Prefix4, prefix4Address, prefix4Length } from "../addr/prefix4.ts";
import { type Prefix, prefixAddress, prefixLength } from "../addr/prefix.ts";
import type { NftObject } from "./kernel-state.ts";

const FAMILY = "inet";
const TABLE = "skylan";

/** One statement or match of a rule. */
export type Expression = Readonly<Record<string, unknown>>;

/** An element of a set, or the right side of a match. */
export type Element = string | number | Readonly<Record<string, unknown>>;

export const table = (): NftObject => ({ table: { family: FAMILY, name: TABLE } });

export type HookedChain = "input" | "forward" | "output" | "prerouting" | "postrouting" | "leaving";
interface Hook {
  readonly type: "filter" | "nat";
  readonly hook: Exclude<HookedChain, "leaving">;
  readonly prio: number;
}
/**
 * Destinations are translated in the first hook and sources in the last, at the priorities that are called dstnat and srcnat; `leaving` sees what really
 * goes out, whoever has translated it.
 */
const HOOKS: Readonly<Record<HookedChain, Hook>> = {
  input: { type: "filter", hook: "input", prio: 0 },
  forward: { type: "filter", hook: "forward", prio: 0 },
  output: { type: "filter", hook: "output", prio: 0 },
  prerouting: { type: "nat", hook: "prerouting", prio: -100 },
  postrouting: { type: "nat", hook: "postrouting", prio: 100 },
  leaving: { type: "filter", hook: "postrouting", prio: 300 },
};

/** A chain that packets enter by themselves. */
export function hookedChain(name: HookedChain, policy: "accept" | "drop"): NftObject {
  const { type, hook, prio } = HOOKS[name];
  return { chain: { family: FAMILY, table: TABLE, name, type, hook, prio, policy } };
}

/** A chain that other chains jump to. */
export const chain = (name: string): NftObject => ({ chain: { family: FAMILY, table: TABLE, name } });

/** A named set with intervals. */
export function intervalSet(name: string, type: string | readonly string[], elements: readonly Element[]): NftObject {
  const set = { family: FAMILY, name, table: TABLE, type, flags: ["interval"] };
  return { set: elements.length > 0 ? { ...set, elem: elements } : set };
}

/** A rule at the end of a chain; `comment` is what people and the log call it. */
export function rule(chainName: string, expressions: readonly Expression[], comment?: string): NftObject {
  return { rule: { family: FAMILY, table: TABLE, chain: chainName, ...(comment !== undefined && { comment }), expr: expressions } };
}

/** Protocols by number: names would need /etc/protocols, which a small system lacks. */
export const PROTOCOL = { tcp: 6, udp: 17, icmpv6: 58 } as const;

export const meta = (key: "iifname" | "oifname" | "nfproto" | "l4proto"): Expression => ({ meta: { key } });
export const payload = (protocol: string, field: string): Expression => ({ payload: { protocol, field } });
export const concat = (...parts: readonly Expression[]): Expression => ({ concat: parts });

export const equals = (left: Expression, right: Element): Expression => ({ match: { op: "==", left, right } });
export const differs = (left: Expression, right: Element): Expression => ({ match: { op: "!=", left, right } });

/** A match against one value, or an anonymous set of several: a set of one is listed as its value. */
export function oneOf(left: Expression, values: readonly Element[]): Expression {
  return equals(left, anonymous(values));
}

export function noneOf(left: Expression, values: readonly Element[]): Expression {
  return differs(left, anonymous(values));
}

function anonymous(values: readonly Element[]): Element {
  return values.length === 1 ? values[0]! : { set: values };
}

/** A prefix as a value; the whole address where it has all its bits. */
export function network(prefix: Prefix | Prefix4): Element {
  if (isPrefix4(prefix)) {
    const [addr, len] = [prefix4Address(prefix), prefix4Length(prefix)];
    return len === 32 ? addr : { prefix: { addr, len } };
  }
  const length = prefixLength(prefix);
  return length === 128 ? prefixAddress(prefix) : { prefix: { addr: prefixAddress(prefix), len: length } };
}

export const range = (from: number, to: number): Element => (from === to ? from : { range: [from, to] });

export const ACCEPT: Expression = { accept: null };
export const DROP: Expression = { drop: null };
export const COUNTER: Expression = { counter: null };
export const MASQUERADE: Expression = { masquerade: null };
/** To another destination, and to another port where one is named. */
export const toDestination = (address: Ip4, port?: number): Expression => ({
  dnat: { family: "ip", addr: address, ...(port !== undefined && { port }) },
});
export const toSource = (address: Ip4): Expression => ({ snat: { family: "ip", addr: address } });
/** Somebody, we or another program, has translated the destination. */
export const HAS_OTHER_DESTINATION: Expression = { match: { op: "in", left: { ct: { key: "status" } }, right: "dnat" } };
/** The port to which the flow's first packet was sent, before any translation. */
export const ORIGINAL_PORT: Expression = { ct: { key: "proto-dst", dir: "original" } };
export const jump = (target: string): Expression => ({ jump: { target } });
export const goTo = (target: string): Expression => ({ goto: { target } });
/** Refused with ICMPv6 type 1: code 5 is "source address failed ingress/egress policy", code 3 "address unreachable". */
export const rejectWith = (code: "policy-fail" | "addr-unreachable"): Expression => ({ reject: { type: "icmpv6", expr: code } });
export const limit = (rate: number, burst: number): Expression => ({ limit: { rate, burst, per: "second" } });

/** A verdict for each value of `key`. */
export function verdictMap(key: Expression, verdicts: readonly (readonly [Element, Expression])[]): Expression {
  return { vmap: { key, data: { set: verdicts } } };
}

/** Answers pass, what conntrack can't make sense of does not; new flows go on to the next rule. */
export const STATEFUL: Expression = verdictMap({ ct: { key: "state" } }, [
  ["invalid", DROP],
  ["established", ACCEPT],
  ["related", ACCEPT],
]);

/** What conntrack can't make sense of does not pass; all the rest goes on to the next rule. */
export const STRAYS_DROPPED: Expression = verdictMap({ ct: { key: "state" } }, [["invalid", DROP]]);
