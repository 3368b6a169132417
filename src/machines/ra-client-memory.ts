/** What the ra-client keeps over a restart of the program, checked when it is read back, so that a strange file harms nothing. */
import * as v from "valibot";
import { parsePrefix } from "../addr/prefix.ts";
import { after, type Duration, type Instant } from "../addr/time.ts";
import type { Json } from "./machine.ts";
import { type Ip6, parseIp6 } from "../addr/ip.ts";
import { type Discovered, NOTHING_DISCOVERED } from "./ra-discovery.ts";

export interface Snapshot {
  readonly snapshot: Json;
  /** What must be added to every Instant of the snapshot. */
  readonly shift: Duration;
}

/** What was discovered, and the routers that did not answer. */
export interface Memory {
  readonly known: Discovered;
  readonly unreachable: readonly Ip6[];
}

const NOTHING: Memory = { known: NOTHING_DISCOVERED, unreachable: [] };

/** Routers are link-local: what was discovered means something on this interface only. */
export function memoryToJson({ known, unreachable }: Memory, interfaceName: string): Json {
  return { ...known, unreachable, interface: interfaceName } as unknown as Json;
}

/** What was discovered before on this interface; nothing when the snapshot is of another one or not of this form. */
export function memoryFromJson({ snapshot, shift }: Snapshot, interfaceName: string): Memory {
  const parsed = v.safeParse(schema(shift), snapshot);
  if (!parsed.success) return NOTHING;
  const { interface: name, unreachable, ...known } = parsed.output;
  return name === interfaceName ? { known: known as Discovered, unreachable } : NOTHING;
}

function schema(shift: Duration) {
  const instant = v.pipe(
    v.number(),
    v.transform((value) => after(value as Instant, shift)),
  );
  const address = parsedBy(parseIp6);
  const prefix = parsedBy(parsePrefix);
  const preference = v.picklist(["high", "medium", "low"]);
  const ends = { preferredUntil: instant, validUntil: instant };
  const dad = { dadCounter: v.pipe(v.number(), v.integer(), v.minValue(0)), replaceAt: v.exactOptional(instant) };
  return v.object({
    interface: v.string(),
    heard: v.boolean(),
    managed: v.boolean(),
    other: v.boolean(),
    routers: v.array(v.object({ address, preference, until: instant })),
    routes: v.array(v.object({ destination: prefix, router: address, preference, until: instant })),
    unreachable: v.optional(v.array(address), []),
    onLink: v.array(v.object({ prefix, until: instant })),
    addresses: v.array(v.object({ address, prefix, ...ends, limits: v.exactOptional(v.object(ends)), ...dad })),
    mtu: v.exactOptional(v.number()),
    hopLimit: v.exactOptional(v.number()),
    reachableTime: v.exactOptional(v.number()),
    retransTimer: v.exactOptional(v.number()),
    resolvers: v.array(v.object({ address, until: instant })),
    searchDomains: v.array(v.object({ domain: v.string(), until: instant })),
  });
}

function parsedBy<Value>(parse: (text: string) => Value | undefined) {
  return v.pipe(
    v.string(),
    v.transform(parse),
    v.custom<Value>((value) => value !== undefined),
  );
}
