/** A device on a LAN: it solicits routers and makes itself addresses, as any host does. */
import type { Ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import type { Random } from "../addr/random.ts";
import { milliseconds } from "../addr/time.ts";
import type { RaClientFact } from "../machines/facts.ts";
import type { Machine } from "../machines/machine.ts";
import { createRaClient, type RaClientInput } from "../machines/ra-client.ts";
import type { Cable, Port } from "./cable.ts";
import { Alarm, type Simulation } from "./simulation.ts";

export interface HostOptions {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly cable: Cable;
  readonly linkLocal: Ip6;
}

export class SimHost {
  readonly #simulation: Simulation;
  readonly #cable: Cable;
  readonly #port: Port;
  readonly #machine: Machine<RaClientInput, RaClientFact>;
  readonly #alarm: Alarm;
  #fact: RaClientFact | undefined;

  constructor({ simulation, random, cable, linkLocal }: HostOptions) {
    this.#simulation = simulation;
    this.#cable = cable;
    const secret = new TextEncoder().encode(`host ${linkLocal}`);
    this.#machine = createRaClient({ random, secret, interfaceName: "eth0", temporaryAddresses: false });
    this.#alarm = new Alarm(simulation, () => this.#handle({ kind: "tick" }));
    this.#port = {
      address: linkLocal,
      hear: (frame) => frame.protocol === "ndp" && this.#handle(frame.packet),
      seeCarrier: (up) => this.#seeLink(up),
    };
    cable.plug(this.#port);
    simulation.after(milliseconds(0), () => this.#seeLink(cable.carrier));
  }

  /** Addresses that new connections would use. */
  preferred(): readonly Ip6[] {
    const now = this.#simulation.now;
    return (this.#fact?.addresses ?? []).filter((own) => own.preferredUntil > now).map((own) => own.address);
  }

  hasDefaultRouter(): boolean {
    const now = this.#simulation.now;
    return (this.#fact?.routers ?? []).some((router) => router.until > now);
  }

  #seeLink(up: boolean): void {
    this.#handle({ kind: "link", up, mtu: 1500, linkLocal: this.#port.address, mac: mac("02:00:00:00:01:01") });
  }

  #handle(input: RaClientInput): void {
    for (const output of this.#machine.handle(input, this.#simulation.now)) {
      if (output.kind === "fact") this.#fact = output.fact;
      if (output.kind !== "send") continue;
      const packet = {
        kind: "packet",
        from: this.#port.address,
        to: output.to,
        hopLimit: 255,
        sourcePort: 0,
        bytes: output.bytes,
      } as const;
      this.#cable.send(this.#port, { protocol: "ndp", packet });
    }
    this.#alarm.wakeAt(this.#machine.wakeAt());
  }
}
