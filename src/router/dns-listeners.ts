/** Where questions are taken: by UDP and TCP on each LAN, whatever addresses it has, and on the loopback for this box itself. Never on the WAN. */
import { type Ip, ip4, LOOPBACK } from "../addr/ip.ts";
import { after, type Instant, seconds } from "../addr/time.ts";
import { listenTcp, type TcpQuestion } from "../io/dns-tcp-listener.ts";
import { bindTcp, type DnsPlace, listenUdp, type UdpListener } from "../kernel/dns-sockets.ts";
import { KernelError } from "../kernel/kernel-error.ts";
import type { LinkFact } from "../plan/kernel-state.ts";
import { DNS_PORT } from "../wire/dns.ts";

const LOOPBACKS: readonly Ip[] = [ip4("127.0.0.1"), LOOPBACK];
/** Another program may leave the port to us later. */
const RETRY = seconds(10);

export interface Hearing {
  /** Answers in place: see ReplyBatch. `isHome`: whether the question came from this box itself. */
  answer(listener: UdpListener, isHome: boolean, bytes: Uint8Array, start: number, end: number, slot: number): number;
  ask(question: TcpQuestion): void;
  /** The port could not be had. */
  failed(error: Error): void;
}

interface Open {
  /** Of the link: one of the same name may be another. */
  readonly index: number;
  close(): void;
}

export class DnsListeners {
  readonly #hearing: Hearing;
  readonly #now: () => Instant;
  readonly #open = new Map<string, Open>();
  readonly #retryAt = new Map<string, Instant>();

  constructor(hearing: Hearing, now: () => Instant) {
    this.#hearing = hearing;
    this.#now = now;
  }

  /** Opens and closes sockets so that they fit the links that exist. */
  follow(interfaces: readonly string[], links: readonly LinkFact[]): void {
    for (const name of interfaces) {
      const index = links.find((link) => link.name === name)?.index;
      const open = this.#open.get(name);
      if (open && open.index !== index) this.#close(name);
      if (index !== undefined) this.#ensure(name, index, { interface: name, port: DNS_PORT });
    }
    for (const address of LOOPBACKS) this.#ensure(address, 0, { interface: "lo", address, port: DNS_PORT });
  }

  /** Whether this box itself is answered. */
  get hasLoopback(): boolean {
    return LOOPBACKS.some((address) => this.#open.has(address));
  }

  get places(): readonly string[] {
    return [...this.#open.keys()];
  }

  close(): void {
    for (const name of this.#open.keys()) this.#close(name);
  }

  #ensure(name: string, index: number, place: DnsPlace): void {
    if (this.#open.has(name) || this.#now() < (this.#retryAt.get(name) ?? 0)) return;
    try {
      this.#open.set(name, { index, ...this.#listen(place) });
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#retryAt.set(name, after(this.#now(), RETRY));
      this.#hearing.failed(error);
    }
  }

  #listen(place: DnsPlace): { close(): void } {
    const hearing = this.#hearing;
    const isHome = place.interface === "lo";
    const tcp = bindTcp(place);
    const stream = listenTcp(
      tcp,
      (question) => hearing.ask(question),
      (error) => hearing.failed(error),
    );
    try {
      const udp: UdpListener = listenUdp(place, (bytes, start, end, slot) => hearing.answer(udp, isHome, bytes, start, end, slot));
      return {
        close: () => {
          udp.close();
          stream.close();
        },
      };
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  #close(name: string): void {
    this.#open.get(name)?.close();
    this.#open.delete(name);
  }
}
