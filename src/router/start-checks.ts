/** What must be true before anything is touched. Each refusal is a sentence that says what to do. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createClient, NotRunning, SOCKET_NAME } from "../api/client.ts";
import type { Problem } from "../api/status.ts";
import type { Config } from "../config/config.ts";
import { observe } from "../kernel/observe.ts";
import { isUdpPortHeld, rawIcmpv6Owners, type SocketOwner, udpOwners } from "../kernel/socket-owners.ts";
import { dhcpv4Rival } from "./dhcpv4-rivals.ts";

/** Somebody else already does this work here. */
export class Conflict extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = "Conflict";
  }
}

/** An interface of the config does not exist. */
export class MissingInterface extends Error {
  constructor(name: string, present: readonly string[]) {
    const choice = present.length === 0 ? "no other than lo" : `${present.join(", ")}; write one of them into the config`;
    super(`there is no interface ${name}; this box has ${choice}`);
    this.name = "MissingInterface";
  }
}

/** Programs that send Router Advertisements or act on those of the provider, by the name that /proc shows. */
const RA_DAEMONS = new Set(["radvd", "corerad", "odhcpd", "rtadvd", "dhcpcd", "dnsmasq"]);
/** Of programs that care for other interfaces too, by the name that /proc shows: how they are kept from those in skylan's config. */
const REMEDIES: Readonly<Record<string, string>> = {
  "systemd-network":
    "write DHCP=no and IPv6AcceptRA=no into the [Network] of the WAN's and the LANs' files in /etc/systemd/network, and then networkctl reload",
  NetworkManager: "nmcli device set INTERFACE managed no, for the WAN and for each LAN",
};
const DHCPV6_CLIENT_PORT = 546;
const DHCPV6_SERVER_PORT = 547;
const IS_CLIENT = "is a DHCPv6 client (UDP port 546)";
const IS_SERVER = "is a DHCPv6 server (UDP port 547)";
const IS_DAEMON = "handles Router Advertisements";
const UNSEEN_CLIENT =
  "a program of another user is a DHCPv6 client (UDP port 546) on this box; two of them fight over the same prefix. Stop it first: as root, `ss -lunp 'sport = :546'` names it";

const UNSEEN_SERVER =
  "a program of another user is a DHCPv6 server (UDP port 547) on this box, where skylan serves the LANs. Stop it first: as root, `ss -lunp 'sport = :547'` names it";

/** @throws MissingInterface, KernelError */
export function checkInterfaces({ wan, lans }: Config): void {
  const present = observe({ interfaces: [], sysctls: [] }).links.map(({ name }) => name);
  const missing = [wan, ...lans].find((link) => !present.includes(link.interface));
  if (missing === undefined) return;
  throw new MissingInterface(
    missing.interface,
    present.filter((name) => name !== "lo"),
  );
}

/** @throws Conflict when another DHCPv6 client or server or a router advertisement daemon runs in this network namespace. */
export function checkRivals(): void {
  const client = udpOwners(DHCPV6_CLIENT_PORT)[0];
  if (client) throw new Conflict(rival(client, IS_CLIENT));
  if (isUdpPortHeld(DHCPV6_CLIENT_PORT)) throw new Conflict(UNSEEN_CLIENT);
  const server = udpOwners(DHCPV6_SERVER_PORT)[0];
  if (server) throw new Conflict(rival(server, IS_SERVER));
  if (isUdpPortHeld(DHCPV6_SERVER_PORT)) throw new Conflict(UNSEEN_SERVER);
  const daemon = rawIcmpv6Owners().find((owner) => RA_DAEMONS.has(owner.name));
  if (daemon) throw new Conflict(rival(daemon, IS_DAEMON));
}

/** @throws Conflict when IPv4 is in our hands and another DHCPv4 client is on the WAN. Whoever leaves does not mind. */
export function checkDhcpv4Rivals({ wan }: Config): void {
  if (wan.ipv4 === "off") return;
  const index = observe({ interfaces: [], sysctls: [] }).links.find(({ name }) => name === wan.interface)?.index;
  const sentence = index === undefined ? undefined : dhcpv4Rival(wan.interface, index);
  if (sentence !== undefined) throw new Conflict(sentence);
}

/** @throws Conflict when a skylan already answers at this run directory. */
export async function checkAlone(runDirectory: string): Promise<void> {
  if (!existsSync(join(runDirectory, SOCKET_NAME))) return;
  try {
    await createClient(runDirectory).status();
  } catch (error) {
    if (error instanceof NotRunning) return;
    throw error;
  }
  throw new Conflict(`skylan already runs here (${runDirectory}); stop it first, or use another --run-dir`);
}

/** Other DHCPv6 clients and servers and router advertisement daemons in this network namespace: some come when skylan is there already. */
export function rivalProblems(): readonly Problem[] {
  const rivals = [
    ...udpOwners(DHCPV6_CLIENT_PORT).map((owner) => [owner, IS_CLIENT] as const),
    ...udpOwners(DHCPV6_SERVER_PORT).map((owner) => [owner, IS_SERVER] as const),
    ...rawIcmpv6Owners().flatMap((owner) => (RA_DAEMONS.has(owner.name) ? [[owner, IS_DAEMON] as const] : [])),
  ];
  return rivals.map(([owner, what]) => ({
    name: "rival",
    text: rivalry(owner, what),
    remedy: `stop it: ${remedy(owner)}`,
  }));
}

function rival(owner: SocketOwner, what: string): string {
  return `${rivalry(owner, what)}. Stop it first: ${remedy(owner)}`;
}

function rivalry({ name, pid }: SocketOwner, what: string): string {
  return `${name} (pid ${pid}) ${what} on this box; two of them fight over the same prefix`;
}

function remedy({ name, pid }: SocketOwner): string {
  return REMEDIES[name] ?? `systemctl disable --now ${name}, or kill ${pid}`;
}
