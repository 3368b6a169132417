/** A link between simulated machines: latency, loss, and a plug that can be pulled. */
import type { Ip6 } from "../addr/ip.ts";
import { type Random, uniform } from "../addr/random.ts";
import { milliseconds } from "../addr/time.ts";
import type { Packet } from "../machines/machine.ts";
import type { Simulation } from "./simulation.ts";

/** What is on a link, as its receivers see it. */
export type Frame = MessageFrame | WholeFrame;

export interface MessageFrame {
  readonly protocol: "ndp" | "dhcpv6";
  readonly packet: Packet;
}

/** DHCPv4 or ARP: everybody else on the link hears it. */
export interface WholeFrame {
  readonly protocol: "frames";
  readonly bytes: Uint8Array;
}

/** One end of a cable. */
export interface Port {
  /** Unicast goes to the port with this address, multicast to all others. */
  readonly address: Ip6;
  hear(frame: Frame): void;
  /** The plug was pulled or put back. */
  seeCarrier(carrier: boolean): void;
}

const LATENCY = milliseconds(1);

export class Cable {
  /** The share of frames that get lost, 0..1. */
  loss = 0;
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #ports: Port[] = [];
  readonly #taps: ((from: Ip6, frame: Frame) => void)[] = [];
  #carrier = true;

  constructor(simulation: Simulation, random: Random) {
    this.#simulation = simulation;
    this.#random = random;
  }

  get carrier(): boolean {
    return this.#carrier;
  }

  plug(port: Port): void {
    this.#ports.push(port);
  }

  unplug(port: Port): void {
    this.#ports.splice(this.#ports.indexOf(port), 1);
  }

  /** Who else is on the cable. */
  neighborsOf(port: Port): readonly Ip6[] {
    return this.#ports.filter((other) => other !== port).map(({ address }) => address);
  }

  /** Hears every frame when it is sent, lost or not. */
  tap(listener: (from: Ip6, frame: Frame) => void): void {
    this.#taps.push(listener);
  }

  send(sender: Port, frame: Frame): void {
    for (const tap of this.#taps) tap(sender.address, frame);
    if (!this.#carrier) return;
    for (const port of this.#ports) {
      if (port === sender || !isFor(frame, port.address)) continue;
      if (uniform(this.#random, 0, 1) < this.loss) continue;
      this.#simulation.after(LATENCY, () => this.#carrier && this.#ports.includes(port) && port.hear(frame));
    }
  }

  setCarrier(carrier: boolean): void {
    if (carrier === this.#carrier) return;
    this.#carrier = carrier;
    for (const port of this.#ports) port.seeCarrier(carrier);
  }
}

function isFor(frame: Frame, address: Ip6): boolean {
  return frame.protocol === "frames" || frame.packet.to.startsWith("ff") || frame.packet.to === address;
}
