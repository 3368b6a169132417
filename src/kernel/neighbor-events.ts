/** News of neighbours: who has come, has proved to be there, or was given up. A sweep of absent addresses costs a glance at each message. */
import type { Neighbor } from "../plan/kernel-state.ts";
import type { NetlinkMessage } from "../wire/netlink.ts";
import { AF_INET, AF_INET6, decodeNeighbor, type NeighborMessage, NUD, RTM_NEWNEIGH, RTNLGRP_NEIGH } from "../wire/rtnetlink.ts";
import { bootNow } from "./clock.ts";
import type { Handles } from "./handles.ts";
import { NETLINK_ROUTE, type NetlinkNews, subscribe, type Subscription } from "./netlink-socket.ts";
import { dumpLinks, dumpNeighbors } from "./rtnetlink.ts";

/** Where more is announced than can be heard, the whole table is read, but not oftener than this. Milliseconds. */
const REREAD_INTERVAL = 1000;

const STATES: ReadonlyMap<number, Neighbor["state"]> = new Map([
  [NUD.reachable, "reachable"],
  [NUD.permanent, "reachable"],
  [NUD.stale, "stale"],
  [NUD.delay, "stale"],
  [NUD.probe, "stale"],
  [NUD.failed, "failed"],
]);

export class NeighborEvents implements Subscription {
  readonly #handles: Handles;
  readonly #hear: (news: readonly Neighbor[]) => void;
  readonly #socket: Subscription;
  #names = new Map<number, string>();
  /** News were lost since the table was read. */
  #incomplete = false;
  #readAt = 0;

  /** Calls `hear` with each bundle of news, never with an empty one. @throws KernelError */
  constructor(hear: (news: readonly Neighbor[]) => void, handles: Handles) {
    this.#handles = handles;
    this.#hear = hear;
    this.#socket = subscribe(NETLINK_ROUTE, [RTNLGRP_NEIGH], (news) => this.#take(news));
  }

  close(): void {
    this.#socket.close();
  }

  catchUp(): void {
    this.#socket.catchUp();
  }

  /** Another link may have an index that we knew. */
  forgetLinks(): void {
    this.#names.clear();
  }

  /** Tells of all neighbours that the kernel knows. @throws KernelError */
  tellAll(): void {
    this.#incomplete = false;
    this.#readAt = bootNow();
    const entries = ([AF_INET6, AF_INET] as const).flatMap((family) => dumpNeighbors(this.#handles.route, family));
    this.#tell(entries);
  }

  #take(news: NetlinkNews): void {
    this.#incomplete ||= news.kind === "lost";
    if (this.#incomplete && bootNow() - this.#readAt >= REREAD_INTERVAL) this.tellAll();
    else if (news.kind === "messages") this.#tell(news.messages.flatMap(readNeighbor));
  }

  #tell(entries: readonly NeighborMessage[]): void {
    const news = entries.flatMap((entry) => this.#toNeighbor(entry));
    if (news.length > 0) this.#hear(news);
  }

  #toNeighbor({ index, address, mac, state: bits, confirmedAgo }: NeighborMessage): Neighbor[] {
    const state = STATES.get(bits);
    if (state === undefined || (mac === undefined && state !== "failed")) return [];
    const name = this.#nameOf(index);
    return name === undefined ? [] : [{ interface: name, address, state, confirmedAgo, ...(mac && { mac }) }];
  }

  #nameOf(index: number): string | undefined {
    if (!this.#names.has(index)) this.#names = new Map(dumpLinks(this.#handles.route).map((link) => [link.index, link.name]));
    return this.#names.get(index);
  }
}

function readNeighbor(message: NetlinkMessage): NeighborMessage[] {
  const entry = message.type === RTM_NEWNEIGH ? decodeNeighbor(message.payload) : undefined;
  return entry ? [entry] : [];
}
