/** The names of the home's devices: one label each, clean, and never that of another device that is there. */
import type { Ip4, Ip6 } from "../addr/ip.ts";
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
  find(label: string): LocalName | undefined;
  /** The label of the device that has this address; also of temporary ones, for the reverse. */
  nameOf(address: Ip4 | Ip6): string | undefined;
}

const LONGEST_LABEL = 63;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
/** Names by which devices look for something that nobody on the LAN may claim to be: RFC 6761, proxy discovery, RFC 5214, RFC 6762. */
const RESERVED: readonly string[] = ["localhost", "wpad", "isatap", "local", "home", "lan", "gateway", "router"];

/**
 * The label for what a device calls itself: in lower case, with "-" for what a host name can't hold; undefined when nothing usable is left, when it is a
 * name with dots (which could stand for another domain), or a reserved one. `taken` are names of the router itself.
 */
export function parseLabel(said: string, taken: readonly string[] = []): string | undefined {
  if (said.includes(".")) return undefined;
  const plain = said
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[\u0300-\u036f'’]/g, "")
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, LONGEST_LABEL)
    .replaceAll(/^-+|-+$/g, "");
  return LABEL.test(plain) && !RESERVED.includes(plain) && !taken.includes(plain) ? plain : undefined;
}

/** The label for the n-th device that wants the same one: 2 for the second. */
export function numberedLabel(label: string, number: number): string {
  const ending = `-${number}`;
  return label.slice(0, LONGEST_LABEL - ending.length).replace(/-+$/, "") + ending;
}
