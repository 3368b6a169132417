/**
 * A socket for one query: connected, so that the kernel hands over answers of the one who was asked alone, and from a random port, so that nobody else
 * can guess where they are expected (RFC 5452 section 9.2).
 */
import { type Ip, ip4ToBytes, isIp4 } from "../addr/ip.ts";
import type { Random } from "../addr/random.ts";
import { AF_INET6, orClose, socketAddress } from "./ipv6-socket.ts";
import { KernelError } from "./kernel-error.ts";
import { check, interfaceIndex, lastErrno, libc } from "./libc.ts";
import { watchReadable } from "./poll.ts";

const AF_INET = 2;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const MSG_DONTWAIT = 0x40;
const [LOWEST_PORT, HIGHEST_PORT] = [1024, 65_535];
/** Another program may have the port. */
const MOST_TRIES = 8;
const LONGEST = 65_535;
/** A flood of forged answers must not keep the program from its work. */
const MOST_PER_TURN = 16;
/** One number has two names. */
const NOTHING_YET: readonly string[] = ["EAGAIN", "EWOULDBLOCK", "EINTR"];

export interface UdpQueryOptions {
  readonly address: Ip;
  readonly port: number;
  /** For a link-local address. */
  readonly interface?: string;
  readonly random: Random;
  readonly receive: (message: Uint8Array) => void;
  /** Nobody is there, says the network. */
  readonly failed: () => void;
}

const buffer = new Uint8Array(LONGEST);

/** Sends the query. @throws KernelError when it can't be sent: no route, no interface, no descriptor left */
export function sendUdpQuery(query: Uint8Array, options: UdpQueryOptions): { close(): void } {
  const change = `ask ${options.address}`;
  const scope = options.interface === undefined ? 0 : interfaceIndex(options.interface, change);
  const fd = check(libc.socket(isIp4(options.address) ? AF_INET : AF_INET6, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0), change);
  return orClose(fd, () => {
    bindSomewhere(fd, options, change);
    const server = nameOf(options.address, options.port, scope);
    check(libc.connect(fd, server, server.length), change);
    check(Number(libc.sendto(fd, query, query.length, MSG_DONTWAIT, null, 0)), change);
    let isOpen = true;
    const watched = watchReadable(fd, () => {
      for (let count = 0; isOpen && count < MOST_PER_TURN; count++) {
        const length = Number(libc.recv(fd, buffer, LONGEST, MSG_DONTWAIT));
        if (length < 0) {
          if (!NOTHING_YET.includes(lastErrno())) options.failed();
          return;
        }
        options.receive(buffer.slice(0, length));
      }
    });
    return {
      close: () => {
        isOpen = false;
        watched.close();
      },
    };
  });
}

function bindSomewhere(fd: number, { address, random }: UdpQueryOptions, change: string): void {
  for (let tries = 1; ; tries++) {
    const port = LOWEST_PORT + (random.uint32() % (HIGHEST_PORT - LOWEST_PORT + 1));
    const name = isIp4(address) ? socketAddress4("0.0.0.0" as typeof address, port) : socketAddress("::" as typeof address, port, 0);
    if (libc.bind(fd, name, name.length) === 0) return;
    const errno = lastErrno();
    if (tries === MOST_TRIES || errno !== "EADDRINUSE") throw new KernelError(errno, change);
  }
}

function nameOf(address: Ip, port: number, scope: number): Uint8Array {
  return isIp4(address) ? socketAddress4(address, port) : socketAddress(address, port, scope);
}

/** A struct sockaddr_in. */
function socketAddress4(address: Parameters<typeof ip4ToBytes>[0], port: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(ip4ToBytes(address), 4);
  return bytes;
}
