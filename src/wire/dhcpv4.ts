/** DHCP for IPv4: the message of RFC 2131 section 2 with its options, also those in the fields of others (RFC 2132 9.3). */
import type { Ip4 } from "../addr/ip.ts";
import { type Mac, macFromBytes, macToBytes } from "../addr/mac.ts";
import { Reader, WireError, Writer } from "./bytes.ts";
import { collectOptions, type Dhcpv4Option, type Dhcpv4OptionOf, decodeOption, encodeOption } from "./dhcpv4-options.ts";

export type { ClasslessRoute, Dhcpv4Option, Dhcpv4OptionOf, Dhcpv4Type } from "./dhcpv4-options.ts";
export { encodeOption, encodeOptionData, OPTION_CODES } from "./dhcpv4-options.ts";

export const DHCPV4_SERVER_PORT = 67;
export const DHCPV4_CLIENT_PORT = 68;

const [BOOTREQUEST, BOOTREPLY, ETHERNET] = [1, 2, 1];
const MAGIC = 0x63825363;
const BROADCAST_FLAG = 0x8000;
const [SERVER_NAME, FILE] = [64, 128];
/** Where fields begin. */
const [CHADDR, AT_SERVER_NAME, AT_FILE, AT_OPTIONS] = [28, 44, 108, 240];
const OVERLOAD = 52;
const END = 255;
/** A BOOTP relay may drop a shorter message: RFC 1542 2.1. */
const SHORTEST = 300;
/** Messages lie in memory one behind the other: a piece of its own for each is the dearest part of making one. Longer ones make room. */
const [SLAB, USUAL] = [65_536, 576];
let [memory, used] = [new Uint8Array(0), 0];

export interface Dhcpv4Message {
  readonly op: "request" | "reply";
  readonly xid: number;
  /** Since the client began, 0..65535. */
  readonly secs: number;
  /** The client can't be reached by unicast yet. */
  readonly broadcast: boolean;
  /** The client's address, when it may use it. */
  readonly ciaddr: Ip4;
  /** The client's address by the server. */
  readonly yiaddr: Ip4;
  readonly siaddr: Ip4;
  readonly giaddr: Ip4;
  readonly chaddr: Mac;
  /** Each code once. */
  readonly options: readonly Dhcpv4Option[];
}

/** Reads a message; a missing END is tolerated. @throws WireError */
export function decodeDhcpv4(bytes: Uint8Array): Dhcpv4Message {
  const reader = new Reader(bytes);
  const [op, hardware, length] = [reader.uint8(), reader.uint8(), reader.uint8()];
  if (op !== BOOTREQUEST && op !== BOOTREPLY) throw new WireError(`op ${op} is neither request nor reply`, 0);
  if (hardware !== ETHERNET || length !== 6) throw new WireError("not from Ethernet", 1);
  reader.skip(1);
  const [xid, secs, flags] = [reader.uint32(), reader.uint16(), reader.uint16()];
  const [ciaddr, yiaddr, siaddr, giaddr] = [reader.ip4(), reader.ip4(), reader.ip4(), reader.ip4()];
  reader.skip(16);
  const chaddr = macFromBytes(bytes, CHADDR);
  reader.skip(SERVER_NAME + FILE);
  if (reader.uint32() !== MAGIC) throw new WireError("no DHCP: the magic cookie is missing", reader.offset - 4);
  const options = decodeOptions(bytes);
  const broadcast = (flags & BROADCAST_FLAG) !== 0;
  return { op: op === BOOTREQUEST ? "request" : "reply", xid, secs, broadcast, ciaddr, yiaddr, siaddr, giaddr, chaddr, options };
}

/** `first`: options that are encoded already, to stand before those of the message. */
export function encodeDhcpv4(message: Dhcpv4Message, first?: Uint8Array): Uint8Array {
  if (memory.length - used < USUAL) [memory, used] = [new Uint8Array(SLAB), 0];
  const writer = new Writer(memory.subarray(used, used + USUAL))
    .uint8(message.op === "request" ? BOOTREQUEST : BOOTREPLY)
    .uint8(ETHERNET)
    .uint8(6)
    .uint8(0);
  writer
    .uint32(message.xid)
    .uint16(message.secs)
    .uint16(message.broadcast ? BROADCAST_FLAG : 0);
  for (const address of [message.ciaddr, message.yiaddr, message.siaddr, message.giaddr]) writer.ip4(address);
  writer
    .bytes(macToBytes(message.chaddr))
    .zeros(10 + SERVER_NAME + FILE)
    .uint32(MAGIC);
  if (first) writer.bytes(first);
  for (const option of message.options) encodeOption(writer, option);
  writer.uint8(END);
  const bytes = writer.zeros(Math.max(0, SHORTEST - writer.length)).view();
  used += Math.min(bytes.length, USUAL);
  return bytes;
}

/** The option of that kind, if the message has it. */
export function optionOf<Kind extends Dhcpv4Option["kind"]>(message: Dhcpv4Message, kind: Kind): Dhcpv4OptionOf<Kind> | undefined {
  return message.options.find((option): option is Dhcpv4OptionOf<Kind> => option.kind === kind);
}

/** First the options' own field, then the file's, then the server's name (RFC 3396 section 5). */
function decodeOptions(bytes: Uint8Array): Dhcpv4Option[] {
  const joined = new Map<number, Uint8Array>();
  collectOptions(bytes.subarray(AT_OPTIONS), joined);
  const overload = joined.get(OVERLOAD)?.[0] ?? 0;
  joined.delete(OVERLOAD);
  if ((overload & 1) !== 0) collectOptions(bytes.subarray(AT_FILE, AT_FILE + FILE), joined);
  if ((overload & 2) !== 0) collectOptions(bytes.subarray(AT_SERVER_NAME, AT_SERVER_NAME + SERVER_NAME), joined);
  const options: Dhcpv4Option[] = [];
  for (const [code, data] of joined) options.push(decodeOption(code, data));
  return options;
}
