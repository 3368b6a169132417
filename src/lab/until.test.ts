import assert from "node:assert/strict";
import { test } from "node:test";
import { NotInTime, until } from "./until.ts";

test("until gives the first value that is one", async () => {
  let looks = 0;
  assert.equal(await until(() => (++looks === 3 ? "there" : undefined), { within: 1_000, every: 1, what: "it is there" }), "there");
  assert.equal(looks, 3);
});

test("a probe that throws is not there yet", async () => {
  let looks = 0;
  const probe = (): number => {
    if (++looks < 3) throw new Error("too early");
    return looks;
  };
  assert.equal(await until(probe, { within: 1_000, every: 1, what: "it is there" }), 3);
});

test("when time is up, the sentence names what was awaited, the last error and the dump", async () => {
  const probe = (): never => {
    throw new Error("the cable is out");
  };
  await assert.rejects(
    until(probe, { within: 20, every: 5, what: "the laptop is online", dump: () => "laptop: no address" }),
    (error: Error) => {
      assert.ok(error instanceof NotInTime);
      assert.equal(error.message, "after 0.02 s it is still not so that the laptop is online\nthe cable is out\nlaptop: no address");
      return true;
    },
  );
});

test("an error that has passed is not shown", async () => {
  let looks = 0;
  const probe = (): false => {
    if (++looks === 1) throw new Error("passed");
    return false;
  };
  await assert.rejects(until(probe, { within: 20, every: 1, what: "never" }), { message: "after 0.02 s it is still not so that never" });
});
