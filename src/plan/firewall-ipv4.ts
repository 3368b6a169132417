/**
 * The rules for IPv4, where it is in our hands: the LANs out behind the one leased address (firewall-nat.ts), answers and forwarded ports in, and nothing
 * else. Sources that are nobody's are dropped in both directions (BCP 38, RFC 6890), and nothing leaves untranslated. What other programs route between
 * the home and interfaces of their own, as Docker does, is left to them (docs/adr/0013).
 */
import type { Ip4 } from "../addr/ip.ts";
import { prefix4 } from "../addr/prefix4.ts";
import type { Config, Opening } from "../config/config.ts";
import { FORWARDED, forwardedPorts, translation } from "./firewall-nat.ts";
import type { Ruleset } from "./kernel-state.ts";
import {
  ACCEPT,
  chain,
  concat,
  COUNTER,
  differs,
  DROP,
  type Expression,
  equals,
  goTo,
  HAS_OTHER_DESTINATION,
  hookedChain,
  intervalSet,
  limit,
  meta,
  network,
  noneOf,
  ORIGINAL_PORT,
  payload,
  PROTOCOL,
  range,
  rule,
  STATEFUL,
  STRAYS_DROPPED,
  verdictMap,
} from "./nft-rules.ts";

/** RFC 6890: this network, loopback, link-local, documentation, multicast and what is reserved. Private ones may well be the provider's. */
const BOGONS = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"].map(
  prefix4,
);
const PING_LIMIT = limit(100, 200);

const IIF = meta("iifname");
const OIF = meta("oifname");
const SOURCE = payload("ip", "saddr");
const DESTINATION = payload("ip", "daddr");

/** What the base chains do with a packet of IPv4. */
export const IS_IPV4: Expression = equals(meta("nfproto"), "ipv4");

/** RFC 1918. They are on no packet of the internet, but may well be the provider's. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(prefix4);

/** Sets and chains of their own; `input` and `forward` go to them. `translated`: the leased address; without one nothing passes. */
export function ipv4Rules(config: Config, translated: Ip4 | undefined): Ruleset {
  const isOpen = translated !== undefined;
  return [
    ...sets(config),
    ...input(),
    ...forward(config, isOpen),
    ...output(config.wan.interface),
    ...leaving(config.wan.interface, translated),
    ...(isOpen ? translation(config, translated) : []),
  ];
}

function sets(config: Config): Ruleset {
  const networks = config.lans.flatMap((lan) => (lan.ipv4 ? [{ name: lan.interface, network: lan.ipv4.network }] : []));
  return [
    intervalSet("bogons_ipv4", "ipv4_addr", BOGONS.map(network)),
    intervalSet("never_leaves_ipv4", "ipv4_addr", [...BOGONS, ...PRIVATE].map(network)),
    intervalSet(
      "home_ipv4",
      "ipv4_addr",
      networks.map((lan) => network(lan.network)),
    ),
    intervalSet(
      "lan_networks_ipv4",
      ["ifname", "ipv4_addr"],
      networks.map((lan) => ({ concat: [lan.name, network(lan.network)] })),
    ),
    forwardedPorts(config),
  ];
}

/** To this box, from the internet. DHCP does not come this way: it is heard below these rules. */
function input(): Ruleset {
  return [
    chain("input_ipv4"),
    rule("input_ipv4", [equals(SOURCE, "@bogons_ipv4"), COUNTER, DROP], "no such source on the internet"),
    rule("input_ipv4", [equals(SOURCE, "@home_ipv4"), COUNTER, DROP], "ours, and not on the internet"),
    rule("input_ipv4", [STATEFUL]),
    rule("input_ipv4", [equals(payload("icmp", "type"), "echo-request"), PING_LIMIT, ACCEPT]),
    rule("input_ipv4", [equals(concat(meta("l4proto"), payload("th", "dport")), "@gateway_open"), ACCEPT], "opened by the owner"),
    rule("input_ipv4", [COUNTER, DROP], "closed"),
  ];
}

