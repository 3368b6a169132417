/** Which prefixes this home had, and when: what dhcp6c never saved. */
import type { Json } from "../addr/json.ts";
import { parsePrefix, type Prefix } from "../addr/prefix.ts";
import type { PrefixPeriod } from "../api/status.ts";

const KEPT = 100;

/** `history` (newest first) with the prefixes held at `at` (ISO 8601); the same object when nothing has changed. */
export function continueHistory(history: readonly PrefixPeriod[], held: readonly Prefix[], at: string): readonly PrefixPeriod[] {
  const open = history.filter((period) => period.until === undefined).map((period) => period.prefix);
  const gained = held.filter((prefix) => !open.includes(prefix));
  const lost = open.filter((prefix) => !held.includes(prefix));
  if (gained.length === 0 && lost.length === 0) return history;
  const closed = history.map((period) => (period.until === undefined && lost.includes(period.prefix) ? { ...period, until: at } : period));
  return [...gained.map((prefix) => ({ prefix, since: at })), ...closed].slice(0, KEPT);
}

export function historyToJson(history: readonly PrefixPeriod[]): Json {
  return history.map(({ prefix, since, until }) => (until === undefined ? { prefix, since } : { prefix, since, until }));
}

/** Reads a saved history; entries that are none are left out. */
export function historyFromJson(json: Json): readonly PrefixPeriod[] {
  if (!Array.isArray(json)) return [];
  return json.flatMap((entry: Json) => {
    if (entry === null || typeof entry !== "object" || Array.isArray(entry)) return [];
    const { prefix, since, until } = entry as { readonly [key: string]: Json };
    const parsed = typeof prefix === "string" ? parsePrefix(prefix) : undefined;
    if (!parsed || typeof since !== "string") return [];
    return [{ prefix: parsed, since, ...(typeof until === "string" && { until }) }];
  });
}
