import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Random, seededRandom } from "../addr/random.ts";
import { type Duration, type Instant, instant, milliseconds, seconds } from "../addr/time.ts";
import { continuedAt, firstAt, hasFailed, hastened, postponed, type Schedule, transmitted, UNLIMITED } from "./retransmission.ts";

const SOLICIT: Schedule = { ...UNLIMITED, IRT: seconds(1), MRT: seconds(3600), firstAbove: true };
const REQUEST: Schedule = { ...UNLIMITED, IRT: seconds(1), MRT: seconds(30), MRC: 10 };
const CONFIRM: Schedule = { ...UNLIMITED, IRT: seconds(1), MRT: seconds(4), MRD: seconds(10) };

/** Randomness that always gives the same number of 0..1. */
const constant = (part: number): Random => ({ uint32: () => Math.min(0xffffffff, Math.floor(part * 0x1_0000_0000)) });

/** Timeouts after each of `count` transmissions. */
function timeouts(schedule: Schedule, count: number, random: Random): readonly Duration[] {
  let state = firstAt(instant(0));
  return Array.from({ length: count }, () => {
    state = transmitted(schedule, state, state.nextAt, random);
    return state.timeout;
  });
}

/** Times of all transmissions until the exchange fails. */
function transmissions(schedule: Schedule, until?: Instant): readonly number[] {
  const times: number[] = [];
  const random = seededRandom(7);
  let state = firstAt(instant(0), until);
  while (!hasFailed(schedule, state, state.nextAt)) {
    times.push(state.nextAt / 1000);
    state = transmitted(schedule, state, state.nextAt, random);
  }
  return [...times, state.nextAt / 1000];
}

test("[D6T-3] the timeouts of a Solicit double from 1 s to 3600 s and then stay there, for ever", () => {
  const middle = timeouts(SOLICIT, 16, constant(0.5)).map((timeout) => timeout / 1000);
  assert.deepEqual(middle.slice(1, 12).map(Math.round), [2, 4, 8, 17, 34, 67, 134, 269, 538, 1075, 2150]);
  assert.deepEqual(middle.slice(12), [3600, 3600, 3600, 3600]);
  assert.ok(timeouts(SOLICIT, 16, constant(1)).every((timeout) => timeout <= 3_960_000));
});

test("[D6T-3] the first timeout of a Solicit is greater than 1 s whatever chance brings", () => {
  for (const part of [0, 0.25, 0.5, 1]) {
    const [first = 0] = timeouts(SOLICIT, 1, constant(part));
    assert.ok(first > 1000 && first <= 1100, `${first}`);
  }
  assert.equal(timeouts(REQUEST, 1, constant(0))[0], 900);
});

test("an exchange with MRC ends after the timeout of its last transmission", () => {
  const times = transmissions(REQUEST);
  assert.equal(times.length, 11);
  assert.ok(times[10]! - times[9]! >= 27);
});

test("an exchange with MRD ends at that time after its first transmission", () => {
  const times = transmissions(CONFIRM);
  assert.equal(times.at(-1), 10);
  assert.ok(times.length >= 4 && times.length <= 6, times.join());
});

test("an exchange ends at its fixed end, even when nothing could be sent before", () => {
  assert.equal(transmissions(SOLICIT, instant(20_000)).at(-1), 20);
  assert.ok(hasFailed(SOLICIT, postponed(firstAt(instant(0), instant(5)), instant(9)), instant(5)));
});

test("a continued exchange waits for the earlier timeout and doubles it", () => {
  const state = continuedAt(seconds(8), instant(1000));
  assert.equal(state.nextAt, 9000);
  assert.equal(transmitted(SOLICIT, state, instant(9000), constant(0.5)).timeout, 16_000);
});

test("haste brings the next transmission near and starts the timeouts again, but never delays", () => {
  const waiting = { ...firstAt(instant(0)), sent: 12, timeout: seconds(3600), nextAt: instant(9_000_000) };
  const soon = hastened(waiting, instant(5_000));
  assert.equal(soon.nextAt, 5_000);
  assert.equal(transmitted(SOLICIT, soon, instant(5_000), constant(0.5)).timeout, 1_050);
  assert.equal(hastened(soon, instant(6_000)), soon);
});

test("every timeout is within a tenth of its place, for any parameters and any chance", () => {
  const arbitrary = fc.tuple(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 0, max: 0xffffffff }));
  fc.assert(
    fc.property(arbitrary, ([IRT, most, seed]) => {
      const MRT = Math.max(IRT, most);
      const schedule = { ...UNLIMITED, IRT: milliseconds(IRT), MRT: milliseconds(MRT) };
      const all = timeouts(schedule, 20, seededRandom(seed));
      assert.ok(all[0]! >= IRT * 0.9 && all[0]! <= IRT * 1.1);
      for (const [i, timeout] of all.entries()) {
        const previous = all[i - 1];
        if (previous === undefined) continue;
        const doubled = timeout >= previous * 1.9 && timeout <= previous * 2.1 && timeout <= MRT;
        const capped = timeout >= MRT * 0.9 && timeout <= MRT * 1.1 && previous * 2.1 > MRT;
        assert.ok(doubled || capped, `${previous} then ${timeout}, MRT ${MRT}`);
      }
    }),
  );
});
