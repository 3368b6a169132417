/** The names of the home: who is called what, with the addresses of each. One label each, clean, and never that of another device that is there. */
import type { Ip, Ip4, Ip6 } from "../addr/ip.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Prefix4 } from "../addr/prefix4.ts";
import type { Instant } from "../addr/time.ts";

/** A name with the addresses that it stands for. */
export interface LocalName {
  /** One label, in lower case. */
  readonly name: string;
  readonly ip4: readonly Ip4[];
  /** Stable ones in prefixes that are not deprecated. */
  readonly ip6: readonly { readonly address: Ip6; readonly preferredUntil: Instant }[];
}

/** Who is called what at this moment. */
export interface LocalNames {
  /** `label` in lower case. */
  find(label: string, now: Instant): LocalName | undefined;
  /** The label of who has this address, which may be one that the name does not stand for: a temporary one. */
  nameOf(address: Ip): string | undefined;
  /** The networks of the home: nobody else can know the names of addresses in them. */
  readonly networks: readonly (Prefix | Prefix4)[];
}

const LONGEST_LABEL = 63;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
/** The router answers to this one as well, whatever it is called. */
export const ROUTER_LABEL = "router";
/** Names by which devices look for something that nobody on the LAN may claim to be: RFC 6761, proxy discovery, RFC 5214, RFC 6762. */
const RESERVED: readonly string[] = ["localhost", "wpad", "isatap", "local", "home", "lan", "gateway", ROUTER_LABEL];

/**
 * The label for what a device calls itself: in lower case, with "-" for what a host name can't hold; undefined when nothing usable is left, when it is a
 * name with dots (which could stand for another domain), or a reserved one.
 */
export function parseLabel(said: string): string | undefined {
  if (said.includes(".")) return undefined;
  const plain = said
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[\u0300-\u036f'’]/g, "")
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, LONGEST_LABEL)
    .replaceAll(/^-+|-+$/g, "");
  return LABEL.test(plain) && !RESERVED.includes(plain) ? plain : undefined;
}

/** The label for the n-th device that wants the same one: 2 for the second. */
export function numberedLabel(label: string, number: number): string {
  const ending = `-${number}`;
  return label.slice(0, LONGEST_LABEL - ending.length).replace(/-+$/, "") + ending;
}
