/** The router in the simulator: the very loop of the real one, on a kernel made of plain data, with a memory that survives its restarts. */
import type { Json } from "../addr/json.ts";
import type { Random } from "../addr/random.ts";
import { earliest, type Instant, milliseconds } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import type { Saved } from "../io/store.ts";
import type { Note, Packet } from "../machines/machine.ts";
import { Loop } from "../router/loop.ts";
import { seatNames } from "../router/machines.ts";
import { recallPast } from "../router/past.ts";
import type { Event, Protocol, World } from "../router/world.ts";
import { CLIENT_PORT, SERVER_PORT } from "../wire/dhcpv6.ts";
import type { Cable, MessageFrame, Port } from "./cable.ts";
import { SimKernel, type SimLinkOptions } from "./sim-kernel.ts";
import { Alarm, type Simulation } from "./simulation.ts";

export interface GatewayOptions {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly config: Config;
  /** The cable behind each interface of the config. */
  readonly cables: ReadonlyMap<string, { readonly cable: Cable; readonly linkLocal: SimLinkOptions["linkLocal"] }>;
}

/** Where each protocol speaks from. */
const PORTS: Readonly<Record<Protocol, number>> = { ndp: 0, dhcpv6: CLIENT_PORT, "dhcpv6-server": SERVER_PORT };

/** A client's message is for our server, a server's for our client. */
function received({ protocol, packet }: MessageFrame): {
  readonly protocol: Protocol;
  readonly packet: Packet;
} {
  const isQuestion = protocol === "dhcpv6" && packet.sourcePort === CLIENT_PORT;
  return { protocol: isQuestion ? "dhcpv6-server" : protocol, packet };
}

export class SimGateway {
  readonly kernel: SimKernel;
  readonly notes: { readonly at: Instant; readonly source: string; readonly note: Note }[] = [];
  readonly #options: GatewayOptions;
  readonly #alarm: Alarm;
  readonly #kernelAlarm: Alarm;
  readonly #ports = new Map<string, Port>();
  /** Snapshots as text, as a disk would hold them. */
  readonly #disk = new Map<string, string>();
  #loop: Loop | undefined;
  #stepsToLive = Number.POSITIVE_INFINITY;

  constructor(options: GatewayOptions) {
    const { simulation, cables } = options;
    this.#options = options;
    this.kernel = new SimKernel(
      () => simulation.now,
      [...cables].map(([name, { linkLocal }]) => ({ name, linkLocal })),
    );
    this.#alarm = new Alarm(simulation, () => this.handle({ kind: "tick" }));
    this.#kernelAlarm = new Alarm(simulation, () => this.handle({ kind: "kernel" }));
    for (const [name, { cable, linkLocal }] of cables) this.#plug(name, cable, linkLocal);
  }

  /** The running loop; undefined between `kill` and `start`. */
  get loop(): Loop | undefined {
    return this.#loop;
  }

  start(): void {
    const { config, random } = this.#options;
    const past = recallPast(
      (name) => this.#load(name),
      seatNames(config),
      random,
      (name, snapshot) => this.#save(name, snapshot),
    );
    this.#loop = new Loop(config, this.#world(), past);
    this.handle({ kind: "kernel" });
  }

  /** The process ends at once; the kernel keeps what it has. */
  kill(): void {
    this.#loop = undefined;
    this.#stepsToLive = Number.POSITIVE_INFINITY;
    this.#alarm.wakeAt(undefined);
    this.#kernelAlarm.wakeAt(undefined);
  }

  /** The process dies within a turn, after that many steps more: changes of the kernel, files, packets. What comes after them does not happen. */
  dieAfter(steps: number): void {
    this.#stepsToLive = steps;
  }

  handle(event: Event): void {
    if (!this.#loop) return;
    this.#loop.handle(event);
    if (this.#stepsToLive < 0) return this.kill();
    this.#alarm.wakeAt(this.#loop.wakeAt());
    this.#kernelAlarm.wakeAt(earliest(this.kernel.changesAt()));
  }

  #plug(name: string, cable: Cable, linkLocal: SimLinkOptions["linkLocal"]): void {
    const port: Port = {
      address: linkLocal,
      hear: (frame) =>
        this.handle(
          frame.protocol === "frames"
            ? { kind: "frame", link: name, frame: { kind: "frame", bytes: frame.bytes } }
            : { kind: "packet", link: name, ...received(frame) },
        ),
      seeCarrier: (carrier) => {
        this.kernel.setCarrier(name, carrier);
        this.handle({ kind: "kernel" });
      },
    };
    this.#ports.set(name, port);
    cable.plug(port);
  }

  #world(): World {
    const { simulation, random, cables } = this.#options;
    return {
      now: () => simulation.now,
      random,
      observe: (wanted) => this.kernel.observe(wanted),
      apply: (changes) => this.kernel.apply(changes.filter(() => this.#step())),
      save: (name, snapshot) => {
        if (this.#step()) this.#save(name, snapshot);
      },
      note: (source, note) => this.notes.push({ at: simulation.now, source, note }),
      send: (messages) => {
        for (const message of messages) {
          if (!this.#step()) return;
          const port = this.#ports.get(message.link)!;
          const { cable } = cables.get(message.link)!;
          if (message.protocol === "frames") {
            cable.send(port, { protocol: "frames", bytes: message.bytes });
            continue;
          }
          const { protocol, to, bytes } = message;
          for (const each of to === "every-neighbor" ? cable.neighborsOf(port) : [to]) {
            const packet = { kind: "packet", from: port.address, to: each, hopLimit: 255, sourcePort: PORTS[protocol], bytes } as const;
            cable.send(port, { protocol: protocol === "ndp" ? "ndp" : "dhcpv6", packet });
          }
        }
      },
    };
  }

  /** Whether the process still lives to take the next step. */
  #step(): boolean {
    this.#stepsToLive--;
    return this.#stepsToLive >= 0;
  }

  #save(name: string, snapshot: Json): void {
    this.#disk.set(
      name,
      JSON.stringify(snapshot, (_key, value: unknown) => (value === Number.POSITIVE_INFINITY ? "never" : value)),
    );
  }

  #load(name: string): Saved | undefined {
    const text = this.#disk.get(name);
    if (text === undefined) return undefined;
    const snapshot = JSON.parse(text, (_key, value: unknown) => (value === "never" ? Number.POSITIVE_INFINITY : value)) as Json;
    return { snapshot, shift: milliseconds(0), sameBoot: true };
  }
}
