/** For tests: a provider's DHCPv6 server, and messages as its clients send them. */
import { type Duid, parseDuid } from "../addr/duid.ts";
import { ALL_DHCP_SERVERS, type Ip6, ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { type Instant, instant, type Seconds } from "../addr/time.ts";
import {
  type ClientServerMessage,
  decodeDhcpv6,
  type Dhcpv6Kind,
  type Dhcpv6Option,
  encodeDhcpv6,
  type IaPd,
  optionOf,
  optionsOf,
} from "../wire/dhcpv6.ts";
import type { Dhcpv6ServerFact, Dhcpv6ServerInput, Dhcpv6ServerOptions } from "./dhcpv6-server.ts";
import type { Machine, Output } from "./machine.ts";

export const START = instant(1_000_000);
export const SERVER = parseDuid("0004:11111111111111111111111111111111")!;
export const CLIENT = parseDuid("0003:0001:020000000001")!;
export const OTHER = parseDuid("0003:0001:020000000002")!;
export const ROUTER = ip6("fe80::1");
export const POOL = prefix("2605:59c8:1200::/48");
export const FIRST = prefix("2605:59c8:1200::/56");

export const OPTIONS: Dhcpv6ServerOptions = {
  duid: SERVER,
  preference: 0,
  delegation: { prefix: POOL, length: 56 },
  preferred: 150 as Seconds,
  valid: 300 as Seconds,
  t1: 0 as Seconds,
  t2: 0 as Seconds,
  resolvers: [ip6("2606:4700:4700::1111")],
  searchDomains: [],
  rapidCommit: false,
  formerPrefixes: "withdraw",
  strangers: "no-binding",
};

type Server = Machine<Dhcpv6ServerInput, Dhcpv6ServerFact>;

export interface Asking {
  readonly client?: Duid;
  readonly server?: Duid;
  readonly to?: Ip6;
  readonly options?: readonly Dhcpv6Option[];
}

/** The message as it arrives at the server. */
export function packet(kind: Dhcpv6Kind, { client = CLIENT, server, to = ALL_DHCP_SERVERS, options = [] }: Asking = {}): Dhcpv6ServerInput {
  const ids: Dhcpv6Option[] = [{ kind: "client-id", duid: client }];
  if (server) ids.push({ kind: "server-id", duid: server });
  return raw(encodeDhcpv6({ kind, transactionId: 0xabcdef, options: [...ids, ...options] }), to);
}

export function raw(bytes: Uint8Array, to = ALL_DHCP_SERVERS): Dhcpv6ServerInput {
  return { kind: "packet", from: ROUTER, to, hopLimit: 1, sourcePort: 546, bytes };
}

export function answerIn(outputs: readonly Output<Dhcpv6ServerFact>[]): ClientServerMessage | undefined {
  const sent = outputs.find((output) => output.kind === "send");
  return sent && (decodeDhcpv6(sent.bytes) as ClientServerMessage);
}

export function ask(server: Server, kind: Dhcpv6Kind, asking: Asking = {}, now: Instant = START): ClientServerMessage | undefined {
  return answerIn(server.handle(packet(kind, asking), now));
}

/** An IA_PD that names these prefixes. */
export function iaPd(named: readonly string[] = [], iaid = 1): IaPd {
  const none = { preferred: 0 as Seconds, valid: 0 as Seconds, options: [] };
  return {
    kind: "ia-pd",
    iaid,
    t1: 0 as Seconds,
    t2: 0 as Seconds,
    options: named.map((text) => ({ kind: "ia-prefix", prefix: prefix(text), ...none })),
  };
}

export function iaNa(addresses: readonly string[] = []): Dhcpv6Option {
  const none = { preferred: 0 as Seconds, valid: 0 as Seconds, options: [] };
  return {
    kind: "ia-na",
    iaid: 1,
    t1: 0 as Seconds,
    t2: 0 as Seconds,
    options: addresses.map((text) => ({ kind: "ia-address", address: ip6(text), ...none })),
  };
}

/** The prefixes of the first IA_PD as "prefix preferred/valid". */
export function prefixesIn(message: ClientServerMessage | undefined): string[] {
  const ia = message && optionOf(message, "ia-pd");
  return ia ? optionsOf(ia, "ia-prefix").map((each) => `${each.prefix} ${each.preferred}/${each.valid}`) : [];
}

/** Solicit and Request; the delegated prefix. */
export function delegate(server: Server, asking: Asking & { readonly iaid?: number } = {}, now: Instant = START): string {
  const offered = ask(server, "solicit", { ...asking, options: [iaPd([], asking.iaid)] }, now);
  const ia = optionOf(offered!, "ia-pd")!;
  const reply = ask(server, "request", { ...asking, server: SERVER, options: [ia] }, now);
  return optionOf(optionOf(reply!, "ia-pd")!, "ia-prefix")!.prefix;
}

export function factIn(outputs: readonly Output<Dhcpv6ServerFact>[]): Dhcpv6ServerFact | undefined {
  return outputs.find((output) => output.kind === "fact")?.fact;
}
