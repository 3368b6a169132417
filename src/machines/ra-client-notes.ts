/** What the ra-client tells a person. */
import type { Ip6 } from "../addr/ip.ts";
import type { RouterAdvertisement } from "../wire/ndp.ts";
import type { Note } from "./machine.ts";
import type { Discovered } from "./ra-discovery.ts";

export const LOST: Note = {
  kind: "note",
  level: "warning",
  event: "ra-client.router-lost",
  text: "the provider's router has not advertised itself in time; it is being asked",
};

/** What is new after an advertisement of the router `from`: a default router more or less, other flags. */
export function advertisementNotes(from: Ip6, ra: RouterAdvertisement, before: Discovered, after: Discovered): readonly Note[] {
  return [...routerNotes(from, ra, before, after), ...flagNotes(from, before, after)];
}

function routerNotes(from: Ip6, ra: RouterAdvertisement, before: Discovered, after: Discovered): readonly Note[] {
  const [was, is] = [before, after].map(({ routers }) => routers.some((router) => router.address === from));
  if (was === is) return [];
  const text = is
    ? `router ${from} advertises itself (${flags(after)}) for ${ra.routerLifetime} s`
    : `router ${from} is no default router any more`;
  return [{ kind: "note", level: "info", event: "ra-client.router", text }];
}

function flagNotes(from: Ip6, before: Discovered, after: Discovered): readonly Note[] {
  if (!before.heard || flags(before) === flags(after)) return [];
  return [{ kind: "note", level: "debug", event: "ra-client.flags", text: `router ${from} has changed its flags to ${flags(after)}` }];
}

function flags({ managed, other }: Discovered): string {
  return `M=${Number(managed)}, O=${Number(other)}`;
}

export function unreachableNote(router: Ip6): Note {
  const text = `router ${router} does not answer any more; it is being asked, and used only if there is no other`;
  return { kind: "note", level: "warning", event: "ra-client.router-unreachable", text };
}

export function reachableNote(router: Ip6): Note {
  return { kind: "note", level: "info", event: "ra-client.router-reachable", text: `router ${router} answers again` };
}
