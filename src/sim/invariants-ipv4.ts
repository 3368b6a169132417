/** What must be true of IPv4 at every moment: no address, way out or translation without a lease, and no storm of questions. */
import { isIp4 } from "../addr/ip.ts";
import { DEFAULT_ROUTE4 } from "../addr/prefix4.ts";
import { after, type Instant, seconds } from "../addr/time.ts";
import type { Ruleset } from "../plan/kernel-state.ts";
import { ETHERTYPE_IPV4, decodeEthernet } from "../wire/ethernet.ts";
import type { SimGateway } from "./gateway.ts";

/** The kernel counts the lives of addresses in whole seconds, and an end that is off by two is left alone (diff/diff.ts). */
const ROUNDING = seconds(3);
/** A restart asks anew, a refusal at once and then ever more slowly. */
const RATE = { count: 12, span: seconds(10) };

export class Ipv4Invariants {
  readonly #gateway: SimGateway;
  readonly #now: () => Instant;
  readonly #violate: (rule: string, evidence: string) => void;
  #sent: Instant[] = [];
  /** The latest rule set and whether it translates. */
  #rules: { readonly of: Ruleset | undefined; readonly translates: boolean } = { of: undefined, translates: false };

  constructor(gateway: SimGateway, now: () => Instant, violate: (rule: string, evidence: string) => void) {
    this.#gateway = gateway;
    this.#now = now;
    this.#violate = violate;
  }

  /** The gateway sends a whole frame to the WAN. */
  wanFrame(bytes: Uint8Array): void {
    if (decodeEthernet(bytes).etherType !== ETHERTYPE_IPV4) return;
    const now = this.#now();
    this.#sent = [...this.#sent.filter((at) => at > now - RATE.span), now];
    if (this.#sent.length > RATE.count) this.#violate("at most 12 DHCPv4 messages in 10 s", `${this.#sent.length}`);
  }

  look(): void {
    const { addresses, routes, ruleset } = this.#gateway.kernel.holds();
    const leased = addresses.filter(({ address, prefixLength }) => isIp4(address) && prefixLength === 32);
    if (leased.length > 1) this.#violate("one leased IPv4 address", leased.map(({ address }) => address).join());
    const isWayOut = routes.some(({ destination }) => destination === DEFAULT_ROUTE4);
    if (isWayOut && leased.length === 0) this.#violate("no IPv4 way out without an address", "");
    // A killed program leaves what the kernel then ends by itself.
    const { loop } = this.#gateway;
    if (!loop) return;
    const lease = loop.view().facts.dhcpv4?.lease;
    const end = lease && after(lease.validUntil, ROUNDING);
    if (end !== undefined && end > this.#now()) return this.#checkEnds(leased, end);
    if (isWayOut) this.#violate("no IPv4 way out without a lease", "");
    if (this.#translates(ruleset)) this.#violate("no translation without a lease", "");
  }

  #checkEnds(leased: readonly { readonly address: string; readonly validUntil: Instant }[], end: Instant): void {
    for (const { address, validUntil } of leased) if (validUntil > end) this.#violate("no address outlives its lease", address);
  }

  #translates(ruleset: Ruleset | undefined): boolean {
    if (this.#rules.of !== ruleset) this.#rules = { of: ruleset, translates: JSON.stringify(ruleset ?? []).includes("masquerade") };
    return this.#rules.translates;
  }
}
