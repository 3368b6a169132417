/** The part of the status that is about IPv4. Pure. */
import { contains4, DEFAULT_ROUTE4, SHARED_ADDRESSES } from "../addr/prefix4.ts";
import type { Instant } from "../addr/time.ts";
import type { Ipv4Status, LanStatus } from "../api/status.ts";
import type { Config, LanConfig, PortForward } from "../config/config.ts";
import { formatOpening } from "../config/opening.ts";
import type { Dhcpv4Lease } from "../machines/facts.ts";
import { left } from "./left.ts";
import type { Loop } from "./loop.ts";

/** Undefined where IPv4 is not in our hands. */
export function describeIpv4(
  { forwards }: Config,
  { facts: { dhcpv4 }, desired }: ReturnType<Loop["view"]>,
  now: Instant,
): Ipv4Status | undefined {
  if (!dhcpv4) return undefined;
  const { state, lease } = dhcpv4;
  const forwarding = desired?.forwardingIpv4 ?? false;
  return { state, forwarding, forwards: forwards.map(describeForward), ...(lease && { lease: describeLease(lease, now) }) };
}

function describeForward({ opening, address, toPort, source }: PortForward): Ipv4Status["forwards"][number] {
  const port = formatOpening(opening);
  return { port, to: address, ...(toPort !== undefined && { toPort }), ...(source !== undefined && { source }) };
}

function describeLease(lease: Dhcpv4Lease, now: Instant): NonNullable<Ipv4Status["lease"]> {
  const { address, network, server, mtu, resolvers, renewAt, validUntil } = lease;
  return {
    address,
    network,
    server,
    routers: lease.routes.filter(({ destination }) => destination === DEFAULT_ROUTE4).map(({ router }) => router),
    isShared: contains4(SHARED_ADDRESSES, address),
    valid: left(now, validUntil),
    renewIn: left(now, renewAt),
    resolvers,
    ...(mtu !== undefined && { mtu }),
  };
}

export function describeLanIpv4({ ipv4 }: LanConfig): Pick<LanStatus, "ipv4"> {
  return ipv4 ? { ipv4: { address: ipv4.address, network: ipv4.network } } : {};
}
