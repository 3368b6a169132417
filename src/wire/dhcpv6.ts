/** DHCPv6 messages, RFC 8415 sections 8 and 9 (kept by RFC 9915); ADDR-REG-INFORM and its reply, RFC 9686 section 4. */
import type { Ip6 } from "../addr/ip.ts";
import { Reader, WireError, Writer } from "./bytes.ts";
import { decodeOptions, encodeOptions } from "./dhcpv6-option-codec.ts";
import type { Dhcpv6Option, OptionHolder } from "./dhcpv6-options.ts";

export * from "./dhcpv6-options.ts";

/** UDP ports, RFC 8415 7.2. */
export const CLIENT_PORT = 546;
export const SERVER_PORT = 547;

/** Message numbers, RFC 8415 7.3. */
export const MESSAGE_TYPES = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  decline: 9,
  reconfigure: 10,
  "information-request": 11,
  "addr-reg-inform": 36,
  "addr-reg-reply": 37,
} as const;

const RELAY_TYPES = { "relay-forward": 12, "relay-reply": 13 } as const;

export type Dhcpv6Kind = keyof typeof MESSAGE_TYPES;

export type Dhcpv6Message = ClientServerMessage | RelayMessage;

/** What clients and servers say to each other. */
export interface ClientServerMessage extends OptionHolder {
  readonly kind: Dhcpv6Kind;
  /** 24 bits; 0 in a Reconfigure. */
  readonly transactionId: number;
}

/** What relay agents and servers say to each other. */
export interface RelayMessage extends OptionHolder {
  readonly kind: keyof typeof RELAY_TYPES;
  readonly hopCount: number;
  readonly linkAddress: Ip6;
  readonly peerAddress: Ip6;
}

/** The content of an option of a message, as it stands on the wire behind its length. @throws RangeError as `encodeDhcpv6` */
export function optionData(option: Dhcpv6Option): Uint8Array {
  const writer = new Writer();
  encodeOptions(writer, [option]);
  return writer.finish().subarray(4);
}

const KINDS = new Map(Object.entries(MESSAGE_TYPES).map(([kind, type]) => [type as number, kind as Dhcpv6Kind]));
const RELAY_KINDS = new Map(Object.entries(RELAY_TYPES).map(([kind, type]) => [type as number, kind as RelayMessage["kind"]]));

/**
 * Reads a UDP payload. An option whose content alone is wrong becomes "malformed" and the message stands. Lengths that lie, and identifiers,
 * identity associations or status codes that are cut, make the whole message invalid: what they would say must not be applied in part.
 * @throws WireError
 */
export function decodeDhcpv6(bytes: Uint8Array): Dhcpv6Message {
  const reader = new Reader(bytes);
  const type = reader.uint8();
  const relay = RELAY_KINDS.get(type);
  if (relay) {
    const header = { hopCount: reader.uint8(), linkAddress: reader.ip6(), peerAddress: reader.ip6() };
    return { kind: relay, ...header, options: decodeOptions(reader) };
  }
  const kind = KINDS.get(type);
  if (!kind) throw new WireError(`message type ${type} is unknown`, 0);
  const transactionId = (reader.uint8() << 16) | reader.uint16();
  return { kind, transactionId, options: decodeOptions(reader) };
}

/** The UDP payload of a message. @throws RangeError for an option that can't stand where it is or is too long. */
export function encodeDhcpv6(message: Dhcpv6Message): Uint8Array {
  const writer = new Writer();
  if ("transactionId" in message) {
    writer.uint8(MESSAGE_TYPES[message.kind]).uint8(message.transactionId >>> 16);
    writer.uint16(message.transactionId & 0xffff);
  } else {
    writer.uint8(RELAY_TYPES[message.kind]).uint8(message.hopCount);
    writer.ip6(message.linkAddress).ip6(message.peerAddress);
  }
  encodeOptions(writer, message.options);
  return writer.finish();
}
