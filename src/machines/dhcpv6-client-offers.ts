/** Advertise messages and the choice between servers: RFC 8415 18.2.9. */
import type { Duid } from "../addr/duid.ts";
import { type ClientServerMessage, optionOf, STATUS, statusOf } from "../wire/dhcpv6.ts";
import { type IaKey, iasOf, liveIn, refusalIn, sameIa, valueOf } from "./dhcpv6-client-bindings.ts";
import { maxRtOf } from "./dhcpv6-client-configuration.ts";
import type { Exchange } from "./dhcpv6-client-exchange.ts";
import type { Memory } from "./dhcpv6-client-memory.ts";
import type { Claim } from "./dhcpv6-client-messages.ts";
import type { Heard } from "./dhcpv6-client-validation.ts";

/** What one server would give. */
export interface Offer {
  readonly server: Duid;
  readonly preference: number;
  /** Only IAs with something in them. */
  readonly claims: readonly Claim[];
}

/** The preference that ends the wait for other servers, RFC 8415 18.2.1. */
export const HIGHEST_PREFERENCE = 255;

/** So many servers are remembered. */
const MOST = 8;

/**
 * Takes an Advertise for a running Solicit. One that offers nothing touches no timer, but its SOL_MAX_RT and INF_MAX_RT count. SOL_MAX_RT is the
 * default again when the Advertises of this Solicit disagree about it.
 */
export function takeAdvertise(
  memory: Memory,
  exchange: Exchange,
  { message, server }: Heard,
  wanted: readonly IaKey[],
): { readonly memory: Memory; readonly exchange: Exchange; readonly refusal: string | undefined } {
  const bound = maxRtOf(message, "sol-max-rt");
  const solMaxRts =
    bound === undefined || exchange.solMaxRts.includes(bound) ? exchange.solMaxRts : [...exchange.solMaxRts, bound].slice(0, 2);
  const solMaxRt = bound === undefined ? memory.solMaxRt : solMaxRts.length === 1 ? bound : undefined;
  const infMaxRt = maxRtOf(message, "inf-max-rt") ?? memory.infMaxRt;
  const offer = offerOf(message, server, wanted);
  const offers = offer ? withOffer(exchange.offers, offer) : exchange.offers;
  const refusal = offer ? undefined : (refusalIn(message) ?? "nothing is offered");
  return { memory: { ...memory, solMaxRt, infMaxRt }, exchange: { ...exchange, offers, solMaxRts }, refusal };
}

/** The offer in an Advertise; undefined when there is nothing in it of what is wanted. */
function offerOf(advertise: ClientServerMessage, server: Duid, wanted: readonly IaKey[]): Offer | undefined {
  if (statusOf(advertise).status !== STATUS.Success) return undefined;
  const ias = iasOf(advertise);
  const claims = wanted.flatMap((key): readonly Claim[] => {
    const values = ias.filter((ia) => sameIa(ia, key)).flatMap((ia) => liveIn(ia).map(valueOf));
    return values.length > 0 ? [{ ...key, values }] : [];
  });
  return claims.length > 0 ? { server, preference: optionOf(advertise, "preference")?.value ?? 0, claims } : undefined;
}

/** The offers with one more, the best first. A prefix counts more than the server's preference; a later offer of a server replaces its former one. */
function withOffer(offers: readonly Offer[], offer: Offer): readonly Offer[] {
  const others = offers.filter(({ server }) => server !== offer.server);
  const ranked = [...others, offer].sort(
    (a, b) => prefixes(b) - prefixes(a) || b.preference - a.preference || b.claims.length - a.claims.length,
  );
  return ranked.slice(0, MOST);
}

function prefixes({ claims }: Offer): number {
  return claims.some(({ kind }) => kind === "ia-pd") ? 1 : 0;
}
