/**
 * Carries changes out, in their order. Idempotent: adding what exists and deleting what is gone are successes, so that a crash at any point is
 * mended by doing it again.
 */
import { isPrefix4 } from "../addr/prefix4.ts";
import { type Instant, NEVER, remaining, type Seconds } from "../addr/time.ts";
import { between } from "../addr/time.ts";
import type { Change } from "../diff/change.ts";
import { type AddressState, MARK, type RouteState } from "../plan/kernel-state.ts";
import { NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST } from "../wire/netlink.ts";
import { type AddressMessage, encodeAddress, encodeLinkState, RTM_DELADDR, RTM_NEWADDR } from "../wire/rtnetlink.ts";
import { encodeRoute, RTM_DELROUTE, RTM_NEWROUTE, type RouteMessage } from "../wire/rtnetlink-route.ts";
import { bootNow } from "./clock.ts";
import { type Handles, sharedHandles } from "./handles.ts";
import { KernelError } from "./kernel-error.ts";
import { errnoName, libc } from "./libc.ts";
import type { Encode } from "./netlink-socket.ts";
import { writeSysctl } from "./sysctl.ts";

const REQUEST = NLM_F_REQUEST | NLM_F_ACK;

/** One request to rtnetlink, with the refusals that mean that it was done already. */
interface Step {
  readonly change: string;
  readonly encode: Encode;
  readonly harmless: readonly string[];
}

/**
 * Applies the changes. One that is refused does not hold up the others, but without its rules nothing goes on: a refused rule set ends it.
 * @throws KernelError the first refusal, when all that can be done is done
 */
export function apply(changes: readonly Change[], handles: Handles = sharedHandles()): void {
  const refusals: KernelError[] = [];
  const now = bootNow();
  let steps: Step[] = [];
  const flush = (): void => {
    refusals.push(...run(steps, handles));
    steps = [];
  };
  for (const change of changes) {
    if (change.kind === "ruleset" || change.kind === "sysctl") flush();
    const refused = attempt(() => {
      if (change.kind === "ruleset") handles.ruleset.apply(change.from, change.to);
      else if (change.kind === "sysctl") setSwitch(change.path, change.to);
      else steps.push(...stepsOf(change, now));
    });
    if (refused) refusals.push(refused);
    if (refused && change.kind === "ruleset") break;
  }
  flush();
  throwFirst(refusals);
}

/** All requests at once; the refusals that mean something. */
function run(steps: readonly Step[], handles: Handles): KernelError[] {
  if (steps.length === 0) return [];
  const verdicts = handles.route.request(
    steps.map((step) => step.encode),
    steps[0]!.change,
  );
  return verdicts.flatMap(({ errno, text }, index) => {
    const { change, harmless } = steps[index]!;
    const name = errnoName(errno);
    return errno === 0 || harmless.includes(name) ? [] : [new KernelError(name, change, text)];
  });
}

function attempt(action: () => void): KernelError | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
}

function throwFirst(refusals: readonly KernelError[]): void {
  const [first, ...others] = refusals;
  if (!first) return;
  if (others.length === 0) throw first;
  throw new KernelError(first.errno, first.change, `${first.reason}; ${others.length} more changes were refused`);
}

/** A switch that this kernel lacks, or whose interface has just gone, cannot be set and need not be. */
function setSwitch(path: string, value: string): void {
  try {
    writeSysctl(path, value);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== "ENOENT") throw error;
  }
}

function stepsOf(change: Exclude<Change, { kind: "ruleset" | "sysctl" }>, now: Instant): Step[] {
  switch (change.kind) {
    case "link-up":
    case "link-down":
      return [linkStep(change.interface, change.kind === "link-up")];
    case "address-add":
      return [addressStep("add", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, change.address, now)];
    case "address-update":
      return [addressStep("change", RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, change.address, now)];
    case "address-delete":
      return indexOf(change.address.interface) === 0 ? [] : [addressStep("delete", RTM_DELADDR, 0, change.address, now)];
    case "route-add":
      return [routeStep("add", change.route, now)];
    case "route-update":
      return changesInPlace(change.from, change.route)
        ? [routeStep("change", change.route, now)]
        : [routeStep("delete", change.from, now), routeStep("add", change.route, now)];
    case "route-delete":
      return change.route.kind === "unicast" && indexOf(change.route.interface) === 0 ? [] : [routeStep("delete", change.route, now)];
  }
}

