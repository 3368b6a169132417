/** What has changed between two lists of leases, for the table of devices. */
import type { DeviceLease } from "../machines/devices.ts";
import type { Dhcpv6LanServerFact } from "../machines/dhcpv6-lan-service.ts";

type Leases = Dhcpv6LanServerFact["leases"];

export function leaseNews(before: Leases = [], after: Leases = []): readonly DeviceLease[] {
  if (before === after) return [];
  const former = new Map(before.map((lease) => [lease.address, lease]));
  const current = new Map(after.map((lease) => [lease.address, lease]));
  const isNews = ({ address, duid, hostname }: Leases[number]): boolean => {
    const known = former.get(address);
    return known?.duid !== duid || known.hostname !== hostname;
  };
  const ended = before.filter(({ address }) => !current.has(address)).map((lease): DeviceLease => ({ ...toLease(lease), ended: true }));
  return [...ended, ...after.filter(isNews).map(toLease)];
}

function toLease({ address, link, mac, client, hostname, registered }: Leases[number]): DeviceLease {
  return { address, link, client, registered, ...(mac !== undefined && { mac }), ...(hostname !== undefined && { hostname }) };
}
