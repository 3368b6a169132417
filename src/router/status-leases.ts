/** Who has what by DHCPv6, from what the loop knows to what people are shown. */
import type { Instant } from "../addr/time.ts";
import type { HolderStatus, Ip6LeaseStatus, LanStatus } from "../api/status.ts";
import type { Config, LanConfig } from "../config/config.ts";
import type { Dhcpv6LanServerFact, LanDelegation, LanLease } from "../machines/dhcpv6-lan-service.ts";
import { left } from "./left.ts";

type Fact = Dhcpv6LanServerFact | undefined;

/** One LAN's part of the status. */
export function describeHolders({ interface: link }: LanConfig, fact: Fact, now: Instant): Pick<LanStatus, "delegated" | "leased"> {
  const onLink = ({ link: own }: { readonly link: string }): boolean => own === link;
  return {
    delegated: (fact?.delegations ?? []).filter(onLink).map((each) => {
      return { prefix: each.prefix, via: each.client, withdrawn: each.stale, ...holder(each, now) };
    }),
    leased: (fact?.leases ?? []).filter(onLink).map((each) => {
      return { address: each.address, registered: each.registered, ...holder(each, now) };
    }),
  };
}

/** All that runs, by LAN; what is being withdrawn is nobody's any more. */
export function describeLeasesIpv6({ lans }: Config, fact: Fact, now: Instant): readonly Ip6LeaseStatus[] {
  return lans.flatMap(({ name: lan, interface: link }) => {
    const prefixes = (fact?.delegations ?? []).filter((each) => each.link === link && !each.stale);
    const addresses = (fact?.leases ?? []).filter((each) => each.link === link);
    return [
      ...addresses.map((each): Ip6LeaseStatus => {
        return { lan, kind: each.registered ? "registered" : "address", value: each.address, ...withMac(each), ...holder(each, now) };
      }),
      ...prefixes.map((each): Ip6LeaseStatus => ({ lan, kind: "prefix", value: each.prefix, ...withMac(each), ...holder(each, now) })),
    ];
  });
}

const withMac = ({ mac }: LanDelegation | LanLease): Pick<Ip6LeaseStatus, "mac"> => (mac === undefined ? {} : { mac });

function holder({ duid, hostname, until }: LanDelegation | LanLease, now: Instant): HolderStatus {
  return { duid, ...(hostname !== undefined && { hostname }), left: left(now, until) };
}
