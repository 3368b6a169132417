/** IPv4 on the page of `skylan status`. */
import type { Row, Section } from "./page-layout.ts";
import { spanWords } from "./span-words.ts";
import type { Ipv4Status, LanStatus } from "./status.ts";

type Lease = NonNullable<Ipv4Status["lease"]>;

export function ipv4Section({ state, lease, forwarding, forwards }: Ipv4Status): Section {
  const rows: Row[] = [
    ...(lease ? leaseRows(lease) : []),
    { label: "lease", cells: [[state, ...(lease ? [renewal(lease)] : [])].join(", ")] },
    { label: "devices", cells: [forwarding ? "share this address (NAT)" : "have no way out by IPv4"] },
    ...forwards.map(({ port, to, toPort, source }, i) => ({
      label: i === 0 ? "forwards" : "",
      cells: [
        `${port} to ${to}${toPort === undefined ? "" : `, port ${toPort}`}`,
        ...(source === undefined ? [] : [`from ${source} only`]),
      ],
    })),
  ];
  return { title: "IPV4", subtitle: lease?.address ?? "none", rows };
}

export function lanIpv4Rows({ ipv4, dhcpv4 }: LanStatus): readonly Row[] {
  return [
    ...(ipv4 ? [{ label: "IPv4", cells: [ipv4.network, `the gateway is ${ipv4.address}`] }] : []),
    ...(dhcpv4 ? [{ label: "leases", cells: [`${dhcpv4.leases} IPv4`, `of ${dhcpv4.addresses} addresses for devices`] }] : []),
  ];
}

function leaseRows({ address, network, routers, isShared, valid, mtu, resolvers }: Lease): readonly Row[] {
  return [
    { label: "address", cells: [address, valid === null ? "for ever" : `valid ${spanWords(valid)}`] },
    { label: "network", cells: [network, ...(mtu === undefined ? [] : [`MTU ${mtu}`])] },
    ...routers.map((router) => ({ label: "router", cells: [router] })),
    ...resolvers.map((resolver, i) => ({ label: i === 0 ? "resolver" : "", cells: [resolver] })),
    ...(isShared ? [{ label: "CGNAT", cells: ["The provider shares its addresses: nobody can open a connection to you by IPv4."] }] : []),
  ];
}

function renewal({ renewIn }: Lease): string {
  return renewIn === null ? "never renewed" : `renew in ${spanWords(renewIn)}`;
}
