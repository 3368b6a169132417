import assert from "node:assert/strict";
import { test } from "node:test";
import { duidFromBytes, duidToBytes, duidUuid, parseDuid } from "./duid.ts";
import { macFromBytes, macToBytes, parseMac } from "./mac.ts";
import { seededRandom, uniform } from "./random.ts";

test("[D6P-1] a DUID has 3 to 130 octets and is nothing but octets", () => {
  assert.equal(duidFromBytes(new Uint8Array(2)), undefined);
  assert.equal(duidFromBytes(new Uint8Array(131)), undefined);
  for (const length of [3, 130]) assert.equal(duidToBytes(duidFromBytes(new Uint8Array(length))!).length, length);
  assert.equal(parseDuid("00:04:AB"), "0004ab");
  assert.equal(parseDuid("0004a"), undefined);
  assert.equal(duidUuid(new Uint8Array(16)).slice(0, 4), "0004");
});

test("a MAC address is read in both usual spellings", () => {
  assert.equal(parseMac("00-00-5E-00-01-01"), "00:00:5e:00:01:01");
  assert.equal(parseMac("00:00:5e:00:01"), undefined);
  assert.equal(macFromBytes(macToBytes(parseMac("02:00:00:00:00:0f")!)), "02:00:00:00:00:0f");
});

test("the same seed makes the same numbers, and they lie where they should", () => {
  const [a, b] = [seededRandom(7), seededRandom(7)];
  const drawn = Array.from({ length: 1000 }, () => uniform(a, 2, 5));
  assert.deepEqual(
    Array.from({ length: 1000 }, () => uniform(b, 2, 5)),
    drawn,
  );
  assert.ok(Math.min(...drawn) >= 2 && Math.max(...drawn) < 5);
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  assert.ok(Math.abs(mean - 3.5) < 0.2, `${mean}`);
});
