/** The kernel's switches: what it must do as a router, and what it must leave to skylan. Values as /proc/sys shows them. */
import type { Config } from "../config/config.ts";

/**
 * The kernel obeys no Router Advertisement by itself: skylan does on the WAN, whatever switches forwarding on or off, and on a LAN nobody may turn the
 * router's own routes (RFC 4861 6.2.7).
 */
const EVERY_LINK: Readonly<Record<string, string>> = {
  disable_ipv6: "0",
  accept_ra: "0",
  autoconf: "0",
  accept_redirects: "0",
  forwarding: "1",
};

const WAN_LINK: Readonly<Record<string, string>> = {
  ...EVERY_LINK,
  // Some providers send a DHCPv6 Reply to the Ethernet broadcast address.
  drop_unicast_in_l2_multicast: "0",
  // The Solicit has a random delay of its own (RFC 8415 18.2.1): the one before duplicate address detection would only add to it.
  router_solicitation_delay: "0",
};

const LAN_LINK: Readonly<Record<string, string>> = {
  ...EVERY_LINK,
  // A host announces its new address (RFC 9131): its first inbound packet need not wait for a neighbor solicitation.
  accept_untracked_na: "1",
  router_solicitation_delay: "0",
};

/** Path below /proc/sys to value, in no state of the home another. */
export function planSysctls(config: Config): Readonly<Record<string, string>> {
  return {
    "net/ipv6/conf/all/forwarding": "1",
    ...ofLink(config.wan.interface, WAN_LINK),
    ...Object.assign({}, ...config.lans.map((lan) => ofLink(lan.interface, LAN_LINK))),
  };
}

function ofLink(name: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`net/ipv6/conf/${name}/${key}`, value]));
}
