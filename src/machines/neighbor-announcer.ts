/** Tells the routers of a link about our new addresses, so that their first packet to us is not lost: RFC 9131 6.1.2. */
import { ALL_ROUTERS, type Ip6 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { after, earliest, type Instant, seconds } from "../addr/time.ts";
import { encodeNdp } from "../wire/ndp.ts";
import type { Machine, Output, Tick } from "./machine.ts";

export type NeighborAnnouncerInput =
  /** All addresses of the link that have passed duplicate address detection. */
  | { readonly kind: "addresses"; readonly addresses: readonly Ip6[]; readonly mac: Mac }
  /** What this machine has handed out has left at this moment. */
  | { readonly kind: "sent" }
  | Tick;

/** MAX_NEIGHBOR_ADVERTISEMENT and RetransTimer, RFC 4861 10. */
const ANNOUNCEMENTS = 3;
const RETRANS_TIMER = seconds(1);

interface Announcing {
  readonly address: Ip6;
  readonly left: number;
  readonly at: Instant;
}

export function createNeighborAnnouncer(): Machine<NeighborAnnouncerInput, never> {
  let known: readonly Ip6[] = [];
  let announcing: readonly Announcing[] = [];
  let mac: Mac | undefined;
  /** When the latest announcements were handed out, until they have left. */
  let handedOut: Instant | undefined;

  /** The second between two counts on the wire. */
  function haveLeft(now: Instant): void {
    const meant = handedOut === undefined ? undefined : after(handedOut, RETRANS_TIMER);
    announcing = announcing.map((each) => (each.at === meant ? { ...each, at: after(now, RETRANS_TIMER) } : each));
    handedOut = undefined;
  }

  function handle(input: NeighborAnnouncerInput, now: Instant): readonly Output<never>[] {
    if (input.kind === "sent") {
      haveLeft(now);
      return [];
    }
    if (input.kind === "addresses") {
      const fresh = input.addresses.filter((address) => !known.includes(address));
      const kept = announcing.filter(({ address }) => input.addresses.includes(address));
      announcing = [...kept, ...fresh.map((address) => ({ address, left: ANNOUNCEMENTS, at: now }))];
      known = input.addresses;
      mac = input.mac;
    }
    const due = announcing.filter(({ at }) => at <= now);
    announcing = announcing.map((each) => (each.at <= now ? { ...each, left: each.left - 1, at: after(now, RETRANS_TIMER) } : each));
    announcing = announcing.filter(({ left }) => left > 0);
    if (due.length > 0) handedOut = now;
    return mac ? due.map(({ address }) => announcement(address, mac!)) : [];
  }

  return { handle, wakeAt: () => earliest(...announcing.map(({ at }) => at)), snapshot: () => null };
}

/** Override stays clear: a guess must not replace what a router knows for sure. */
function announcement(target: Ip6, mac: Mac): Output<never> {
  const message = encodeNdp({
    kind: "neighbor-advertisement",
    router: true,
    solicited: false,
    override: false,
    target,
    options: [{ kind: "target-link-layer-address", mac }],
  });
  return { kind: "send", to: ALL_ROUTERS, bytes: message };
}
