/** Which ICMPv6 types pass where: RFC 4890 4.3 (transit) and 4.4 (to the router itself). Names are those of nftables; it has none for the numbers. */
import type { Element } from "./nft-rules.ts";

const ERRORS = ["destination-unreachable", "packet-too-big", "time-exceeded", "parameter-problem"];
const MULTICAST_LISTENERS = ["mld-listener-query", "mld-listener-report", "mld-listener-done", "mld2-listener-report"];
const NEIGHBOR_DISCOVERY = ["nd-router-solicit", "nd-router-advert", "nd-neighbor-solicit", "nd-neighbor-advert"];
const INVERSE_DISCOVERY = ["ind-neighbor-solicit", "ind-neighbor-advert"];
/** Certification path (SEND, RFC 3971). */
const SECURE_DISCOVERY = [148, 149];
/** Multicast router discovery, RFC 4286. */
const MULTICAST_ROUTERS = [151, 152, 153];

/** What the internet side may say to this box. Redirects (137) and node information (139, 140) are dropped: nobody needs them from a provider. */
export const TO_ROUTER = {
  fromAnywhere: [...ERRORS, ...MULTICAST_LISTENERS, ...MULTICAST_ROUTERS],
  /** Genuine only with hop limit 255, RFC 4861 section 11.2. */
  fromTheLink: [...NEIGHBOR_DISCOVERY, ...INVERSE_DISCOVERY, ...SECURE_DISCOVERY],
  limited: ["echo-request", "echo-reply"],
} as const satisfies Readonly<Record<string, readonly Element[]>>;

/**
 * What is never carried from one link to another: messages for one link, renumbering (138), node information (139, 140), experiments and reserved
 * types. Of the rest, errors and answers pass with the flow they belong to, and a new flow can only begin with an echo request.
 */
export const NEVER_FORWARDED: readonly Element[] = [
  ...MULTICAST_LISTENERS,
  ...NEIGHBOR_DISCOVERY,
  "nd-redirect",
  "router-renumbering",
  139,
  140,
  ...INVERSE_DISCOVERY,
  ...SECURE_DISCOVERY,
  ...MULTICAST_ROUTERS,
  100,
  101,
  127,
  200,
  201,
  255,
];
