/**
 * rtnetlink messages (RFC 3549 section 3, linux/rtnetlink.h, if_link.h, if_addr.h, neighbour.h): links, addresses of both families,
 * neighbours. Interfaces are index numbers here, as on the wire. Routes: rtnetlink-route.ts.
 */
import { type Ip, ipFromBytes, ipToBytes, isIp4 } from "../addr/ip.ts";
import { type Mac, mac, macFromBytes } from "../addr/mac.ts";
import { type Duration, FOREVER, milliseconds, type Seconds } from "../addr/time.ts";
import { WireError } from "./bytes.ts";
import { decodeAttributes, hostInt32, hostText, hostUint16, hostUint32, type NetlinkWriter, NLM_F_DUMP, NLM_F_REQUEST } from "./netlink.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;
export type Family = typeof AF_INET | typeof AF_INET6;

export const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
export const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;

/** Multicast groups, RTNLGRP_*. */
export const RTNLGRP_LINK = 1;
export const RTNLGRP_NEIGH = 3;
export const RTNLGRP_IPV4_IFADDR = 5;
export const RTNLGRP_IPV4_ROUTE = 7;
export const RTNLGRP_IPV6_IFADDR = 9;
export const RTNLGRP_IPV6_ROUTE = 11;
export const RTNLGRP_IPV4_NETCONF = 24;
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

const [NDA_DST, NDA_LLADDR, NDA_CACHEINFO] = [1, 2, 3];
const NTF_ROUTER = 0x80;
/** Ticks of user space in a second (USER_HZ), the unit in which the kernel counts the age of a neighbour. */
const USER_HZ = 100;

/** States of a neighbour, linux/neighbour.h. */
export const NUD = {
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const;

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
  readonly address: Ip;
  readonly prefixLength: number;
  /** IFA_F_* bits. */
  readonly flags: number;
  /** IFA_PROTO: who made the address; 0 when unknown. */
  readonly protocol: number;
  readonly preferred: Seconds;
  readonly valid: Seconds;
}

export interface NeighborMessage {
  readonly index: number;
  readonly address: Ip;
  readonly mac?: Mac;
  /** NUD_* bits. */
  readonly state: number;
  readonly router: boolean;
  /** How long ago it has proved to be there; FOREVER when the kernel does not say. */
  readonly confirmedAgo: Duration;
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

/** Asks for all addresses of a family. */
export function encodeAddressDump(writer: NetlinkWriter, sequence: number, family: Family): void {
  writer
    .begin(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, sequence)
    .uint8(family)
    .uint8(0)
    .uint16(0)
    .uint32(0)
    .end();
}

/** Adds, changes or deletes an address; the kernel makes no prefix route for it. */
export function encodeAddress(writer: NetlinkWriter, type: number, flags: number, sequence: number, message: AddressMessage): void {
  const octets = ipToBytes(message.address);
  writer.begin(type, flags, sequence).uint8(familyOf(message.address)).uint8(message.prefixLength).uint8(0).uint8(0).uint32(message.index);
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
  const octets = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  const address = octets && ipFromBytes(octets);
  if (address === undefined) throw new WireError("an address message without address", 8);
  const lifetimes = attributes.get(IFA_CACHEINFO);
  const flags = attributes.get(IFA_FLAGS);
  return {
    index: hostUint32(payload, 4),
    address,
    prefixLength: payload[1]!,
    flags: flags ? hostUint32(flags, 0) : payload[2]!,
    protocol: attributes.get(IFA_PROTO)?.[0] ?? 0,
    preferred: (lifetimes ? hostUint32(lifetimes, 0) : 0xffffffff) as Seconds,
    valid: (lifetimes ? hostUint32(lifetimes, 4) : 0xffffffff) as Seconds,
  };
}

/** Asks for all neighbours of a family. */
export function encodeNeighborDump(writer: NetlinkWriter, sequence: number, family: Family): void {
  writer
    .begin(RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, sequence)
    .uint32(family)
    .uint32(0)
    .uint32(0)
    .end();
}

/** Reads RTM_NEWNEIGH or RTM_DELNEIGH; undefined when it is about neither IPv4 nor IPv6. @throws WireError */
export function decodeNeighbor(payload: Uint8Array): NeighborMessage | undefined {
  if (payload[0] !== AF_INET6 && payload[0] !== AF_INET) return undefined;
  const attributes = decodeAttributes(payload, 12);
  const octets = attributes.get(NDA_DST);
  const address = octets && ipFromBytes(octets);
  const linkLayer = attributes.get(NDA_LLADDR);
  const times = attributes.get(NDA_CACHEINFO);
  if (address === undefined) return undefined;
  return {
    index: hostInt32(payload, 4),
    address,
    state: hostUint16(payload, 8),
    router: (payload[10]! & NTF_ROUTER) !== 0,
    confirmedAgo: times ? milliseconds((hostUint32(times, 0) * 1000) / USER_HZ) : FOREVER,
    ...(linkLayer?.length === 6 && { mac: macFromBytes(linkLayer) }),
  };
}

function linkHeader(writer: NetlinkWriter, type: number, flags: number, sequence: number, state: number, mask: number): void {
  writer.begin(type, flags, sequence).uint32(0).uint32(0).uint32(state).uint32(mask);
}

/** The family of an address. */
export const familyOf = (address: Ip): Family => (isIp4(address) ? AF_INET : AF_INET6);
