/** The DHCPv6 client's result, and what people read of its changes. */
import type { Ip6 } from "../addr/ip.ts";
import { overlaps, type Prefix } from "../addr/prefix.ts";
import type { Activity } from "./dhcpv6-client-activity.ts";
import { ACTIVITIES } from "./dhcpv6-client-activity.ts";
import { type Bindings, timersOfAll } from "./dhcpv6-client-bindings.ts";
import type { Memory } from "./dhcpv6-client-memory.ts";
import type { DelegatedPrefix, Dhcpv6ClientFact, Dhcpv6State, LeasedAddress } from "./facts.ts";
import type { Note } from "./machine.ts";

export interface Situation {
  readonly memory: Memory;
  readonly activity: Activity | undefined;
  /** Other configuration is being asked for, or was received without leases. */
  readonly informs: boolean;
  readonly refusal: string | undefined;
}

/** The fact of a situation. */
export function factOf({ memory, activity, informs, refusal }: Situation): Dhcpv6ClientFact {
  const { bindings, server, configuration } = memory;
  const delegated = delegatedIn(bindings);
  return {
    state: stateOf(activity, bindings, informs),
    ...(server && { serverDuid: server.duid, serverAddress: server.address }),
    delegated,
    addresses: addressesIn(bindings),
    ...configuration,
    ...(bindings.length > 0 && timersOfAll(bindings)),
    ...(refusal !== undefined && delegated.length === 0 && { refusal }),
  };
}

/** Notes about the leases that came and went. */
export function notesOf(before: Bindings, now: Bindings): readonly Note[] {
  const former = valuesIn(before);
  const current = valuesIn(now);
  const gained = current.filter((value) => !former.includes(value));
  const lost = former.filter((value) => !current.includes(value));
  return [
    ...gained.map((value) => note("info", "dhcpv6.leased", `The provider leases us ${value}.`)),
    ...lost.map((value) => note("warning", "dhcpv6.lost", `The lease of ${value} has ended.`)),
  ];
}

export function note(level: Note["level"], event: string, text: string): Note {
  return { kind: "note", level, event, text };
}

function stateOf(activity: Activity | undefined, bindings: Bindings, informs: boolean): Dhcpv6State {
  if (activity === "decline" && bindings.length === 0) return "soliciting";
  if (activity) return ACTIVITIES[activity].state;
  if (bindings.length > 0) return "bound";
  return informs ? "informing" : "stopped";
}

/** A prefix that two IAs hold, or a part of one, appears once. */
function delegatedIn(bindings: Bindings): readonly DelegatedPrefix[] {
  const all = bindings.flatMap(({ kind, iaid, leases }): readonly DelegatedPrefix[] =>
    kind === "ia-pd" ? leases.map(({ value, ...rest }) => ({ iaid, prefix: value as Prefix, ...rest })) : [],
  );
  return all.filter(({ prefix }, i) => !all.slice(0, i).some((earlier) => overlaps(earlier.prefix, prefix)));
}

function addressesIn(bindings: Bindings): readonly LeasedAddress[] {
  return bindings.flatMap(({ kind, iaid, leases }): readonly LeasedAddress[] =>
    kind === "ia-na"
      ? leases.map(({ value, preferredUntil, validUntil }) => ({ iaid, address: value as Ip6, preferredUntil, validUntil }))
      : [],
  );
}

function valuesIn(bindings: Bindings): readonly string[] {
  return bindings.flatMap(({ leases }) => leases.map(({ value }) => value));
}
