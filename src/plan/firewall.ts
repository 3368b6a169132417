/**
 * The base firewall as one nft table: closed and stateful towards the internet (RFC 7084 S-1, RFC 6092), with the ICMPv6 that must pass (RFC 4890 4.3,
 * 4.4), source addresses checked in both directions (BCP 38, RFC 7084 L-14 and S-2), and only what the owner has opened.
 */
import { type Prefix, prefix } from "../addr/prefix.ts";
import type { Config, LanConfig, Opening } from "../config/config.ts";
import type { Ruleset } from "./kernel-state.ts";
import {
  ACCEPT,
  chain,
  concat,
  COUNTER,
  differs,
  DROP,
  type Element,
  equals,
  goTo,
  hookedChain,
  intervalSet,
  jump,
  limit,
  meta,
  network,
  noneOf,
  oneOf,
  payload,
  range,
  REJECT_POLICY,
  rule,
  STATEFUL,
  table,
  verdictMap,
} from "./nft-rules.ts";

export interface FirewallFacts {
  /** Whether anything passes between the LANs and the internet (RFC 7084 G-3). */
  readonly forwarding: boolean;
  /** Everything delegated to us: it never comes in as a source from the WAN. */
  readonly delegated: readonly Prefix[];
  /** Live /64s of the LANs: the only sources that leave. */
  readonly lanPrefixes: readonly Prefix[];
}

/** Sources that no packet from the internet has: RFC 6092 REC-3 to REC-7, RFC 6890, RFC 9637. */
const BOGONS = ["::/127", "::ffff:0:0/96", "100::/64", "2001:db8::/32", "3fff::/20", "fc00::/7", "ff00::/8"].map(prefix);
const LINK_LOCAL = prefix("fe80::/10");
const UNIQUE_LOCAL = prefix("fc00::/7");
const DHCPV6_CLIENT_PORT = 546;

/** Errors and echo replies, RFC 4890 4.3.1 and 4.4.1. */
const ICMPV6_ANSWERS = ["destination-unreachable", "packet-too-big", "time-exceeded", "parameter-problem", "echo-reply"];
const ND_FROM_ROUTERS = ["nd-router-advert", "nd-neighbor-solicit", "nd-neighbor-advert"];
const MLD = ["mld-listener-query", "mld-listener-report", "mld-listener-done", "mld2-listener-report"];
/** Scanning a /64 by ping finds nobody (RFC 4890 4.3.1); the limit only bounds the noise. */
const PING_LIMIT = limit(100, 200);

const IIF = meta("iifname");
const OIF = meta("oifname");
const SOURCE = payload("ip6", "saddr");
const DESTINATION = payload("ip6", "daddr");
const ICMPV6_TYPE = payload("icmpv6", "type");
const SERVICE = concat(meta("l4proto"), payload("th", "dport"));

/** The rule set for a home in this state. */
export function planFirewall(config: Config, facts: FirewallFacts): Ruleset {
  const open = config.lans.filter((lan) => lan.open.length > 0);
  return chainsFirst([
    table(),
    intervalSet("bogons", "ipv6_addr", BOGONS.map(network)),
    intervalSet("delegated", "ipv6_addr", facts.delegated.map(network)),
    intervalSet("gateway_open", ["inet_proto", "inet_service"], config.gateway.open.flatMap(service)),
    intervalSet("lan_prefixes", "ipv6_addr", facts.lanPrefixes.map(network)),
    ...open.map((lan) => intervalSet(openSet(lan), ["inet_proto", "inet_service"], lan.open.flatMap(service))),
    ...input(config.wan.interface),
    ...forward(config, facts.forwarding),
    ...fromLan(config),
    ...fromWan(open),
    ...postrouting(config.wan.interface),
  ]);
}

/** A rule may jump to any chain: all of them must be there before the first rule. */
function chainsFirst(ruleset: Ruleset): Ruleset {
  return [...ruleset.filter((object) => !("rule" in object)), ...ruleset.filter((object) => "rule" in object)];
}

const openSet = (lan: LanConfig): string => `open_${lan.name.replaceAll("-", "_")}`;

function service({ protocol, from, to }: Opening): Element[] {
  return [{ concat: [protocol, range(from, to)] }];
}

