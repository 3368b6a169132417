/**
 * The cables between the hosts. All of them meet in a namespace of their own, which holds one switch (a bridge without addresses) for each link.
 * There a plug can be pulled, packets can be lost and captured, and neither end can see how it was done.
 */
import { type Capture, startCapture } from "./capture.ts";
import type { Namespace } from "./namespace.ts";

/** One end of a link: an interface in a host. */
export interface Plug {
  readonly host: Namespace;
  readonly interface: string;
  readonly mac?: string;
}

/** Which packets get lost. */
export interface Loss {
  /** 0..100. */
  readonly percent: number;
  /** Only packets that this nftables expression matches, e.g. "icmpv6 type nd-router-advert"; absent: all. */
  readonly only?: string;
  /** One in so many, as regularly as a clock, instead of at random. */
  readonly evenly?: boolean;
}

/** Longest name of an interface in Linux. */
const MOST_CHARACTERS = 15;

export class Link {
  readonly name: string;
  readonly #room: Namespace;
  readonly #plugs: readonly Plug[];

  /** A link that is still to be made by `connect`. */
  constructor(room: Namespace, name: string, plugs: readonly Plug[]) {
    this.#room = room;
    this.name = name;
    this.#plugs = plugs;
    for (const plug of plugs) {
      if (this.#port(plug).length > MOST_CHARACTERS) throw new RangeError(`the names ${name} and ${plug.host.name} are too long together`);
    }
  }

  get hosts(): readonly string[] {
    return this.#plugs.map((plug) => plug.host.name);
  }

  /** What `ip -batch` in the cables' namespace must do to make the link. The hosts' ends are down at first, as those of a machine that boots. */
  get commands(): string {
    const cables = this.#plugs.map((plug) => {
      const mac = plug.mac === undefined ? "" : ` address ${plug.mac}`;
      const end = `peer name ${plug.interface}${mac} netns ${plug.host.pid}`;
      return `link add ${this.#port(plug)} type veth ${end}\nlink set ${this.#port(plug)} master ${this.name} up`;
    });
    return [`link add ${this.name} type bridge`, `link set ${this.name} up`, ...cables].join("\n");
  }

  /** Pulls the plug of a host, or all plugs: the hosts lose their carrier. */
  async cut(host?: string): Promise<void> {
    await this.#set("down", host);
  }

  /** Puts the plug back. */
  async mend(host?: string): Promise<void> {
    await this.#set("up", host);
  }

  /** From now on part of the packets that `host` sends into this link is lost, instead of what was lost before. Percent 0 ends it. */
  async lose(host: string, { percent, only = "", evenly = false }: Loss): Promise<void> {
    const port = this.#port(this.#plugOf(host));
    const table = `netdev loss-${port}`;
    const chain = `add chain ${table} in { type filter hook ingress device "${port}" priority 0; }`;
    const choice = evenly ? `numgen inc mod ${Math.round(100 / percent)} 0` : `numgen random mod 10000 < ${Math.round(percent * 100)}`;
    const rule = `add rule ${table} in ${only} ${percent < 100 ? choice : ""} drop`;
    const lines = [`add table ${table}`, `delete table ${table}`, ...(percent > 0 ? [`add table ${table}`, chain, rule] : [])];
    await this.#room.shell(`nft -f - <<'END'\n${lines.join("\n")}\nEND`);
  }

  /** Records what passes the link; lost packets are not in it. @throws NotInTime when tcpdump does not start */
  capture(path: string): Promise<Capture> {
    return startCapture(this.#room, this.name, path);
  }

  async #set(state: "up" | "down", host?: string): Promise<void> {
    const plugs = host === undefined ? this.#plugs : [this.#plugOf(host)];
    await this.#room.ip(plugs.map((plug) => `link set ${this.#port(plug)} ${state}`).join("\n"));
  }

  #plugOf(host: string): Plug {
    const plug = this.#plugs.find((each) => each.host.name === host);
    if (plug === undefined) throw new RangeError(`${host} has no plug in ${this.name}; these have: ${this.hosts.join(", ")}`);
    return plug;
  }

  #port(plug: Plug): string {
    return `${this.name}-${plug.host.name}`;
  }
}

/** Makes all links at once in the namespace `room`, which keeps silent itself. */
export async function connect(room: Namespace, links: readonly Link[]): Promise<void> {
  await room.sysctl({ "ipv6/conf/default/disable_ipv6": 1, "ipv6/conf/all/disable_ipv6": 1 });
  await room.ip(links.map((link) => link.commands).join("\n"));
}
