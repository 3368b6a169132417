/**
 * One IPv4 address for the whole home (RFC 4787, RFC 5382, RFC 5508): sources are translated on the way out, ports that the owner forwards on the way in, and
 * both for a device that calls another one by the provider's address (hairpinning, RFC 4787 REQ-9). What netfilter promises of it: docs/adr/0013.
 */
import type { Ip4 } from "../addr/ip.ts";
import type { Config, Opening, PortForward } from "../config/config.ts";
import { services } from "./firewall-services.ts";
import type { NftObject, Ruleset } from "./kernel-state.ts";
import {
  concat,
  type Element,
  equals,
  type Expression,
  HAS_OTHER_DESTINATION,
  hookedChain,
  intervalSet,
  MASQUERADE,
  meta,
  network,
  oneOf,
  payload,
  range,
  rule,
  toDestination,
  toSource,
} from "./nft-rules.ts";

const OIF = meta("oifname");
const SOURCE = payload("ip", "saddr");
const DESTINATION = payload("ip", "daddr");
/** What a translated packet is looked up by in the set of forwarded ports. */
export const FORWARDED: Expression = concat(DESTINATION, meta("l4proto"), payload("th", "dport"));

/** The devices' addresses and ports to which the internet may open connections. */
export function forwardedPorts({ forwards }: Config): NftObject {
  const byDevice = Map.groupBy(forwards, ({ address }) => address);
  const elements = [...byDevice].flatMap(([address, own]): readonly Element[] =>
    services(own.map(servedPorts)).map(({ concat: parts }) => ({ concat: [address, ...parts] })),
  );
  return intervalSet("forwarded_ipv4", ["ipv4_addr", "inet_proto", "inet_service"], elements);
}

/** `translated`: the leased address. */
export function translation(config: Config, translated: Ip4): Ruleset {
  const { wan, lans, forwards } = config;
  const links = lans.map((lan) => lan.interface);
  const hairpin = rule(
    "postrouting",
    [oneOf(OIF, links), HAS_OTHER_DESTINATION, equals(SOURCE, "@home_ipv4"), toSource(translated)],
    "from home to home by way of the provider's address",
  );
  return [
    ...(forwards.length === 0 ? [] : [hookedChain("prerouting", "accept"), ...forwards.map((each) => forwardRule(each, translated))]),
    hookedChain("postrouting", "accept"),
    ...(forwards.length === 0 ? [] : [hairpin]),
    rule("postrouting", [equals(OIF, wan.interface), equals(SOURCE, "@home_ipv4"), MASQUERADE], "the home behind one address"),
  ];
}

/** Whether the rules need a kernel that translates. */
export function translates(ruleset: Ruleset | undefined): boolean {
  return (ruleset ?? []).some((object) => (object["chain"] as { readonly type?: string } | undefined)?.type === "nat");
}

/** From wherever it comes: from the internet, or from home. */
function forwardRule({ opening, address, toPort, source }: PortForward, translated: Ip4): NftObject {
  const { protocol, from, to } = opening;
  return rule("prerouting", [
    equals(DESTINATION, translated),
    ...(source ? [equals(SOURCE, network(source))] : []),
    equals(payload(protocol, "dport"), range(from, to)),
    toDestination(address, toPort),
  ]);
}

/** As the device itself sees them. */
function servedPorts({ opening, toPort }: PortForward): Opening {
  return toPort === undefined ? opening : { ...opening, from: toPort, to: toPort };
}
