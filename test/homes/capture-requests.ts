/** Invariants of the form of what the router asks the provider by DHCPv6. */
import { ALL_DHCP_SERVERS, isLinkLocal } from "../../src/addr/ip.ts";
import { CLIENT_PORT, type ClientServerMessage, optionOf, optionsOf, SERVER_PORT } from "../../src/wire/dhcpv6.ts";
import type { Link, Rule, SeenDhcpv6 } from "./capture-scene.ts";
import { dhcpv6Messages, violation } from "./capture-scene.ts";

/** DNS servers, search list, NTP, PD exclude, SOL_MAX_RT: RFC 8415 21.7, RFC 7084 WAA-4 and 5, WPD-8. */
const WANTED = [23, 24, 56, 67, 82];
const INFORMATION_REFRESH_TIME = 32;
const ASK_FOR_LEASES: ReadonlySet<string> = new Set(["solicit", "request", "renew", "rebind"]);

/** RFC 8415 7.2 and 14: from our port and link-local address to all servers, never by unicast. */
export const dhcpv6Way: Rule = ({ wans }) =>
  ourRequests(wans, "dhcpv6-way", ({ frame }) => {
    const { packet, content } = frame;
    const ports = content.kind === "dhcpv6" ? [content.datagram.sourcePort, content.datagram.destinationPort] : [];
    if (ports[0] !== CLIENT_PORT || ports[1] !== SERVER_PORT) return `from port ${ports[0]} to ${ports[1]}`;
    if (packet.destination !== ALL_DHCP_SERVERS) return `to ${packet.destination}`;
    return isLinkLocal(packet.source) ? undefined : `from ${packet.source}`;
  });

/** RFC 8415 21.7 and 21.23. */
export const dhcpv6Wishes: Rule = ({ wans }) =>
  ourRequests(wans, "dhcpv6-wishes", (_seen, message) => {
    const codes = optionOf(message, "oro")?.codes ?? [];
    const refresh = codes.includes(INFORMATION_REFRESH_TIME);
    if (refresh !== (message.kind === "information-request")) return refresh ? "asks for 32" : "does not ask for 32";
    const missing = ASK_FOR_LEASES.has(message.kind) ? WANTED.filter((code) => !codes.includes(code)) : [];
    return missing.length > 0 ? `does not ask for ${missing.join(", ")}` : undefined;
  });

/** RFC 8415 21.21 and 21.22: a client fills in neither times nor lifetimes, and a hint has a length. */
export const dhcpv6Hints: Rule = ({ wans }) =>
  ourRequests(wans, "dhcpv6-hints", (_seen, message) => {
    const associations = optionsOf(message, "ia-pd");
    if (associations.some(({ t1, t2 }) => t1 !== 0 || t2 !== 0)) return "T1 and T2 are filled in";
    const inside = associations.flatMap(({ options }) => options);
    if (inside.some((option) => option.kind === "malformed")) return "a hint is malformed";
    const promised = inside.some((option) => option.kind === "ia-prefix" && (option.preferred !== 0 || option.valid !== 0));
    return promised ? "lifetimes are filled in" : undefined;
  });

function ourRequests(wans: readonly Link[], rule: string, judge: (seen: SeenDhcpv6, message: ClientServerMessage) => string | undefined) {
  return wans.flatMap((link) =>
    dhcpv6Messages(link).flatMap((seen) => {
      const { message, fromUs } = seen;
      if (!fromUs || !("transactionId" in message) || ["advertise", "reply", "reconfigure"].includes(message.kind)) return [];
      const problem = judge(seen, message);
      return problem === undefined ? [] : [violation(rule, link, seen, `${message.kind}: ${problem}`)];
    }),
  );
}
