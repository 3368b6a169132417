/** The LANs as the devices on them see them: what the table of devices and the names of the home are made for. */
import type { Config } from "../config/config.ts";
import type { HomeLan } from "../machines/home-lan.ts";
import type { LinkFact } from "../plan/kernel-state.ts";
import type { Desired } from "../plan/plan.ts";

export function homeLans(config: Config, { advertisements }: Desired, links: readonly LinkFact[]): readonly HomeLan[] {
  return config.lans.flatMap(({ interface: link, ipv4 }) => {
    const found = links.find(({ name }) => name === link);
    if (found === undefined) return [];
    const { mac, linkLocal } = found;
    const prefixes = (advertisements[link]?.prefixes ?? []).map(({ prefix, preferredUntil }) => ({ prefix, preferredUntil }));
    return [{ link, mac, prefixes, ...(linkLocal !== undefined && { linkLocal }), ...(ipv4 && { ipv4 }) }];
  });
}
