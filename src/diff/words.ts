/** Changes in words, for `skylan plan`: a line starts with "+" for what comes, "-" for what goes, "~" for what becomes different. */
import { type Instant, NEVER, remaining } from "../addr/time.ts";
import type { AddressState, RouteState, Ruleset } from "../plan/kernel-state.ts";
import { canonicalRuleset, type NftObject } from "../wire/nft-json.ts";
import type { Change } from "./change.ts";
import { nftWords } from "./nft-words.ts";

/** Rules shown of a change of the rule set; the rest is counted. */
const MOST_RULES = 200;

/** One change as text: a line, or several for rules. Lifetimes are counted from `now`. */
export function changeWords(change: Change, now: Instant): string {
  switch (change.kind) {
    case "link-up":
      return `~ interface ${change.interface} down -> up`;
    case "link-down":
      return `~ interface ${change.interface} up -> down`;
    case "sysctl":
      return `~ sysctl ${change.path} ${change.from ?? "(unknown)"} -> ${change.to}`;
    case "ruleset":
      return rulesetWords(change.from, change.to);
    case "address-add":
      return `+ ${addressWords(change.address, now)}`;
    case "address-update":
      return `~ ${addressWords(change.address, now)} (was ${addressLifetimes(change.from, now)})`;
    case "address-delete":
      return `- address ${addressName(change.address)}`;
    case "route-add":
      return `+ ${routeWords(change.route, now)}`;
    case "route-update":
      return `~ ${routeWords(change.route, now)} (was ${routeQualities(change.from, now)})`;
    case "route-delete":
      return `- route ${routeName(change.route)}`;
  }
}

function addressName({ address, prefixLength, interface: name }: AddressState): string {
  return `${address}/${prefixLength} on ${name}`;
}

function addressWords(address: AddressState, now: Instant): string {
  return `address ${addressName(address)}, ${addressLifetimes(address, now)}`;
}

function addressLifetimes({ preferredUntil, validUntil }: AddressState, now: Instant): string {
  return `preferred ${lifetime(preferredUntil, now)}, valid ${lifetime(validUntil, now)}`;
}

function routeName(route: RouteState): string {
  const { kind, destination, metric } = route;
  if (kind === "unreachable") return `unreachable ${destination} metric ${metric}`;
  const via = route.gateway === undefined ? "" : ` via ${route.gateway}`;
  return `${destination}${via} on ${route.interface} metric ${metric}`;
}

function routeWords(route: RouteState, now: Instant): string {
  const qualities = routeQualities(route, now);
  return `route ${routeName(route)}${qualities === "" ? "" : `, ${qualities}`}`;
}

function routeQualities(route: RouteState, now: Instant): string {
  if (route.kind === "unreachable") return "";
  const parts = [route.until === NEVER ? "for ever" : `for ${lifetime(route.until, now)}`];
  if (route.preference !== "medium") parts.push(`preference ${route.preference}`);
  if (route.mtu !== undefined) parts.push(`MTU ${route.mtu}`);
  return parts.join(", ");
}

function lifetime(end: Instant, now: Instant): string {
  return end === NEVER ? "for ever" : `${remaining(now, end)} s`;
}

function rulesetWords(from: Ruleset | undefined, to: Ruleset | undefined): string {
  const before = ruleLines(from);
  const after = ruleLines(to);
  const lines = [...missing(after, before).map((line) => `  + ${line}`), ...missing(before, after).map((line) => `  - ${line}`)];
  const shown = lines.slice(0, MOST_RULES);
  if (lines.length > shown.length) shown.push(`  and ${lines.length - shown.length} more`);
  return [rulesetTitle(from, to), ...shown].join("\n");
}

function rulesetTitle(from: Ruleset | undefined, to: Ruleset | undefined): string {
  if (to === undefined) return "- firewall table inet skylan";
  return from === undefined ? "+ firewall table inet skylan, in one step" : "~ firewall table inet skylan, in one step";
}

function ruleLines(ruleset: Ruleset | undefined): string[] {
  return canonicalRuleset(ruleset ?? []).flatMap((object: NftObject) => nftWords(object) ?? []);
}

/** The lines of `lines` that `others` has not; a line that stands there twice is matched twice. */
function missing(lines: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
