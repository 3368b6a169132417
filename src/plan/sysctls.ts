/** The kernel's switches: what it must do as a router, and what it must leave to skylan. Values as /proc/sys shows them. */
import type { Config } from "../config/config.ts";
import type { RaClientFact } from "../machines/facts.ts";

type Switches = Readonly<Record<string, string>>;

/**
 * The kernel obeys no Router Advertisement by itself: skylan does on the WAN, whatever switches forwarding on or off, and on a LAN nobody may turn the
 * router's own routes (RFC 4861 6.2.7).
 */
const EVERY_LINK: Switches = {
  disable_ipv6: "0",
  accept_ra: "0",
  autoconf: "0",
  accept_redirects: "0",
  forwarding: "1",
  // Neighbours learn at once that the card, and with it the MAC address, is another one.
  ndisc_notify: "1",
  // A packet in a frame to the Ethernet broadcast address is still a packet to us: some providers send DHCPv6 Replies so.
  drop_unicast_in_l2_multicast: "0",
  // The Solicit has a random delay of its own (RFC 8415 18.2.1): the one before duplicate address detection would only add to it.
  router_solicitation_delay: "0",
};

/** The first Solicit need not wait for duplicate address detection (RFC 4429). The kernel does so while it does not forward. */
const WAN_LINK: Switches = {
  ...EVERY_LINK,
  optimistic_dad: "1",
  use_optimistic: "1",
};

const LAN_LINK: Switches = {
  ...EVERY_LINK,
  // A host announces its new address (RFC 9131): its first inbound packet need not wait for a neighbor solicitation.
  accept_untracked_na: "1",
};

/** The kernel forgets flows earlier than RFC 6092 (REC-14, REC-35, REC-40) and RFC 5382 (REQ-5) permit. Seconds. */
const FLOW_TIMERS: Switches = {
  udp_timeout: "300",
  udp_timeout_stream: "300",
  tcp_timeout_syn_sent: "240",
  tcp_timeout_syn_recv: "240",
  tcp_timeout_fin_wait: "240",
  tcp_timeout_close_wait: "240",
  tcp_timeout_last_ack: "240",
  tcp_timeout_time_wait: "240",
  sctp_timeout_established: "7440",
  icmpv6_timeout: "120",
};

/** A hostile advertisement must not keep our packets from getting far (RFC 4861 6.3.4 has no lower bound). */
const LEAST_HOP_LIMIT = 32;

interface Range {
  readonly least: number;
  readonly most: number;
}

/** An hour is what a router may say at most (RFC 4861 6.2.1); below a second nothing but solicitations would be on the wire. Milliseconds. */
const REACHABLE_TIME: Range = { least: 1000, most: 3_600_000 };
/** RFC 4861 has no bounds; duplicate address detection waits as long too. Milliseconds. */
const RETRANS_TIMER: Range = { least: 100, most: 10_000 };
/** The kernel counts in ticks of 1 to 10 ms, and would show another value than one that is no multiple of them. Milliseconds. */
const TIMER_STEP = 100;

/**
 * Path below /proc/sys to value. The rules that keep the home closed are in place before forwarding is on, and it stays as it was until there are subnets
 * to forward between.
 */
export function planSysctls(config: Config, ra: RaClientFact | undefined, forwarding: Forwarding): Switches {
  const fixed = fixedSwitches(config);
  return {
    ...fixed,
    ...(forwarding.ipv6 && FORWARDING),
    ...(forwarding.ipv4 && FORWARDING_IPV4),
    ...(ra && parametersOn(config.wan.interface, ra)),
  };
}

const parametersOn = (wan: string, ra: RaClientFact): Switches => ({
  ...inFolder(`net/ipv6/conf/${wan}/`, parametersOf(ra)),
  ...inFolder(`net/ipv6/neigh/${wan}/`, timersOf(ra)),
});

/** Whether there is anything to forward. */
export interface Forwarding {
  readonly ipv6: boolean;
  readonly ipv4: boolean;
}

const FORWARDING_IPV4: Switches = { "net/ipv4/ip_forward": "1" };
const FORWARDING: Switches = { "net/ipv6/conf/all/forwarding": "1" };

const fixedOf = new WeakMap<Config, Switches>();

/** What depends on the config alone is put together once. */
function fixedSwitches(config: Config): Switches {
  const found = fixedOf.get(config);
  if (found) return found;
  const switches: Switches = {
    ...inFolder("net/netfilter/nf_conntrack_", FLOW_TIMERS),
    ...inFolder(wanFolder(config), WAN_LINK),
    ...Object.assign({}, ...config.lans.map((lan) => inFolder(`net/ipv6/conf/${lan.interface}/`, LAN_LINK))),
    ...(config.wan.ipv4 === "dhcp" && ipv4Switches(config)),
  };
  fixedOf.set(config, switches);
  return switches;
}

function ipv4Switches({ lans }: Config): Switches {
  return {
    // RFC 5508 REQ-1.
    "net/netfilter/nf_conntrack_icmp_timeout": "60",
    // When a network's first address goes, as when the owner changes it, the kernel would take the others along.
    ...Object.fromEntries(lans.map((lan) => [`net/ipv4/conf/${lan.interface}/promote_secondaries`, "1"])),
  };
}

const wanFolder = (config: Config): string => `net/ipv6/conf/${config.wan.interface}/`;

/** Every path that a plan for this config can hold. */
export function sysctlPaths(config: Config): readonly string[] {
  const parameters = ["mtu", "hop_limit"].map((name) => wanFolder(config) + name);
  const timers = ["base_reachable_time_ms", "retrans_time_ms"].map((name) => `net/ipv6/neigh/${config.wan.interface}/${name}`);
  return [...Object.keys(planSysctls(config, undefined, { ipv6: true, ipv4: config.wan.ipv4 === "dhcp" })), ...parameters, ...timers];
}

/** What the provider's routers say of the link, RFC 4861 6.3.4. The ra-client has checked the MTU. */
function parametersOf({ mtu, hopLimit }: RaClientFact): Switches {
  return {
    ...(mtu !== undefined && { mtu: String(mtu) }),
    ...(hopLimit !== undefined && hopLimit >= LEAST_HOP_LIMIT && { hop_limit: String(hopLimit) }),
  };
}

/** The ra-client keeps what was said last: 0 is no value, and no reason to go back to the kernel's own (RFC 4861 6.3.4). */
function timersOf({ reachableTime, retransTimer }: RaClientFact): Switches {
  return {
    ...(isWithin(reachableTime, REACHABLE_TIME) && { base_reachable_time_ms: inSteps(reachableTime) }),
    ...(isWithin(retransTimer, RETRANS_TIMER) && { retrans_time_ms: inSteps(retransTimer) }),
  };
}

function isWithin(value: number | undefined, { least, most }: Range): value is number {
  return value !== undefined && value >= least && value <= most;
}

const inSteps = (value: number): string => String(Math.round(value / TIMER_STEP) * TIMER_STEP);

function inFolder(folder: string, values: Switches): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [folder + key, value]));
}
