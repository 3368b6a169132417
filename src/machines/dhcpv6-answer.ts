/** What a DHCPv6 server says to an accepted message (RFC 8415 18.3, kept by RFC 9915), whatever it leases: that is in the hands of a `Leasing`. */
import type { Duid } from "../addr/duid.ts";
import { type Ip6, UNSPECIFIED } from "../addr/ip.ts";
import { type Prefix, prefixAddress, prefixOf } from "../addr/prefix.ts";
import type { Seconds } from "../addr/time.ts";
import {
  type ClientServerMessage,
  codeOf,
  type Dhcpv6Kind,
  type Dhcpv6Option,
  type IaNa,
  type IaPd,
  optionOf,
  optionsOf,
  STATUS,
} from "../wire/dhcpv6.ts";
import type { Accepted } from "./dhcpv6-acceptance.ts";

export type Ia = IaNa | IaPd;

/** How identity associations of one message are treated: what comes back has the associations that are to be mentioned. */
export interface Leasing {
  /** What an Advertise says: nothing is leased. */
  offer(ias: readonly Ia[]): readonly Ia[];
  grant(ias: readonly Ia[]): readonly Ia[];
  /** Renew and Rebind. */
  extend(ias: readonly Ia[]): readonly Ia[];
  /** Ends the leases; the associations that have none. `declined`: somebody else uses the addresses. */
  takeBack(ias: readonly Ia[], declined: boolean): readonly Ia[];
  /** Whether the link has all of these addresses; undefined when that can't be judged. */
  isOnLink(addresses: readonly Ip6[]): boolean | undefined;
}

export interface Answering {
  readonly server: Duid;
  /** 0..255; 0 is not sent. */
  readonly preference: number;
  readonly rapidCommit: boolean;
  /** Given to who asks for them, RFC 8415 21.7. */
  readonly configuration: readonly Dhcpv6Option[];
}

const NO_TIME = 0 as Seconds;

/** The answer; undefined for silence. */
export function answer({ message, client }: Accepted, leasing: Leasing, answering: Answering): ClientServerMessage | undefined {
  const configuration = wanted(message, answering.configuration);
  const reply = (options: readonly Dhcpv6Option[], kind: Dhcpv6Kind = "reply") => respond(message, client, answering, options, kind);
  const leased = (ias: readonly Ia[]) => {
    // Silence when there is nothing to say about any of the leases.
    const isMute = ias.length === 0 && associations(message).length > 0;
    return isMute ? undefined : reply([...ias, ...configuration]);
  };
  switch (message.kind) {
    case "information-request":
      return reply(configuration);
    case "solicit": {
      if (answering.rapidCommit && optionOf(message, "rapid-commit")) {
        const committed = leased(leasing.grant(associations(message)));
        return committed && { ...committed, options: [...committed.options, { kind: "rapid-commit" }] };
      }
      const { preference } = answering;
      const rank: Dhcpv6Option[] = preference > 0 ? [{ kind: "preference", value: preference }] : [];
      return reply([...leasing.offer(associations(message)), ...rank, ...configuration], "advertise");
    }
    case "request":
      return leased(leasing.grant(associations(message)));
    case "renew":
    case "rebind":
      return leased(leasing.extend(associations(message)));
    case "confirm": {
      const status = confirmation(message, leasing);
      return status && reply([status]);
    }
    case "release":
    case "decline": {
      const unknown = leasing.takeBack(associations(message), message.kind === "decline");
      return reply([{ kind: "status-code", status: STATUS.Success, message: "done" }, ...unknown]);
    }
  }
}

/** Prefixes or addresses (as prefixes of length 128) that the client names; an unspecified one is only a wish for a length. */
export function namedIn(ia: Ia): readonly Prefix[] {
  const named =
    ia.kind === "ia-pd"
      ? optionsOf(ia, "ia-prefix").map(({ prefix }) => prefix)
      : optionsOf(ia, "ia-address").map(({ address }) => prefixOf(address, 128));
  return named.filter((prefix) => prefixAddress(prefix) !== UNSPECIFIED);
}

/** `prefix` with its lifetimes, as an option of an association of this kind. */
export function leaseOption(kind: Ia["kind"], prefix: Prefix, preferred: Seconds, valid: Seconds): Dhcpv6Option {
  const lifetimes = { preferred, valid, options: [] };
  if (kind === "ia-pd") return { kind: "ia-prefix", prefix, ...lifetimes };
  return { kind: "ia-address", address: prefixAddress(prefix), ...lifetimes };
}

/** `prefix` as one that does not hold any more. */
export const withdrawnOption = (kind: Ia["kind"], prefix: Prefix): Dhcpv6Option => leaseOption(kind, prefix, NO_TIME, NO_TIME);

const REFUSALS = {
  "ia-pd": { status: STATUS.NoPrefixAvail, message: "no prefix is left" },
  "ia-na": { status: STATUS.NoAddrsAvail, message: "no address is left" },
} as const;

/** `ia` with nothing to lease; `withdrawn` is what the client may still hold. */
export function refused(ia: Ia, withdrawn: readonly Prefix[]): Ia {
  const status: Dhcpv6Option = { kind: "status-code", ...REFUSALS[ia.kind] };
  return { ...ia, t1: NO_TIME, t2: NO_TIME, options: [status, ...withdrawn.map((each) => withdrawnOption(ia.kind, each))] };
}

/** `ia` as one that has no lease here. */
export function unbound(ia: Ia): Ia {
  const status: Dhcpv6Option = { kind: "status-code", status: STATUS.NoBinding, message: "this lease is not known here" };
  return { ...ia, t1: NO_TIME, t2: NO_TIME, options: [status] };
}

/** Of the options that a server has, those that the client asks for. */
function wanted(message: ClientServerMessage, offered: readonly Dhcpv6Option[]): readonly Dhcpv6Option[] {
  const asked = new Set(optionOf(message, "oro")?.codes ?? []);
  return offered.filter((option) => asked.has(codeOf(option)));
}

/** RFC 8415 18.3.3: silence without an address, and where the server can't judge it. */
function confirmation(message: ClientServerMessage, leasing: Leasing): Dhcpv6Option | undefined {
  const addresses = optionsOf(message, "ia-na").flatMap((ia) => optionsOf(ia, "ia-address").map(({ address }) => address));
  const onLink = addresses.length === 0 ? undefined : leasing.isOnLink(addresses);
  if (onLink === undefined) return undefined;
  return onLink
    ? { kind: "status-code", status: STATUS.Success, message: "all addresses are on this link" }
    : { kind: "status-code", status: STATUS.NotOnLink, message: "an address is not on this link" };
}

function respond(
  { transactionId }: ClientServerMessage,
  client: Duid | undefined,
  { server }: Answering,
  options: readonly Dhcpv6Option[],
  kind: Dhcpv6Kind,
): ClientServerMessage {
  const named: Dhcpv6Option[] = client ? [{ kind: "client-id", duid: client }] : [];
  return { kind, transactionId, options: [...named, { kind: "server-id", duid: server }, ...options] };
}

const associations = (message: ClientServerMessage): readonly Ia[] => [...optionsOf(message, "ia-na"), ...optionsOf(message, "ia-pd")];
