/**
 * Options of DHCP for IPv4 (RFC 2132; RFC 3397: 119; RFC 3442: 121; RFC 4361: 61; RFC 4702: 81) as values. Several instances of one option are one, joined in their
 * order (RFC 3396), and long ones are split.
 */
import { type Ip4, ip4FromBytes } from "../addr/ip.ts";
import { maskLength, maskOf, type Prefix4, prefix4Address, prefix4Length, prefix4Of } from "../addr/prefix4.ts";
import type { Seconds } from "../addr/time.ts";
import { Reader, WireError, Writer } from "./bytes.ts";
import { type ClientFqdn, decodeFqdn, encodeFqdn } from "./dhcpv4-fqdn.ts";
import { decodeDomainList, encodeDomainList } from "./domain-list.ts";

export type Dhcpv4Option =
  | { readonly kind: "message-type"; readonly type: Dhcpv4Type }
  | { readonly kind: "subnet-mask"; readonly length: number }
  | Alike<"routers" | "resolvers" | "ntp-servers", { readonly addresses: readonly Ip4[] }>
  | Alike<"broadcast-address" | "requested-address" | "server-id", { readonly address: Ip4 }>
  | Alike<"host-name" | "domain-name" | "message", { readonly text: string }>
  | Alike<"mtu" | "max-size", { readonly octets: number }>
  | Alike<"lease-time" | "renewal-time" | "rebinding-time", { readonly time: Seconds }>
  | { readonly kind: "parameter-list"; readonly codes: readonly number[] }
  | { readonly kind: "client-id"; readonly id: Uint8Array }
  | { readonly kind: "domain-search"; readonly domains: readonly string[] }
  | ({ readonly kind: "client-fqdn" } & ClientFqdn)
  | { readonly kind: "classless-routes"; readonly routes: readonly ClasslessRoute[] }
  | { readonly kind: "unknown"; readonly code: number; readonly data: Uint8Array };

/** An option of each of the kinds, with the same content. */
type Alike<Kind, Content> = Kind extends string ? { readonly kind: Kind } & Content : never;

/** RFC 2132 9.6. */
const TYPES = ["discover", "offer", "request", "decline", "ack", "nak", "release", "inform"] as const;
export type Dhcpv4Type = (typeof TYPES)[number];

export interface ClasslessRoute {
  readonly destination: Prefix4;
  /** 0.0.0.0: the destination is on the link. */
  readonly router: Ip4;
}

export type Dhcpv4OptionOf<Kind extends Dhcpv4Option["kind"]> = Extract<Dhcpv4Option, { readonly kind: Kind }>;

/** Codes of the options that have a form here. */
export const OPTION_CODES = {
  "subnet-mask": 1,
  routers: 3,
  resolvers: 6,
  "host-name": 12,
  "domain-name": 15,
  mtu: 26,
  "broadcast-address": 28,
  "ntp-servers": 42,
  "requested-address": 50,
  "lease-time": 51,
  "message-type": 53,
  "server-id": 54,
  "parameter-list": 55,
  message: 56,
  "max-size": 57,
  "renewal-time": 58,
  "rebinding-time": 59,
  "client-id": 61,
  "client-fqdn": 81,
  "domain-search": 119,
  "classless-routes": 121,
} as const satisfies Record<Exclude<Dhcpv4Option["kind"], "unknown">, number>;

const KINDS = new Map(Object.entries(OPTION_CODES).map(([kind, code]) => [code as number, kind as keyof typeof OPTION_CODES]));
const [PAD, END] = [0, 255];
const LONGEST = 255;
/** Most options have few octets. */
const SHORT = 16;

