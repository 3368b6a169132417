/** What is wrong with the DHCP pools of the LANs: each lies in its LAN's network and leaves the router its address. */
import { contains4, host4, prefix4Length } from "../addr/prefix4.ts";
import { isInRange, parseRange4, type Range4, rangeSize } from "../addr/range4.ts";
import { type Complaint, isTable, type Lans } from "./complaint.ts";
import { defaultPool, MOST_ADDRESSES } from "./dhcp-pool.ts";
import type { LanIpv4 } from "./lan-ipv4.ts";

/** `networks`: of the LANs that have IPv4, by name. */
export function checkPools(lans: Lans, networks: ReadonlyMap<string, LanIpv4>): readonly Complaint[] {
  return lans.flatMap(([name, { dhcp }]) => {
    const pool = isTable(dhcp) && typeof dhcp["pool"] === "string" ? parseRange4(dhcp["pool"]) : undefined;
    if (!pool) return [];
    const own = networks.get(name);
    const text = own ? faultOf(pool, own) : `[lan.${name}] has no IPv4; write ipv4 = "dhcp" in [wan], or leave this key out`;
    return text === undefined ? [] : [{ path: ["lan", name, "dhcp", "pool"], text }];
  });
}

function faultOf(pool: Range4, own: LanIpv4): string | undefined {
  const { address, network } = own;
  const usual = defaultPool(own);
  const instead = `write "${usual.first}-${usual.last}", or leave this key out`;
  const ends = [pool.first, pool.last];
  if (!ends.every((end) => contains4(network, end))) return `the pool is not within ${network}, this LAN's network; ${instead}`;
  if (isInRange(pool, address)) return `the router's own address ${address} is in the pool; ${instead}`;
  const unusable = [host4(network, 0), host4(network, 2 ** (32 - prefix4Length(network)) - 1)].find((end) => ends.includes(end));
  if (unusable) return `no device can have ${unusable}, an end of ${network}; ${instead}`;
  return rangeSize(pool) > MOST_ADDRESSES ? `a pool has at most ${MOST_ADDRESSES} addresses; ${instead}` : undefined;
}
