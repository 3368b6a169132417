/** What a host's own kernel says about its addresses. */
import type { Namespace } from "./namespace.ts";

export interface HostAddress {
  readonly address: string;
  readonly length: number;
  readonly state: "preferred" | "deprecated" | "tentative" | "duplicate";
  readonly temporary: boolean;
  /** Seconds; the kernel writes 4294967295 for ever. */
  readonly preferred: number;
  readonly valid: number;
}

interface IpAddrInfo {
  readonly local: string;
  readonly prefixlen: number;
  readonly scope: string;
  readonly tentative?: boolean;
  readonly dadfailed?: boolean;
  readonly deprecated?: boolean;
  readonly temporary?: boolean;
  readonly preferred_life_time: number;
  readonly valid_life_time: number;
}

/** The addresses of an interface that are not link-local. @throws CommandFailed when there is no such interface */
export async function hostAddresses(host: Namespace, interfaceName: string): Promise<readonly HostAddress[]> {
  return parseAddresses(await host.exec("ip", "-6", "-json", "addr", "show", "dev", interfaceName));
}

/** What `ip -6 -json addr` prints, without link-local addresses. */
export function parseAddresses(json: string): readonly HostAddress[] {
  const shown = JSON.parse(json) as { addr_info?: IpAddrInfo[] }[];
  return shown
    .flatMap((link) => link.addr_info ?? [])
    .filter((info) => info.scope === "global")
    .map((info) => ({
      address: info.local,
      length: info.prefixlen,
      state: info.dadfailed ? "duplicate" : info.tentative ? "tentative" : info.deprecated ? "deprecated" : "preferred",
      temporary: info.temporary === true,
      preferred: info.preferred_life_time,
      valid: info.valid_life_time,
    }));
}
