/** DHCPv6 options as values (RFC 8415 section 21; RFC 3646, 4075, 4704, 5908, 6603, 7083, 8910, 9686). The codec is in dhcpv6-option-codec.ts. */
import type { Duid } from "../addr/duid.ts";
import type { Ip6 } from "../addr/ip.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Seconds } from "../addr/time.ts";

export type Dhcpv6Option =
  | { readonly kind: "client-id"; readonly duid: Duid }
  | { readonly kind: "server-id"; readonly duid: Duid }
  | IaNa
  | IaPd
  | IaAddress
  | IaPrefix
  /** RFC 6603, only inside an ia-prefix: the part of that prefix which the provider keeps. */
  | { readonly kind: "pd-exclude"; readonly prefix: Prefix }
  /** Option request: the codes of wanted options. */
  | { readonly kind: "oro"; readonly codes: readonly number[] }
  /** 0..255. */
  | { readonly kind: "preference"; readonly value: number }
  /** Hundredths of a second since the exchange began, 0..0xffff. */
  | { readonly kind: "elapsed-time"; readonly hundredths: number }
  | Auth
  | StatusCode
  | { readonly kind: "rapid-commit" }
  /** The message type with which the client shall answer: 5 Renew, 6 Rebind, 11 Information-request. */
  | { readonly kind: "reconfigure-message"; readonly messageType: number }
  | { readonly kind: "reconfigure-accept" }
  | { readonly kind: "dns-servers"; readonly addresses: readonly Ip6[] }
  /** Names without the final dot. */
  | { readonly kind: "domain-list"; readonly domains: readonly string[] }
  | { readonly kind: "sntp-servers"; readonly addresses: readonly Ip6[] }
  | { readonly kind: "information-refresh-time"; readonly time: Seconds }
  /** RFC 4704 4: what the client calls itself. `flags` are N, O and S from bit 2 down; `labels` may hold any octets; a name that ends in the root is `whole`. */
  | { readonly kind: "client-fqdn"; readonly flags: number; readonly labels: readonly string[]; readonly whole: boolean }
  /** RFC 9686 4.1: the server takes registrations of addresses that clients made themselves. */
  | { readonly kind: "addr-reg-enable" }
  | { readonly kind: "ntp-server"; readonly servers: readonly NtpServer[] }
  | { readonly kind: "sol-max-rt"; readonly time: Seconds }
  | { readonly kind: "inf-max-rt"; readonly time: Seconds }
  | { readonly kind: "vendor-class"; readonly enterprise: number; readonly data: readonly Uint8Array[] }
  | { readonly kind: "vendor-opts"; readonly enterprise: number; readonly data: Uint8Array }
  | { readonly kind: "captive-portal"; readonly uri: string }
  /** Only in relay messages: the message that is carried. */
  | { readonly kind: "relay-message"; readonly message: Uint8Array }
  /** Not known here, or known but not where it stands. */
  | { readonly kind: "unknown"; readonly code: number; readonly data: Uint8Array }
  /** Known, but its content breaks its own format; to be ignored, the message stays valid. */
  | { readonly kind: "malformed"; readonly code: number; readonly data: Uint8Array };

/** Identity association for non-temporary addresses, RFC 8415 21.4. */
export interface IaNa {
  readonly kind: "ia-na";
  readonly iaid: number;
  readonly t1: Seconds;
  readonly t2: Seconds;
  readonly options: readonly Dhcpv6Option[];
}

/** Identity association for prefix delegation, RFC 8415 21.21. */
export interface IaPd {
  readonly kind: "ia-pd";
  readonly iaid: number;
  readonly t1: Seconds;
  readonly t2: Seconds;
  readonly options: readonly Dhcpv6Option[];
}

/** RFC 8415 21.6: inside an ia-na, or alone in the messages of RFC 9686. */
export interface IaAddress {
  readonly kind: "ia-address";
  readonly address: Ip6;
  readonly preferred: Seconds;
  readonly valid: Seconds;
  readonly options: readonly Dhcpv6Option[];
}

