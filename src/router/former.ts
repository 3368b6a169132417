/** What the kernel looked like before skylan touched it, kept so that `skylan down` can put it back. Written before the first change. */
import type { Json } from "../addr/json.ts";
import type { Config } from "../config/config.ts";
import type { Change } from "../diff/change.ts";
import type { KernelState, LinkFact } from "../plan/kernel-state.ts";

export interface Former {
  /** Path below /proc/sys to its value before our first change. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Interfaces that were down before we took them up. */
  readonly down: readonly string[];
}

export const NOTHING_FORMER: Former = { sysctls: {}, down: [] };

/** Turning forwarding on or off for the box turns it for each interface too, for new ones and for those that are none of ours. */
const GENERAL: Readonly<Record<string, string>> = {
  "net/ipv6/conf/all/forwarding": "net/ipv6/conf",
  "net/ipv4/ip_forward": "net/ipv4/conf",
};

/** Paths of the switches that these changes turn without naming them. */
export function carriedAlong(changes: readonly Change[], links: readonly LinkFact[]): readonly string[] {
  const folders = changes.flatMap((change) => (change.kind === "sysctl" ? (GENERAL[change.path] ?? []) : []));
  const names = ["default", ...links.map((link) => link.name)];
  return folders.flatMap((folder) => names.map((name) => `${folder}/${name}/forwarding`));
}

/**
 * `former` with what these changes are about to overwrite, and with the values of the switches that they carry along; the same object when they
 * overwrite nothing new.
 */
export function recordFormer(former: Former, changes: readonly Change[], carried: KernelState["sysctls"] = {}): Former {
  const sysctls = { ...carried, ...former.sysctls };
  const down = [...former.down];
  for (const change of changes) {
    if (change.kind === "sysctl" && change.from !== undefined && !(change.path in sysctls)) sysctls[change.path] = change.from;
    if (change.kind === "link-up" && !down.includes(change.interface)) down.push(change.interface);
  }
  const grown = Object.keys(sysctls).length > Object.keys(former.sysctls).length || down.length > former.down.length;
  return grown ? { sysctls, down } : former;
}

/** Switches of IPv4 alone, also one that lies elsewhere. */
const isOfIpv4 = (path: string): boolean => path.startsWith("net/ipv4/") || path === "net/netfilter/nf_conntrack_icmp_timeout";

/** What the owner has taken out of our hands: where IPv4 is off now, its switches with their former values. */
export function abandoned({ sysctls }: Former, { wan }: Config): KernelState["sysctls"] {
  return wan.ipv4 === "dhcp" ? {} : Object.fromEntries(Object.entries(sysctls).filter(([path]) => isOfIpv4(path)));
}

/** The record without what was put back: it is no longer ours to put back. */
export function withoutSwitches({ sysctls, down }: Former, gone: KernelState["sysctls"]): Former {
  return { sysctls: Object.fromEntries(Object.entries(sysctls).filter(([path]) => !(path in gone))), down };
}

export function formerToJson(former: Former): Json {
  return { sysctls: former.sysctls, down: former.down };
}

/** Reads a saved record; undefined when it is none. */
export function formerFromJson(json: Json): Former | undefined {
  if (json === null || typeof json !== "object" || Array.isArray(json)) return undefined;
  const { sysctls, down } = json as { readonly [key: string]: Json };
  if (sysctls === null || typeof sysctls !== "object" || Array.isArray(sysctls) || !Array.isArray(down)) return undefined;
  if (!Object.values(sysctls as object).every((value) => typeof value === "string")) return undefined;
  if (!down.every((name) => typeof name === "string")) return undefined;
  return { sysctls: sysctls as Record<string, string>, down: down as string[] };
}
