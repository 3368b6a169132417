/** Who resolves names for this home, and what is part of it. */
import { isIp4, isLinkLocal } from "../addr/ip.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Instant } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import { formatUpstream, type Upstream } from "../machines/dns-upstream.ts";
import { DNS_PORT } from "../wire/dns.ts";
import type { Facts } from "./facts.ts";
import type { Holding } from "./holdings.ts";

export interface DnsPlan {
  /** Interfaces on which questions are taken. */
  readonly interfaces: readonly string[];
  /** The owner's, or the provider's as they are named at this moment. */
  readonly upstreams: readonly Upstream[];
  /** Where the home's devices have their addresses, besides private ones. */
  readonly prefixes: readonly Prefix[];
}

const MOST_UPSTREAMS = 8;

export function planDns(config: Config, facts: Facts, holdings: readonly Holding[], now: Instant): DnsPlan {
  return {
    interfaces: config.lans.map((lan) => lan.interface),
    upstreams: config.dns.upstreams ?? providerResolvers(config.wan.interface, facts, now),
    prefixes: holdings.map(({ prefix }) => prefix),
  };
}

/** RFC 7084 WAA-4, RFC 8106 5.3.1: those of DHCPv6 before those of the RA, each once. */
function providerResolvers(wan: string, { dhcpv6, ra, dhcpv4 }: Facts, now: Instant): readonly Upstream[] {
  const advertised = (ra?.resolvers ?? []).filter(({ until }) => until > now).map(({ address }) => address);
  const addresses = [...(dhcpv6?.resolvers ?? []), ...advertised, ...(dhcpv4?.lease?.resolvers ?? [])];
  const upstreams = addresses.map((address): Upstream => {
    const plain = { kind: "plain", address, port: DNS_PORT } as const;
    return !isIp4(address) && isLinkLocal(address) ? { ...plain, interface: wan } : plain;
  });
  return [...new Map(upstreams.map((each) => [formatUpstream(each), each])).values()].slice(0, MOST_UPSTREAMS);
}
