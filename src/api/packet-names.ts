/** Who is behind an address: names of groups, and roles of link-local addresses as they show themselves in packets. */
import { ALL_DHCP_SERVERS, ALL_NODES, ALL_ROUTERS, BROADCAST4, type Ip, isLinkLocal, UNSPECIFIED, UNSPECIFIED4 } from "../addr/ip.ts";
import type { Frame } from "../wire/frame.ts";

const GROUPS: ReadonlyMap<string, string> = new Map([
  [ALL_NODES, "all nodes"],
  [ALL_ROUTERS, "all routers"],
  [ALL_DHCP_SERVERS, "all DHCPv6 servers"],
  ["ff02::16", "all MLDv2 routers"],
  [BROADCAST4, "all"],
]);

/** Where a frame was seen. */
export interface Sighting {
  readonly interface: string;
  readonly direction?: "in" | "out";
}

interface Role {
  readonly router: boolean;
  /** "" when nothing better than "router" is known. */
  readonly of: string;
}

const THIS_BOX: Role = { router: false, of: "this box" };

/** Addresses get their names from what is learned; a link-local address means something on its own link only. */
export class PacketNames {
  readonly #wan: string | undefined;
  readonly #roles = new Map<string, Role>();

  /** `wan`: the provider's interface, undefined when it is not known which one that is. */
  constructor(wan: string | undefined) {
    this.#wan = wan;
  }

  /** An address of our own. */
  addOwn(link: string, address: Ip): void {
    this.#roles.set(key(link, address), THIS_BOX);
  }

  /** A router that is known already. */
  addRouter(link: string, address: Ip): void {
    this.#roles.set(key(link, address), { router: true, of: this.#sender(link) });
  }

  /** Takes from a frame who its sender is. */
  learn(frame: Frame, sighting: Sighting): void {
    if (frame.kind === "ipv6") this.#learn6(frame, sighting);
    else if (frame.kind === "ipv4") this.#learn4(frame, sighting);
  }

  #learn4({ packet: { source }, content }: Extract<Frame, { readonly kind: "ipv4" }>, { interface: link, direction }: Sighting): void {
    if (content.kind !== "dhcpv4" || source === UNSPECIFIED4) return;
    if (direction === "out") this.addOwn(link, source);
    const at = key(link, source);
    if (direction !== "in" || content.message.op !== "reply" || this.#roles.has(at)) return;
    this.#roles.set(at, { router: false, of: this.#sender(link) || "DHCP server" });
  }

  #learn6(frame: Extract<Frame, { readonly kind: "ipv6" }>, { interface: link, direction }: Sighting): void {
    const { source } = frame.packet;
    // Neither is ever forwarded.
    const isOwn = direction === "out" && (isLinkLocal(source) || frame.content.kind === "ndp") && source !== UNSPECIFIED;
    if (isOwn) this.addOwn(link, source);
    const at = key(link, source);
    if (direction !== "in" || this.#roles.get(at) === THIS_BOX) return;
    const { content } = frame;
    if (content.kind === "ndp" && content.message.kind === "router-advertisement")
      this.#roles.set(at, { router: true, of: this.#sender(link) });
    const answer = content.kind === "dhcpv6" && (content.message.kind === "advertise" || content.message.kind === "reply");
    if (answer && !this.#roles.has(at)) this.#roles.set(at, { router: false, of: this.#sender(link) || "DHCPv6 server" });
  }

  /** The address with its role, e.g. "router fe80::200:5eff:fe00:101 (provider)" or "ff02::1 (all nodes)". */
  of(link: string, address: Ip): string {
    const role = this.#roles.get(key(link, address)) ?? { router: false, of: GROUPS.get(address) ?? "" };
    return `${role.router ? "router " : ""}${address}${role.of === "" ? "" : ` (${role.of})`}`;
  }

  #sender(link: string): string {
    if (this.#wan === undefined) return "";
    return link === this.#wan ? "provider" : "not this box";
  }
}

function key(link: string, address: Ip): string {
  return `${link} ${address}`;
}
