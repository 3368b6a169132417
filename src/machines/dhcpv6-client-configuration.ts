/** What a Reply says besides leases: resolvers, search domains, time servers (RFC 3646, 4075, 5908), and bounds of our timers (RFC 8415 21.24, 21.25). */
import type { Ip6 } from "../addr/ip.ts";
import type { Seconds } from "../addr/time.ts";
import { type ClientServerMessage, codeOf, OPTION_CODES, optionData, optionOf } from "../wire/dhcpv6.ts";
import type { PassedOnOption } from "./facts.ts";

/** A later Reply replaces all of it: what it does not mention is no longer used (RFC 8415 18.2.10). */
export interface Configuration {
  readonly resolvers: readonly Ip6[];
  readonly searchDomains: readonly string[];
  /** Addresses and names. */
  readonly ntpServers: readonly string[];
  /** What the LANs' own clients may want, as it came. */
  readonly passedOn: readonly PassedOnOption[];
}

export const NOTHING_CONFIGURED: Configuration = { resolvers: [], searchDomains: [], ntpServers: [], passedOn: [] };

/** SIP servers by name and by address (RFC 3319), time servers (RFC 4075, RFC 5908): RFC 3736 5.3, RFC 7084 L-12. */
export const PASSED_ON = [21, 22, OPTION_CODES["sntp-servers"], OPTION_CODES["ntp-server"]];
/** A longer option would crowd out others on the LANs. */
const LONGEST_PASSED_ON = 512;

/** So many entries of each list count. */
const MOST = 16;

/** The configuration in a Reply. */
export function configurationOf(reply: ClientServerMessage): Configuration {
  return {
    resolvers: distinct(optionOf(reply, "dns-servers")?.addresses ?? []),
    searchDomains: distinct(optionOf(reply, "domain-list")?.domains ?? []),
    ntpServers: distinct(ntpServersOf(reply)),
    passedOn: PASSED_ON.flatMap((code) => passedOn(reply, code)),
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

function passedOn(reply: ClientServerMessage, code: number): readonly PassedOnOption[] {
  const option = reply.options.find((each) => each.kind !== "malformed" && codeOf(each) === code);
  const data = option && optionData(option);
  return data && data.length > 0 && data.length <= LONGEST_PASSED_ON ? [{ code, data: Array.from(data) }] : [];
}

function distinct<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)].slice(0, MOST);
}
