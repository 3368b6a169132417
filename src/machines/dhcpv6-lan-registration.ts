/** Addresses that hosts made themselves and register with the server of their LAN: RFC 9686 section 4. */
import type { Duid } from "../addr/duid.ts";
import { isMulticast } from "../addr/ip.ts";
import { contains, prefixOf } from "../addr/prefix.ts";
import { after, type Instant, type Seconds, seconds } from "../addr/time.ts";
import { WireError } from "../wire/bytes.ts";
import { type ClientServerMessage, decodeDhcpv6, type Dhcpv6Message, type IaAddress, MESSAGE_TYPES, optionOf } from "../wire/dhcpv6.ts";
import type { Asker, LanBindings } from "./dhcpv6-lan-bindings.ts";
import type { LanService } from "./dhcpv6-lan-service.ts";
import type { Packet } from "./machine.ts";

/** A registration is repeated well before its end; one that never ends is forgotten after a week of silence. */
const LONGEST = (7 * 86_400) as Seconds;

/** What a host registers. */
export interface Registration {
  readonly message: ClientServerMessage;
  readonly client: Duid;
  readonly address: IaAddress;
}

export const isRegistration = ({ bytes }: Packet): boolean => bytes[0] === MESSAGE_TYPES["addr-reg-inform"];

/** The registration in `packet`, or in a few words why it is discarded: section 4.2.1. */
export function acceptRegistration(packet: Packet, { subnets }: LanService): Registration | string {
  if (!isMulticast(packet.to)) return "it was sent by unicast";
  const message = decode(packet.bytes);
  if (typeof message === "string") return message;
  const client = optionOf(message, "client-id")?.duid;
  const address = optionOf(message, "ia-address");
  if (message.kind !== "addr-reg-inform" || client === undefined) return "it has no Client Identifier";
  if (optionOf(message, "server-id")) return "a registration has no Server Identifier";
  if (!address) return "it names no address";
  if (address.address !== packet.from) return "its source is not the address that it registers";
  if (!subnets.some(({ prefix }) => contains(prefix, address.address))) return "its address is not of this link";
  return { message, client, address };
}

/** Keeps the registration, if there is room for it, and makes the answer: section 4.3. */
export function register(
  { message, client, address }: Registration,
  asker: Asker,
  bindings: LanBindings,
  now: Instant,
): ClientServerMessage {
  const valid = Math.min(address.valid, LONGEST);
  if (valid > 0 && bindings.hasRoom(asker)) {
    bindings.lease(asker, address.address, [{ prefix: prefixOf(address.address, 128), until: after(now, seconds(valid)) }], now);
  }
  const { transactionId } = message;
  return { kind: "addr-reg-reply", transactionId, options: [{ kind: "client-id", duid: client }, address] };
}

/** All that one host registers on a link stands in one binding. */
export const registrar = (link: string, duid: Duid): Asker => ({ link, kind: "addr-reg", duid, iaid: 0 });

function decode(bytes: Uint8Array): Dhcpv6Message | string {
  try {
    return decodeDhcpv6(bytes);
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
}
