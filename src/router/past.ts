/** What earlier runs left for this one: read once at the start, each part on its own, so that one damaged file spoils nothing else. */
import type { Random } from "../addr/random.ts";
import type { Saved } from "../io/store.ts";
import { type SubnetMemory, subnetMemoryFromJson } from "../plan/subnets.ts";
import { type Former, formerFromJson, NOTHING_FORMER } from "./former.ts";
import { createIdentity, type Identity, identityFromJson, identityToJson } from "./identity.ts";
import type { World } from "./world.ts";

export interface Past {
  readonly identity: Identity;
  readonly former: Former;
  readonly subnets: SubnetMemory;
  /** The machines' snapshots by the names of their seats. */
  readonly snapshots: ReadonlyMap<string, Saved>;
}

/** Reads the past. A new box gets its identity here, and it is on disk before this returns. */
export function recallPast(load: (name: string) => Saved | undefined, seats: readonly string[], random: Random, save: World["save"]): Past {
  const stored = load("identity");
  let identity = stored && identityFromJson(stored.snapshot);
  if (!identity) {
    identity = createIdentity(random);
    save("identity", identityToJson(identity), "disk");
  }
  const former = load("former");
  const subnets = load("subnets");
  return {
    identity,
    former: (former && formerFromJson(former.snapshot)) ?? NOTHING_FORMER,
    subnets: (subnets && subnetMemoryFromJson(subnets.snapshot)) ?? {},
    snapshots: new Map(seats.flatMap((name) => named(name, load(name)))),
  };
}

function named(name: string, saved: Saved | undefined): [string, Saved][] {
  return saved ? [[name, saved]] : [];
}
