/** The bindings of the LANs as they are stored. */
import { duidMac, parseDuid } from "../addr/duid.ts";
import { parseIp6 } from "../addr/ip.ts";
import { type Prefix, parsePrefix } from "../addr/prefix.ts";
import { after, type Duration, type Instant, milliseconds } from "../addr/time.ts";
import type { Binding, Lease } from "./dhcpv6-lan-bindings.ts";
import type { Json } from "./machine.ts";

export function bindingsToJson(bindings: readonly Binding[], declined: ReadonlyMap<Prefix, Instant>): Json {
  return {
    bindings: bindings.map(({ leases, link, kind, duid, iaid, client, hostname }) => ({
      link,
      kind,
      duid,
      iaid,
      client,
      ...(hostname !== undefined && { hostname }),
      leases: leases.map(({ prefix, storedUntil, lifetime, staleUntil }) => ({
        prefix,
        until: storedUntil,
        lifetime,
        ...(staleUntil !== undefined && { staleUntil }),
      })),
    })),
    declined: Object.fromEntries(declined),
  };
}

interface Restored {
  readonly bindings: readonly Binding[];
  readonly declined: readonly (readonly [Prefix, Instant])[];
}

type JsonRecord = Readonly<Record<string, Json>>;

/** Reads a saved memory; Instants are moved by `shift`, and what is unreadable is left out. */
export function bindingsFromJson(snapshot: Json, shift: Duration): Restored {
  if (!isRecord(snapshot)) return { bindings: [], declined: [] };
  const { bindings, declined } = snapshot;
  return {
    bindings: (Array.isArray(bindings) ? (bindings as readonly Json[]) : []).flatMap((json) => restoreBinding(json, shift)),
    declined: Object.entries(isRecord(declined) ? declined : {}).flatMap(([key, until]): [Prefix, Instant][] => {
      const prefix = parsePrefix(key);
      return prefix && typeof until === "number" ? [[prefix, after(until as Instant, shift)]] : [];
    }),
  };
}

function restoreBinding(json: Json, shift: Duration): readonly Binding[] {
  if (!isRecord(json)) return [];
  const { link, kind, duid, iaid, client, hostname, leases } = json;
  const [who, where] = [parseDuid(text(duid)), parseIp6(text(client))];
  const held = (Array.isArray(leases) ? (leases as readonly Json[]) : []).flatMap((lease) => restoreLease(lease, shift));
  if (!who || !where || typeof link !== "string" || typeof iaid !== "number" || held.length === 0) return [];
  if (kind !== "ia-pd" && kind !== "ia-na" && kind !== "addr-reg") return [];
  return [
    { link, kind, duid: who, iaid, client: where, mac: duidMac(who), ...(typeof hostname === "string" && { hostname }), leases: held },
  ];
}

function restoreLease(json: Json, shift: Duration): Lease[] {
  if (!isRecord(json)) return [];
  const prefix = parsePrefix(text(json["prefix"]));
  const { until, lifetime, staleUntil } = json;
  if (!prefix || typeof until !== "number" || typeof lifetime !== "number") return [];
  const stored = after(until as Instant, shift);
  const stale = typeof staleUntil === "number" ? { staleUntil: after(staleUntil as Instant, shift) } : {};
  return [{ prefix, until: stored, storedUntil: stored, lifetime: milliseconds(lifetime), ...stale }];
}

function isRecord(json: Json | undefined): json is JsonRecord {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

const text = (json: Json | undefined): string => (typeof json === "string" ? json : "");
