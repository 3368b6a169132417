/** IPv4 networks of the LANs: what the owner wrote, or the first 192.168.N.0/24 that is free. */
import { type Ip4, parseIp4 } from "../addr/ip.ts";
import { contains4, host4, overlaps4, type Prefix4, prefix4, prefix4Length, prefix4Of } from "../addr/prefix4.ts";

export interface LanIpv4 {
  /** The gateway's own. */
  readonly address: Ip4;
  readonly network: Prefix4;
}

/** RFC 1918: what is behind a translation must not be anybody's on the internet. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(prefix4);
/** Starlink's dish is at home in it. */
const DISH = prefix4("192.168.100.0/24");
const [SHORTEST, LONGEST] = [8, 30];

/** Reads "192.168.1.1/24"; undefined unless it is a host's address in a private network. */
export function parseLanIpv4(text: string): LanIpv4 | undefined {
  const [head = "", tail = "", ...rest] = text.split("/");
  const address = parseIp4(head);
  const length = Number(tail);
  if (!address || rest.length > 0 || !/^\d{1,2}$/.test(tail) || length < SHORTEST || length > LONGEST) return undefined;
  const network = prefix4Of(address, length);
  const [first, last] = [host4(network, 0), host4(network, 2 ** (32 - length) - 1)];
  const isPrivate = PRIVATE.some((range) => contains4(range, address) && length >= prefix4Length(range));
  return isPrivate && address !== first && address !== last ? { address, network } : undefined;
}

/** The first network for a LAN that has none of its own, beside those that are taken. */
export function freeLanIpv4(taken: readonly LanIpv4[]): LanIpv4 {
  for (let number = 1; ; number++) {
    const candidate = number < 256 ? parseLanIpv4(`192.168.${number}.1/24`)! : parseLanIpv4(`10.0.${number - 256}.1/24`)!;
    if (!overlaps4(candidate.network, DISH) && !taken.some(({ network }) => overlaps4(network, candidate.network))) return candidate;
  }
}

/**
 * The networks of the LANs by their names, in the order of the LANs. What the owner wrote comes first; "off" and what is no network has none, and nobody
 * has one where IPv4 is in other hands.
 */
export function lanNetworks(
  lans: readonly { readonly name: string; readonly ipv4: unknown }[],
  isOff: boolean,
): ReadonlyMap<string, LanIpv4> {
  if (isOff) return new Map();
  const written = ({ ipv4 }: { readonly ipv4: unknown }): LanIpv4 | undefined =>
    typeof ipv4 === "string" ? parseLanIpv4(ipv4) : undefined;
  const taken = lans.flatMap((lan) => written(lan) ?? []);
  const networks = new Map<string, LanIpv4>();
  for (const lan of lans) {
    if (lan.ipv4 !== undefined && written(lan) === undefined) continue;
    const own = written(lan) ?? freeLanIpv4(taken);
    if (lan.ipv4 === undefined) taken.push(own);
    networks.set(lan.name, own);
  }
  return networks;
}
