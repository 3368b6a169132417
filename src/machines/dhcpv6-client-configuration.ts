/** What a Reply says besides leases: resolvers, search domains, time servers (RFC 3646, 4075, 5908), and bounds of our timers (RFC 8415 21.24, 21.25). */
import type { Ip6 } from "../addr/ip.ts";
import type { Seconds } from "../addr/time.ts";
import { type ClientServerMessage, optionOf } from "../wire/dhcpv6.ts";

/** A later Reply replaces all of it: what it does not mention is no longer used (RFC 8415 18.2.10). */
export interface Configuration {
  readonly resolvers: readonly Ip6[];
  readonly searchDomains: readonly string[];
  /** Addresses and names. */
  readonly ntpServers: readonly string[];
}

export const NOTHING_CONFIGURED: Configuration = { resolvers: [], searchDomains: [], ntpServers: [] };

/** So many entries of each list count. */
const MOST = 16;

/** The configuration in a Reply. */
export function configurationOf(reply: ClientServerMessage): Configuration {
  return {
    resolvers: distinct(optionOf(reply, "dns-servers")?.addresses ?? []),
    searchDomains: distinct(optionOf(reply, "domain-list")?.domains ?? []),
    ntpServers: distinct(ntpServersOf(reply)),
  };
}

/** SOL_MAX_RT or INF_MAX_RT when the message has a legal value of it, 60..86400 s. */
export function maxRtOf(message: ClientServerMessage, kind: "sol-max-rt" | "inf-max-rt"): Seconds | undefined {
  const time = optionOf(message, kind)?.time;
  return time !== undefined && time >= 60 && time <= 86_400 ? time : undefined;
}

/** The obsolete SNTP option counts only without the NTP one. */
function ntpServersOf(reply: ClientServerMessage): readonly string[] {
  const servers = optionOf(reply, "ntp-server")?.servers;
  if (servers) return servers.map((server) => (server.kind === "name" ? server.name : server.address));
  return optionOf(reply, "sntp-servers")?.addresses ?? [];
}

function distinct<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)].slice(0, MOST);
}
