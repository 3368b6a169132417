/** What a plan leaves open until somebody else has spoken, in sentences for `skylan plan`: a box that never had a lease has no numbers for its LANs. */
import type { Config } from "../config/config.ts";
import type { Desired } from "./plan.ts";

/** One sentence for each LAN that waits for its first subnet of a delegation; none when there is a delegation that serves a LAN. */
export function awaitedWords(config: Config, { forwarding }: Pick<Desired, "forwarding">): readonly string[] {
  if (forwarding) return [];
  return config.lans.map(({ name, subnet }) => {
    const which = subnet === undefined ? "a /64" : `the /64 number ${subnet}`;
    return `LAN ${name} gets ${which} when the provider delegates a prefix.`;
  });
}
