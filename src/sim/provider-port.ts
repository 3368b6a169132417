/** The embedded provider at the end of a simulated cable. */
import { milliseconds } from "../addr/time.ts";
import type { Random } from "../addr/random.ts";
import { createProvider, type Provider, type ProviderCommand, type ProviderInput } from "../lab/provider.ts";
import type { ProviderProfile } from "../lab/provider-profile.ts";
import type { Cable, Port } from "./cable.ts";
import { Alarm, type Simulation } from "./simulation.ts";

export class SimProvider {
  readonly #simulation: Simulation;
  readonly #provider: Provider;
  readonly #cable: Cable;
  readonly #port: Port;
  readonly #alarm: Alarm;

  constructor(simulation: Simulation, random: Random, cable: Cable, profile: ProviderProfile) {
    this.#simulation = simulation;
    this.#cable = cable;
    this.#provider = createProvider(profile, random);
    this.#alarm = new Alarm(simulation, () => this.#handle({ kind: "tick" }));
    this.#port = {
      address: profile.linkLocal,
      hear: (frame) => this.#handle(frame.protocol === "frames" ? { kind: "frame", bytes: frame.bytes } : { kind: "packet", ...frame }),
      seeCarrier: (up) => this.#handle({ kind: "link", up }),
    };
    cable.plug(this.#port);
    simulation.after(milliseconds(0), () => this.#handle({ kind: "link", up: cable.carrier }));
  }

  command(command: ProviderCommand): void {
    this.#handle(command);
  }

  #handle(input: ProviderInput): void {
    for (const output of this.#provider.handle(input, this.#simulation.now)) {
      if (output.kind === "send-frame") this.#cable.send(this.#port, { protocol: "frames", bytes: output.bytes });
      if (output.kind !== "send") continue;
      const { protocol, from, sourcePort, to, bytes } = output;
      this.#cable.send(this.#port, { protocol, packet: { kind: "packet", from, to, hopLimit: 255, sourcePort, bytes } });
    }
    this.#alarm.wakeAt(this.#provider.wakeAt());
  }
}
