/**
 * Preloaded into the daemon (`--import`): its wall clock is off by as many seconds as the file in STEPPED_CLOCK says, and jumps when the file changes.
 * The daemon reads the wall clock by `Date` alone. libfaketime would do it too, but its 0.9.10 also moves timers of the clock since boot.
 */
import { readFileSync } from "node:fs";

const file = process.env["STEPPED_CLOCK"];
const RightDate = Date;

const offset = (): number => (file === undefined ? 0 : Number(readFileSync(file, "utf8")) * 1000);

class SteppedDate extends RightDate {
  constructor(...values: readonly number[]) {
    super(...((values.length === 0 ? [SteppedDate.now()] : values) as [number]));
  }

  static override now(): number {
    return RightDate.now() + offset();
  }
}

globalThis.Date = SteppedDate as DateConstructor;
