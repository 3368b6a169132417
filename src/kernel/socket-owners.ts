/** Which programs hold the sockets of a protocol in this network namespace, as /proc tells: to name a rival instead of fighting it. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const UDP_TABLE = "/proc/net/udp6";
const UDP4_TABLE = "/proc/net/udp";
const PACKET_TABLE = "/proc/net/packet";

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

/** The number of a socket's inode, by which its holders are found. */
type Inode = string;

export interface Udp4Socket {
  readonly inode: Inode;
  /** 0.0.0.0: any address. */
  readonly address: string;
}

/** The UDP sockets on this IPv4 port, of whomever. To which interface one is bound, the kernel does not say. */
export function udp4Sockets(port: number): readonly Udp4Socket[] {
  return rows(UDP4_TABLE).flatMap((fields) => {
    const [address = "", hexPort = ""] = (fields[1] ?? "").split(":");
    if (Number.parseInt(hexPort, 16) !== port) return [];
    // The octets of the address are those of a number in this machine's order.
    const octets = address.match(/../g) ?? [];
    return [
      {
        inode: fields[9] ?? "",
        address: octets
          .map((octet) => Number.parseInt(octet, 16))
          .toReversed()
          .join("."),
      },
    ];
  });
}

export interface PacketSocketEntry {
  readonly inode: Inode;
  /** EtherType that it hears; 3: every one. */
  readonly protocol: number;
  /** Of its interface; 0: all. */
  readonly index: number;
}

/** The packet sockets in this network namespace, of whomever. */
export function packetSockets(): readonly PacketSocketEntry[] {
  return rows(PACKET_TABLE).map((fields) => ({
    inode: fields[8] ?? "",
    protocol: Number.parseInt(fields[3] ?? "", 16),
    index: Number(fields[4]),
  }));
}

/** Who holds one of these sockets, without ourselves and those that we may not inspect. */
export function ownersOf(inodes: ReadonlySet<Inode | undefined>): readonly SocketOwner[] {
  // To look into every process takes a while, and most of the time all of them are ours.
  const own = socketsOf(process.pid);
  const others = [...inodes].filter((inode) => !own.has(inode));
  if (others.length === 0) return [];
  return processes()
    .filter((pid) => pid !== process.pid && holdsOneOf(pid, others))
    .map((pid) => ({ pid, name: commandName(pid) }));
}

function owners(table: string, number: number): readonly SocketOwner[] {
  return ownersOf(inodesOf(table, number));
}

/** Programs of this network namespace with this name, and what they were called with, without ourselves and those that we may not inspect. */
export function programsNamed(names: ReadonlySet<string>): readonly (SocketOwner & { readonly words: readonly string[] })[] {
  const ours = readlinkSync("/proc/self/ns/net");
  return processes()
    .map((pid) => ({ pid, name: commandName(pid) }))
    .filter(({ pid, name }) => names.has(name) && attempt("", () => readlinkSync(`/proc/${pid}/ns/net`)) === ours)
    .map((owner) => ({ ...owner, words: attempt("", () => readFileSync(`/proc/${owner.pid}/cmdline`, "utf8")).split("\0") }));
}

/** In both tables the number behind the local address is the port, or for raw sockets the protocol. */
function inodesOf(table: string, number: number): ReadonlySet<string | undefined> {
  const held = rows(table).filter((fields) => Number.parseInt(fields[1]?.split(":")[1] ?? "", 16) === number);
  return new Set(held.map((fields) => fields[9]));
}

/** The rows of one of the kernel's tables, below its heading, in columns. */
function rows(table: string): string[][] {
  const lines = readFileSync(table, "utf8").split("\n").slice(1);
  return lines.filter((line) => line !== "").map((line) => line.trim().split(/\s+/));
}

function processes(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function socketsOf(pid: number): ReadonlySet<Inode | undefined> {
  return new Set(descriptors(pid).flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}

function holdsOneOf(pid: number, inodes: readonly (Inode | undefined)[]): boolean {
  const held = socketsOf(pid);
  return inodes.some((inode) => held.has(inode));
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
