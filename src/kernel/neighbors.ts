/** Who is on a link, as far as the kernel's neighbor table knows. */
import { type Ip6, isIp4, isLinkLocal } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { AF_INET6, NUD } from "../wire/rtnetlink.ts";
import { sharedHandles } from "./handles.ts";
import { dumpNeighbors } from "./rtnetlink.ts";

/** Entries with a link-layer address to send to. */
const USABLE = NUD.reachable | NUD.stale | NUD.delay | NUD.probe | NUD.permanent;

/** One address for each node on the link with this index, the link-local one where it is known. @throws KernelError */
export function neighborsOn(index: number): readonly Ip6[] {
  const byMac = new Map<Mac, Ip6>();
  for (const { index: link, address, mac, state } of dumpNeighbors(sharedHandles().route, AF_INET6)) {
    if (link !== index || mac === undefined || (state & USABLE) === 0 || isIp4(address)) continue;
    if (!byMac.has(mac) || isLinkLocal(address)) byMac.set(mac, address);
  }
  return [...byMac.values()];
}
