import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Prefix, prefix } from "../addr/prefix.ts";
import { after, type Duration, type Instant, instant, seconds } from "../addr/time.ts";
import type { AdvertisedPrefix } from "./facts.ts";
import { StalePrefixes } from "./stale-prefixes.ts";

const A = prefix("2605:59c8:1200::/64");
const B = prefix("2605:59c8:3400::/64");
const START = instant(5_000_000);
const SAME_BOOT = seconds(0);

const live = (name: Prefix, flags = { onLink: true, autonomous: true }): AdvertisedPrefix => {
  return { prefix: name, ...flags, preferredUntil: START, validUntil: START };
};

/** Advertises `prefixes` with a valid lifetime, as the server does: first what holds, then what is promised. */
function advertise(memory: StalePrefixes, prefixes: readonly AdvertisedPrefix[], lifetime: Duration, now: Instant): boolean {
  memory.update(prefixes, now);
  return memory.promise(prefixes.map((each) => ({ prefix: each, heldUntil: after(now, lifetime), lifetime })));
}

const names = (memory: StalePrefixes): Prefix[] => memory.stale.map((stale) => stale.prefix);

test("[REN-2] a prefix that is no longer advertised is stale for the valid lifetime that was used, with its flags", () => {
  const memory = new StalePrefixes();
  advertise(memory, [live(A, { onLink: false, autonomous: true })], seconds(300), START);
  const gone = after(START, seconds(100));
  assert.equal(memory.update([live(B)], gone), true);
  assert.deepEqual(memory.stale, [{ prefix: A, onLink: false, autonomous: true, until: after(gone, seconds(300)) }]);
  assert.equal(memory.expire(after(gone, seconds(299))), false);
  assert.deepEqual(names(memory), [A]);
  assert.equal(memory.expire(after(gone, seconds(300))), true);
  assert.deepEqual(names(memory), []);
});

test("[REN-2] a prefix that was live to the end of its valid lifetime needs no withdrawal", () => {
  const memory = new StalePrefixes();
  advertise(memory, [live(A)], seconds(300), START);
  memory.update([], after(START, seconds(300)));
  assert.deepEqual(names(memory), []);
});

test("[REN-4] a stale prefix that is advertised again is live at once", () => {
  const memory = new StalePrefixes();
  advertise(memory, [live(A)], seconds(300), START);
  advertise(memory, [live(B)], seconds(300), after(START, seconds(20)));
  assert.deepEqual(names(memory), [A]);
  advertise(memory, [live(A)], seconds(300), after(START, seconds(40)));
  assert.deepEqual(names(memory), [B]);
});

test("[REN-1] a prefix known from before a restart is stale when the first advertisement lacks it", () => {
  const before = new StalePrefixes();
  advertise(before, [live(A)], seconds(300), START);
  const shift = seconds(-4000);
  const booted = instant(1_100_000);
  const memory = new StalePrefixes({ snapshot: before.snapshot(), shift });
  memory.update([live(B)], booted);
  assert.deepEqual(memory.stale, [{ prefix: A, onLink: true, autonomous: true, until: after(booted, seconds(300)) }]);
});

test("[REN-1] restarts do not prolong a withdrawal that is running", () => {
  let memory = new StalePrefixes();
  advertise(memory, [live(A)], seconds(300), START);
  memory.update([], after(START, seconds(1)));
  const until = memory.stale[0]!.until;
  for (let i = 2; i < 10; i++) {
    memory = new StalePrefixes({ snapshot: memory.snapshot(), shift: SAME_BOOT });
    memory.update([], after(START, seconds(i * 10)));
    assert.equal(memory.stale[0]!.until, until);
  }
});

test("a prefix that is renewed every 75 s for a day is written at most five times", () => {
  const memory = new StalePrefixes();
  let writes = 0;
  for (let second = 0; second < 86_400; second += 75)
    if (advertise(memory, [live(A)], seconds(300), after(START, seconds(second)))) writes++;
  assert.ok(writes >= 1 && writes <= 5, `${writes} writes`);
});

test("[REN-9] a storm of prefixes keeps no more than 32 stale ones", () => {
  const memory = new StalePrefixes();
  for (let i = 0; i < 1000; i++)
    advertise(memory, [live(prefix(`2605:59c8:${i.toString(16)}::/64`))], seconds(300), after(START, seconds(i / 10)));
  assert.equal(memory.stale.length, 32);
  assert.equal(names(memory).at(-1), prefix("2605:59c8:3e6::/64"));
});

test("[REN-1] what is stored never ends before what hosts hold, at any moment of any history", () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 4000 }),
    names: fc.subarray([A, B]),
    lifetime: fc.integer({ min: 0, max: 5400 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new StalePrefixes();
      let stored = new Map<string, number>();
      const held = new Map<string, number>();
      let now = START;
      for (const { wait, names: live_, lifetime } of steps) {
        now = after(now, seconds(wait));
        const prefixes = live_.map((name) => live(name));
        const changed = memory.update(prefixes, now);
        const promises = prefixes.map((each) => ({ prefix: each, heldUntil: after(now, seconds(lifetime)), lifetime: seconds(lifetime) }));
        if (memory.promise(promises) || changed) stored = readStored(memory);
        for (const name of live_) held.set(name, Math.max(held.get(name) ?? 0, now + lifetime * 1000));
        for (const [name, until] of held)
          if (until > now) assert.ok((stored.get(name) ?? 0) >= until, `${name} is held longer than stored`);
      }
    }),
  );
});

test("an unreadable snapshot is no snapshot", () => {
  for (const snapshot of [null, 7, "x", {}, [null, 3, { prefix: "nonsense", storedUntil: 1, lifetime: 1 }, { prefix: A }]]) {
    const memory = new StalePrefixes({ snapshot, shift: SAME_BOOT });
    memory.update([], START);
    assert.deepEqual(memory.stale, []);
  }
});

function readStored(memory: StalePrefixes): Map<string, number> {
  const records = memory.snapshot() as readonly { prefix: string; storedUntil: number }[];
  return new Map(records.map(({ prefix: name, storedUntil }) => [name, storedUntil]));
}
