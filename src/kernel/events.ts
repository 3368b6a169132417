/** News from the kernel: a link, one of our kind of addresses or routes, a rule or the forwarding switch has changed by another's hand. */
import { isIp4, isLinkLocal } from "../addr/ip.ts";
import { MARK, type Neighbor } from "../plan/kernel-state.ts";
import { decodeAttributes, type NetlinkMessage } from "../wire/netlink.ts";
import {
  decodeAddress,
  IFA_F_DADFAILED,
  RTM_DELADDR,
  RTM_NEWLINK,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_NETCONF,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_NETCONF,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_LINK,
} from "../wire/rtnetlink.ts";
import { type Handles, sharedHandles } from "./handles.ts";
import { NeighborEvents } from "./neighbor-events.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE, type NetlinkNews, subscribe, type Subscription } from "./netlink-socket.ts";
import { dumpLinks } from "./rtnetlink.ts";

const GROUPS = [
  RTNLGRP_LINK,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV4_NETCONF,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_IPV6_NETCONF,
];
/** A sweep of link-local addresses must not fill the memory. */
const MOST_UNREACHABLE = 64;
const NFNLGRP_NFTABLES = 7;
const NFT_MSG_NEWGEN = (10 << 8) | 15;
const NFTA_GEN_PROC_PID = 2;

export class KernelEvents {
  readonly #handles: Handles;
  readonly #changed: () => void;
  readonly #neighbors: NeighborEvents;
  readonly #sockets: readonly Subscription[];
  #catchingUp = false;
  #closed = false;

  /**
   * Calls `changed` after each bundle of news, and when news were lost: then, too, a new look shows all there is. Addresses, routes and rules
   * that we changed ourselves are no news; a link that we took up is, because more follows from it. `neighbors` is given who is heard of on any link.
   * @throws KernelError
   */
  constructor(changed: () => void, neighbors: (news: readonly Neighbor[]) => void = () => undefined, handles: Handles = sharedHandles()) {
    this.#handles = handles;
    this.#changed = changed;
    this.#neighbors = new NeighborEvents((news) => {
      this.#rememberUnreachable(news);
      this.#whenFree(() => neighbors(news));
    }, handles);
    this.#sockets = [
      subscribe(NETLINK_ROUTE, GROUPS, (news) => this.#hearRoute(news)),
      this.#neighbors,
      subscribe(NETLINK_NETFILTER, [NFNLGRP_NFTABLES], (news) => this.#hearRules(news)),
    ];
    handles.catchUp = () => this.#catchUp();
  }

  /** Tells of all neighbours that the kernel knows. @throws KernelError */
  tellNeighbors(): void {
    this.#neighbors.tellAll();
  }

  close(): void {
    this.#closed = true;
    this.#handles.catchUp = () => undefined;
    for (const socket of this.#sockets) socket.close();
  }

  /** Takes note of what has been announced so far; `changed` follows later. */
  #catchUp(): void {
    this.#catchingUp = true;
    for (const socket of this.#sockets) socket.catchUp();
    this.#catchingUp = false;
  }

  #tell(): void {
    this.#whenFree(this.#changed);
  }

  /** Who is catching up is in the middle of a turn: what it hears is told after that turn. */
  #whenFree(tell: () => void): void {
    if (!this.#catchingUp) return tell();
    setImmediate(() => {
      if (!this.#closed) tell();
    });
  }

  #hearRoute(news: NetlinkNews): void {
    if (news.kind === "messages") {
      const foreign = news.messages.filter((message) => message.port !== this.#handles.route.port || message.type === RTM_NEWLINK);
      if (foreign.length === 0) return;
      for (const message of foreign) this.#rememberRefusal(message);
      if (foreign.some(({ type }) => type === RTM_NEWLINK)) this.#neighbors.forgetLinks();
    }
    this.#tell();
  }

  /** A router that is gone changes the plan. */
  #rememberUnreachable(news: readonly Neighbor[]): void {
    const lost = news.flatMap(({ interface: name, address, state }) =>
      state === "failed" && !isIp4(address) && isLinkLocal(address) ? [{ interface: name, address }] : [],
    );
    if (lost.length === 0) return;
    this.#handles.unreachable.push(...lost.slice(0, MOST_UNREACHABLE - this.#handles.unreachable.length));
    this.#tell();
  }

  #hearRules(news: NetlinkNews): void {
    if (news.kind === "lost" || news.messages.some(isForeignGeneration)) this.#tell();
  }

  /** An address with a lifetime that turns out to be a duplicate is deleted by the kernel: this message is all that is ever told of it. */
  #rememberRefusal(message: NetlinkMessage): void {
    if (message.type !== RTM_DELADDR) return;
    const { index, address, flags, protocol } = decodeAddress(message.payload);
    if (protocol !== MARK || (flags & IFA_F_DADFAILED) === 0 || isIp4(address)) return;
    const name = dumpLinks(this.#handles.route).find((link) => link.index === index)?.name;
    if (name !== undefined) this.#handles.refused.push({ interface: name, address });
  }
}

/** The end of a transaction of another process. */
function isForeignGeneration(message: NetlinkMessage): boolean {
  if (message.type !== NFT_MSG_NEWGEN) return false;
  const pid = decodeAttributes(message.payload, 4).get(NFTA_GEN_PROC_PID);
  return pid === undefined || new DataView(pid.buffer, pid.byteOffset).getUint32(0) !== process.pid;
}
