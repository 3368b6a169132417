/** What looking at the kernel and changing it stand on; opened once, in the network namespace of that moment. */
import type { Ip6 } from "../addr/ip.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./netlink-socket.ts";
import { OurRuleset } from "./our-ruleset.ts";

export interface Handles {
  readonly route: NetlinkSocket;
  readonly ruleset: OurRuleset;
  /** Our addresses that the kernel has removed because duplicate address detection refused them; told once, then forgotten. */
  readonly refused: { readonly interface: string; readonly address: Ip6 }[];
  /** Link-local neighbours that the kernel has given up; told once, then forgotten. */
  readonly unreachable: { readonly interface: string; readonly address: Ip6 }[];
  /** Takes note of all that the kernel has announced so far, when somebody listens to it. */
  catchUp: () => void;
}

/** @throws KernelError */
export function openHandles(): Handles {
  return { route: new NetlinkSocket(NETLINK_ROUTE), ruleset: new OurRuleset(), refused: [], unreachable: [], catchUp: () => undefined };
}

let shared: Handles | undefined;

/** The handles of this process, opened when they are first needed. @throws KernelError */
export function sharedHandles(): Handles {
  shared ??= openHandles();
  return shared;
}

export function closeHandles(handles: Handles): void {
  handles.route.close();
  handles.ruleset.close();
}
