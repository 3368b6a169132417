/**
 * The classic BPF program of `skylan trace`: Neighbor Discovery, MLD and DHCPv6 on Ethernet, and fragments to a link-local address, in which
 * such a message may hide. The kernel drops everything else before it costs us anything.
 */
import type { BpfInstruction } from "../kernel/packet-filter.ts";

/** One step with the names of the steps where it goes on; undefined: the next one. */
type Step =
  | { readonly kind: "label"; readonly name: string }
  | { readonly kind: "load"; readonly octets: 1 | 2; readonly at: number }
  | { readonly kind: "compare"; readonly test: keyof typeof JUMPS; readonly value: number; readonly yes?: string; readonly no?: string }
  | { readonly kind: "return"; readonly octets: number };

const LOADS = { 1: 0x30, 2: 0x28 } as const;
const JUMPS = { equal: 0x15, above: 0x25, atLeast: 0x35 } as const;
const RETURN = 0x06;

const [ETHERTYPE, NEXT_HEADER, DESTINATION, PAYLOAD] = [12, 20, 38, 54];
/** MLD stands behind a hop-by-hop header of 8 octets with the router alert (RFC 3810 5). */
const BEHIND_ROUTER_ALERT = PAYLOAD + 8;

const label = (name: string): Step => ({ kind: "label", name });
const load = (octets: 1 | 2, at: number): Step => ({ kind: "load", octets, at });
const equal = (value: number, yes?: string, no?: string): Step => compare("equal", value, yes, no);
const within = (low: number, high: number, yes: string, no: string): Step[] => [
  compare("atLeast", low, undefined, no),
  compare("above", high, no, yes),
];

export const TRACE_FILTER: readonly BpfInstruction[] = assemble([
  load(2, ETHERTYPE),
  equal(0x86dd, undefined, "reject"),
  load(1, NEXT_HEADER),
  equal(58, "icmpv6"),
  equal(17, "udp"),
  equal(0, "hop-by-hop"),
  equal(44, "fragment", "reject"),

  label("icmpv6"),
  load(1, PAYLOAD),
  equal(143, "accept"),
  ...within(130, 137, "accept", "reject"),

  label("udp"),
  load(2, PAYLOAD),
  equal(546, "accept"),
  equal(547, "accept"),
  load(2, PAYLOAD + 2),
  equal(546, "accept"),
  equal(547, "accept", "reject"),

  label("hop-by-hop"),
  load(1, PAYLOAD),
  equal(58, undefined, "reject"),
  load(1, BEHIND_ROUTER_ALERT),
  equal(143, "accept"),
  ...within(130, 137, "accept", "reject"),

  label("fragment"),
  load(2, DESTINATION),
  ...within(0xfe80, 0xfebf, "accept", "reject"),

  label("accept"),
  { kind: "return", octets: 0xffff },
  label("reject"),
  { kind: "return", octets: 0 },
]);

function compare(test: keyof typeof JUMPS, value: number, yes?: string, no?: string): Step {
  return { kind: "compare", test, value, ...(yes !== undefined && { yes }), ...(no !== undefined && { no }) };
}

function assemble(steps: readonly Step[]): BpfInstruction[] {
  const places = new Map<string, number>();
  const real: Exclude<Step, { kind: "label" }>[] = [];
  for (const step of steps) {
    if (step.kind === "label") places.set(step.name, real.length);
    else real.push(step);
  }
  const distance = (from: number, to: string | undefined): number => (to === undefined ? 0 : places.get(to)! - from - 1);
  return real.map((step, i) => {
    switch (step.kind) {
      case "load":
        return { code: LOADS[step.octets], jt: 0, jf: 0, k: step.at };
      case "compare":
        return { code: JUMPS[step.test], jt: distance(i, step.yes), jf: distance(i, step.no), k: step.value };
      case "return":
        return { code: RETURN, jt: 0, jf: 0, k: step.octets };
    }
  });
}
