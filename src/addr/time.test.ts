import assert from "node:assert/strict";
import { test } from "node:test";
import { after, between, deadline, earliest, INFINITY, instant, NEVER, remaining, type Seconds, seconds } from "./time.ts";

test("[D6T-17] a lifetime of 0xffffffff never ends, and one of 0xfffffffe does", () => {
  assert.equal(deadline(instant(5), INFINITY), NEVER);
  assert.equal(remaining(instant(5), NEVER), INFINITY);
  const long = deadline(instant(0), 0xfffffffe as Seconds);
  assert.equal(remaining(instant(0), long), 0xfffffffe);
  assert.equal(remaining(instant(0), after(long, seconds(1000))), 0xfffffffe);
});

test("what is left is rounded down and never negative", () => {
  assert.equal(remaining(instant(0), instant(1999)), 1);
  assert.equal(remaining(instant(10), instant(0)), 0);
  assert.equal(between(instant(1), NEVER), Number.POSITIVE_INFINITY);
});

test("of several instants the first one counts, and NEVER is none", () => {
  assert.equal(earliest(instant(3), undefined, NEVER, instant(2)), 2);
  assert.equal(earliest(undefined, NEVER), undefined);
});
