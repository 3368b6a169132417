/**
 * The one timer of the program, on the boot-time clock (timerfd): it rings in time after a suspend, steps of the wall clock do not move it, and
 * it has no 2^31 ms overflow as Node's own timers have.
 */
import type { Instant } from "../addr/time.ts";
import { bootNow, monotonicNow } from "./clock.ts";
import { check, libc } from "./libc.ts";
import { type Watched, watchReadable } from "./poll.ts";

const CLOCK_BOOTTIME = 7;
const TFD_NONBLOCK = 0o4000;
const TFD_CLOEXEC = 0o2000000;
const TFD_TIMER_ABSTIME = 1;
/** The boot-time clock runs ahead of the monotonic one by the time spent in suspend; a smaller jump is measurement noise. */
const SUSPEND_NOISE = 500;

export class BootTimer {
  readonly #fd: number;
  readonly #watched: Watched;
  /** struct itimerspec: interval (none) and value, each in seconds and nanoseconds. */
  readonly #setting = new BigInt64Array(4);
  readonly #expirations = new Uint8Array(8);
  #set: Instant | undefined;
  #suspended: number;

  /** `resumed` is called before `ring` when the machine was asleep in between. @throws KernelError */
  constructor(ring: () => void, resumed: () => void) {
    this.#fd = check(libc.timerfdCreate(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC), "make a timer");
    this.#suspended = bootNow() - monotonicNow();
    this.#watched = watchReadable(this.#fd, () => {
      libc.read(this.#fd, this.#expirations, 8);
      this.#set = undefined;
      const suspended = bootNow() - monotonicNow();
      if (suspended - this.#suspended > SUSPEND_NOISE) resumed();
      this.#suspended = suspended;
      ring();
    });
  }

  /** Rings once at `at`, or at once when that has passed, and no more at the instant set before. */
  wakeAt(at: Instant): void {
    if (at === this.#set) return;
    this.#set = at;
    // A value of zero would disarm the timer, and a finite number of nanoseconds is needed.
    const nanoseconds = BigInt(Math.ceil(Math.min(Math.max(at, 1), 1e12) * 1e6));
    this.#setting[2] = nanoseconds / 1_000_000_000n;
    this.#setting[3] = nanoseconds % 1_000_000_000n;
    check(libc.timerfdSettime(this.#fd, TFD_TIMER_ABSTIME, new Uint8Array(this.#setting.buffer), null), "set the timer");
  }

  close(): void {
    this.#watched.close();
  }
}
