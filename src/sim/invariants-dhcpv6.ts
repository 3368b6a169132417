/** What must be true of everything that the gateway says as a DHCPv6 server. */
import { overlaps, covers, type Prefix, prefixOf, UNIQUE_LOCAL } from "../addr/prefix.ts";
import { type Instant, remaining, seconds, after } from "../addr/time.ts";
import type { Packet } from "../machines/machine.ts";
import { decodeDhcpv6, type Dhcpv6Message, optionOf, optionsOf, SERVER_PORT } from "../wire/dhcpv6.ts";
import type { SimGateway } from "./gateway.ts";

/** A message takes its lifetimes in whole seconds, and the lease may be a moment older. */
const ROUNDING = 1;

export class Dhcpv6Invariants {
  readonly #gateway: SimGateway;
  readonly #now: () => Instant;
  readonly #violate: (rule: string, evidence: string) => void;
  /** Who was last told that a prefix or an address is theirs, and for how long. */
  readonly #owners = new Map<Prefix, { readonly duid: string; readonly until: Instant }>();

  constructor(gateway: SimGateway, now: () => Instant, violate: (rule: string, evidence: string) => void) {
    this.#gateway = gateway;
    this.#now = now;
    this.#violate = violate;
  }

  lanPacket({ bytes, sourcePort }: Packet): void {
    if (sourcePort !== SERVER_PORT) return;
    const message = decodeDhcpv6(bytes);
    for (const { prefix, preferred, valid } of leasesIn(message)) {
      this.#checkLifetimes(prefix, preferred, valid);
      if (message.kind === "reply") this.#checkOwner(message, prefix, valid);
    }
  }

  wanPacket({ sourcePort }: Packet): void {
    if (sourcePort === SERVER_PORT) this.#violate("nobody is served on the WAN", "a DHCPv6 server spoke");
  }

  #checkLifetimes(prefix: Prefix, preferred: number, valid: number): void {
    if (preferred > valid) this.#violate("a lease's preferred <= valid", `${prefix} ${preferred} > ${valid}`);
    if (preferred > 2700 || valid > 5400) this.#violate("a lease within RFC 9096's limits", `${prefix} ${preferred}/${valid}`);
    if (covers(UNIQUE_LOCAL, prefix) || valid === 0) return;
    const now = this.#now();
    const delegated = this.#gateway.loop?.view().facts.dhcpv6?.delegated ?? [];
    const held = delegated.find((each) => covers(each.prefix, prefix) && each.validUntil > now);
    if (!held) this.#violate("nothing is leased that is not held", `${prefix} for ${valid} s`);
    else if (valid > remaining(now, held.validUntil) + ROUNDING) this.#violate("no lease outlives ours", `${prefix} for ${valid} s`);
  }

  /** Nobody is told to have what somebody else was told to have, and no LAN's prefix is anybody's. */
  #checkOwner(message: Dhcpv6Message, prefix: Prefix, valid: number): void {
    const duid = optionOf(message, "client-id")?.duid ?? "";
    const now = this.#now();
    const other = this.#owners.get(prefix);
    if (valid > 0 && other && other.duid !== duid && other.until > now) this.#violate("one lease, one client", prefix);
    if (valid > 0) this.#owners.set(prefix, { duid, until: after(now, seconds(valid)) });
    else if (other?.duid === duid) this.#owners.delete(prefix);
    const { lans = {} } = this.#gateway.loop?.view().desired?.dhcpv6Service ?? {};
    const onLans = Object.values(lans).flatMap(({ subnets }) => subnets.map((subnet) => subnet.prefix));
    const isPrefix = !prefix.endsWith("/128");
    if (valid > 0 && isPrefix && onLans.some((each) => overlaps(each, prefix))) this.#violate("what a LAN has is not delegated", prefix);
  }
}

function leasesIn(message: Dhcpv6Message): readonly { readonly prefix: Prefix; readonly preferred: number; readonly valid: number }[] {
  const prefixes = optionsOf(message, "ia-pd").flatMap((ia) => optionsOf(ia, "ia-prefix"));
  const addresses = optionsOf(message, "ia-na").flatMap((ia) => optionsOf(ia, "ia-address"));
  return [...prefixes, ...addresses.map((lease) => ({ ...lease, prefix: prefixOf(lease.address, 128) }))];
}