/** To this box itself. Only the WAN is filtered: who is on a LAN may talk to its router. */
function input(wan: string): Ruleset {
  return [
    hookedChain("input", "drop"),
    chain("input_icmpv6"),
    rule("input", [equals(meta("nfproto"), "ipv4"), ACCEPT], "IPv4 is not in skylan's hands"),
    rule("input", [differs(IIF, wan), ACCEPT]),
    rule("input", [STATEFUL]),
    rule("input", [equals(meta("l4proto"), "ipv6-icmp"), goTo("input_icmpv6")]),
    // A DHCPv6 server may answer from a global address and from any port: only our own side is checked.
    rule(
      "input",
      [equals(DESTINATION, network(LINK_LOCAL)), equals(payload("udp", "dport"), DHCPV6_CLIENT_PORT), ACCEPT],
      "DHCPv6 answers",
    ),
    rule("input", [equals(SERVICE, "@gateway_open"), ACCEPT], "opened by the owner"),
    rule("input", [COUNTER, DROP], "closed"),
    rule("input_icmpv6", [oneOf(ICMPV6_TYPE, ICMPV6_ANSWERS), ACCEPT]),
    rule("input_icmpv6", [equals(ICMPV6_TYPE, "echo-request"), PING_LIMIT, ACCEPT]),
    rule("input_icmpv6", [oneOf(ICMPV6_TYPE, ND_FROM_ROUTERS), equals(payload("ip6", "hoplimit"), 255), ACCEPT]),
    rule("input_icmpv6", [equals(SOURCE, network(LINK_LOCAL)), oneOf(ICMPV6_TYPE, MLD), ACCEPT]),
    rule("input_icmpv6", [COUNTER, DROP], "closed"),
  ];
}

/** Between links: interfaces that are not ours are left alone, the rest goes by where it comes from. */
function forward(config: Config, open: boolean): Ruleset {
  const wan = config.wan.interface;
  const lans = config.lans.map((lan) => lan.interface);
  const ours = [wan, ...lans];
  const dispatch = verdictMap(IIF, [[wan, jump("from_wan")], ...lans.map((lan) => [lan, jump("from_lan")] as const)]);
  const amongLans = rule("forward", [oneOf(IIF, lans), oneOf(OIF, lans), ACCEPT], "between the LANs");
  return [
    hookedChain("forward", "drop"),
    rule("forward", [equals(meta("nfproto"), "ipv4"), ACCEPT], "IPv4 is not in skylan's hands"),
    rule("forward", [noneOf(IIF, ours), noneOf(OIF, ours), ACCEPT], "not our links"),
    rule("forward", [equals({ exthdr: { name: "rt", field: "type" } }, 0), COUNTER, DROP], "routing header 0, RFC 5095"),
    ...(open ? [rule("forward", [dispatch])] : [amongLans]),
    rule("forward", [COUNTER, DROP], open ? "closed" : "no prefix yet: nothing passes"),
  ];
}

/** A source that is not ours to use is refused before anything else, established or not: so a host learns that its prefix is gone. */
function fromLan(config: Config): Ruleset {
  const wan = config.wan.interface;
  return [
    chain("from_lan"),
    rule("from_lan", [equals(OIF, wan), differs(SOURCE, "@lan_prefixes"), COUNTER, REJECT_POLICY], "source is not of this LAN"),
    rule("from_lan", [STATEFUL]),
    rule("from_lan", [oneOf(OIF, [wan, ...config.lans.map((lan) => lan.interface)]), ACCEPT], "out"),
  ];
}

function fromWan(open: readonly LanConfig[]): Ruleset {
  return [
    chain("from_wan"),
    rule("from_wan", [equals(SOURCE, "@delegated"), COUNTER, DROP], "our own prefix as a source from outside"),
    rule("from_wan", [equals(SOURCE, "@bogons"), COUNTER, DROP], "no such source on the internet"),
    rule("from_wan", [STATEFUL]),
    rule("from_wan", [oneOf(ICMPV6_TYPE, ICMPV6_ANSWERS), ACCEPT]),
    rule("from_wan", [equals(ICMPV6_TYPE, "echo-request"), PING_LIMIT, ACCEPT]),
    ...open.map((lan) =>
      rule(
        "from_wan",
        [equals(OIF, lan.interface), equals(DESTINATION, "@lan_prefixes"), equals(SERVICE, `@${openSet(lan)}`), ACCEPT],
        "opened by the owner",
      ),
    ),
  ];
}

/** What this box itself sends. */
function postrouting(wan: string): Ruleset {
  return [
    hookedChain("postrouting", "accept"),
    rule("postrouting", [equals(OIF, wan), equals(SOURCE, network(UNIQUE_LOCAL)), COUNTER, DROP], "ULA stays at home"),
  ];
}
