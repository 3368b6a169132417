/** What the DHCPv4 server of each LAN gives: addresses by the config, resolvers by the provider. */
import { contains4 } from "../addr/prefix4.ts";
import type { Config, DeviceConfig, LanConfig } from "../config/config.ts";
import type { Dhcpv4Serving, Reservation } from "../machines/dhcpv4-server-options.ts";
import { ROUTER_LABEL } from "../machines/local-names.ts";
import type { Facts } from "./facts.ts";

/** By LAN interface; none for a LAN that is not to be served. */
export function planDhcpv4Serving(config: Config, facts: Facts): Readonly<Record<string, Dhcpv4Serving>> {
  return Object.fromEntries(config.lans.flatMap((lan) => named(lan.interface, serve(config, lan, facts))));
}

const named = (link: string, serving: Dhcpv4Serving | undefined): [string, Dhcpv4Serving][] => (serving ? [[link, serving]] : []);

function serve({ devices, dns }: Config, { ipv4, dhcp, advertise }: LanConfig, { dhcpv4 }: Facts): Dhcpv4Serving | undefined {
  if (!ipv4 || !dhcp) return undefined;
  return {
    router: ipv4.address,
    network: ipv4.network,
    pool: dhcp.pool,
    lease: dhcp.lease,
    // This box where it resolves names: it knows those of the home.
    resolvers: dns.enabled ? [ipv4.address] : (dhcpv4?.lease?.resolvers ?? []),
    ...(dns.enabled && { domain: dns.zone }),
    searchDomains: advertise.searchDomains,
    ...(advertise.mtu !== undefined && { mtu: advertise.mtu }),
    reservations: devices.map((device) => reservation(device, (address) => contains4(ipv4.network, address))),
    reservedNames: [ROUTER_LABEL, ...devices.map(({ name }) => name)],
  };
}

/** An address of another LAN is none here: a device that moves has its name, and what the pool gives. */
function reservation(
  { name, mac, clientId, ipv4 }: DeviceConfig,
  isHere: (address: NonNullable<DeviceConfig["ipv4"]>) => boolean,
): Reservation {
  return {
    name,
    ...(mac && { mac }),
    ...(clientId !== undefined && { clientId }),
    ...(ipv4 && isHere(ipv4) && { address: ipv4 }),
  };
}