function linkStep(name: string, up: boolean): Step {
  return {
    change: `take the interface ${name} ${up ? "up" : "down"}`,
    encode: (writer, sequence) => encodeLinkState(writer, REQUEST, sequence, name, up),
    harmless: up ? [] : ["ENODEV"],
  };
}

function addressStep(verb: string, type: number, flags: number, state: AddressState, now: Instant): Step {
  const change = `${verb} the address ${state.address}/${state.prefixLength} on ${state.interface}`;
  const message = addressMessage(state, now, change);
  return {
    change,
    encode: (writer, sequence) => encodeAddress(writer, type, REQUEST | flags, sequence, message),
    harmless: type === RTM_DELADDR ? ["EADDRNOTAVAIL", "ENODEV"] : ["EEXIST"],
  };
}

function addressMessage(state: AddressState, now: Instant, change: string): AddressMessage {
  const { address, prefixLength } = state;
  const valid = Math.max(1, remaining(now, state.validUntil)) as Seconds;
  const preferred = Math.min(remaining(now, state.preferredUntil), valid) as Seconds;
  return { index: needIndex(state.interface, change), address, prefixLength, flags: 0, protocol: MARK, preferred, valid };
}

/**
 * A route that exists is not replaced: the kernel would replace another's route of the same metric just as well. In IPv6 adding it again is refused with
 * EEXIST but takes over its new expiry and MTU (kernel function fib6_add_rt2node), which is just what is wanted.
 */
function routeStep(verb: "add" | "change" | "delete", state: RouteState, now: Instant): Step {
  const gateway = state.kind === "unicast" && state.gateway !== undefined ? ` via ${state.gateway}` : "";
  const place = state.kind === "unicast" ? `${gateway} on ${state.interface}` : " unreachable";
  const change = `${verb} the route ${state.destination}${place} metric ${state.metric}`;
  const [type, flags] = verb === "delete" ? [RTM_DELROUTE, 0] : [RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND];
  const message = routeMessage(state, now, change);
  return {
    change,
    encode: (writer, sequence) => encodeRoute(writer, type, REQUEST | flags, sequence, message),
    harmless: verb === "delete" ? ["ESRCH", "ENODEV"] : ["EEXIST"],
  };
}

function routeMessage(state: RouteState, now: Instant, change: string): RouteMessage {
  const { destination, metric } = state;
  const common = { destination, metric, protocol: MARK };
  if (state.kind === "unreachable")
    return { ...common, kind: "unreachable", preference: "medium", expires: between(now, NEVER), nextHops: [] };
  const { preference, until, mtu, gateway, source } = state;
  const index = needIndex(state.interface, change);
  return {
    ...common,
    kind: "unicast",
    preference,
    expires: between(now, until),
    nextHops: [gateway === undefined ? { index } : { index, gateway }],
    ...(mtu !== undefined && { mtu }),
    ...(source !== undefined && { source }),
  };
}

/** Only an expiry can be moved, and an MTU changed, without taking the route away for a moment; in IPv4 nothing can. */
function changesInPlace(from: RouteState, to: RouteState): boolean {
  if (from.kind !== "unicast" || to.kind !== "unicast") return true;
  if (isPrefix4(to.destination)) return false;
  return from.preference === to.preference && from.until !== NEVER && (from.mtu === to.mtu || to.mtu !== undefined);
}

function indexOf(name: string): number {
  return libc.nameToIndex(name);
}

function needIndex(name: string, change: string): number {
  const index = indexOf(name);
  if (index === 0) throw new KernelError("ENODEV", change);
  return index;
}
