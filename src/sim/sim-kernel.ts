/** A kernel made of plain data: links, our addresses with duplicate address detection, routes that expire, switches, a rule set. */
import type { Ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { after, between, type Instant, NEVER, seconds } from "../addr/time.ts";
import type { Change } from "../diff/change.ts";
import { KernelError, LOAD_RULESET } from "../kernel/kernel-error.ts";
import { translates } from "../plan/firewall-nat.ts";
import {
  type AddressState,
  type Ip6AddressState,
  isOfIpv6,
  type LinkFact,
  type Observed,
  type RouteState,
  type Ruleset,
} from "../plan/kernel-state.ts";

/** Duplicate address detection with one probe, RFC 4862 5.1. */
const DAD = seconds(1);

interface SimAddress {
  readonly state: AddressState;
  /** When the probes end. */
  readonly readyAt: Instant;
  /** What they have shown; undefined until then. */
  refused?: boolean;
}

type Duplicate = Observed["duplicates"][number];

interface SimLink {
  readonly name: string;
  readonly linkLocal: Ip6;
  up: boolean;
  carrier: boolean;
  carrierLosses: number;
  /** The link-local address may be used from here on. */
  readyAt: Instant;
}

export interface SimLinkOptions {
  readonly name: string;
  readonly linkLocal: Ip6;
}

export class SimKernel {
  /** A kernel without the translation of IPv4 takes no rules that need it. */
  canTranslate = true;
  /** Whether another device on this link claims an address that is being probed. */
  isTaken: (link: string, address: Ip6) => boolean = () => false;
  /** Neighbours that Neighbor Discovery has given up; told once. */
  readonly unreachable: Observed["unreachable"][number][] = [];
  readonly #now: () => Instant;
  readonly #links: SimLink[];
  #addresses: SimAddress[] = [];
  /** Refused ones that Linux deletes, because they have a lifetime: told once. */
  #deleted: Duplicate[] = [];
  #routes: RouteState[] = [];
  #ruleset: Ruleset | undefined;
  readonly #sysctls = new Map<string, string>();

  constructor(now: () => Instant, links: readonly SimLinkOptions[]) {
    this.#now = now;
    this.#links = links.map((link) => ({ ...link, up: true, carrier: true, carrierLosses: 0, readyAt: after(now(), DAD) }));
  }

  /** The next instant at which something changes by itself, so that the loop is told. */
  changesAt(): Instant | undefined {
    const now = this.#now();
    const ends = [...this.#links.map((link) => link.readyAt), ...this.#addresses.map((address) => address.readyAt)];
    return ends.filter((end) => end > now).sort((a, b) => a - b)[0];
  }

  setCarrier(name: string, carrier: boolean): void {
    const link = this.#links.find((candidate) => candidate.name === name);
    if (!link) return;
    link.carrier = carrier;
    if (carrier) link.readyAt = after(this.#now(), DAD);
    else link.carrierLosses++;
  }

  /** What there is now, without the news that are told once. */
  holds(): Pick<Observed, "addresses" | "routes" | "ruleset"> {
    this.#expire();
    return { addresses: this.#addresses.map(({ state }) => state), routes: [...this.#routes], ruleset: this.#ruleset };
  }

  observe(wanted: { readonly sysctls: readonly string[] }): Observed {
    this.#expire();
    const now = this.#now();
    const failed = this.#addresses.filter(({ refused }) => refused);
    return {
      links: this.#links.map((link, index) => linkFact(link, index + 1, now)),
      up: this.#links.filter((link) => link.up).map((link) => link.name),
      addresses: this.#addresses.map(({ state }) => state),
      routes: [...this.#routes],
      sysctls: Object.fromEntries(wanted.sysctls.map((path) => [path, this.#sysctls.get(path) ?? "0"])),
      ruleset: this.#ruleset,
      tentative: statesOf(this.#addresses.filter(({ readyAt }) => readyAt > now)).map(({ address }) => address),
      duplicates: [...statesOf(failed).map(duplicate), ...this.#deleted.splice(0)],
      unreachable: this.unreachable.splice(0),
    };
  }

  apply(changes: readonly Change[]): void {
    for (const change of changes) this.#apply(change);
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case "link-up":
      case "link-down":
        for (const link of this.#links) if (link.name === change.interface) link.up = change.kind === "link-up";
        break;
      case "sysctl":
        this.#sysctls.set(change.path, change.to);
        break;
      case "ruleset":
        if (!this.canTranslate && translates(change.to)) throw new KernelError("EOPNOTSUPP", LOAD_RULESET);
        this.#ruleset = change.to;
        break;
      case "address-add":
        this.#addresses.push({ state: change.address, readyAt: after(this.#now(), DAD) });
        break;
      case "address-update":
        this.#addresses = this.#addresses.map((entry) =>
          sameAddress(entry.state, change.address) ? { ...entry, state: change.address } : entry,
        );
        break;
      case "address-delete":
        this.#addresses = this.#addresses.filter((entry) => !sameAddress(entry.state, change.address));
        this.#dropRoutes();
        break;
      case "route-add":
        this.#routes.push(inWholeSeconds(change.route, this.#now()));
        break;
      case "route-update":
        this.#routes = this.#routes.map((route) => (sameRoute(route, change.route) ? inWholeSeconds(change.route, this.#now()) : route));
        break;
      case "route-delete":
        this.#routes = this.#routes.filter((route) => !sameRoute(route, change.route));
        break;
    }
  }

  #expire(): void {
    const now = this.#now();
    for (const entry of this.#addresses)
      if (entry.readyAt <= now && isOfIpv6(entry.state)) entry.refused ??= this.isTaken(entry.state.interface, entry.state.address);
    const deleted = this.#addresses.filter(({ state, refused }) => refused && state.validUntil !== NEVER);
    this.#deleted.push(...statesOf(deleted).map(duplicate));
    this.#addresses = this.#addresses.filter((entry) => entry.state.validUntil > now && !deleted.includes(entry));
    this.#routes = this.#routes.filter((route) => route.kind === "unreachable" || route.until > now);
    this.#dropRoutes();
  }

  /** An IPv4 route goes with the address that it speaks from. */
  #dropRoutes(): void {
    const there = new Set<string>(this.#addresses.map(({ state }) => state.address));
    this.#routes = this.#routes.filter((route) => route.kind === "unreachable" || route.source === undefined || there.has(route.source));
  }
}

/** Duplicate address detection is of IPv6. */
const statesOf = (addresses: readonly SimAddress[]): readonly Ip6AddressState[] => addresses.map(({ state }) => state).filter(isOfIpv6);

const duplicate = ({ interface: name, address }: Ip6AddressState): Duplicate => ({ interface: name, address });

function linkFact(link: SimLink, index: number, now: Instant): LinkFact {
  const ready = link.up && link.carrier && link.readyAt <= now;
  const { name, up, carrier, carrierLosses } = link;
  return {
    index,
    name,
    mac: mac(`02:00:00:00:00:0${index}`),
    mtu: 1500,
    up,
    carrier,
    carrierLosses,
    ...(ready && { linkLocal: link.linkLocal }),
  };
}

/** Linux is told a route's life in whole seconds. */
function inWholeSeconds(route: RouteState, now: Instant): RouteState {
  return route.kind === "unreachable" ? route : { ...route, until: after(now, seconds(Math.ceil(between(now, route.until) / 1000))) };
}

const sameAddress = (a: AddressState, b: AddressState): boolean => a.interface === b.interface && a.address === b.address;

function sameRoute(a: RouteState, b: RouteState): boolean {
  if (a.kind !== b.kind || a.destination !== b.destination || a.metric !== b.metric) return false;
  return a.kind === "unreachable" || b.kind === "unreachable" || (a.interface === b.interface && a.gateway === b.gateway);
}
