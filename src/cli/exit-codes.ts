/** Exit codes, after sysexits.h: a script can tell what went wrong. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** Wrong options. */
  usage: 64,
  /** A part of the system is missing: a library, an interface. */
  unavailable: 69,
  /** A bug of ours. */
  software: 70,
  /** The kernel refused something. */
  kernel: 71,
  /** The state directory can't be written. */
  state: 74,
  /** Another program does the same work here, or no daemon answers. */
  conflict: 75,
  /** Capabilities are missing. */
  permission: 77,
  /** The config file is wrong. */
  config: 78,
} as const;
