/**
 * Readiness of file descriptors in Node's event loop. Measured rules of koffi's poll, kept here and nowhere else: a handle that nobody references
 * is collected and falls silent; the handle is closed first and the descriptor only in a later turn; one handle for each descriptor; exceptions in the
 * callback vanish unless they are thrown again outside; an error of the socket ends the watch.
 */
import koffi from "koffi";
import { libc } from "./libc.ts";

type PollHandle = ReturnType<typeof koffi.node.poll>;

/** Keeps the handles referenced. */
const open = new Set<PollHandle>();

/** A descriptor that is being watched. */
export interface Watched {
  /** Ends the watch and closes the descriptor soon after; a second call does nothing. */
  close(): void;
}

/** Calls `ready` whenever `fd` can be read; the watch keeps the process alive, and owns the descriptor from here on. */
export function watchReadable(fd: number, ready: () => void): Watched {
  // The first argument is libuv's status, which koffi's types leave out.
  const onEvent = (status: unknown): void => {
    if (!open.has(handle)) return;
    try {
      ready();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
    // libuv ends the watch when the socket reports an error (a link that went down, an overrun of netlink); reading has cleared it.
    if (Number(status) < 0 && open.has(handle)) handle.start({ readable: true }, onEvent);
  };
  const handle: PollHandle = koffi.node.poll(fd, { readable: true }, onEvent);
  open.add(handle);
  return {
    close: () => {
      if (!open.delete(handle)) return;
      handle.stop();
      handle.close();
      setImmediate(() => libc.close(fd));
    },
  };
}