function forward(config: Config, isOpen: boolean): Ruleset {
  const { wan, lans } = config;
  const ours = [wan, ...lans].map((link) => link.interface);
  const amongLans = lans.map((lan) => [lan.interface, ACCEPT] as const);
  const fromLans = lans.map((lan) => [lan.interface, goTo("from_lan_ipv4")] as const);
  const closed = isOpen ? "closed" : "no lease yet: nothing passes";
  return [
    chain("forward_ipv4"),
    rule("forward_ipv4", [verdictMap(IIF, isOpen ? [[wan.interface, goTo("from_wan_ipv4")], ...fromLans] : fromLans)]),
    // From links of other programs. What they do not translate does not get out: the chain `leaving`.
    ...(isOpen ? [] : [rule("forward_ipv4", [equals(OIF, wan.interface), COUNTER, DROP], closed)]),
    rule("forward_ipv4", [differs(IIF, wan.interface), ACCEPT], "not from skylan's links"),
    rule("forward_ipv4", [COUNTER, DROP], closed),
    chain("from_lan_ipv4"),
    rule("from_lan_ipv4", [differs(concat(IIF, SOURCE), "@lan_networks_ipv4"), COUNTER, DROP], "source is not of this LAN"),
    rule("from_lan_ipv4", [verdictMap(OIF, isOpen ? [[wan.interface, goTo("to_wan_ipv4")], ...amongLans] : amongLans)]),
    rule("from_lan_ipv4", [noneOf(OIF, ours), ACCEPT], "not to skylan's links"),
    rule("from_lan_ipv4", [COUNTER, DROP], closed),
    ...(isOpen ? betweenLansAndWan(config, ours) : []),
  ];
}

/** What the owner has opened on this box may be served behind it, as in a container: then another program has translated the destination. */
function servedByOthers(open: readonly Opening[], ours: readonly string[]): Ruleset {
  // A rule each: nft can't list a set of original ports.
  return open.map(({ protocol, from, to }) => {
    const opened = [equals(meta("l4proto"), PROTOCOL[protocol]), equals(ORIGINAL_PORT, range(from, to))];
    return rule(
      "from_wan_ipv4",
      [noneOf(OIF, ours), HAS_OTHER_DESTINATION, ...opened, ACCEPT],
      "opened by the owner, served by another program",
    );
  });
}

function betweenLansAndWan({ gateway }: Config, ours: readonly string[]): Ruleset {
  return [
    chain("to_wan_ipv4"),
    // Conntrack translates nothing that it cannot place: it would leave with its private source.
    rule("to_wan_ipv4", [STRAYS_DROPPED]),
    rule("to_wan_ipv4", [equals(DESTINATION, "@bogons_ipv4"), COUNTER, DROP], "no such address on the internet"),
    rule("to_wan_ipv4", [ACCEPT]),
    chain("from_wan_ipv4"),
    rule("from_wan_ipv4", [equals(SOURCE, "@bogons_ipv4"), COUNTER, DROP], "no such source on the internet"),
    rule("from_wan_ipv4", [equals(SOURCE, "@home_ipv4"), COUNTER, DROP], "ours, and not on the internet"),
    rule("from_wan_ipv4", [STATEFUL]),
    rule("from_wan_ipv4", [HAS_OTHER_DESTINATION, equals(FORWARDED, "@forwarded_ipv4"), ACCEPT], "forwarded by the owner"),
    ...servedByOthers(gateway.open, ours),
    rule("from_wan_ipv4", [COUNTER, DROP], "closed"),
  ];
}

function output(wan: string): Ruleset {
  return [rule("output", [equals(OIF, wan), equals(SOURCE, "@bogons_ipv4"), COUNTER, DROP], "no source for the internet")];
}

/** The last look at what goes to the provider, whoever sent and whoever translated it. The lease itself may be a private address. */
function leaving(wan: string, translated: Ip4 | undefined): Ruleset {
  const isOther = translated === undefined ? [] : [differs(SOURCE, translated)];
  return [
    hookedChain("leaving", "accept"),
    rule("leaving", [equals(OIF, wan), equals(SOURCE, "@never_leaves_ipv4"), ...isOther, COUNTER, DROP], "untranslated, RFC 6890"),
  ];
}
