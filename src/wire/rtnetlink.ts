/**
 * rtnetlink messages (RFC 3549 section 3, linux/rtnetlink.h, if_link.h, if_addr.h, neighbour.h) for IPv6: links, addresses, routes, neighbours.
 * Interfaces are index numbers here, as on the wire.
 */
import { type Ip6, ip6FromBytes, ip6ToBytes, UNSPECIFIED } from "../addr/ip.ts";
import { type Mac, mac, macFromBytes } from "../addr/mac.ts";
import { type Prefix, prefixAddress, prefixLength, prefixOf } from "../addr/prefix.ts";
import { type Duration, FOREVER, milliseconds, type Seconds } from "../addr/time.ts";
import { WireError } from "./bytes.ts";
import { decodeAttributes, hostInt32, hostText, hostUint16, hostUint32, type NetlinkWriter, NLM_F_DUMP, NLM_F_REQUEST } from "./netlink.ts";

const AF_INET6 = 10;

export const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;

/** Multicast groups, RTNLGRP_*. */
export const RTNLGRP_LINK = 1;
export const RTNLGRP_NEIGH = 3;
export const RTNLGRP_IPV6_IFADDR = 9;
export const RTNLGRP_IPV6_ROUTE = 11;
export const RTNLGRP_IPV6_NETCONF = 25;

const IFF_UP = 0x1;
const IFF_LOWER_UP = 0x10000;
const [IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_EXT_MASK, IFLA_CARRIER_DOWN_COUNT] = [1, 3, 4, 29, 48];
const RTEXT_FILTER_SKIP_STATS = 8;

export const IFA_F_OPTIMISTIC = 0x04;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_TENTATIVE = 0x40;
const IFA_F_NOPREFIXROUTE = 0x200;
const [IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO, IFA_FLAGS, IFA_PROTO] = [1, 2, 6, 8, 11];

const RTN_UNICAST = 1;
const RTN_UNREACHABLE = 7;
const RT_TABLE_MAIN = 254;
const [RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_METRICS] = [1, 4, 5, 6, 8];
const [RTA_MULTIPATH, RTA_CACHEINFO, RTA_TABLE, RTA_PREF, RTA_EXPIRES] = [9, 12, 15, 20, 23];
const RTAX_MTU = 2;
/** Ticks of user space in a second (USER_HZ), the unit of expiries that the kernel reports. */
const USER_HZ = 100;

const [NDA_DST, NDA_LLADDR] = [1, 2];
const NTF_ROUTER = 0x80;

export interface LinkMessage {
  readonly index: number;
  readonly name: string;
  /** All zero for a link without such addresses. */
  readonly mac: Mac;
  readonly mtu: number;
  readonly up: boolean;
  readonly carrier: boolean;
  /** How often the carrier has gone since the link exists. */
  readonly carrierLosses: number;
}

export interface AddressMessage {
  readonly index: number;
  readonly address: Ip6;
  readonly prefixLength: number;
  /** IFA_F_* bits. */
  readonly flags: number;
  /** IFA_PROTO: who made the address; 0 when unknown. */
  readonly protocol: number;
  readonly preferred: Seconds;
  readonly valid: Seconds;
}

/** RFC 4191 2.1; the values of RTA_PREF. */
export type RoutePreference = "high" | "medium" | "low";

export interface RouteMessage {
  readonly kind: "unicast" | "unreachable";
  readonly destination: Prefix;
  readonly protocol: number;
  readonly metric: number;
  readonly preference: RoutePreference;
  /** Time until the kernel removes it; negative when that time has come. */
  readonly expires: Duration;
  readonly mtu?: number;
  /** One for most; none when unreachable; several when the kernel joined routes of the same metric. */
  readonly nextHops: readonly NextHop[];
}

export interface NextHop {
  readonly index: number;
  readonly gateway?: Ip6;
}

export interface NeighborMessage {
  readonly index: number;
  readonly address: Ip6;
  readonly mac?: Mac;
  /** NUD_* bits. */
  readonly state: number;
  readonly router: boolean;
}

/** Asks for all links. */
export function encodeLinkDump(writer: NetlinkWriter, sequence: number): void {
  linkHeader(writer, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0, 0);
  writer.attributeUint32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS).end();
}

