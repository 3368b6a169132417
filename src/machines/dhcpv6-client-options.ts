/** What a DHCPv6 client is made with, and what it is told. */
import type { Duid } from "../addr/duid.ts";
import type { Ip6 } from "../addr/ip.ts";
import type { Random } from "../addr/random.ts";
import type { Instant } from "../addr/time.ts";
import { type IaKey, sameIa } from "./dhcpv6-client-bindings.ts";
import type { Packet, Tick } from "./machine.ts";
import type { RateLimit } from "./rate-limit.ts";

export interface Dhcpv6ClientOptions {
  readonly random: Random;
  readonly duid: Duid;
  /** IAIDs number addresses and prefixes independently, RFC 8415 section 12. */
  readonly iaidPrefix: number;
  readonly iaidAddress: number;
  /** More IA_PDs than one, each with an IAID of its own. */
  readonly furtherIaidPrefixes?: readonly number[];
  /** Length of the prefix asked for. */
  readonly prefixHint: number;
  /** Ask for IA_PD: always (the default), when an RA has the M or O flag, or never: then only other configuration is asked for. */
  readonly requestPrefix?: "always" | "auto" | "never";
  /** Ask for IA_NA: when an RA has the M flag, always, or never. */
  readonly requestAddress: "auto" | "always" | "never";
  readonly rapidCommit: boolean;
  readonly rateLimit?: RateLimit;
}

export type Dhcpv6ClientInput =
  | Packet
  | Tick
  /** `up`: carrier and a usable link-local address. `since`: when the link itself came up; the random first delay counts from then. */
  | { readonly kind: "link"; readonly up: boolean; readonly since?: Instant }
  /** What this machine has handed out in its latest answer has left at this moment. */
  | { readonly kind: "sent" }
  /** The machine was suspended. */
  | { readonly kind: "resume" }
  /** Flags of an RA. */
  | { readonly kind: "flags"; readonly managed: boolean; readonly other: boolean }
  /** The provider gave a sign of life after a silence. */
  | { readonly kind: "provider-heard" }
  /** Another node uses the address. */
  | { readonly kind: "duplicate"; readonly address: Ip6 }
  /** The owner gives the leases back; nothing is asked for until `refresh` or a restart. */
  | { readonly kind: "release" }
  /** The owner wants the provider asked now. */
  | { readonly kind: "refresh" };

/** Flags of the RAs heard so far; once set they stay: RFC 7084bis WAA-12. */
export interface Flags {
  readonly managed: boolean;
  readonly other: boolean;
}

/** The IAs that are asked for: as configured, and those that are bound already. */
export function wantedIas(options: Dhcpv6ClientOptions, { managed, other }: Flags, bound: readonly IaKey[]): readonly IaKey[] {
  const { requestPrefix = "always", requestAddress } = options;
  const prefix = requestPrefix === "always" || (requestPrefix === "auto" && (managed || other));
  const address = requestAddress === "always" || (requestAddress === "auto" && managed);
  return permittedIas(options).filter((ia) => (ia.kind === "ia-pd" ? prefix : address) || bound.some((one) => sameIa(one, ia)));
}

/** The IAs that may be asked for at all; bindings of others, from an earlier run, are not ours. */
export function permittedIas(options: Dhcpv6ClientOptions): readonly IaKey[] {
  const { iaidPrefix, iaidAddress, furtherIaidPrefixes = [], requestPrefix, requestAddress } = options;
  const prefixes = requestPrefix === "never" ? [] : [iaidPrefix, ...furtherIaidPrefixes];
  const addresses = requestAddress === "never" ? [] : [iaidAddress];
  return [...prefixes.map((iaid) => ({ kind: "ia-pd", iaid }) as const), ...addresses.map((iaid) => ({ kind: "ia-na", iaid }) as const)];
}
