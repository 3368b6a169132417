import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6 } from "../addr/ip.ts";
import { seededRandom } from "../addr/random.ts";
import { after, FOREVER, type Instant, instant, milliseconds, seconds } from "../addr/time.ts";
import { type Interval, intervalFor, MAX_RA_DELAY_TIME, MIN_DELAY_BETWEEN_RAS, RaSchedule } from "./ra-schedule.ts";

const OWNER: Interval = { min: seconds(100), max: seconds(300) };
const START = instant(1_000_000);
const HOST = ip6("fe80::aa");

function schedule(maxDelay = MAX_RA_DELAY_TIME): RaSchedule {
  return new RaSchedule(seededRandom(7), maxDelay);
}

/** The Instants of all multicasts up to `end` when nothing but time happens. */
function multicasts(clock: RaSchedule, end: Instant): Instant[] {
  const sent: Instant[] = [];
  for (let at = clock.wakeAt(); at !== undefined && at <= end; at = clock.wakeAt()) if (clock.due(at).multicast) sent.push(at);
  return sent;
}

const gaps = (times: readonly Instant[]): number[] => times.slice(1).map((at, i) => at - times[i]!);

test("[RA-2] the first three advertisements are at most 16 s apart, later ones between Min and Max and spread over that range", () => {
  const clock = schedule();
  clock.announce(OWNER, START);
  const [first, second, ...rest] = gaps(multicasts(clock, after(START, seconds(100_000))));
  assert.ok(first! <= 16_000 && second! <= 16_000);
  assert.ok(rest.length > 400);
  assert.ok(rest.every((gap) => gap >= 100_000 && gap <= 300_000));
  assert.ok(Math.min(...rest) < 105_000 && Math.max(...rest) > 295_000);
});

test("[RA-3] lifetimes of 150 s shorten the interval to 7..20 s, long ones leave the owner's bounds", () => {
  assert.deepEqual(intervalFor(OWNER, seconds(150)), { min: 7000, max: 20_000 });
  assert.deepEqual(intervalFor(OWNER, seconds(2700)), OWNER);
  assert.deepEqual(intervalFor(OWNER, FOREVER), OWNER);
});

test("[RA-2] every interval is within the legal range, whatever the owner's bounds and the lifetimes", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 4, max: 1800 }),
      fc.integer({ min: 3, max: 1350 }),
      fc.integer({ min: 0, max: 9000 }),
      (max, min, shortest) => {
        const interval = intervalFor({ min: seconds(min), max: seconds(max) }, seconds(shortest));
        assert.ok(interval.max >= 4000 && interval.max <= max * 1000);
        assert.ok(interval.min >= 3000 && interval.min <= 0.75 * interval.max);
      },
    ),
  );
});

test("[RA-2] a change is announced at once and twice more within 16 s each", () => {
  const clock = schedule();
  clock.announce(OWNER, START);
  multicasts(clock, after(START, seconds(1000)));
  const later = after(START, seconds(1001));
  clock.announce(OWNER, later);
  const sent = multicasts(clock, after(later, seconds(33)));
  assert.equal(sent[0], later);
  assert.equal(sent.length, 3);
});

test("[RA-5] a change within 3 s of an advertisement waits for the rest of the 3 s", () => {
  const clock = schedule();
  clock.announce(OWNER, START);
  clock.due(START);
  clock.announce(OWNER, after(START, seconds(1)));
  assert.equal(clock.wakeAt(), after(START, seconds(3)));
});

test("[RA-5] [REN-9] no mix of changes, solicitations and time brings two multicasts closer than 3 s", () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 5000 }),
    event: fc.constantFrom("announce" as const, "answerAll" as const, "answer" as const, "tick" as const),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
      const clock = schedule();
      let now = START;
      const sent: Instant[] = [];
      clock.announce(OWNER, now);
      for (const { wait, event } of steps) {
        now = after(now, milliseconds(wait));
        if (event === "announce") clock.announce(intervalFor(OWNER, seconds(20)), now);
        if (event === "answerAll") clock.answerAll(now);
        if (event === "answer") clock.answer(HOST, now);
        if (clock.due(now).multicast) sent.push(now);
      }
      assert.ok(gaps(sent).every((gap) => gap >= MIN_DELAY_BETWEEN_RAS));
    }),
  );
});

test("[RA-4] a solicitation is answered once, after a random delay below 500 ms", () => {
  const clock = schedule();
  const delays = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const now = after(START, seconds(i));
    clock.answer(HOST, now);
    clock.answer(HOST, now);
    const at = clock.wakeAt()!;
    assert.ok(at >= now && at < after(now, MAX_RA_DELAY_TIME));
    assert.deepEqual(clock.due(at), { multicast: false, early: false, unicast: [HOST] });
    assert.deepEqual(clock.due(at), { multicast: false, early: false, unicast: [] });
    delays.add(at - now);
  }
  assert.ok(delays.size > 150);
});

test("[RA-5] more than 64 solicitors at once are answered by one multicast", () => {
  const clock = schedule();
  for (let i = 0; i < 10_000; i++) clock.answer(ip6(`fe80::${(i + 1).toString(16)}`), START);
  const end = after(START, MAX_RA_DELAY_TIME);
  const due = clock.due(end);
  assert.equal(due.unicast.length, 64);
  assert.equal(due.multicast, true);
});

test("a solicited multicast replaces the next unsolicited one", () => {
  const clock = schedule();
  clock.announce(OWNER, START);
  multicasts(clock, after(START, seconds(50)));
  const asked = after(START, seconds(60));
  clock.answerAll(asked);
  const at = clock.wakeAt()!;
  assert.ok(at < after(asked, MAX_RA_DELAY_TIME));
  clock.due(at);
  assert.ok(clock.wakeAt()! >= after(at, OWNER.min));
});

test("[RA-16] three final advertisements are 3 s apart, and nothing follows", () => {
  const clock = schedule();
  clock.announce(OWNER, START);
  clock.due(START);
  clock.finish(after(START, seconds(1)));
  assert.deepEqual(gaps([START, ...multicasts(clock, after(START, seconds(10_000)))]), [3000, 3000, 3000]);
  assert.equal(clock.wakeAt(), undefined);
});

test("[RA-5] after a restart within the same boot the first advertisement keeps its distance from the one that may just have gone out", () => {
  const clock = schedule();
  clock.assumeSent(START);
  clock.announce(OWNER, START);
  assert.equal(clock.wakeAt(), after(START, MIN_DELAY_BETWEEN_RAS));
});
