/** rtnetlink messages about routes of both families (RFC 3549 section 3.1.3, linux/rtnetlink.h). Interfaces are index numbers here, as on the wire. */
import { type Ip, type Ip4, ip4FromBytes, ipFromBytes, ipToBytes, isIp4, UNSPECIFIED, UNSPECIFIED4 } from "../addr/ip.ts";
import { type Prefix, prefixAddress, prefixLength, prefixOf } from "../addr/prefix.ts";
import { isPrefix4, type Prefix4, prefix4Address, prefix4Length, prefix4Of } from "../addr/prefix4.ts";
import { type Duration, FOREVER, milliseconds } from "../addr/time.ts";
import { WireError } from "./bytes.ts";
import { decodeAttributes, hostInt32, hostUint16, hostUint32, type NetlinkWriter, NLM_F_DUMP, NLM_F_REQUEST } from "./netlink.ts";
import { AF_INET, AF_INET6, type Family, familyOf } from "./rtnetlink.ts";

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

const RTN_UNICAST = 1;
const RTN_UNREACHABLE = 7;
const RT_TABLE_MAIN = 254;
const RT_SCOPE_LINK = 253;
/** The gateway is on the link although no address says so: a provider's may lie outside the leased network. */
const RTNH_F_ONLINK = 4;
const [RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS] = [1, 4, 5, 6, 7, 8];
const [RTA_MULTIPATH, RTA_CACHEINFO, RTA_TABLE, RTA_PREF, RTA_EXPIRES] = [9, 12, 15, 20, 23];
const RTAX_MTU = 2;
/** Ticks of user space in a second (USER_HZ), the unit of expiries that the kernel reports. */
const USER_HZ = 100;

/** RFC 4191 2.1; the values of RTA_PREF. */
export type RoutePreference = "high" | "medium" | "low";

export interface RouteMessage {
  readonly kind: "unicast" | "unreachable";
  readonly destination: Prefix | Prefix4;
  readonly protocol: number;
  readonly metric: number;
  /** IPv4 knows none: "medium". */
  readonly preference: RoutePreference;
  /** The address from which this box itself speaks; an IPv4 route goes with it. */
  readonly source?: Ip4;
  /** Time until the kernel removes it; negative when that time has come. IPv4 knows none: FOREVER. */
  readonly expires: Duration;
  readonly mtu?: number;
  /** One for most; none when unreachable; several when the kernel joined routes of the same metric. */
  readonly nextHops: readonly NextHop[];
}

export interface NextHop {
  readonly index: number;
  readonly gateway?: Ip;
}

/** Asks for the routes of the main table that carry `protocol`; a kernel that does not filter sends all. */
export function encodeRouteDump(writer: NetlinkWriter, sequence: number, family: Family, protocol: number): void {
  routeHeader(writer, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, sequence, { family, length: 0, protocol, scope: 0, type: 0, flags: 0 });
  writer.attributeUint32(RTA_TABLE, RT_TABLE_MAIN).end();
}

/** Adds or deletes a route of the main table. @throws RangeError when the route has more than one next hop. */
export function encodeRoute(writer: NetlinkWriter, type: number, flags: number, sequence: number, message: RouteMessage): void {
  if (message.nextHops.length > 1) throw new RangeError("one next hop for each route");
  const { address, length, family } = partsOf(message.destination);
  routeHeader(writer, type, flags, sequence, { family, length, protocol: message.protocol, ...placeOf(message, family) });
  writer.attribute(RTA_DST, ipToBytes(address)).attributeUint32(RTA_PRIORITY, message.metric);
  if (message.source !== undefined) writer.attribute(RTA_PREFSRC, ipToBytes(message.source));
  for (const { index, gateway } of message.nextHops) {
    writer.attributeUint32(RTA_OIF, index);
    if (gateway !== undefined) writer.attribute(RTA_GATEWAY, ipToBytes(gateway));
  }
  if (type === RTM_NEWROUTE) encodeRouteQualities(writer, message);
  writer.end();
}

/** Reads RTM_NEWROUTE or RTM_DELROUTE; undefined for what is neither unicast nor unreachable in the main table. @throws WireError */
export function decodeRoute(payload: Uint8Array): RouteMessage | undefined {
  const type = payload[7];
  const family = payload[0];
  if (payload.length < 12 || (type !== RTN_UNICAST && type !== RTN_UNREACHABLE)) return undefined;
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const attributes = decodeAttributes(payload, 12);
  const table = attributes.get(RTA_TABLE);
  if ((table ? hostUint32(table, 0) : payload[4]) !== RT_TABLE_MAIN) return undefined;
  const metric = attributes.get(RTA_PRIORITY);
  const source = attributes.get(RTA_PREFSRC);
  const mtu = decodeMtu(attributes.get(RTA_METRICS));
  return {
    kind: type === RTN_UNICAST ? "unicast" : "unreachable",
    destination: destinationOf(family, attributes.get(RTA_DST), payload[1]!),
    protocol: payload[5]!,
    metric: metric ? hostUint32(metric, 0) : 0,
    preference: decodePreference(attributes.get(RTA_PREF)?.[0]),
    expires: decodeExpiry(attributes.get(RTA_CACHEINFO)),
    nextHops: type === RTN_UNICAST ? decodeNextHops(attributes) : [],
    ...(mtu !== undefined && { mtu }),
    ...(source?.length === 4 && { source: ip4FromBytes(source) }),
  };
}

