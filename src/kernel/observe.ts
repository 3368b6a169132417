/** One look at the kernel: all links, everything that carries our mark, our nft table, and the switches that were asked for. */
import { isLinkLocal } from "../addr/ip.ts";
import { after, deadline, FOREVER, type Instant, NEVER } from "../addr/time.ts";
import { type AddressState, type LinkFact, MARK, type Observed, type RouteState } from "../plan/kernel-state.ts";
import {
  type AddressMessage,
  IFA_F_DADFAILED,
  IFA_F_OPTIMISTIC,
  IFA_F_TENTATIVE,
  type LinkMessage,
  type RouteMessage,
} from "../wire/rtnetlink.ts";
import { bootNow } from "./clock.ts";
import { type Handles, sharedHandles } from "./handles.ts";
import { dumpAddresses, dumpLinks, dumpRoutes } from "./rtnetlink.ts";
import { readSysctl } from "./sysctl.ts";

export interface Wanted {
  /** Interfaces whose being up matters. */
  readonly interfaces: readonly string[];
  /** Paths below /proc/sys. */
  readonly sysctls: readonly string[];
}

/** The kernel's state in the network namespace in which `handles` were opened. @throws KernelError */
export function observe(wanted: Wanted, handles: Handles = sharedHandles()): Observed {
  const now = bootNow();
  const links = dumpLinks(handles.route);
  const addresses = dumpAddresses(handles.route);
  const names = new Map(links.map((link) => [link.index, link.name]));
  const ours = addresses.filter((address) => address.protocol === MARK && names.has(address.index));
  return {
    links: links.map((link) => linkFact(link, addresses)),
    up: links.filter((link) => link.up && wanted.interfaces.includes(link.name)).map((link) => link.name),
    addresses: ours.map((address) => addressState(address, names.get(address.index)!, now)),
    tentative: ours
      .filter((address) => (address.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === IFA_F_TENTATIVE)
      .map(({ address }) => address),
    duplicates: [
      ...ours.filter((address) => failed(address)).map(({ index, address }) => ({ interface: names.get(index)!, address })),
      ...handles.refused.splice(0),
    ],
    unreachable: handles.unreachable.splice(0),
    routes: dumpRoutes(handles.route, MARK).flatMap((route) => routeStates(route, names, now)),
    sysctls: Object.fromEntries(wanted.sysctls.flatMap((path) => readPair(path))),
    ruleset: handles.ruleset.observe(),
  };
}

function linkFact({ index, name, mac, mtu, up, carrier, carrierLosses }: LinkMessage, addresses: readonly AddressMessage[]): LinkFact {
  const own = addresses.filter((candidate) => candidate.index === index && isLinkLocal(candidate.address));
  const linkLocal = own.find(ready)?.address;
  const optimisticLinkLocal = linkLocal === undefined ? own.find(optimistic)?.address : undefined;
  return {
    index,
    name,
    mac,
    mtu,
    up,
    carrier,
    carrierLosses,
    ...(linkLocal !== undefined && { linkLocal }),
    ...(optimisticLinkLocal !== undefined && { optimisticLinkLocal }),
  };
}

/** Duplicate address detection is over, and the address is ours alone. */
function ready({ flags }: AddressMessage): boolean {
  return (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0;
}

function optimistic({ flags }: AddressMessage): boolean {
  return (flags & (IFA_F_OPTIMISTIC | IFA_F_DADFAILED)) === IFA_F_OPTIMISTIC;
}

function failed({ flags }: AddressMessage): boolean {
  return (flags & IFA_F_DADFAILED) !== 0;
}

function addressState(message: AddressMessage, name: string, now: Instant): AddressState {
  const { address, prefixLength, preferred, valid } = message;
  return { interface: name, address, prefixLength, preferredUntil: deadline(now, preferred), validUntil: deadline(now, valid) };
}

function routeStates(route: RouteMessage, names: ReadonlyMap<number, string>, now: Instant): RouteState[] {
  const { destination, metric, preference, expires, mtu } = route;
  if (route.kind === "unreachable") return [{ kind: "unreachable", destination, metric }];
  const until = expires === FOREVER ? NEVER : after(now, expires);
  return route.nextHops.flatMap(({ index, gateway }) => {
    const name = names.get(index);
    if (name === undefined) return [];
    const place = gateway === undefined ? { interface: name } : { interface: name, gateway };
    return [{ kind: "unicast", destination, ...place, metric, preference, until, ...(mtu !== undefined && { mtu }) }];
  });
}

function readPair(path: string): [string, string][] {
  const value = readSysctl(path);
  return value === undefined ? [] : [[path, value]];
}
