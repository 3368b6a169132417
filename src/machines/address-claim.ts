/**
 * Whether an IPv4 address that we use is ours alone: the probes, announcements and defence of RFC 5227, as pure steps. The address is in use from the
 * start, and not only after the probes (docs/adr/0012): whoever waits for an address should not wait seven seconds for what almost never happens.
 */
import type { Ip4 } from "../addr/ip.ts";
import { UNSPECIFIED4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { type Random, uniform } from "../addr/random.ts";
import { after, type Duration, type Instant, NEVER, seconds } from "../addr/time.ts";
import { arpAnnouncement, type ArpPacket, arpProbe } from "../wire/arp.ts";

/** RFC 5227 1.1, seconds. */
const [PROBE_WAIT, PROBE_NUM, PROBE_MIN, PROBE_MAX] = [1, 3, 1, 2];
const [ANNOUNCE_WAIT, ANNOUNCE_NUM, ANNOUNCE_INTERVAL] = [2, 2, 2];
const DEFEND_INTERVAL = seconds(10);

export interface AddressClaim {
  readonly address: Ip4;
  readonly mac: Mac;
  /** Probes, then announcements. */
  readonly sent: number;
  readonly nextAt: Instant;
  readonly defendedAt?: Instant;
}

export interface ClaimStep {
  readonly claim: AddressClaim;
  readonly send?: ArpPacket;
}

/** The first probe follows within a second. */
export function claimAt(address: Ip4, mac: Mac, now: Instant, random: Random): AddressClaim {
  return { address, mac, sent: 0, nextAt: after(now, seconds(uniform(random, 0, PROBE_WAIT))) };
}

/** Nobody has objected to any probe. */
export function isUnopposed({ sent }: AddressClaim): boolean {
  return sent > PROBE_NUM;
}

/** What is due at `now`. */
export function advance(claim: AddressClaim, now: Instant, random: Random): ClaimStep {
  if (now < claim.nextAt) return { claim };
  const { address, mac } = claim;
  const sent = claim.sent + 1;
  const send = sent <= PROBE_NUM ? arpProbe(mac, address) : arpAnnouncement(mac, address);
  const nextAt = sent >= PROBE_NUM + ANNOUNCE_NUM ? NEVER : after(now, pause(sent, random));
  return { claim: { ...claim, sent, nextAt }, send };
}

function pause(sent: number, random: Random): Duration {
  if (sent < PROBE_NUM) return seconds(uniform(random, PROBE_MIN, PROBE_MAX));
  return seconds(sent === PROBE_NUM ? ANNOUNCE_WAIT : ANNOUNCE_INTERVAL);
}

/** What a packet of another node makes of the claim: it is contested and must be given up, or it is defended, or nothing. */
export function contest(claim: AddressClaim, packet: ArpPacket, now: Instant): ClaimStep | "lost" | undefined {
  const { address, mac, defendedAt } = claim;
  if (packet.senderMac === mac) return undefined;
  const isProbe = packet.sender === UNSPECIFIED4 && packet.target === address;
  if (!isUnopposed(claim)) return packet.sender === address || isProbe ? "lost" : undefined;
  if (packet.sender !== address) return undefined;
  if (defendedAt !== undefined && now < after(defendedAt, DEFEND_INTERVAL)) return "lost";
  return { claim: { ...claim, defendedAt: now }, send: arpAnnouncement(mac, address) };
}
