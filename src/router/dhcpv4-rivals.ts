/**
 * Other DHCPv4 clients on the provider's link: two of them take two leases and two default routes. They are hard to see: dhclient hears all of its
 * interface's frames, networkd holds a port only once it has an address, and udhcpc with a lease holds nothing at all.
 */
import { networkInterfaces } from "node:os";
import { ownersOf, type PacketSocketEntry, packetSockets, programsNamed, type SocketOwner, udp4Sockets } from "../kernel/socket-owners.ts";
import { DHCPV4_CLIENT_PORT } from "../wire/dhcpv4.ts";

/** EtherTypes under which a client hears answers before it has an address: every one, IPv4. */
const HEARING = [3, 0x0800];
const ANY_ADDRESS = "0.0.0.0";

/** How each client, by the name that /proc shows, is kept from one interface, and left alone on all others. */
const REMEDIES: Readonly<Record<string, (link: string, pid: number) => string>> = {
  dhclient: (link, pid) => `take "iface ${link} inet dhcp" out of /etc/network/interfaces, and then kill ${pid}`,
  udhcpc: (_link, pid) => `keep it from starting again, and then kill ${pid}`,
  dhcpcd: (link) => `write "denyinterfaces ${link}" into /etc/dhcpcd.conf, and then systemctl restart dhcpcd`,
  "systemd-network": (link) => `write DHCP=no into the [Network] of ${link}'s file in /etc/systemd/network, and then networkctl reload`,
  NetworkManager: (link) => `nmcli device set ${link} managed no`,
};
const CLIENTS: ReadonlySet<string> = new Set(Object.keys(REMEDIES));

/** A sentence about the DHCPv4 client that runs on this link too; undefined when none is seen. */
export function dhcpv4Rival(link: string, index: number): string | undefined {
  const sockets = packetSockets();
  const held = udp4Sockets(DHCPV4_CLIENT_PORT).filter(({ address }) => isOn(link, address));
  const owner =
    ownersOf(inodesOf(hearing(sockets, (place) => place === index))).find(({ name }) => CLIENTS.has(name)) ??
    portOwner(held, sockets, index) ??
    // With a lease it holds no socket, but it was told its interface.
    programsNamed(CLIENTS).find(({ words }) => words.includes(link));
  if (owner) return namedRival(owner, link);
  // Who may not be inspected; but whoever was inspected is none.
  return held.length > 0 && ownersOf(inodesOf(held)).length === 0 ? unseenRival(link) : undefined;
}

/** Whoever holds the port, unless it hears frames of other links only. */
function portOwner(
  held: readonly { readonly inode: string }[],
  sockets: readonly PacketSocketEntry[],
  index: number,
): SocketOwner | undefined {
  const elsewhere = ownersOf(inodesOf(hearing(sockets, (place) => place !== 0 && place !== index)));
  return ownersOf(inodesOf(held)).find(({ pid }) => !elsewhere.some((owner) => owner.pid === pid));
}

function hearing(sockets: readonly PacketSocketEntry[], isPlace: (index: number) => boolean): readonly PacketSocketEntry[] {
  return sockets.filter(({ protocol, index }) => HEARING.includes(protocol) && isPlace(index));
}

const inodesOf = (sockets: readonly { readonly inode: string }[]): ReadonlySet<string> => new Set(sockets.map(({ inode }) => inode));

function isOn(link: string, address: string): boolean {
  return address === ANY_ADDRESS || (networkInterfaces()[link] ?? []).some((own) => own.address === address);
}

function namedRival({ name, pid }: SocketOwner, link: string): string {
  const remedy = REMEDIES[name]?.(link, pid) ?? `systemctl disable --now ${name}, or kill ${pid}`;
  return `${name} (pid ${pid}) is a DHCPv4 client on ${link}; two of them take two addresses and two ways out. Stop it first: ${remedy}. Or write ipv4 = "off" in [wan]`;
}

function unseenRival(link: string): string {
  return `a program of another user is a DHCPv4 client (UDP port 68) on ${link}; two of them take two addresses and two ways out. Stop it first: as root, \`ss -lunp 'sport = :68'\` names it. Or write ipv4 = "off" in [wan]`;
}
