/** Tells systemd how the service is, sd_notify(3): one datagram to the socket that NOTIFY_SOCKET names. */
import { check, libc } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;

/** Sends e.g. "READY=1"; does nothing when not started by systemd. @throws KernelError when its socket can't be reached */
export function notifySystemd(state: string, path = process.env["NOTIFY_SOCKET"]): void {
  if (path === undefined || path === "") return;
  const fd = check(libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0), "open a socket for systemd");
  const message = new TextEncoder().encode(state);
  const address = unixAddress(path);
  const sent = libc.sendto(fd, message, message.length, 0, address, address.length);
  try {
    check(Number(sent), `tell systemd at ${path}`);
  } finally {
    libc.close(fd);
  }
}

/** struct sockaddr_un; a leading "@" stands for the zero octet of the abstract namespace. */
function unixAddress(path: string): Uint8Array {
  const name = new TextEncoder().encode(path.startsWith("@") ? `\0${path.slice(1)}` : path);
  return Uint8Array.of(AF_UNIX, 0, ...name);
}
