/** What a scripted server says to a message of the client: a right answer by default, and anything else on demand. */
import type { Duid } from "../../src/addr/duid.ts";
import type { Ip6 } from "../../src/addr/ip.ts";
import type { Prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { HOME, iaAddress, iaNaWith, iaPdWith, iaPrefix, SERVER, status } from "../../src/machines/dhcpv6-client.fixture.ts";
import {
  type ClientServerMessage,
  type Dhcpv6Kind,
  type Dhcpv6Option,
  encodeDhcpv6,
  type OptionKind,
  optionOf,
  optionsOf,
  type STATUS,
} from "../../src/wire/dhcpv6.ts";
import { ip6 } from "../../src/addr/ip.ts";

export type StatusName = keyof typeof STATUS;

/** How an answer differs from the right one. */
export interface Answer {
  /** By default an Advertise to a Solicit and a Reply to all else. */
  readonly kind?: Dhcpv6Kind;
  /** What each IA_PD that was asked for gets: a prefix with the lifetimes below, or a whole option. HOME by default; empty: nothing. */
  readonly prefixes?: readonly (Prefix | Dhcpv6Option)[];
  /** The same for each IA_NA; without it an IA_NA gets NoAddrsAvail. */
  readonly addresses?: readonly (Ip6 | Dhcpv6Option)[];
  /** Seconds; 150 and 300 by default. */
  readonly preferred?: number;
  readonly valid?: number;
  /** Of each IA, seconds; 0 by default. */
  readonly t1?: number;
  readonly t2?: number;
  /** Instead of all IAs made from the values above. */
  readonly ias?: readonly Dhcpv6Option[];
  /** Of the whole message; none by default, but Success where only a status is answered. */
  readonly status?: StatusName;
  /** By default the one that was asked. */
  readonly server?: Duid;
  readonly client?: Duid;
  /** RESOLVERS by default; empty: none is named. */
  readonly resolvers?: readonly Ip6[];
  readonly transactionId?: number;
  /** Put behind the others. */
  readonly options?: readonly Dhcpv6Option[];
  /** Options that are left out, wherever in the message they would be. */
  readonly without?: readonly OptionKind[];
  /** Has the last word on the octets. */
  readonly bytes?: (bytes: Uint8Array) => Uint8Array;
}

/** What the named provider tells besides. */
export const RESOLVERS = [ip6("2606:4700:4700::1111"), ip6("2001:4860:4860::8888")];

/** The UDP payload of an answer. */
export function encodeAnswer(question: ClientServerMessage, answer: Answer = {}): Uint8Array {
  const message = answerMessage(question, answer);
  const bytes = encodeDhcpv6(message);
  return answer.bytes ? answer.bytes(bytes) : bytes;
}

/** An answer before it is encoded. */
function answerMessage(question: ClientServerMessage, answer: Answer = {}): ClientServerMessage {
  const client = answer.client ?? optionOf(question, "client-id")?.duid;
  const { resolvers = RESOLVERS } = answer;
  const options: readonly Dhcpv6Option[] = [
    ...(client === undefined ? [] : [{ kind: "client-id", duid: client } as const]),
    { kind: "server-id", duid: answer.server ?? optionOf(question, "server-id")?.duid ?? SERVER },
    ...statusFor(question, answer),
    ...(answer.ias ?? iasFor(question, answer)),
    ...(isGoodbye(question) || resolvers.length === 0 ? [] : [{ kind: "dns-servers", addresses: resolvers } as const]),
    ...(answer.options ?? []),
  ];
  return {
    kind: answer.kind ?? (question.kind === "solicit" ? "advertise" : "reply"),
    transactionId: answer.transactionId ?? question.transactionId,
    options: options.filter(({ kind }) => !answer.without?.includes(kind)),
  };
}

/** RFC 8415 18.3.3, 18.3.6, 18.3.7: these are answered by a status alone. */
const isGoodbye = ({ kind }: ClientServerMessage): boolean => kind === "confirm" || kind === "release" || kind === "decline";

function statusFor(question: ClientServerMessage, answer: Answer): readonly Dhcpv6Option[] {
  if (answer.status !== undefined) return [status(answer.status, `${answer.status} it is`)];
  return isGoodbye(question) ? [status("Success")] : [];
}

function iasFor(question: ClientServerMessage, answer: Answer): readonly Dhcpv6Option[] {
  if (isGoodbye(question)) return [];
  const { preferred = 150, valid = 300, t1 = 0, t2 = 0, prefixes = [HOME], addresses } = answer;
  const lifetimes = { preferred: preferred as Seconds, valid: valid as Seconds };
  const delegations = prefixes.map((each) => (typeof each === "string" ? iaPrefix(each, lifetimes) : each));
  const leases = addresses?.map((each) => (typeof each === "string" ? iaAddress(each, lifetimes) : each));
  return [
    ...optionsOf(question, "ia-na").map(({ iaid }) => iaNaWith(leases ?? [status("NoAddrsAvail")], { t1, t2, iaid })),
    ...optionsOf(question, "ia-pd").map(({ iaid }) => iaPdWith(delegations, { t1, t2, iaid })),
  ];
}
