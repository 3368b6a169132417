/** Which address of a pool a device gets: chosen by a hash of the device, so that a lost memory of leases makes the same address again. */
import { type Ip4, ip4FromNumber, ip4ToNumber } from "../addr/ip.ts";
import { type Range4, rangeSize } from "../addr/range4.ts";
import type { Instant } from "../addr/time.ts";

const NEVER_HELD = 0;

export class Dhcpv4Pool {
  readonly #first: number;
  /** When each address is free again. */
  readonly #until: Float64Array;
  /** 1: a device has had it, and may come back for it. */
  readonly #had: Uint8Array;
  readonly #excluded = new Set<number>();
  /** Nothing is free before: a flood of unknown devices must not search a full pool again and again. */
  #dryUntil = 0;

  constructor(range: Range4, excluded: readonly Ip4[]) {
    this.#first = ip4ToNumber(range.first);
    this.#until = new Float64Array(rangeSize(range));
    this.#had = new Uint8Array(this.#until.length);
    for (const address of excluded) {
      const index = this.#indexOf(address);
      if (index === undefined) continue;
      this.#excluded.add(index);
      this.#until[index] = Number.POSITIVE_INFINITY;
    }
  }

  /** How many addresses can be given. */
  get size(): number {
    return this.#until.length - this.#excluded.size;
  }

  /** Whether the pool may give this address to anybody. */
  has(address: Ip4): boolean {
    const index = this.#indexOf(address);
    return index !== undefined && !this.#excluded.has(index);
  }

  /** Nobody else gets the address before `until`. `had`: a device uses it, or has used it. */
  hold(address: Ip4, until: Instant, had: boolean): void {
    const index = this.#indexOf(address);
    if (index === undefined || this.#excluded.has(index)) return;
    this.#until[index] = until;
    if (had) this.#had[index] = 1;
    if (until < this.#dryUntil) this.#dryUntil = 0;
  }

  /** As if nobody had ever had the address. */
  free(address: Ip4): void {
    const index = this.#indexOf(address);
    if (index === undefined || this.#excluded.has(index)) return;
    this.#until[index] = NEVER_HELD;
    this.#had[index] = 0;
    this.#dryUntil = 0;
  }

  /** The first address behind the device's own place that nobody has had; else the one that is free for the longest time. */
  find(device: string, now: Instant): Ip4 | undefined {
    if (now < this.#dryUntil) return undefined;
    const size = this.#until.length;
    let best = -1;
    let soonest = Number.POSITIVE_INFINITY;
    for (let step = 0, index = hash(device) % size; step < size; step++, index = index + 1 === size ? 0 : index + 1) {
      const until = this.#until[index]!;
      if (until <= now && this.#had[index] === 0) return ip4FromNumber(this.#first + index);
      if (until >= soonest) continue;
      soonest = until;
      best = index;
    }
    if (best >= 0 && soonest <= now) return ip4FromNumber(this.#first + best);
    this.#dryUntil = soonest;
    return undefined;
  }

  #indexOf(address: Ip4): number | undefined {
    const index = ip4ToNumber(address) - this.#first;
    return index >= 0 && index < this.#until.length ? index : undefined;
  }
}

/** FNV-1a, 32 bits: spreads devices whose identifiers differ in one digit, and is the same for ever. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
