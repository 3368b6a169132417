/** Somebody on a LAN who asks for router advertisements, in this process: what is measured is not the start of a program. */
import { ALL_ROUTERS, ip6 } from "../src/addr/ip.ts";
import { mac } from "../src/addr/mac.ts";
import { NDP_AND_DHCPV6 } from "../src/kernel/packet-filter.ts";
import { type Frame, openPacketSocket } from "../src/kernel/packet-socket.ts";
import { openRawIcmpv6, type RawIcmpv6 } from "../src/kernel/raw-icmpv6.ts";
import { type NetworkNamespace, openNamespace } from "../src/kernel/setns.ts";
import type { Namespace } from "../src/lab/namespace.ts";
import { encodeNdp, NDP_TYPE } from "../src/wire/ndp.ts";

/** Solicitations that may be unanswered at a time in a flood. */
const WINDOW = 128;
/** What got lost must not stop the flow: after so many milliseconds it counts as lost. */
const LOST_AFTER = 50;
const PATIENCE = 5000;
/** Where the type stands in an Ethernet frame: behind 14 octets of Ethernet and 40 of IPv6. */
const ICMPV6_TYPE = 54;

export class Solicitor implements Disposable {
  readonly #namespace: NetworkNamespace;
  readonly #socket: RawIcmpv6;
  readonly #solicitation: Uint8Array;
  #answered: (count: number) => void = () => undefined;

  private constructor(namespace: NetworkNamespace, hardware: string) {
    this.#namespace = namespace;
    this.#solicitation = encodeNdp({ kind: "router-solicitation", options: [{ kind: "source-link-layer-address", mac: mac(hardware) }] });
    this.#socket = namespace.run(() =>
      openRawIcmpv6({
        interface: "eth0",
        types: [NDP_TYPE.routerAdvertisement],
        groups: [ip6("ff02::1")],
        receive: (list) => this.#answered(list.length),
      }),
    );
  }

  /** In the network of this host of a home. @throws KernelError */
  static async open(host: Namespace): Promise<Solicitor> {
    const hardware = await host.exec("cat", "/sys/class/net/eth0/address");
    return new Solicitor(openNamespace(`/proc/${host.pid}/ns/net`), hardware.trim());
  }

  /** Asks one after the other; microseconds from each solicitation on the wire to its answer there, as the kernel has stamped them. */
  async inTurn(count: number): Promise<readonly number[]> {
    let seen: (frames: readonly Frame[]) => void = () => undefined;
    const tap = this.#namespace.run(() =>
      openPacketSocket({ interface: "eth0", filter: NDP_AND_DHCPV6, receive: (frames) => seen(frames) }),
    );
    const samples: number[] = [];
    for (let i = 0; i < count; i++) samples.push(await this.#one((listener) => (seen = listener)));
    tap.close();
    return samples;
  }

  #one(listen: (listener: (frames: readonly Frame[]) => void) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE);
      let asked: bigint | undefined;
      listen((frames) => {
        for (const { at, sent, bytes } of frames) {
          if (bytes[ICMPV6_TYPE] === NDP_TYPE.routerSolicitation && sent) asked = at;
          if (bytes[ICMPV6_TYPE] !== NDP_TYPE.routerAdvertisement || sent || asked === undefined) continue;
          clearTimeout(timer);
          resolve(Number(at - asked) / 1000);
        }
      });
      this.#socket.send(ALL_ROUTERS, this.#solicitation);
    });
  }

  /** Keeps WINDOW solicitations on their way for some milliseconds; how many were answered. */
  async flood(milliseconds: number): Promise<number> {
    const batch = Array.from({ length: WINDOW }, () => ({ to: ALL_ROUTERS, bytes: this.#solicitation }));
    let [total, open] = [0, 0];
    const refill = (): void => {
      const count = WINDOW - open;
      open += count;
      this.#socket.sendAll(batch.slice(0, count));
    };
    this.#answered = (count) => {
      total += count;
      open = Math.max(0, open - count);
      if (open <= WINDOW / 2) refill();
    };
    const lost = setInterval(() => {
      open = 0;
      refill();
    }, LOST_AFTER);
    refill();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    clearInterval(lost);
    this.#answered = () => undefined;
    return total;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
    this.#namespace.close();
  }
}
