/** What must be true at every moment, whatever the provider does: checked on each message that the gateway sends. */
import { isMulticast } from "../addr/ip.ts";
import { covers, UNIQUE_LOCAL } from "../addr/prefix.ts";
import { type Duration, type Instant, remaining, seconds } from "../addr/time.ts";
import { decodeDhcpv6 } from "../wire/dhcpv6.ts";
import { decodeNdp, ndpOptionsOf, type RouterAdvertisement } from "../wire/ndp.ts";
import type { Frame } from "./cable.ts";
import type { SimGateway } from "./gateway.ts";
import { Dhcpv6Invariants } from "./invariants-dhcpv6.ts";
import { Ipv4Invariants } from "./invariants-ipv4.ts";

export interface Violation {
  readonly at: Instant;
  readonly rule: string;
  readonly evidence: string;
}

/** MIN_DELAY_BETWEEN_RAS, RFC 4861 10. */
const RA_GAP: Duration = seconds(3);
/** Of sums of milliseconds with fractions. */
const ROUNDING_ERROR = 0.001;
/** RFC 8415 14.1. */
const RATE = { count: 20, span: seconds(20) };
/** A message takes its lifetimes in whole seconds, and the lease may be a moment older. */
const ROUNDING = 1;

export class Invariants {
  readonly violations: Violation[] = [];
  readonly #gateway: SimGateway;
  readonly #now: () => Instant;
  readonly #advertisedAt = new Map<string, Instant>();
  #dhcpv6Sent: Instant[] = [];
  readonly #ipv4: Ipv4Invariants;
  readonly #dhcpv6: Dhcpv6Invariants;

  constructor(gateway: SimGateway, now: () => Instant) {
    this.#gateway = gateway;
    this.#now = now;
    const violate = (rule: string, evidence: string): void => this.#violate(rule, evidence);
    this.#ipv4 = new Ipv4Invariants(gateway, now, violate);
    this.#dhcpv6 = new Dhcpv6Invariants(gateway, now, violate);
  }

  /** Something has happened. */
  look(): void {
    this.#ipv4.look();
  }

  /** The gateway sends a frame to a LAN. */
  lanFrame(link: string, frame: Frame): void {
    if (frame.protocol === "frames") return;
    const { packet } = frame;
    if (frame.protocol === "dhcpv6") return this.#dhcpv6.lanPacket(packet);
    const message = decodeNdp(packet.bytes);
    if (message.kind !== "router-advertisement") return;
    if (isMulticast(packet.to)) this.#checkGap(link);
    this.#checkPrefixes(link, message);
    this.#checkDefaultRouter(message);
  }

  /** The gateway sends a frame to the WAN. */
  wanFrame(frame: Frame): void {
    if (frame.protocol === "frames") return this.#ipv4.wanFrame(frame.bytes);
    const { protocol, packet } = frame;
    if (protocol === "ndp") {
      if (decodeNdp(packet.bytes).kind === "router-advertisement") this.#violate("no RA on the WAN", "an RA was sent");
      return;
    }
    this.#dhcpv6.wanPacket(packet);
    const now = this.#now();
    this.#dhcpv6Sent = [...this.#dhcpv6Sent.filter((at) => at > now - RATE.span), now];
    if (this.#dhcpv6Sent.length > RATE.count) {
      this.#violate("at most 20 DHCPv6 messages in 20 s", `${this.#dhcpv6Sent.length}, the last a ${decodeDhcpv6(packet.bytes).kind}`);
    }
  }

  #checkGap(link: string): void {
    const now = this.#now();
    const before = this.#advertisedAt.get(link);
    if (before !== undefined && now - before < RA_GAP - ROUNDING_ERROR)
      this.#violate("multicast RAs 3 s apart", `${now - before} ms on ${link}`);
    this.#advertisedAt.set(link, now);
  }

  #checkPrefixes(link: string, ra: RouterAdvertisement): void {
    const now = this.#now();
    const delegated = this.#delegated();
    const live = this.#gateway.loop?.view().desired?.advertisements[link]?.prefixes ?? [];
    for (const { prefix, preferred, valid } of ndpOptionsOf(ra, "prefix-information")) {
      if (covers(UNIQUE_LOCAL, prefix)) continue;
      const lease = delegated.find((held) => covers(held.prefix, prefix) && held.validUntil > now);
      if (preferred > valid) this.#violate("preferred <= valid", `${prefix} ${preferred} > ${valid}`);
      const wanted = live.some((advertised) => advertised.prefix === prefix && remaining(now, advertised.validUntil) > 0);
      if (valid === 0 && lease && wanted) this.#violate("a leased prefix is never called stale", prefix);
      if (valid > 0 && !lease) this.#violate("no live prefix that is not held", `${prefix} for ${valid} s`);
      if (lease && valid > leftOf(now, lease.validUntil)) this.#violate("valid <= lease", `${prefix} ${valid} s`);
      if (lease && preferred > leftOf(now, lease.preferredUntil)) this.#violate("preferred <= lease", `${prefix} ${preferred} s`);
    }
  }

  #checkDefaultRouter(ra: RouterAdvertisement): void {
    if (ra.routerLifetime === 0) return;
    const routes = this.#gateway.kernel.observe({ sysctls: [] }).routes;
    if (!routes.some((route) => route.kind === "unicast" && route.destination === "::/0")) {
      this.#violate("no default router without a WAN route", `router lifetime ${ra.routerLifetime} s`);
    }
  }

  #delegated() {
    return this.#gateway.loop?.view().facts.dhcpv6?.delegated ?? [];
  }

  #violate(rule: string, evidence: string): void {
    this.violations.push({ at: this.#now(), rule, evidence });
  }
}

/** Whole seconds left, and one for the rounding. */
const leftOf = (now: Instant, end: Instant): number => remaining(now, end) + ROUNDING;
