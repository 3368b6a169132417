/** The boot-time clock: it counts while the machine is suspended and does not step when the wall clock is set. */
import { type Instant, instant } from "../addr/time.ts";
import { libc } from "./libc.ts";

const CLOCK_BOOTTIME = 7;
const time = new BigInt64Array(2);
const bytes = new Uint8Array(time.buffer);

/** Now, in milliseconds since boot with their fraction. */
export function bootNow(): Instant {
  libc.clockGettime(CLOCK_BOOTTIME, bytes);
  return instant(Number(time[0]) * 1000 + Number(time[1]) / 1e6);
}
