/** Which programs hold the sockets of a protocol in this network namespace, as /proc tells: to name a rival instead of fighting it. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const UDP_TABLE = "/proc/net/udp6";

/** A program that holds a socket. */
export interface SocketOwner {
  readonly pid: number;
  /** /proc/PID/comm: at most 15 characters. */
  readonly name: string;
}

/** Holders of a UDP socket on this IPv6 port, without ourselves. Sockets of processes that we may not inspect are left out. */
export function udpOwners(port: number): readonly SocketOwner[] {
  return owners(UDP_TABLE, port);
}

/** Whether anybody holds a UDP socket on this IPv6 port, also who may not be inspected: a service with few rights sees no processes of root. */
export function isUdpPortHeld(port: number): boolean {
  return inodesOf(UDP_TABLE, port).size > 0;
}

/** Holders of a raw ICMPv6 socket, without ourselves: routing daemons, RA clients, and now and then a ping. */
export function rawIcmpv6Owners(): readonly SocketOwner[] {
  return owners("/proc/net/raw6", 58);
}

function owners(table: string, number: number): readonly SocketOwner[] {
  const inodes = inodesOf(table, number);
  if (inodes.size === 0) return [];
  return processes()
    .filter((pid) => pid !== process.pid && holdsSocket(pid, inodes))
    .map((pid) => ({ pid, name: commandName(pid) }));
}

/** In both tables the number behind the local address is the port, or for raw sockets the protocol. */
function inodesOf(table: string, number: number): ReadonlySet<string | undefined> {
  const lines = readFileSync(table, "utf8").split("\n").slice(1);
  const sockets = lines.map((line) => line.trim().split(/\s+/));
  const held = sockets.filter((fields) => Number.parseInt(fields[1]?.split(":")[1] ?? "", 16) === number);
  return new Set(held.map((fields) => fields[9]));
}

function processes(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function holdsSocket(pid: number, inodes: ReadonlySet<string | undefined>): boolean {
  return descriptors(pid).some((target) => inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? "none"));
}

/** A process may end while it is being looked at: then it holds nothing. */
function descriptors(pid: number): string[] {
  return attempt([], () => readdirSync(`/proc/${pid}/fd`).map((fd) => attempt("", () => readlinkSync(`/proc/${pid}/fd/${fd}`))));
}

function commandName(pid: number): string {
  return attempt("a program that has just ended", () => readFileSync(`/proc/${pid}/comm`, "utf8").trim());
}

function attempt<T>(otherwise: T, work: () => T): T {
  try {
    return work();
  } catch {
    return otherwise;
  }
}
