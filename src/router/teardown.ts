/** The way back: from what skylan made of this box to what it was before. Pure. */
import type { Instant } from "../addr/time.ts";
import type { Change } from "../diff/change.ts";
import { diff } from "../diff/diff.ts";
import type { KernelState, Observed } from "../plan/kernel-state.ts";
import type { Former } from "./former.ts";

/** The changes that remove everything of ours and restore every former switch; links that were down before go down last. */
export function teardown(former: Former, observed: Observed, now: Instant): readonly Change[] {
  const nothing: KernelState = { up: [], addresses: [], routes: [], sysctls: former.sysctls, ruleset: undefined };
  const linksDown = former.down.filter((name) => observed.links.some((link) => link.name === name && link.up));
  return [...diff(nothing, observed, now), ...linksDown.map((name): Change => ({ kind: "link-down", interface: name }))];
}

/** Links on which the kernel acted on Router Advertisements by itself before skylan came. */
export function obedientLinks({ sysctls, down }: Former): readonly string[] {
  return Object.entries(sysctls).flatMap(([path, value]) => {
    const name = /^net\/ipv6\/conf\/([^/]+)\/accept_ra$/.exec(path)?.[1];
    return name === undefined || value === "0" || down.includes(name) ? [] : [name];
  });
}
