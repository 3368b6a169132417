/**
 * Routers that Neighbor Discovery has given up (RFC 4861 7.3.3). They stay known, and are used when there is no other (6.3.6). What brings them back:
 * an advertisement alone does not, because it proves no way back (7.3.1); an answer to a probe of ours does. Probes follow each other after 1, 3, 9, 27
 * and then every 60 s (RFC 7048 section 3), and an advertisement brings the next one forward. Who is lost again within five minutes of its return is
 * not asked at all for 3, 9, 27, at last 60 s: a router whose answers come and go changes what the LANs hear about once a minute, not oftener.
 */
import type { Ip6 } from "../addr/ip.ts";
import { after, type Duration, earliest, type Instant, instant, seconds } from "../addr/time.ts";

/** A router that has been lost. */
export interface Lost {
  readonly router: Ip6;
  /** Without five good minutes in between. */
  readonly losses: number;
  /** It is not asked before. */
  readonly holdUntil: Instant;
  /** Sent since it was lost. */
  readonly probes: number;
  readonly probeAt: Instant;
  readonly probedAt?: Instant;
  /** It has answered then, and counts as reachable again. */
  readonly backSince?: Instant;
}

const BACKOFF_MULTIPLE = 3;
const LONGEST = seconds(60);
/** The kernel's three solicitations (MAX_MULTICAST_SOLICIT, RETRANS_TIMER) and some time for the answer; sooner there is no verdict. */
const VERDICT = seconds(4);
/** After so long without a loss it is a router like any other. */
const STEADY = seconds(300);
/** As many as there are default routers in the plan; the oldest go. */
const MOST = 16;

/** Whether this router must be taken for unreachable. */
export function isLost(list: readonly Lost[], router: Ip6): boolean {
  return list.some((own) => own.router === router && own.backSince === undefined);
}

/** After Neighbor Discovery has given the router up. */
export function lost(list: readonly Lost[], router: Ip6, now: Instant): readonly Lost[] {
  if (isLost(list, router)) return list;
  const losses = 1 + (list.find((own) => own.router === router)?.losses ?? 0);
  const holdUntil = losses === 1 ? now : after(now, backoff(losses - 1));
  const entry: Lost = { router, losses, holdUntil, probes: 0, probeAt: latest(after(now, backoff(0)), holdUntil) };
  return [...list.filter((own) => own.router !== router), entry].slice(-MOST);
}

/** Those that were lost before a restart: how long ago is not known, so they are asked at once. */
export function lostBefore(routers: readonly Ip6[]): readonly Lost[] {
  const [holdUntil, probeAt] = [instant(0), instant(0)];
  return routers.slice(-MOST).map((router) => ({ router, losses: 1, holdUntil, probes: 0, probeAt }));
}

/** After an advertisement of this router. */
export function heardOf(list: readonly Lost[], router: Ip6, now: Instant): readonly Lost[] {
  return changed(list, router, (own) => {
    const allowedAt = own.probedAt === undefined ? own.holdUntil : latest(own.holdUntil, after(own.probedAt, VERDICT));
    return { ...own, probeAt: earliest(own.probeAt, latest(now, allowedAt))! };
  });
}

/** After an answer to a neighbor solicitation about this router, whether ours or the kernel's; it counts only if a probe has led to it. */
export function answeredBy(list: readonly Lost[], router: Ip6, now: Instant): readonly Lost[] {
  return changed(list, router, (own) =>
    own.probedAt !== undefined && now <= after(own.probedAt, VERDICT) ? { ...own, backSince: now } : own,
  );
}

/** The link is another one: what held back a probe is no reason any more. */
export function onNewLink(list: readonly Lost[], now: Instant): readonly Lost[] {
  return list.map((own) => (own.backSince === undefined ? { ...own, losses: 1, holdUntil: now, probes: 0, probeAt: now } : own));
}

/** Without those that have been reachable for long. */
export function aged(list: readonly Lost[], now: Instant): readonly Lost[] {
  return list.filter(({ backSince }) => backSince === undefined || after(backSince, STEADY) > now);
}

/** Routers that must be asked now. */
export function due(list: readonly Lost[], now: Instant): readonly Ip6[] {
  return list.filter(({ backSince, probeAt }) => backSince === undefined && probeAt <= now).map(({ router }) => router);
}

/** After this router was asked. */
export function probed(list: readonly Lost[], router: Ip6, now: Instant): readonly Lost[] {
  return changed(list, router, (own) => {
    const probes = own.probes + 1;
    return { ...own, probes, probedAt: now, probeAt: after(now, backoff(probes)) };
  });
}

/** When there may be something to do. */
export function probesAt(list: readonly Lost[]): readonly Instant[] {
  return list.map(({ backSince, probeAt }) => (backSince === undefined ? probeAt : after(backSince, STEADY)));
}

function changed(list: readonly Lost[], router: Ip6, change: (own: Lost) => Lost): readonly Lost[] {
  return list.map((own) => (own.router === router && own.backSince === undefined ? change(own) : own));
}

/** 1, 3, 9, 27, 60, 60, ... s. */
function backoff(step: number): Duration {
  const span = BACKOFF_MULTIPLE ** step;
  return span < 60 ? seconds(span) : LONGEST;
}

const latest = (a: Instant, b: Instant): Instant => (a > b ? a : b);
