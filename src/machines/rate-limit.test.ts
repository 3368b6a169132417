import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Instant, instant, seconds } from "../addr/time.ts";
import { allowedAt, type RateHistory, recorded } from "./rate-limit.ts";

const LIMIT = { count: 3, span: seconds(10) };

test("messages go out at once until the limit, then when the oldest is out of the span", () => {
  const history: RateHistory = [0, 1000, 2000].reduce((past: RateHistory, at) => recorded(LIMIT, past, instant(at)), []);
  assert.equal(allowedAt(LIMIT, history.slice(0, 2), instant(1500)), 1500);
  assert.equal(allowedAt(LIMIT, history, instant(2500)), 10_000);
  assert.equal(allowedAt(LIMIT, history, instant(10_500)), 10_500);
});

test("[D6T-15] however often one wants to send, no span holds more messages than the limit", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 200 }), (pauses) => {
      const times: Instant[] = [];
      let history: RateHistory = [];
      let now = instant(0);
      for (const pause of pauses) {
        now = instant(Math.max(now + pause, allowedAt(LIMIT, history, instant(now + pause))));
        history = recorded(LIMIT, history, now);
        times.push(now);
      }
      assert.ok(times.every((time, i) => i < LIMIT.count || time - times[i - LIMIT.count]! >= LIMIT.span));
      assert.ok(history.length <= LIMIT.count);
    }),
  );
});
