/**
 * Network namespaces within one process. A socket belongs for ever to the namespace in which it was opened, so that one process can hold sockets of several.
 * Only synchronous work may be done inside: what comes later runs in the namespace of the process again.
 */
import { check, libc } from "./libc.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY_CLOEXEC = 0o2000000;
const OWN = "/proc/thread-self/ns/net";

/** A namespace that is kept alive by being open. */
export interface NetworkNamespace {
  /** A file by which other programs can enter it, as long as this process has it open. */
  readonly path: string;
  /** Runs synchronous `work` in it. @throws KernelError, and what `work` throws */
  run<Result>(work: () => Result): Result;
  close(): void;
}

/** Opens a namespace by its file, e.g. "/run/netns/home" or "/proc/123/ns/net". @throws KernelError */
export function openNamespace(path: string): NetworkNamespace {
  const fd = check(libc.open(path, O_RDONLY_CLOEXEC), `open the network namespace ${path}`);
  return {
    path: `/proc/${process.pid}/fd/${fd}`,
    run: (work) => {
      const home = check(libc.open(OWN, O_RDONLY_CLOEXEC), "open the own network namespace");
      try {
        check(libc.setns(fd, CLONE_NEWNET), `enter the network namespace ${path}`);
        try {
          return work();
        } finally {
          check(libc.setns(home, CLONE_NEWNET), "return to the own network namespace");
        }
      } finally {
        libc.close(home);
      }
    },
    close: () => libc.close(fd),
  };
}

/** A new, empty namespace that ends when it is closed and nothing of it is open any more. @throws KernelError EPERM */
export function createNamespace(): NetworkNamespace {
  const home = check(libc.open(OWN, O_RDONLY_CLOEXEC), "open the own network namespace");
  try {
    check(libc.unshare(CLONE_NEWNET), "make a network namespace");
    try {
      return openNamespace(OWN);
    } finally {
      check(libc.setns(home, CLONE_NEWNET), "return to the own network namespace");
    }
  } finally {
    libc.close(home);
  }
}
