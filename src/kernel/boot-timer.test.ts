import assert from "node:assert/strict";
import { test } from "node:test";
import { instant, NEVER } from "../addr/time.ts";
import { BootTimer } from "./boot-timer.ts";
import { bootNow } from "./clock.ts";

async function rings(set: (timer: BootTimer) => void): Promise<number> {
  const start = bootNow();
  const { promise, resolve } = Promise.withResolvers<number>();
  const timer = new BootTimer(
    () => resolve(bootNow() - start),
    () => assert.fail("nobody slept"),
  );
  set(timer);
  const elapsed = await promise;
  timer.close();
  return elapsed;
}

test("the timer rings at its instant and not before", async () => {
  const elapsed = await rings((timer) => timer.wakeAt(instant(bootNow() + 30)));
  assert.ok(elapsed >= 30, `${elapsed} ms`);
});

test("an instant that has passed rings at once", async () => {
  await rings((timer) => timer.wakeAt(instant(0)));
});

test("only the instant set last counts, and those beyond any int32 do not ring early", async () => {
  let tooEarly = 0;
  const timer = new BootTimer(
    () => tooEarly++,
    () => assert.fail("nobody slept"),
  );
  timer.wakeAt(instant(bootNow() + 20));
  timer.wakeAt(instant(bootNow() + 30 * 86_400_000));
  await rings((other) => other.wakeAt(instant(bootNow() + 60)));
  timer.wakeAt(NEVER);
  await rings((other) => other.wakeAt(instant(bootNow() + 20)));
  timer.close();
  assert.equal(tooEarly, 0);
});
