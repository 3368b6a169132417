/** The kernel has refused something. */

/** What the common refusals mean to a person. */
const REASONS: Readonly<Record<string, string>> = {
  EPERM: "no permission; run as root or grant CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE",
  EACCES: "no permission; run as root or grant CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE",
  ENODEV: "there is no such interface",
  ENXIO: "there is no such interface",
  ENOENT: "it does not exist",
  EEXIST: "it exists already",
  ESRCH: "it does not exist",
  EADDRNOTAVAIL: "this box does not have that address, or it is still being probed",
  EADDRINUSE: "another program uses that address and port",
  ENETDOWN: "the interface is down",
  ENETUNREACH: "no route leads there",
  EHOSTUNREACH: "no route leads there",
  EINVAL: "the kernel finds the request invalid",
  EOPNOTSUPP: "this kernel cannot do that",
  EAFNOSUPPORT: "this kernel has no support for it",
  ENOSYS: "this box lacks what it takes",
  ENOBUFS: "the kernel has no buffer space left",
  ENOMEM: "the kernel has no memory left",
  EROFS: "the place is read-only",
};

/** What is tried when the rules are refused. */
export const LOAD_RULESET = "load the firewall table inet skylan";

/** `errno` is the name of the error, e.g. "ENODEV"; the message says what was tried, why it failed, and what may help. */
export class KernelError extends Error {
  readonly errno: string;
  /** What was tried, e.g. "add the address fd00::1/64 on eth0". */
  readonly change: string;
  /** Why it failed. */
  readonly reason: string;

  /** `reason` where more is known than the error alone tells, such as the kernel's own explanation. */
  constructor(errno: string, change: string, reason: string = REASONS[errno] ?? "the kernel refuses it") {
    super(`cannot ${change}: ${reason} (${errno})`);
    this.name = "KernelError";
    this.errno = errno;
    this.change = change;
    this.reason = reason;
  }
}
