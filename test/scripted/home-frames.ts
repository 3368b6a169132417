/**
 * Whole frames into the links of a home in which skylan runs, and what its gateway then puts on them. A device of the test's own speaks on the LAN from the
 * laptop's place, and on the WAN from the provider's.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ip6 } from "../../src/addr/ip.ts";
import { type Mac, mac } from "../../src/addr/mac.ts";
import { openPacketSocket, type PacketSocket } from "../../src/kernel/packet-socket.ts";
import { openNamespace } from "../../src/kernel/setns.ts";
import type { Home } from "../../src/lab/home.ts";
import { ETHERTYPE_IPV6, encodeEthernet } from "../../src/wire/ethernet.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { encodeIpv6, type Ipv6Packet } from "../../src/wire/ipv6.ts";
import { isHousekeeping } from "./firewall-home.ts";

export type HomeLink = "lan" | "wan";

/** The device on the LAN. */
const DEVICE = mac("02:00:00:00:01:00");
const PLACES = { lan: { host: "laptop", interface: "eth0" }, wan: { host: "isp", interface: "customer" } } as const;
const EVERYTHING = [{ code: 0x06, jt: 0, jf: 0, k: 0xffff }];

/** A packet that came out of the gateway. */
export interface SeenAtHome {
  readonly link: HomeLink;
  readonly packet: Ipv6Packet;
}

/** Opens both links of a home. @throws KernelError */
export async function homeFrames(home: Home): Promise<HomeFrames> {
  const macOf = async (link: HomeLink): Promise<Mac> => mac((await home.gateway.exec("cat", `/sys/class/net/${link}/address`)).trim());
  return new HomeFrames(home, { lan: await macOf("lan"), wan: await macOf("wan") });
}

export class HomeFrames implements Disposable {
  readonly #home: Home;
  readonly #gateway: Readonly<Record<HomeLink, Mac>>;
  readonly #sockets: Readonly<Record<HomeLink, PacketSocket>>;
  #seen: SeenAtHome[] = [];

  constructor(home: Home, gateway: Readonly<Record<HomeLink, Mac>>) {
    this.#home = home;
    this.#gateway = gateway;
    this.#sockets = { lan: this.#listen("lan"), wan: this.#listen("wan") };
  }

  /** Spares the gateway the question who has these addresses on the LAN: it is the device. */
  async introduce(...addresses: readonly Ip6[]): Promise<void> {
    await this.#home.gateway.ip(addresses.map((address) => `neigh replace ${address} lladdr ${DEVICE} dev lan nud permanent`).join("\n"));
  }

  /** Sends a packet to the gateway; what then comes out of it, on either link. Its discovery, listener reports and DHCPv6 do not count. */
  async send(link: HomeLink, packet: Ipv6Packet): Promise<readonly SeenAtHome[]> {
    this.#seen = [];
    this.fire(link, packet);
    for (let quiet = 0, before = 0; quiet < 6; quiet = this.#seen.length === before ? quiet + 1 : 0) {
      before = this.#seen.length;
      await sleep(15);
    }
    return this.#seen;
  }

  /** Sends a packet without waiting for what becomes of it. */
  fire(link: HomeLink, packet: Ipv6Packet): void {
    const frame = { destination: this.#gateway[link], source: DEVICE, etherType: ETHERTYPE_IPV6, payload: encodeIpv6(packet) };
    assert.equal(this.#sockets[link].send(encodeEthernet(frame)), undefined);
  }

  [Symbol.dispose](): void {
    for (const socket of Object.values(this.#sockets)) socket.close();
  }

  #listen(link: HomeLink): PacketSocket {
    const place = PLACES[link];
    const namespace = openNamespace(`/proc/${this.#home.host(place.host).pid}/ns/net`);
    const socket = namespace.run(() =>
      openPacketSocket({
        interface: place.interface,
        filter: EVERYTHING,
        receive: (frames) => frames.forEach(({ sent, bytes }) => !sent && this.#see(link, bytes)),
      }),
    );
    namespace.close();
    return socket;
  }

  #see(link: HomeLink, bytes: Uint8Array): void {
    const frame = decodeFrame(bytes);
    if (frame.kind !== "ipv6" || frame.ethernet.source !== this.#gateway[link]) return;
    if (frame.content.kind !== "dhcpv6" && !isHousekeeping(frame.packet)) this.#seen.push({ link, packet: frame.packet });
  }
}
