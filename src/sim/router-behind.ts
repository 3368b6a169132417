/** A device on a LAN that asks by DHCPv6: a router behind the gateway for a prefix, and a host for an address where the LAN leases some. */
import { type Duid, duidUuid } from "../addr/duid.ts";
import type { Ip6 } from "../addr/ip.ts";
import { type Random, randomBytes } from "../addr/random.ts";
import { milliseconds } from "../addr/time.ts";
import { createDhcpv6Client, type Dhcpv6ClientInput } from "../machines/dhcpv6-client.ts";
import type { DelegatedPrefix, Dhcpv6ClientFact, LeasedAddress } from "../machines/facts.ts";
import type { Machine } from "../machines/machine.ts";
import { CLIENT_PORT, SERVER_PORT } from "../wire/dhcpv6.ts";
import type { Cable, Port } from "./cable.ts";
import { Alarm, type Simulation } from "./simulation.ts";

export interface RouterBehindOptions {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly cable: Cable;
  readonly linkLocal: Ip6;
  readonly requestAddress: boolean;
}

export class SimRouterBehind {
  readonly duid: Duid;
  readonly #simulation: Simulation;
  readonly #cable: Cable;
  readonly #port: Port;
  readonly #machine: Machine<Dhcpv6ClientInput, Dhcpv6ClientFact>;
  readonly #alarm: Alarm;
  #fact: Dhcpv6ClientFact | undefined;

  constructor({ simulation, random, cable, linkLocal, requestAddress }: RouterBehindOptions) {
    this.#simulation = simulation;
    this.#cable = cable;
    this.duid = duidUuid(randomBytes(random, 16));
    this.#machine = createDhcpv6Client({
      random,
      duid: this.duid,
      iaidPrefix: 1,
      iaidAddress: 1,
      prefixHint: 64,
      requestAddress: requestAddress ? "always" : "never",
      rapidCommit: false,
    });
    this.#alarm = new Alarm(simulation, () => this.#handle({ kind: "tick" }));
    this.#port = {
      address: linkLocal,
      hear: (frame) => {
        if (frame.protocol === "dhcpv6" && frame.packet.sourcePort === SERVER_PORT) this.#handle(frame.packet);
      },
      seeCarrier: (up) => this.#handle({ kind: "link", up }),
    };
    cable.plug(this.#port);
    simulation.after(milliseconds(0), () => this.#handle({ kind: "link", up: cable.carrier }));
  }

  /** What it holds and would use. */
  get delegated(): readonly DelegatedPrefix[] {
    return (this.#fact?.delegated ?? []).filter(({ preferredUntil }) => preferredUntil > this.#simulation.now);
  }

  get addresses(): readonly LeasedAddress[] {
    return (this.#fact?.addresses ?? []).filter(({ preferredUntil }) => preferredUntil > this.#simulation.now);
  }

  #handle(input: Dhcpv6ClientInput): void {
    for (const output of this.#machine.handle(input, this.#simulation.now)) {
      if (output.kind === "fact") this.#fact = output.fact;
      if (output.kind !== "send") continue;
      const { to, bytes } = output;
      const packet = { kind: "packet", from: this.#port.address, to, hopLimit: 255, sourcePort: CLIENT_PORT, bytes } as const;
      this.#cable.send(this.#port, { protocol: "dhcpv6", packet });
    }
    this.#alarm.wakeAt(this.#machine.wakeAt());
  }
}