/** Takes a link up or down. */
export function encodeLinkState(writer: NetlinkWriter, flags: number, sequence: number, name: string, up: boolean): void {
  linkHeader(writer, RTM_NEWLINK, flags, sequence, up ? IFF_UP : 0, IFF_UP);
  writer.attributeText(IFLA_IFNAME, name).end();
}

/** Reads RTM_NEWLINK or RTM_DELLINK. @throws WireError */
export function decodeLink(payload: Uint8Array): LinkMessage {
  const flags = hostUint32(payload, 8);
  const attributes = decodeAttributes(payload, 16);
  const address = attributes.get(IFLA_ADDRESS);
  const mtu = attributes.get(IFLA_MTU);
  const losses = attributes.get(IFLA_CARRIER_DOWN_COUNT);
  return {
    index: hostInt32(payload, 4),
    name: hostText(attributes.get(IFLA_IFNAME) ?? new Uint8Array()),
    mac: address?.length === 6 ? macFromBytes(address) : mac("00:00:00:00:00:00"),
    mtu: mtu ? hostUint32(mtu, 0) : 0,
    up: (flags & IFF_UP) !== 0,
    carrier: (flags & IFF_LOWER_UP) !== 0,
    carrierLosses: losses ? hostUint32(losses, 0) : 0,
  };
}

/** Asks for all IPv6 addresses. */
export function encodeAddressDump(writer: NetlinkWriter, sequence: number): void {
  writer
    .begin(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, sequence)
    .uint8(AF_INET6)
    .uint8(0)
    .uint16(0)
    .uint32(0)
    .end();
}

/** Adds, changes or deletes an address; the kernel makes no prefix route for it. */
export function encodeAddress(writer: NetlinkWriter, type: number, flags: number, sequence: number, message: AddressMessage): void {
  const octets = ip6ToBytes(message.address);
  writer.begin(type, flags, sequence).uint8(AF_INET6).uint8(message.prefixLength).uint8(0).uint8(0).uint32(message.index);
  writer.attribute(IFA_LOCAL, octets).attribute(IFA_ADDRESS, octets);
  if (type === RTM_NEWADDR) {
    writer.attributeUint32(IFA_FLAGS, message.flags | IFA_F_NOPREFIXROUTE).attributeUint8(IFA_PROTO, message.protocol);
    writer.nest(IFA_CACHEINFO, () => writer.uint32(message.preferred).uint32(message.valid).uint32(0).uint32(0));
  }
  writer.end();
}

/** IFA_PROTO of an RTM_NEWADDR or RTM_DELADDR without reading the rest: most addresses of a machine are not ours. @throws WireError */
export function decodeAddress(payload: Uint8Array): AddressMessage {
  const attributes = decodeAttributes(payload, 8);
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (address?.length !== 16) throw new WireError("an IPv6 address message without address", 8);
  const lifetimes = attributes.get(IFA_CACHEINFO);
  const flags = attributes.get(IFA_FLAGS);
  return {
    index: hostUint32(payload, 4),
    address: ip6FromBytes(address),
    prefixLength: payload[1]!,
    flags: flags ? hostUint32(flags, 0) : payload[2]!,
    protocol: attributes.get(IFA_PROTO)?.[0] ?? 0,
    preferred: (lifetimes ? hostUint32(lifetimes, 0) : 0xffffffff) as Seconds,
    valid: (lifetimes ? hostUint32(lifetimes, 4) : 0xffffffff) as Seconds,
  };
}

/** Asks for the IPv6 routes of the main table that carry `protocol`; a kernel that does not filter sends all. */
export function encodeRouteDump(writer: NetlinkWriter, sequence: number, protocol: number): void {
  routeHeader(writer, RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, sequence, { length: 0, protocol, scope: 0, type: 0 });
  writer.attributeUint32(RTA_TABLE, RT_TABLE_MAIN).end();
}

