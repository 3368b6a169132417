/** The boot-time clock: it counts while the machine is suspended and does not step when the wall clock is set. */
import { type Instant, instant } from "../addr/time.ts";
import { libc } from "./libc.ts";

const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
const time = new BigInt64Array(2);
const bytes = new Uint8Array(time.buffer);

/** Now, in milliseconds since boot with their fraction. */
export function bootNow(): Instant {
  return instant(read(CLOCK_BOOTTIME));
}

/** Milliseconds since boot without those spent in suspend. */
export function monotonicNow(): number {
  return read(CLOCK_MONOTONIC);
}

function read(clock: number): number {
  libc.clockGettime(clock, bytes);
  return Number(time[0]) * 1000 + Number(time[1]) / 1e6;
}
