/** Which programs hold the sockets of a protocol in this network namespace, as /proc tells: to name a rival instead of fighting it. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A program that holds a socket. */
export interface SocketOwner {
  readonly pid: number;
  /** /proc/PID/comm: at most 15 characters. */
  readonly name: string;
}

/** Holders of a UDP socket on this IPv6 port, without ourselves. Sockets of processes that we may not inspect are left out. */
export function udpOwners(port: number): readonly SocketOwner[] {
  return owners("/proc/net/udp6", port);
}

/** Holders of a raw ICMPv6 socket, without ourselves: routing daemons, RA clients, and now and then a ping. */
export function rawIcmpv6Owners(): readonly SocketOwner[] {
  return owners("/proc/net/raw6", 58);
}

/** In both tables the number behind the local address is the port, or for raw sockets the protocol. */
function owners(table: string, number: number): readonly SocketOwner[] {
  const inodes = new Set(
    readFileSync(table, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => Number.parseInt(fields[1]?.split(":")[1] ?? "", 16) === number)
      .map((fields) => fields[9]),
  );
  if (inodes.size === 0) return [];
  return processes()
    .filter((pid) => pid !== process.pid && holdsSocket(pid, inodes))
    .map((pid) => ({ pid, name: commandName(pid) }));
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