/** Adds or deletes a route of the main table. @throws RangeError when the route has more than one next hop. */
export function encodeRoute(writer: NetlinkWriter, type: number, flags: number, sequence: number, message: RouteMessage): void {
  if (message.nextHops.length > 1) throw new RangeError("one next hop for each route");
  const length = prefixLength(message.destination);
  const kind = message.kind === "unicast" ? RTN_UNICAST : RTN_UNREACHABLE;
  routeHeader(writer, type, flags, sequence, { length, protocol: message.protocol, scope: 0, type: kind });
  writer.attribute(RTA_DST, ip6ToBytes(prefixAddress(message.destination))).attributeUint32(RTA_PRIORITY, message.metric);
  for (const { index, gateway } of message.nextHops) {
    writer.attributeUint32(RTA_OIF, index);
    if (gateway !== undefined) writer.attribute(RTA_GATEWAY, ip6ToBytes(gateway));
  }
  if (type === RTM_NEWROUTE) encodeRouteQualities(writer, message);
  writer.end();
}

/** Reads RTM_NEWROUTE or RTM_DELROUTE; undefined for what is neither unicast nor unreachable in the main table. @throws WireError */
export function decodeRoute(payload: Uint8Array): RouteMessage | undefined {
  const type = payload[7];
  if (payload.length < 12 || (type !== RTN_UNICAST && type !== RTN_UNREACHABLE)) return undefined;
  const attributes = decodeAttributes(payload, 12);
  const table = attributes.get(RTA_TABLE);
  if ((table ? hostUint32(table, 0) : payload[4]) !== RT_TABLE_MAIN) return undefined;
  const destination = attributes.get(RTA_DST);
  const metric = attributes.get(RTA_PRIORITY);
  const mtu = decodeMtu(attributes.get(RTA_METRICS));
  return {
    kind: type === RTN_UNICAST ? "unicast" : "unreachable",
    destination: prefixOf(destination ? ip6FromBytes(destination) : UNSPECIFIED, payload[1]!),
    protocol: payload[5]!,
    metric: metric ? hostUint32(metric, 0) : 0,
    preference: decodePreference(attributes.get(RTA_PREF)?.[0]),
    expires: decodeExpiry(attributes.get(RTA_CACHEINFO)),
    nextHops: type === RTN_UNICAST ? decodeNextHops(attributes) : [],
    ...(mtu !== undefined && { mtu }),
  };
}

/** Asks for all IPv6 neighbours. */
export function encodeNeighborDump(writer: NetlinkWriter, sequence: number): void {
  writer
    .begin(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, sequence)
    .uint32(AF_INET6)
    .uint32(0)
    .uint32(0)
    .end();
}

/** Reads RTM_NEWNEIGH or RTM_DELNEIGH; undefined when it is not about IPv6. @throws WireError */
export function decodeNeighbor(payload: Uint8Array): NeighborMessage | undefined {
  if (payload[0] !== AF_INET6) return undefined;
  const attributes = decodeAttributes(payload, 12);
  const address = attributes.get(NDA_DST);
  const linkLayer = attributes.get(NDA_LLADDR);
  if (address?.length !== 16) return undefined;
  return {
    index: hostInt32(payload, 4),
    address: ip6FromBytes(address),
    state: hostUint16(payload, 8),
    router: (payload[10]! & NTF_ROUTER) !== 0,
    ...(linkLayer?.length === 6 && { mac: macFromBytes(linkLayer) }),
  };
}

function linkHeader(writer: NetlinkWriter, type: number, flags: number, sequence: number, state: number, mask: number): void {
  writer.begin(type, flags, sequence).uint32(0).uint32(0).uint32(state).uint32(mask);
}

interface RouteHeader {
  readonly length: number;
  readonly protocol: number;
  readonly scope: number;
  readonly type: number;
}

function routeHeader(writer: NetlinkWriter, type: number, flags: number, sequence: number, header: RouteHeader): void {
  writer.begin(type, flags, sequence).uint8(AF_INET6).uint8(header.length).uint8(0).uint8(0);
  writer.uint8(RT_TABLE_MAIN).uint8(header.protocol).uint8(header.scope).uint8(header.type).uint32(0);
}

function encodeRouteQualities(writer: NetlinkWriter, message: RouteMessage): void {
  if (message.kind === "unicast") writer.attributeUint8(RTA_PREF, encodePreference(message.preference));
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
  return gateway?.length === 16 ? { index, gateway: ip6FromBytes(gateway) } : { index };
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
