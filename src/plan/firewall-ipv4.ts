/**
 * The rules for IPv4, where it is in our hands: the LANs out behind the one leased address (RFC 4787, RFC 5382), answers in, and nothing else. Sources that
 * are nobody's are dropped in both directions (BCP 38, RFC 6890), and nothing leaves untranslated.
 */
import { prefix4 } from "../addr/prefix4.ts";
import type { Config } from "../config/config.ts";
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
  hookedChain,
  intervalSet,
  limit,
  MASQUERADE,
  meta,
  network,
  payload,
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

/** Sets and chains of their own; `input` and `forward` go to them, `open` says whether there is a lease. */
export function ipv4Rules(config: Config, open: boolean): Ruleset {
  return [...sets(config), ...input(), ...forward(config, open), ...output(config.wan.interface), ...(open ? translation(config) : [])];
}

function sets({ lans }: Config): Ruleset {
  const networks = lans.flatMap((lan) => (lan.ipv4 ? [{ name: lan.interface, network: lan.ipv4.network }] : []));
  return [
    intervalSet("bogons_ipv4", "ipv4_addr", BOGONS.map(network)),
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

function forward({ wan, lans }: Config, open: boolean): Ruleset {
  const amongLans = lans.map((lan) => [lan.interface, ACCEPT] as const);
  const fromLans = lans.map((lan) => [lan.interface, goTo("from_lan_ipv4")] as const);
  return [
    chain("forward_ipv4"),
    rule("forward_ipv4", [verdictMap(IIF, open ? [[wan.interface, goTo("from_wan_ipv4")], ...fromLans] : fromLans)]),
    rule("forward_ipv4", [COUNTER, DROP], "closed"),
    chain("from_lan_ipv4"),
    rule("from_lan_ipv4", [differs(concat(IIF, SOURCE), "@lan_networks_ipv4"), COUNTER, DROP], "source is not of this LAN"),
    rule("from_lan_ipv4", [verdictMap(OIF, open ? [[wan.interface, goTo("to_wan_ipv4")], ...amongLans] : amongLans)]),
    rule("from_lan_ipv4", [COUNTER, DROP], open ? "closed" : "no lease yet: nothing passes"),
    ...(open ? betweenLansAndWan() : []),
  ];
}

function betweenLansAndWan(): Ruleset {
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
    rule("from_wan_ipv4", [COUNTER, DROP], "closed"),
  ];
}

function output(wan: string): Ruleset {
  return [rule("output", [equals(OIF, wan), equals(SOURCE, "@bogons_ipv4"), COUNTER, DROP], "no source for the internet")];
}

function translation({ wan }: Config): Ruleset {
  return [
    hookedChain("postrouting", "accept"),
    rule("postrouting", [equals(OIF, wan.interface), equals(SOURCE, "@home_ipv4"), MASQUERADE], "the home behind one address"),
  ];
}