/** Adds the options in `bytes` to `joined`, by code, up to END or the end of `bytes`. @throws WireError when one leads outside */
export function collectOptions(bytes: Uint8Array, joined: Map<number, Uint8Array>): void {
  const reader = new Reader(bytes);
  while (reader.left > 0) {
    const code = reader.uint8();
    if (code === END) return;
    if (code === PAD) continue;
    const data = reader.bytes(reader.uint8());
    const before = joined.get(code);
    joined.set(code, before ? concat(before, data) : data);
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Reads the whole data of one option. @throws WireError */
export function decodeOption(code: number, data: Uint8Array): Dhcpv4Option {
  const kind = KINDS.get(code);
  if (kind === undefined) return { kind: "unknown", code, data };
  switch (kind) {
    case "message-type":
      return { kind, type: typeOf(whole(data, 1)[0]!) };
    case "subnet-mask":
      return { kind, length: lengthOf(ip4FromBytes(whole(data, 4))) };
    case "routers":
    case "resolvers":
    case "ntp-servers":
      return { kind, addresses: addresses(new Reader(data)) };
    case "broadcast-address":
    case "requested-address":
    case "server-id":
      return { kind, address: ip4FromBytes(whole(data, 4)) };
    case "host-name":
    case "domain-name":
    case "message":
      return { kind, text: new TextDecoder().decode(data).replace(/\0+$/, "") };
    case "mtu":
    case "max-size":
      return { kind, octets: new Reader(whole(data, 2)).uint16() };
    case "lease-time":
    case "renewal-time":
    case "rebinding-time":
      return { kind, time: new Reader(whole(data, 4)).uint32() as Seconds };
    case "parameter-list":
      return { kind, codes: [...data] };
    case "client-id":
      return { kind, id: data };
    case "client-fqdn":
      return { kind, ...decodeFqdn(data) };
    case "domain-search":
      return { kind, domains: decodeDomainList(data) };
    case "classless-routes":
      return { kind, routes: classlessRoutes(new Reader(data)) };
  }
}

/** Writes one option, in pieces when it is long. */
export function encodeOption(writer: Writer, option: Dhcpv4Option): void {
  const code = option.kind === "unknown" ? option.code : OPTION_CODES[option.kind];
  const data = option.kind === "unknown" ? option.data : encodeOptionData(option);
  if (data.length <= LONGEST) {
    writer.uint8(code).uint8(data.length).bytes(data);
    return;
  }
  for (let at = 0; at < data.length; at += LONGEST) {
    const piece = data.subarray(at, at + LONGEST);
    writer.uint8(code).uint8(piece.length).bytes(piece);
  }
}

/** The data of one option, of any length. */
export function encodeOptionData(option: Dhcpv4Option): Uint8Array {
  const writer = new Writer(SHORT);
  switch (option.kind) {
    case "message-type":
      return Uint8Array.of(TYPES.indexOf(option.type) + 1);
    case "subnet-mask":
      return writer.ip4(maskOf(option.length)).finish();
    case "routers":
    case "resolvers":
    case "ntp-servers":
      for (const address of option.addresses) writer.ip4(address);
      return writer.finish();
    case "broadcast-address":
    case "requested-address":
    case "server-id":
      return writer.ip4(option.address).finish();
    case "host-name":
    case "domain-name":
    case "message":
      return new TextEncoder().encode(option.text);
    case "mtu":
    case "max-size":
      return writer.uint16(option.octets).finish();
    case "lease-time":
    case "renewal-time":
    case "rebinding-time":
      return writer.uint32(option.time).finish();
    case "parameter-list":
      return Uint8Array.from(option.codes);
    case "client-id":
      return option.id;
    case "client-fqdn":
      return encodeFqdn(option);
    case "domain-search":
      return encodeDomainList(option.domains);
    case "classless-routes":
      for (const route of option.routes) encodeRoute(writer, route);
      return writer.finish();
    case "unknown":
      return option.data;
  }
}

function whole(data: Uint8Array, size: number): Uint8Array {
  if (data.length !== size) throw new WireError(`an option of ${data.length} octets in place of ${size}`, 0);
  return data;
}

function typeOf(number: number): Dhcpv4Type {
  const type = TYPES[number - 1];
  if (type === undefined) throw new WireError(`there is no DHCP message type ${number}`, 0);
  return type;
}

function lengthOf(mask: Ip4): number {
  const length = maskLength(mask);
  if (length === undefined) throw new WireError(`${mask} is no subnet mask`, 0);
  return length;
}

/** At least one. */
function addresses(reader: Reader): Ip4[] {
  const found = [reader.ip4()];
  while (reader.left > 0) found.push(reader.ip4());
  return found;
}

/** Only the significant octets of a destination are sent, RFC 3442. */
function classlessRoutes(reader: Reader): ClasslessRoute[] {
  const routes: ClasslessRoute[] = [];
  do {
    const length = reader.uint8();
    if (length > 32) throw new WireError(`a destination of ${length} bits`, reader.offset - 1);
    const significant = reader.bytes(Math.ceil(length / 8));
    const octets = Uint8Array.of(...significant, ...new Uint8Array(4 - significant.length));
    routes.push({ destination: prefix4Of(new Reader(octets).ip4(), length), router: reader.ip4() });
  } while (reader.left > 0);
  return routes;
}

function encodeRoute(writer: Writer, { destination, router }: ClasslessRoute): void {
  const length = prefix4Length(destination);
  const octets = new Writer().ip4(prefix4Address(destination)).finish();
  writer
    .uint8(length)
    .bytes(octets.subarray(0, Math.ceil(length / 8)))
    .ip4(router);
}
