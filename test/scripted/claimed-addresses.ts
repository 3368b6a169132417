/** A device that has every address that another one wants: duplicate address detection finds it (RFC 4862 5.4.3). */
import { UNSPECIFIED } from "../../src/addr/ip.ts";
import type { Mac } from "../../src/addr/mac.ts";
import type { LinkWatch, Speaker } from "../fixtures/link-watch.ts";

export interface Claims {
  /** Addresses that begin so are claimed ... */
  readonly beginning: string;
  /** ... the first so many of them. */
  readonly count: number;
}

/** Defends addresses that the device with this MAC probes from now on. The set grows with them; whoever changes `claims.count` changes what comes. */
export function claimAddresses(link: LinkWatch, { mac, linkLocal }: Speaker, victim: Mac, claims: Claims): ReadonlySet<string> {
  const claimed = new Set<string>();
  link.onNdp(({ message, packet, sourceMac }) => {
    if (sourceMac !== victim || message.kind !== "neighbor-solicitation" || packet.source !== UNSPECIFIED) return;
    const { target } = message;
    if (!target.startsWith(claims.beginning) || (claimed.size >= claims.count && (claims.count === 0 || !claimed.has(target)))) return;
    claimed.add(target);
    const options = [{ kind: "target-link-layer-address", mac } as const];
    link.say({ mac, linkLocal }, { kind: "neighbor-advertisement", router: false, solicited: false, override: true, target, options });
  });
  return claimed;
}
