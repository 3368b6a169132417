/**
 * The classic BPF program of `skylan trace`: Neighbor Discovery, MLD, DHCPv6, DHCPv4 and ARP on Ethernet, and fragments to a link-local address, in which
 * such a message may hide. The kernel drops everything else before it costs us anything.
 */
import type { BpfInstruction } from "../kernel/packet-filter.ts";

/** One step with the names of the steps where it goes on; undefined: the next one. */
type Step =
  | { readonly kind: "label"; readonly name: string }
  | { readonly kind: "load"; readonly octets: 1 | 2; readonly at: number }
  /** Counted from the end of the IPv4 header, which begins at `header`. */
  | { readonly kind: "load-behind"; readonly header: number; readonly at: number }
  | { readonly kind: "compare"; readonly test: keyof typeof JUMPS; readonly value: number; readonly yes?: string; readonly no?: string }
  | { readonly kind: "return"; readonly octets: number };

const LOADS = { 1: 0x30, 2: 0x28 } as const;
const [INDEX_BY_HEADER, LOAD_INDEXED] = [0xb1, 0x48];
const JUMPS = { equal: 0x15, above: 0x25, atLeast: 0x35, anyBit: 0x45 } as const;
const RETURN = 0x06;

const [ETHERTYPE, NEXT_HEADER, DESTINATION, PAYLOAD] = [12, 20, 38, 54];
/** MLD stands behind a hop-by-hop header of 8 octets with the router alert (RFC 3810 5). */
const BEHIND_ROUTER_ALERT = PAYLOAD + 8;

const [IPV4, IPV4_FRAGMENT, IPV4_PROTOCOL] = [14, 20, 23];

const label = (name: string): Step => ({ kind: "label", name });
const load = (octets: 1 | 2, at: number): Step => ({ kind: "load", octets, at });
const equal = (value: number, yes?: string, no?: string): Step => compare("equal", value, yes, no);
const within = (low: number, high: number, yes: string, no: string): Step[] => [
  compare("atLeast", low, undefined, no),
  compare("above", high, no, yes),
];

export const TRACE_FILTER: readonly BpfInstruction[] = assemble([
  load(2, ETHERTYPE),
  equal(0x0806, "accept"),
  equal(0x0800, "ipv4"),
  equal(0x86dd, undefined, "reject"),
  load(1, NEXT_HEADER),
  equal(58, "icmpv6"),
  equal(17, "udp"),
  equal(0, "hop-by-hop"),
  equal(44, "fragment", "reject"),

  label("ipv4"),
  load(1, IPV4_PROTOCOL),
  equal(17, undefined, "reject"),
  load(2, IPV4_FRAGMENT),
  compare("anyBit", 0x1fff, "reject"),
  { kind: "load-behind", header: IPV4, at: 0 },
  ...within(67, 68, "accept", "other-port"),
  label("other-port"),
  { kind: "load-behind", header: IPV4, at: 2 },
  ...within(67, 68, "accept", "reject"),

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
  let count = 0;
  for (const step of steps) {
    if (step.kind === "label") places.set(step.name, count);
    else count += step.kind === "load-behind" ? 2 : 1;
  }
  const distance = (from: number, to: string | undefined): number => (to === undefined ? 0 : places.get(to)! - from - 1);
  let i = -1;
  return steps.flatMap((step) => {
    if (step.kind !== "label") i++;
    switch (step.kind) {
      case "label":
        return [];
      case "load":
        return { code: LOADS[step.octets], jt: 0, jf: 0, k: step.at };
      case "load-behind":
        i++;
        return [
          { code: INDEX_BY_HEADER, jt: 0, jf: 0, k: step.header },
          { code: LOAD_INDEXED, jt: 0, jf: 0, k: step.header + step.at },
        ];
      case "compare":
        return { code: JUMPS[step.test], jt: distance(i, step.yes), jf: distance(i, step.no), k: step.value };
      case "return":
        return { code: RETURN, jt: 0, jf: 0, k: step.octets };
    }
  });
}
