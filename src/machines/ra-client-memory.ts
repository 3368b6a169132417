/** What the ra-client keeps over a restart of the program, checked when it is read back, so that a strange file harms nothing. */
import * as v from "valibot";
import { parseIp6 } from "../addr/ip.ts";
import { parsePrefix } from "../addr/prefix.ts";
import { after, type Duration, type Instant } from "../addr/time.ts";
import type { Json } from "./machine.ts";
import { type Discovered, NOTHING_DISCOVERED } from "./ra-discovery.ts";

export interface Snapshot {
  readonly snapshot: Json;
  /** What must be added to every Instant of the snapshot. */
  readonly shift: Duration;
}

export function discoveredToJson(known: Discovered): Json {
  return known as unknown as Json;
}

/** What was discovered before; nothing when the snapshot is not of this form. */
export function discoveredFromJson({ snapshot, shift }: Snapshot): Discovered {
  const parsed = v.safeParse(schema(shift), snapshot);
  return parsed.success ? (parsed.output as Discovered) : NOTHING_DISCOVERED;
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
  return v.object({
    heard: v.boolean(),
    managed: v.boolean(),
    other: v.boolean(),
    routers: v.array(v.object({ address, preference, until: instant })),
    routes: v.array(v.object({ destination: prefix, router: address, preference, until: instant })),
    onLink: v.array(v.object({ prefix, until: instant })),
    addresses: v.array(v.object({ address, prefix, ...ends, limits: v.exactOptional(v.object(ends)) })),
    mtu: v.exactOptional(v.number()),
    hopLimit: v.exactOptional(v.number()),
    reachableTime: v.exactOptional(v.number()),
    retransTimer: v.exactOptional(v.number()),
    resolvers: v.array(v.object({ address, until: instant })),
    searchDomains: v.array(v.object({ domain: v.string(), until: instant })),
    dadCounters: v.record(v.string(), v.number()),
  });
}

function parsedBy<Value>(parse: (text: string) => Value | undefined) {
  return v.pipe(
    v.string(),
    v.transform(parse),
    v.custom<Value>((value) => value !== undefined),
  );
}
