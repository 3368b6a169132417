/** Which messages a DHCPv6 client listens to: RFC 8415 section 16, and 16.11 for Reconfigure. */
import type { Duid } from "../addr/duid.ts";
import { isMulticast } from "../addr/ip.ts";
import { WireError } from "../wire/bytes.ts";
import { type ClientServerMessage, decodeDhcpv6, MESSAGE_TYPES, optionOf } from "../wire/dhcpv6.ts";
import { isAuthentic, rkapOf } from "../wire/dhcpv6-auth.ts";
import type { ReconfigureKey } from "./dhcpv6-client-memory.ts";
import type { Packet } from "./machine.ts";

/** A message for us from a server that names itself. */
export interface Heard {
  readonly kind: "advertise" | "reply" | "reconfigure";
  readonly message: ClientServerMessage;
  readonly server: Duid;
}

/** A message that changes nothing, and why. */
export interface Ignored {
  readonly kind: "ignored";
  readonly why: string;
}

/** Reads a packet. Source address, source port and, but for Reconfigure, destination do not matter: providers differ in them. */
export function examine(packet: Packet, client: Duid): Heard | Ignored {
  const message = readMessage(packet.bytes);
  if (typeof message === "string") return ignored(message);
  const { kind } = message;
  if (kind !== "advertise" && kind !== "reply" && kind !== "reconfigure") return ignored(`a ${kind} is not for clients`);
  const server = optionOf(message, "server-id")?.duid;
  if (server === undefined) return ignored(`the ${kind} names no server`);
  if (optionOf(message, "client-id")?.duid !== client) return ignored(`the ${kind} is for another client`);
  return { kind, message, server };
}

/** What an authentic Reconfigure asks for. */
export interface ReconfigureOrder {
  readonly kind: "order";
  readonly activity: "renew" | "rebind" | "inform";
  /** The key with its new replay counter. */
  readonly key: ReconfigureKey;
}

/** Checks a Reconfigure against the key that its server gave us: RFC 8415 16.11 and 20.4.3. */
export function examineReconfigure(packet: Packet, heard: Heard, key: ReconfigureKey | undefined): ReconfigureOrder | Ignored {
  if (isMulticast(packet.to)) return ignored("a Reconfigure must not be multicast");
  if (key === undefined || key.server !== heard.server) return ignored("a Reconfigure of a server that gave no key");
  const auth = optionOf(heard.message, "auth");
  const rkap = auth && rkapOf(auth);
  if (rkap?.kind !== "digest") return ignored("a Reconfigure without authentication");
  if (rkap.replay <= key.replay) return ignored("a Reconfigure that was heard before");
  if (!isAuthentic(packet.bytes, key.value)) return ignored("a Reconfigure with a wrong digest");
  const activity = ORDERS.get(optionOf(heard.message, "reconfigure-message")?.messageType ?? 0);
  return activity
    ? { kind: "order", activity, key: { ...key, replay: rkap.replay } }
    : ignored("a Reconfigure that asks for nothing known");
}

const ORDERS: ReadonlyMap<number, ReconfigureOrder["activity"]> = new Map([
  [MESSAGE_TYPES.renew, "renew"],
  [MESSAGE_TYPES.rebind, "rebind"],
  [MESSAGE_TYPES["information-request"], "inform"],
]);

function readMessage(bytes: Uint8Array): ClientServerMessage | string {
  try {
    const message = decodeDhcpv6(bytes);
    return "transactionId" in message ? message : `a ${message.kind} is not for clients`;
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
}

function ignored(why: string): Ignored {
  return { kind: "ignored", why };
}