/** RFC 8415 21.22, only inside an ia-pd; the host bits of the prefix are zero, its length is 1..128. */
export interface IaPrefix {
  readonly kind: "ia-prefix";
  readonly prefix: Prefix;
  readonly preferred: Seconds;
  readonly valid: Seconds;
  readonly options: readonly Dhcpv6Option[];
}

/** RFC 8415 21.11. */
export interface Auth {
  readonly kind: "auth";
  readonly protocol: number;
  readonly algorithm: number;
  /** Replay detection method. */
  readonly rdm: number;
  readonly replay: bigint;
  readonly information: Uint8Array;
}

/** RFC 8415 21.13. */
export interface StatusCode {
  readonly kind: "status-code";
  readonly status: number;
  readonly message: string;
}

/** RFC 5908 section 4. */
export type NtpServer =
  | { readonly kind: "address"; readonly address: Ip6 }
  | { readonly kind: "multicast"; readonly address: Ip6 }
  | { readonly kind: "name"; readonly name: string };

export type OptionKind = Dhcpv6Option["kind"];

export type OptionOf<Kind extends OptionKind> = Extract<Dhcpv6Option, { readonly kind: Kind }>;

/** Option numbers (IANA registry "DHCPv6 Option Codes"). */
export const OPTION_CODES = {
  "client-id": 1,
  "server-id": 2,
  "ia-na": 3,
  "ia-address": 5,
  oro: 6,
  preference: 7,
  "elapsed-time": 8,
  "relay-message": 9,
  auth: 11,
  "status-code": 13,
  "rapid-commit": 14,
  "vendor-class": 16,
  "vendor-opts": 17,
  "reconfigure-message": 19,
  "reconfigure-accept": 20,
  "dns-servers": 23,
  "domain-list": 24,
  "ia-pd": 25,
  "ia-prefix": 26,
  "sntp-servers": 31,
  "information-refresh-time": 32,
  "client-fqdn": 39,
  "ntp-server": 56,
  "pd-exclude": 67,
  "sol-max-rt": 82,
  "inf-max-rt": 83,
  "captive-portal": 103,
  "addr-reg-enable": 148,
} as const satisfies Record<Exclude<OptionKind, "unknown" | "malformed">, number>;

/** RFC 8415 21.13; 5 (UseMulticast) is obsolete. */
export const STATUS = {
  Success: 0,
  UnspecFail: 1,
  NoAddrsAvail: 2,
  NoBinding: 3,
  NotOnLink: 4,
  NoPrefixAvail: 6,
} as const;

/** The number of an option. */
export function codeOf(option: Dhcpv6Option): number {
  return option.kind === "unknown" || option.kind === "malformed" ? option.code : OPTION_CODES[option.kind];
}

/** Anything with options: a message, an identity association, an address or prefix in it. */
export interface OptionHolder {
  readonly options: readonly Dhcpv6Option[];
}

/** The first option of that kind: a repeated option counts once (RFC 8415 section 21). */
export function optionOf<Kind extends OptionKind>(holder: OptionHolder, kind: Kind): OptionOf<Kind> | undefined {
  return holder.options.find((option): option is OptionOf<Kind> => option.kind === kind);
}

/** All options of that kind, in their order. */
export function optionsOf<Kind extends OptionKind>(holder: OptionHolder, kind: Kind): readonly OptionOf<Kind>[] {
  return holder.options.filter((option): option is OptionOf<Kind> => option.kind === kind);
}

/** The status of a message, identity association, address or prefix: Success when it carries none (RFC 8415 21.13). */
export function statusOf(holder: OptionHolder): StatusCode {
  return optionOf(holder, "status-code") ?? { kind: "status-code", status: STATUS.Success, message: "" };
}
