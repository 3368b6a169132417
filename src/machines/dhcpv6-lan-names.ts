/** What a DHCPv6 client calls itself (RFC 4704), made fit for a name on the LAN. */
import type { Duid } from "../addr/duid.ts";
import type { OptionOf } from "../wire/dhcpv6.ts";
import type { Binding } from "./dhcpv6-lan-bindings.ts";

const LONGEST_LABEL = 63;

/** The first label in lower case, with what no host name may hold replaced by "-"; undefined when nothing is left. */
export function hostnameOf(fqdn: OptionOf<"client-fqdn"> | undefined): string | undefined {
  const label = (fqdn?.labels[0] ?? "").toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const name = label.slice(0, LONGEST_LABEL).replace(/^-+|-+$/g, "");
  return name === "" ? undefined : name;
}

/** Whether nobody else among the bindings has the name. */
export function isNameFree(name: string, duid: Duid, bindings: Iterable<Binding>): boolean {
  for (const binding of bindings) if (binding.hostname === name && binding.duid !== duid) return false;
  return true;
}
