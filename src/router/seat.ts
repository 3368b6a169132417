/** A machine at its place in the loop: the link it speaks on, the name of its snapshot, and its latest fact. */
import { type Instant, NEVER } from "../addr/time.ts";
import type { Machine, Note, Tick } from "../machines/machine.ts";
import type { Channel, Durability, Outgoing, Recipient } from "./world.ts";

/** Where the outputs of one turn are collected until the loop carries them out. */
export interface Desk {
  readonly outbox: Outgoing[];
  readonly unsaved: Set<Savable>;
  /** A fact has changed: the plan must be made anew. */
  changed: boolean;
  note(source: string, note: Note): void;
}

export interface Place {
  readonly name: string;
  /** Absent where the machine says with each message on which link it goes. */
  readonly link?: string;
  readonly protocol: Channel;
  readonly durability: Durability;
}

export class Seat<Input, Fact> {
  readonly place: Place;
  readonly machine: Machine<Input, Fact>;
  readonly #desk: Desk;
  #fact: Fact | undefined;
  /** A machine changes its mind only when something is delivered to it: a flood on one link costs the others nothing. */
  #wakeAt: Instant | undefined;

  constructor(place: Place, machine: Machine<Input, Fact>, desk: Desk) {
    this.place = place;
    this.machine = machine;
    this.#desk = desk;
  }

  /** The machine's latest result, undefined before the first. */
  get fact(): Fact | undefined {
    return this.#fact;
  }

  /** When the machine wants its next tick; NEVER when it wants none. */
  wakeAt(): Instant {
    this.#wakeAt ??= this.machine.wakeAt() ?? NEVER;
    return this.#wakeAt;
  }

  deliver(input: Input, now: Instant): void {
    this.#wakeAt = undefined;
    for (const output of this.machine.handle(input, now)) {
      switch (output.kind) {
        case "send":
          this.#post(output.link, output.to, output.bytes);
          break;
        case "send-each":
          this.#post(undefined, "every-neighbor", output.bytes);
          break;
        case "send-frame":
          this.#desk.outbox.push({ link: this.#linkOf(output.link), protocol: "frames", bytes: output.bytes });
          break;
        case "fact":
          this.#fact = output.fact;
          this.#desk.changed = true;
          break;
        case "save":
          this.#desk.unsaved.add(this);
          break;
        case "note":
          this.#desk.note(this.place.name, output);
          break;
      }
    }
  }

  #post(link: string | undefined, to: Recipient, bytes: Uint8Array): void {
    const { protocol } = this.place;
    if (protocol === "frames") throw new Error(`${this.place.name} speaks in frames alone`);
    this.#desk.outbox.push({ link: this.#linkOf(link), protocol, to, bytes });
  }

  #linkOf(said: string | undefined): string {
    const link = said ?? this.place.link;
    if (link === undefined) throw new Error(`${this.place.name} does not say on which link`);
    return link;
  }
}

/** What must be saved: by which name, and what. */
export interface Savable {
  readonly place: Place;
  readonly machine: Pick<Machine<Tick, unknown>, "snapshot">;
}

/** What all seats have in common. */
export interface AnySeat extends Savable {
  wakeAt(): Instant;
  deliver(input: Tick, now: Instant): void;
}
