/** Links, addresses, routes and neighbours as the kernel has them, and one sentence for each attempt to change them. */
import type { NetlinkMessage } from "../wire/netlink.ts";
import {
  type AddressMessage,
  decodeAddress,
  decodeLink,
  decodeNeighbor,
  encodeAddressDump,
  encodeLinkDump,
  encodeNeighborDump,
  type Family,
  type LinkMessage,
  type NeighborMessage,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
} from "../wire/rtnetlink.ts";
import { decodeRoute, encodeRouteDump, RTM_NEWROUTE, type RouteMessage } from "../wire/rtnetlink-route.ts";
import type { Encode, NetlinkSocket } from "./netlink-socket.ts";

/** All links. @throws KernelError */
export function dumpLinks(socket: NetlinkSocket): LinkMessage[] {
  return dump(socket, encodeLinkDump, "list the interfaces", RTM_NEWLINK, decodeLink);
}

/** All addresses of a family. @throws KernelError */
export function dumpAddresses(socket: NetlinkSocket, family: Family): AddressMessage[] {
  const request: Encode = (writer, sequence) => encodeAddressDump(writer, sequence, family);
  return dump(socket, request, "list the addresses", RTM_NEWADDR, decodeAddress);
}

/** The unicast and unreachable routes of the main table that carry `protocol`. @throws KernelError */
export function dumpRoutes(socket: NetlinkSocket, family: Family, protocol: number): RouteMessage[] {
  const routes = dump(
    socket,
    (writer, sequence) => encodeRouteDump(writer, sequence, family, protocol),
    "list the routes",
    RTM_NEWROUTE,
    decodeRoute,
  );
  return routes.filter((route) => route.protocol === protocol);
}

/** All neighbours of a family. @throws KernelError */
export function dumpNeighbors(socket: NetlinkSocket, family: Family): NeighborMessage[] {
  const request: Encode = (writer, sequence) => encodeNeighborDump(writer, sequence, family);
  return dump(socket, request, "list the neighbours", RTM_NEWNEIGH, decodeNeighbor);
}

function dump<Entry>(
  socket: NetlinkSocket,
  request: Encode,
  change: string,
  type: number,
  decode: (payload: Uint8Array) => Entry | undefined,
): Entry[] {
  const entries: Entry[] = [];
  const take = (message: NetlinkMessage): void => {
    const entry = message.type === type ? decode(message.payload) : undefined;
    if (entry !== undefined) entries.push(entry);
  };
  socket.dump(request, change, () => (entries.length = 0), take);
  return entries;
}
