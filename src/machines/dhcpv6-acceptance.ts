/** Which messages a DHCPv6 server takes: RFC 8415 16.2 to 16.12 and section 14 (multicast only, RFC 9915). */
import type { Duid } from "../addr/duid.ts";
import { isMulticast } from "../addr/ip.ts";
import { WireError } from "../wire/bytes.ts";
import { type ClientServerMessage, decodeDhcpv6, type Dhcpv6Message, optionOf, optionsOf } from "../wire/dhcpv6.ts";
import type { Packet } from "./machine.ts";

/** A message that may be answered. */
export interface Accepted {
  readonly message: ClientServerMessage & { readonly kind: Leasing | "information-request" };
  /** Absent only in an Information-request. */
  readonly client: Duid | undefined;
}

/** The messages about leases. */
type Leasing = keyof typeof RULES;

/** Whose Server Identifier a message of this type must carry. Types that are not here are not for a server. */
const RULES = {
  solicit: "none",
  request: "ours",
  confirm: "none",
  renew: "ours",
  rebind: "none",
  release: "ours",
  decline: "ours",
} as const;

/** The message in `packet`, or in a few words why it is discarded. */
export function accept(packet: Packet, server: Duid): Accepted | string {
  if (!isMulticast(packet.to)) return "it was sent by unicast";
  const message = decode(packet.bytes);
  if (typeof message === "string") return message;
  const client = optionOf(message, "client-id")?.duid;
  const named = optionOf(message, "server-id")?.duid;
  if (isInformationRequest(message)) return acceptInformationRequest(message, client, named, server);
  if (!isLeasing(message)) return `a ${message.kind} is not for a server`;
  const rule = RULES[message.kind];
  if (client === undefined) return "it has no Client Identifier";
  if (rule === "none" && named !== undefined) return `a ${message.kind} has no Server Identifier`;
  if (rule === "ours" && named !== server) return named ? "it is for another server" : "it has no Server Identifier";
  return { message, client };
}

type InformationRequest = ClientServerMessage & { readonly kind: "information-request" };

function acceptInformationRequest(
  message: InformationRequest,
  client: Duid | undefined,
  named: Duid | undefined,
  server: Duid,
): Accepted | string {
  if (named !== undefined && named !== server) return "it is for another server";
  if (optionsOf(message, "ia-na").length + optionsOf(message, "ia-pd").length > 0) return "an information-request asks for no lease";
  return { message, client };
}

const isInformationRequest = (message: Dhcpv6Message): message is InformationRequest => message.kind === "information-request";

const isLeasing = (message: Dhcpv6Message): message is ClientServerMessage & { readonly kind: Leasing } => message.kind in RULES;

function decode(bytes: Uint8Array): Dhcpv6Message | string {
  try {
    return decodeDhcpv6(bytes);
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
}