interface RouteHeader {
  readonly family: Family;
  readonly length: number;
  readonly protocol: number;
  readonly scope: number;
  readonly type: number;
  readonly flags: number;
}

function routeHeader(writer: NetlinkWriter, type: number, flags: number, sequence: number, header: RouteHeader): void {
  writer.begin(type, flags, sequence).uint8(header.family).uint8(header.length).uint8(0).uint8(0);
  writer.uint8(RT_TABLE_MAIN).uint8(header.protocol).uint8(header.scope).uint8(header.type).uint32(header.flags);
}

function partsOf(destination: Prefix | Prefix4): { readonly address: Ip; readonly length: number; readonly family: Family } {
  if (isPrefix4(destination)) return { address: prefix4Address(destination), length: prefix4Length(destination), family: AF_INET };
  return { address: prefixAddress(destination), length: prefixLength(destination), family: AF_INET6 };
}

/** What IPv4 wants to be told of a next hop; IPv6 finds it out by itself. */
function placeOf({ kind, nextHops: [hop] }: RouteMessage, family: Family): Pick<RouteHeader, "scope" | "type" | "flags"> {
  const type = kind === "unicast" ? RTN_UNICAST : RTN_UNREACHABLE;
  if (family === AF_INET6 || hop === undefined) return { type, scope: 0, flags: 0 };
  return hop.gateway === undefined ? { type, scope: RT_SCOPE_LINK, flags: 0 } : { type, scope: 0, flags: RTNH_F_ONLINK };
}

/** @throws WireError when the octets are not of the family */
function destinationOf(family: Family, octets: Uint8Array | undefined, length: number): Prefix | Prefix4 {
  const unspecified = family === AF_INET ? UNSPECIFIED4 : UNSPECIFIED;
  const address = octets ? ipFromBytes(octets) : unspecified;
  if (address === undefined || familyOf(address) !== family || length > 8 * (octets?.length ?? 16)) {
    throw new WireError("a route with a destination of another family", 12);
  }
  return isIp4(address) ? prefix4Of(address, length) : prefixOf(address, length);
}

function encodeRouteQualities(writer: NetlinkWriter, message: RouteMessage): void {
  if (message.kind === "unicast" && !isPrefix4(message.destination)) writer.attributeUint8(RTA_PREF, encodePreference(message.preference));
  // Rounded up: a route that we count on must not end before we say so.
  if (message.expires !== FOREVER) writer.attributeUint32(RTA_EXPIRES, Math.max(1, Math.ceil(message.expires / 1000)));
  const { mtu } = message;
  if (mtu !== undefined) writer.nest(RTA_METRICS, () => writer.attributeUint32(RTAX_MTU, mtu));
}

function decodeMtu(metrics: Uint8Array | undefined): number | undefined {
  const mtu = metrics && decodeAttributes(metrics).get(RTAX_MTU);
  return mtu && hostUint32(mtu, 0);
}

function decodeExpiry(cacheInfo: Uint8Array | undefined): Duration {
  const ticks = cacheInfo ? hostInt32(cacheInfo, 8) : 0;
  return ticks === 0 ? FOREVER : milliseconds((ticks * 1000) / USER_HZ);
}

function decodeNextHops(attributes: ReadonlyMap<number, Uint8Array>): NextHop[] {
  const several = attributes.get(RTA_MULTIPATH);
  if (several) return decodeMultipath(several);
  const index = attributes.get(RTA_OIF);
  return [nextHop(index ? hostUint32(index, 0) : 0, attributes.get(RTA_GATEWAY))];
}

/** RTA_MULTIPATH: rtnexthop headers of 8 octets, each with attributes. */
function decodeMultipath(bytes: Uint8Array): NextHop[] {
  const hops: NextHop[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = hostUint16(bytes, at);
    if (length < 8 || at + length > bytes.length) throw new WireError(`next hop of ${length} octets`, at);
    const hop = bytes.subarray(at, at + length);
    hops.push(nextHop(hostInt32(hop, 4), decodeAttributes(hop, 8).get(RTA_GATEWAY)));
    at += (length + 3) & ~3;
  }
  return hops;
}

function nextHop(index: number, gateway: Uint8Array | undefined): NextHop {
  const address = gateway && ipFromBytes(gateway);
  return address === undefined ? { index } : { index, gateway: address };
}

function encodePreference(preference: RoutePreference): number {
  switch (preference) {
    case "high":
      return 1;
    case "medium":
      return 0;
    case "low":
      return 3;
  }
}

function decodePreference(value: number | undefined): RoutePreference {
  if (value === 1) return "high";
  return value === 3 ? "low" : "medium";
}
