/**
 * The base firewall as one nft table: closed and stateful towards the internet (RFC 7084 S-1, RFC 6092), with the ICMPv6 that must pass (RFC 4890 4.3,
 * 4.4), source addresses checked in both directions (BCP 38, RFC 7084 L-14 and S-2), and only what the owner has opened. What passes between
 * interfaces that the config does not name is left to others, and IPv4 too unless the config has it in our hands (firewall-ipv4.ts).
 */
import type { Ip4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { type Prefix, prefix, UNIQUE_LOCAL } from "../addr/prefix.ts";
import type { Config } from "../config/config.ts";
import { IS_IPV4, ipv4Rules } from "./firewall-ipv4.ts";
import { NEVER_FORWARDED, TO_ROUTER } from "./firewall-icmpv6.ts";
import { services } from "./firewall-services.ts";
import type { LanDelegation } from "../machines/dhcpv6-lan-service.ts";
import type { Holding, LanSubnet } from "./holdings.ts";
import type { LinkFact, NftObject, Ruleset } from "./kernel-state.ts";
import {
  ACCEPT,
  chain,
  concat,
  COUNTER,
  differs,
  DROP,
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
  PROTOCOL,
  rejectWith,
  rule,
  STATEFUL,
  table,
  verdictMap,
} from "./nft-rules.ts";
import { DNS_PORT } from "../wire/dns.ts";
import { without, withoutOverlaps } from "./prefix-difference.ts";

export interface FirewallFacts {
  /** Whether anything passes between the LANs and the internet (RFC 7084 G-3). */
  readonly forwarding: boolean;
  /** The leased IPv4 address behind which the home is; undefined: no IPv4 passes, or it is in other hands. */
  readonly ipv4: Ip4 | undefined;
  readonly holdings: readonly Holding[];
  /** The /64s that are live on the LANs. */
  readonly subnets: readonly LanSubnet[];
  /** Prefixes of routers behind us that are live. */
  readonly delegations: readonly LanDelegation[];
  readonly links: readonly LinkFact[];
}

/**
 * Addresses that are on no packet of the internet: RFC 6092 REC-1 to REC-3, RFC 6890, RFC 9637. Unspecified, loopback, IPv4-compatible; IPv4-mapped;
 * discard-only; ORCHID; documentation; unique local; link-local and site-local; multicast.
 */
const BOGONS = [
  "::/96",
  "::ffff:0:0/96",
  "100::/64",
  "2001:10::/28",
  "2001:db8::/32",
  "3fff::/20",
  UNIQUE_LOCAL,
  "fe80::/9",
  "ff00::/8",
].map(prefix);
const LINK_LOCAL = prefix("fe80::/10");
const DHCPV6_CLIENT_PORT = 546;
/** Nobody finds anything in a /64 by ping (RFC 4890 4.3.1); the limit bounds the neighbor solicitations that trying costs (RFC 6583). */
const PING_LIMIT = limit(100, 200);
/** The same holds for a port that is open on every address of a LAN: docs/adr/0015-new-flows-are-counted.md. */
const OPEN_LIMIT = limit(100, 100);

const IIF = meta("iifname");
const OIF = meta("oifname");
const SOURCE = payload("ip6", "saddr");
const DESTINATION = payload("ip6", "daddr");
const FRAME_DESTINATION = payload("ether", "daddr");
const ICMPV6_TYPE = payload("icmpv6", "type");
const SERVICE = [meta("l4proto"), payload("th", "dport")];
const SERVICE_TYPE = ["inet_proto", "inet_service"];

/** The latest rule set of each config: in most turns of the loop nothing that it is made from has changed. */
const LATEST = new WeakMap<Config, { readonly madeFrom: string; readonly ruleset: Ruleset }>();

/** The rule set for a home in this state; the same object as before for the same state. */
export function planFirewall(config: Config, facts: FirewallFacts): Ruleset {
  const pools = facts.holdings.map(({ kind, prefix: value, excluded }) => [kind, value, excluded]);
  const onLans = prefixesOnLans(facts);
  const madeFrom = JSON.stringify([facts.forwarding, facts.ipv4 ?? null, pools, onLans, lanMacs(config, facts)]);
  const latest = LATEST.get(config);
  if (latest?.madeFrom === madeFrom) return latest.ruleset;
  const ruleset = makeRuleset(config, facts);
  LATEST.set(config, { madeFrom, ruleset });
  return ruleset;
}

/** All chains stand before the rules, which may jump to any of them. */
function makeRuleset(config: Config, facts: FirewallFacts): Ruleset {
  const objects = [
    table(),
    ...sets(config, facts),
    ...input(config),
    ...forward(config, facts),
    ...fromLan(config, facts.forwarding),
    ...(facts.forwarding ? [...toWan(), ...fromWan()] : []),
    ...output(config),
    ...(config.wan.ipv4 === "dhcp" ? ipv4Rules(config, facts.ipv4) : []),
  ];
  return [...objects.filter((object) => !("rule" in object)), ...objects.filter((object) => "rule" in object)];
}

/** What may be the source of a packet from a LAN, and its destination there: the LAN's own prefixes, and those of the routers behind it. */
function prefixesOnLans({ subnets, delegations }: FirewallFacts): readonly (readonly [link: string, value: Prefix])[] {
  const behind = delegations.map(({ link, prefix: value }) => [link, value] as const);
  return [...subnets.map(({ lan, prefix: value }) => [lan.interface, value] as const), ...behind];
}

function sets(config: Config, facts: FirewallFacts): Ruleset {
  const delegated = facts.holdings.filter(({ kind }) => kind === "delegated");
  const ours = delegated.flatMap(({ prefix: value, excluded }) => (excluded ? without(value, excluded) : [value]));
  const onLans = prefixesOnLans(facts).map(([link, value]) => ({ concat: [link, network(value)] }));
  const opened = config.lans.flatMap((lan) => services(lan.open).map(({ concat: parts }) => ({ concat: [lan.interface, ...parts] })));
  return [
    intervalSet("bogons", "ipv6_addr", BOGONS.map(network)),
    intervalSet("gateway_open", SERVICE_TYPE, services(config.gateway.open)),
    intervalSet("lan_open", ["ifname", ...SERVICE_TYPE], opened),
    intervalSet("lan_subnets", ["ifname", "ipv6_addr"], onLans),
    intervalSet("never_from_wan", "ipv6_addr", withoutOverlaps([...BOGONS, ...ours]).map(network)),
  ];
}

/** To this box itself. Only the WAN is filtered: who is on a LAN may talk to its router. */
function input({ wan }: Config): Ruleset {
  return [
    hookedChain("input", "drop"),
    chain("input_icmpv6"),
    ...(wan.ipv4 === "off" ? [rule("input", [IS_IPV4, ACCEPT], "IPv4 is not in skylan's hands")] : []),
    rule("input", [differs(IIF, wan.interface), ACCEPT], "not from the internet"),
    ...(wan.ipv4 === "dhcp" ? [rule("input", [IS_IPV4, goTo("input_ipv4")])] : []),
    // Before the states: an ICMPv6 error that conntrack cannot place is invalid to it, and still must be heard (RFC 4890 4.4.1).
    rule("input", [equals(meta("l4proto"), PROTOCOL.icmpv6), goTo("input_icmpv6")]),
    // A server may answer from a global address and from any port: only our own side is checked.
    rule(
      "input",
      [equals(DESTINATION, network(LINK_LOCAL)), equals(payload("udp", "dport"), DHCPV6_CLIENT_PORT), ACCEPT],
      "DHCPv6 answers",
    ),
    rule("input", [equals(SOURCE, "@never_from_wan"), COUNTER, DROP], "no such source on the internet"),
    rule("input", [STATEFUL]),
    rule("input", [equals(concat(...SERVICE), "@gateway_open"), ACCEPT], "opened by the owner"),
    rule("input", [COUNTER, DROP], "closed"),
    rule("input_icmpv6", [oneOf(ICMPV6_TYPE, TO_ROUTER.fromAnywhere), ACCEPT]),
    rule("input_icmpv6", [oneOf(ICMPV6_TYPE, TO_ROUTER.fromTheLink), equals(payload("ip6", "hoplimit"), 255), ACCEPT]),
    rule("input_icmpv6", [oneOf(ICMPV6_TYPE, TO_ROUTER.limited), PING_LIMIT, ACCEPT]),
    rule("input_icmpv6", [COUNTER, DROP], "closed"),
  ];
}

/** The link-layer addresses of the router on its LANs. */
function lanMacs({ lans }: Config, { links }: FirewallFacts): readonly (readonly [string, Mac])[] {
  return links.filter(({ name }) => lans.some((lan) => lan.interface === name)).map(({ name, mac }) => [name, mac]);
}

/** Between links, by where a packet comes from. */
function forward(config: Config, facts: FirewallFacts): Ruleset {
  const open = facts.forwarding;
  const wan = config.wan.interface;
  const lans = config.lans.map((lan) => lan.interface);
  const ours = [wan, ...lans];
  const fromLans = lans.map((lan) => [lan, jump("from_lan")] as const);
  return [
    hookedChain("forward", "drop"),
    ...(config.wan.ipv4 === "off" ? [rule("forward", [IS_IPV4, ACCEPT], "IPv4 is not in skylan's hands")] : []),
    rule("forward", [noneOf(IIF, ours), noneOf(OIF, ours), ACCEPT], "not skylan's links"),
    // With br_netfilter, which Docker loads, this chain sees frames that a LAN's bridge merely switches: they are no router's affair (7084bis L-21).
    ...lanMacs(config, facts).map(([lan, mac]) =>
      rule("forward", [equals(IIF, lan), equals(OIF, lan), differs(FRAME_DESTINATION, mac), ACCEPT], "switched, not routed"),
    ),
    ...(config.wan.ipv4 === "dhcp" ? [rule("forward", [IS_IPV4, goTo("forward_ipv4")])] : []),
    rule("forward", [equals({ exthdr: { name: "rt", field: "type" } }, 0), COUNTER, DROP], "routing header 0, RFC 5095"),
    rule("forward", [oneOf(ICMPV6_TYPE, NEVER_FORWARDED), COUNTER, DROP], "for one link only, RFC 4890"),
    rule("forward", [verdictMap(IIF, open ? [[wan, jump("from_wan")], ...fromLans] : fromLans)]),
    rule("forward", [COUNTER, DROP], open ? "closed" : "no prefix yet: nothing passes"),
  ];
}

/** A source that is not ours to use is refused before anything else, established or not: so a host learns that its prefix is gone. */
function fromLan({ wan, lans }: Config, open: boolean): Ruleset {
  const amongLans = lans.map((lan) => [lan.interface, ACCEPT] as const);
  return [
    chain("from_lan"),
    rule(
      "from_lan",
      [differs(concat(IIF, SOURCE), "@lan_subnets"), COUNTER, rejectWith("policy-fail")],
      "source is not of this LAN, RFC 7084 L-14",
    ),
    rule("from_lan", [verdictMap(OIF, open ? [[wan.interface, goTo("to_wan")], ...amongLans] : amongLans)]),
  ];
}

/** Out to the internet everything may go that the internet can answer. */
function toWan(): Ruleset {
  return [
    chain("to_wan"),
    rule("to_wan", [equals(SOURCE, network(UNIQUE_LOCAL)), COUNTER, rejectWith("policy-fail")], "unique local addresses stay at home"),
    rule("to_wan", [equals(DESTINATION, "@bogons"), COUNTER, rejectWith("addr-unreachable")], "no such address on the internet"),
    rule("to_wan", [ACCEPT]),
  ];
}

/** In from the internet. Sources are checked before the states: a forged one of our own could match a flow between two LANs. */
function fromWan(): Ruleset {
  return [
    chain("from_wan"),
    rule("from_wan", [equals(SOURCE, "@never_from_wan"), COUNTER, DROP], "no such source on the internet, RFC 7084 S-2"),
    rule("from_wan", [STATEFUL]),
    rule("from_wan", [equals(DESTINATION, "@bogons"), COUNTER, DROP], "not reached from the internet"),
    rule("from_wan", [differs(concat(OIF, DESTINATION), "@lan_subnets"), COUNTER, DROP], "no live prefix of a LAN"),
    rule("from_wan", [equals(ICMPV6_TYPE, "echo-request"), PING_LIMIT, ACCEPT]),
    rule("from_wan", [equals(concat(OIF, ...SERVICE), "@lan_open"), OPEN_LIMIT, ACCEPT], "opened by the owner"),
  ];
}

/** What this box itself sends. A refusal of a forged source would hit its true owner on the internet. */
function output({ wan: { interface: wan, ipv4 }, dns }: Config): Ruleset {
  const refusal = [equals(ICMPV6_TYPE, "destination-unreachable"), equals(payload("icmpv6", "code"), "policy-fail")];
  return [
    hookedChain("output", "accept"),
    rule("output", [equals(OIF, wan), ...refusal, DROP], "refusals are for the LANs"),
    rule(
      "output",
      [equals(OIF, wan), equals(SOURCE, network(UNIQUE_LOCAL)), COUNTER, rejectWith("policy-fail")],
      "unique local addresses stay at home",
    ),
    ...(dns.enabled ? [unrefused("icmpv6")] : []),
    ...(dns.enabled && ipv4 === "dhcp" ? [unrefused("icmp")] : []),
  ];
}

/** These rules outlive us: while the resolver is being restarted a client shall repeat its question, as it does where one is lost, and not give up. */
function unrefused(protocol: "icmp" | "icmpv6"): NftObject {
  const refusal = [
    equals(payload(protocol, "type"), "destination-unreachable"),
    equals(payload(protocol, "code"), "port-unreachable"),
    equals({ ct: { key: "proto-dst", dir: "original" } }, DNS_PORT),
  ];
  return rule("output", [...refusal, DROP], "a resolver that restarts is waited for");
}
