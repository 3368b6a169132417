/** Neighbor Discovery messages: RFC 4861 4.1 to 4.5, router preference RFC 4191 2.2. The checksum is left to the kernel's raw socket. */
import type { Ip6 } from "../addr/ip.ts";
import type { Seconds } from "../addr/time.ts";
import { Reader, WireError, Writer } from "./bytes.ts";
import { decodeOptions, decodePreference, encodeOptions, encodePreference, type NdpOption, type Preference } from "./ndp-options.ts";

export { type NdpOption, ndpOptionOf, ndpOptionsOf, type Preference, type PrefixInformation } from "./ndp-options.ts";

export type NdpMessage = RouterSolicitation | RouterAdvertisement | NeighborSolicitation | NeighborAdvertisement | Redirect;

export interface RouterSolicitation {
  readonly kind: "router-solicitation";
  readonly options: readonly NdpOption[];
}

export interface RouterAdvertisement {
  readonly kind: "router-advertisement";
  /** Cur Hop Limit; 0: not specified. */
  readonly hopLimit: number;
  readonly managed: boolean;
  readonly other: boolean;
  /** The reserved value counts as medium, RFC 4191 2.2. */
  readonly preference: Preference;
  /** 0..65535 s; 0: no default router. */
  readonly routerLifetime: Seconds;
  /** Milliseconds; 0: not specified. */
  readonly reachableTime: number;
  /** Milliseconds; 0: not specified. */
  readonly retransTimer: number;
  readonly options: readonly NdpOption[];
}

export interface NeighborSolicitation {
  readonly kind: "neighbor-solicitation";
  readonly target: Ip6;
  readonly options: readonly NdpOption[];
}

export interface NeighborAdvertisement {
  readonly kind: "neighbor-advertisement";
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  readonly target: Ip6;
  readonly options: readonly NdpOption[];
}

export interface Redirect {
  readonly kind: "redirect";
  readonly target: Ip6;
  readonly destination: Ip6;
  readonly options: readonly NdpOption[];
}

/** ICMPv6 types, RFC 4861 4. */
export const NDP_TYPE = {
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
  redirect: 137,
} as const;

/** Reads an ICMPv6 message from its type on. @throws WireError when it is no ND message, too short, of another code, or its options lie */
export function decodeNdp(bytes: Uint8Array): NdpMessage {
  const reader = new Reader(bytes);
  const type = reader.uint8();
  const code = reader.uint8();
  if (code !== 0) throw new WireError(`code ${code} where 0 is right`, 1);
  reader.skip(2);
  switch (type) {
    case NDP_TYPE.routerSolicitation:
      reader.skip(4);
      return { kind: "router-solicitation", options: decodeOptions(reader) };
    case NDP_TYPE.routerAdvertisement:
      return decodeRouterAdvertisement(reader);
    case NDP_TYPE.neighborSolicitation:
      reader.skip(4);
      return { kind: "neighbor-solicitation", target: reader.ip6(), options: decodeOptions(reader) };
    case NDP_TYPE.neighborAdvertisement:
      return decodeNeighborAdvertisement(reader);
    case NDP_TYPE.redirect:
      reader.skip(4);
      return { kind: "redirect", target: reader.ip6(), destination: reader.ip6(), options: decodeOptions(reader) };
    default:
      throw new WireError(`ICMPv6 type ${type} is no Neighbor Discovery`, 0);
  }
}

/** The octets of a message, checksum zero. @throws RangeError for a router lifetime, an option or a name that its field can't hold */
export function encodeNdp(message: NdpMessage): Uint8Array {
  const writer = new Writer();
  switch (message.kind) {
    case "router-solicitation":
      header(writer, NDP_TYPE.routerSolicitation).uint32(0);
      break;
    case "router-advertisement":
      encodeRouterAdvertisement(header(writer, NDP_TYPE.routerAdvertisement), message);
      break;
    case "neighbor-solicitation":
      header(writer, NDP_TYPE.neighborSolicitation).uint32(0).ip6(message.target);
      break;
    case "neighbor-advertisement":
      header(writer, NDP_TYPE.neighborAdvertisement).uint32(neighborFlags(message)).ip6(message.target);
      break;
    case "redirect":
      header(writer, NDP_TYPE.redirect).uint32(0).ip6(message.target).ip6(message.destination);
      break;
  }
  encodeOptions(writer, message.options);
  return writer.finish();
}

function header(writer: Writer, type: number): Writer {
  return writer.uint8(type).uint8(0).uint16(0);
}

function decodeRouterAdvertisement(reader: Reader): RouterAdvertisement {
  const hopLimit = reader.uint8();
  const flags = reader.uint8();
  return {
    kind: "router-advertisement",
    hopLimit,
    managed: (flags & 0x80) !== 0,
    other: (flags & 0x40) !== 0,
    preference: decodePreference(flags) ?? "medium",
    routerLifetime: reader.uint16() as Seconds,
    reachableTime: reader.uint32(),
    retransTimer: reader.uint32(),
    options: decodeOptions(reader),
  };
}

function encodeRouterAdvertisement(writer: Writer, message: RouterAdvertisement): void {
  if (message.routerLifetime > 0xffff) throw new RangeError(`a router lifetime is 65535 s at most, not ${message.routerLifetime}`);
  const flags = (message.managed ? 0x80 : 0) | (message.other ? 0x40 : 0) | encodePreference(message.preference);
  writer.uint8(message.hopLimit).uint8(flags).uint16(message.routerLifetime).uint32(message.reachableTime).uint32(message.retransTimer);
}

function decodeNeighborAdvertisement(reader: Reader): NeighborAdvertisement {
  const flags = reader.uint32();
  return {
    kind: "neighbor-advertisement",
    router: (flags & 0x8000_0000) !== 0,
    solicited: (flags & 0x4000_0000) !== 0,
    override: (flags & 0x2000_0000) !== 0,
    target: reader.ip6(),
    options: decodeOptions(reader),
  };
}

function neighborFlags({ router, solicited, override }: NeighborAdvertisement): number {
  return (router ? 0x8000_0000 : 0) + (solicited ? 0x4000_0000 : 0) + (override ? 0x2000_0000 : 0);
}
