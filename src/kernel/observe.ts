/** One look at the kernel: all links, everything that carries our mark, our nft table, and the switches that were asked for. */
import { type Ip6, isIp4, isLinkLocal } from "../addr/ip.ts";
import { after, deadline, FOREVER, type Instant, NEVER } from "../addr/time.ts";
import { type AddressState, type LinkFact, MARK, type Observed, type RouteState } from "../plan/kernel-state.ts";
import {
  type AddressMessage,
  AF_INET,
  AF_INET6,
  IFA_F_DADFAILED,
  IFA_F_OPTIMISTIC,
  IFA_F_TENTATIVE,
  type LinkMessage,
} from "../wire/rtnetlink.ts";
import { type RouteMessage } from "../wire/rtnetlink-route.ts";
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
  const names = new Map(links.map((link) => [link.index, link.name]));
  const isOurs = (address: AddressMessage): boolean => address.protocol === MARK && names.has(address.index);
  const addresses = dumpAddresses(handles.route, AF_INET6).flatMap(ofIpv6);
  const ours = addresses.filter(isOurs);
  const all = [...ours, ...dumpAddresses(handles.route, AF_INET).filter(isOurs)];
  // After the list, not before: an address that was refused in between is missing in it, and without the announcement it would be added again.
  handles.catchUp();
  return {
    links: links.map((link) => linkFact(link, addresses)),
    up: links.filter((link) => link.up && wanted.interfaces.includes(link.name)).map((link) => link.name),
    addresses: all.map((address) => addressState(address, names.get(address.index)!, now)),
    tentative: ours
      .filter((address) => (address.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === IFA_F_TENTATIVE)
      .map(({ address }) => address),
    duplicates: [
      ...ours.filter((address) => failed(address)).map(({ index, address }) => ({ interface: names.get(index)!, address })),
      ...handles.refused.splice(0),
    ],
    unreachable: handles.unreachable.splice(0),
    routes: ([AF_INET6, AF_INET] as const).flatMap((family) =>
      dumpRoutes(handles.route, family, MARK).flatMap((route) => routeStates(route, names, now)),
    ),
    sysctls: Object.fromEntries(wanted.sysctls.flatMap((path) => readPair(path))),
    ruleset: handles.ruleset.observe(),
  };
}

interface Ip6Message extends AddressMessage {
  readonly address: Ip6;
}

function ofIpv6(message: AddressMessage): Ip6Message[] {
  const { address } = message;
  return isIp4(address) ? [] : [{ ...message, address }];
}

function linkFact({ index, name, mac, mtu, up, carrier, carrierLosses }: LinkMessage, addresses: readonly Ip6Message[]): LinkFact {
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
  const { destination, metric, preference, expires, mtu, source } = route;
  if (route.kind === "unreachable") return [{ kind: "unreachable", destination, metric }];
  const until = expires === FOREVER ? NEVER : after(now, expires);
  return route.nextHops.flatMap(({ index, gateway }) => {
    const name = names.get(index);
    if (name === undefined) return [];
    const place = gateway === undefined ? { interface: name } : { interface: name, gateway };
    const qualities = { metric, preference, until, ...(mtu !== undefined && { mtu }), ...(source !== undefined && { source }) };
    return [{ kind: "unicast", destination, ...place, ...qualities }];
  });
}

function readPair(path: string): [string, string][] {
  const value = readSysctl(path);
  return value === undefined ? [] : [[path, value]];
}
