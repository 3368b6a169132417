/** A provider's profile as configurations of radvd and Kea, and what Kea's lease file says. */
import { host4 } from "../addr/prefix4.ts";
import type { Seconds } from "../addr/time.ts";
import type { Advertising, ProviderProfile } from "./provider-profile.ts";

/** The customers' IPv4 addresses in the provider's network. */
const [FIRST_HOST, LAST_HOST] = [9, 250];

/** radvd.conf for the customer's link. */
export function formatRadvdConfig(interfaceName: string, advertising: Advertising): string {
  const { managed, other, prefix, preferred, valid, routerLifetime, resolvers, mtu, maxInterval, minInterval } = advertising;
  const flag = (on: boolean): string => (on ? "on" : "off");
  const lines = [
    "AdvSendAdvert on;",
    `AdvManagedFlag ${flag(managed)};`,
    `AdvOtherConfigFlag ${flag(other)};`,
    `MaxRtrAdvInterval ${maxInterval};`,
    `MinRtrAdvInterval ${minInterval};`,
    `AdvDefaultLifetime ${routerLifetime};`,
  ];
  if (mtu !== undefined) lines.push(`AdvLinkMTU ${mtu};`);
  if (prefix !== undefined) lines.push(`prefix ${prefix} { AdvValidLifetime ${valid}; AdvPreferredLifetime ${preferred}; };`);
  if (resolvers.length > 0) lines.push(`RDNSS ${resolvers.join(" ")} { };`);
  return `interface ${interfaceName} {\n${lines.map((line) => `  ${line}\n`).join("")}};\n`;
}

/** kea-dhcp6.conf for the customer's link, as JSON. */
export function formatKeaConfig(interfaceName: string, { advertising, dhcpv6 }: ProviderProfile, leaseFile: string): string {
  const { delegation, addresses, preferred, valid, t1, t2 } = dhcpv6;
  const pool = delegation && { ...splitPrefix(delegation.prefix), "delegated-len": delegation.length };
  const subnet = {
    id: 1,
    subnet: advertising.prefix ?? addresses ?? "fe80::/64",
    interface: interfaceName,
    "pd-pools": pool ? [pool] : [],
    pools: addresses === undefined ? [] : [{ pool: addresses }],
  };
  const config = {
    "interfaces-config": { interfaces: [interfaceName] },
    "lease-database": { type: "memfile", persist: true, name: leaseFile, "lfc-interval": 0 },
    "multi-threading": { "enable-multi-threading": false },
    "preferred-lifetime": preferred,
    "valid-lifetime": valid,
    "calculate-tee-times": false,
    ...timer("renew-timer", t1),
    ...timer("rebind-timer", t2),
    "option-data": dhcpv6.resolvers.length === 0 ? [] : [{ name: "dns-servers", data: dhcpv6.resolvers.join(", ") }],
    subnet6: [subnet],
    loggers: [{ name: "kea-dhcp6", severity: "INFO", output_options: [{ output: "stdout", flush: true }] }],
  };
  return `${JSON.stringify({ Dhcp6: config }, undefined, 2)}\n`;
}

/** kea-dhcp4.conf for the customer's link, on which the router's address stands. */
export function formatKea4Config(interfaceName: string, { dhcpv4 }: ProviderProfile, leaseFile: string): string {
  const { network, router, time, resolvers, mtu } = dhcpv4;
  const options = [
    { name: "routers", data: router },
    ...(resolvers.length === 0 ? [] : [{ name: "domain-name-servers", data: resolvers.join(", ") }]),
    ...(mtu === undefined ? [] : [{ name: "interface-mtu", data: String(mtu) }]),
  ];
  const pool = `${host4(network, FIRST_HOST)} - ${host4(network, LAST_HOST)}`;
  const config = {
    "interfaces-config": { interfaces: [interfaceName] },
    "lease-database": { type: "memfile", persist: true, name: leaseFile, "lfc-interval": 0 },
    "multi-threading": { "enable-multi-threading": false },
    "valid-lifetime": time,
    authoritative: true,
    subnet4: [{ id: 1, subnet: network, interface: interfaceName, pools: [{ pool }], "option-data": options }],
    loggers: [{ name: "kea-dhcp4", severity: "INFO", output_options: [{ output: "stdout", flush: true }] }],
  };
  return `${JSON.stringify({ Dhcp4: config }, undefined, 2)}\n`;
}

/** Kea leaves a timer that is not set to the client, as T1 = 0 asks for. */
function timer(name: string, span: Seconds): object {
  return span === 0 ? {} : { [name]: span };
}

function splitPrefix(prefix: string): object {
  const [address, length] = prefix.split("/");
  return { prefix: address, "prefix-len": Number(length) };
}

/**
 * The prefixes that are delegated at `now` (seconds since 1970) by Kea's lease file: a CSV file in which later rows replace earlier ones and a
 * valid lifetime of 0 takes a lease back.
 */
export function leasedPrefixes(csv: string, now: number): readonly string[] {
  const [header = "", ...rows] = csv.split("\n");
  const names = header.split(",");
  const column = (row: readonly string[], name: string): string => row[names.indexOf(name)] ?? "";
  const leased = new Set<string>();
  for (const row of rows.map((line) => line.split(","))) {
    if (column(row, "lease_type") !== "2") continue;
    const prefix = `${column(row, "address")}/${column(row, "prefix_len")}`;
    leased.delete(prefix);
    if (Number(column(row, "valid_lifetime")) > 0 && Number(column(row, "expire")) > now) leased.add(prefix);
  }
  return [...leased];
}
