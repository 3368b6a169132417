import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromHex, toHex } from "./hex.ts";
import { ip4FromBytes, ip4FromNumber, ip4ToNumber } from "./ip.ts";
import { isInRange, parseRange4, rangeSize } from "./range4.ts";

test("an address and its number are the same in both directions", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (octets) => {
      const value = new DataView(octets.buffer, octets.byteOffset).getUint32(0);
      assert.equal(ip4ToNumber(ip4FromBytes(octets)), value);
      assert.equal(ip4FromNumber(value), ip4FromBytes(octets));
    }),
  );
});

test("a range is read with its ends, counted, and holds what lies between them", () => {
  const range = parseRange4("192.168.1.250 - 192.168.2.5")!;
  assert.deepEqual(range, { first: "192.168.1.250", last: "192.168.2.5" });
  assert.equal(rangeSize(range), 12);
  const inside = ["192.168.1.249", "192.168.1.250", "192.168.2.5", "192.168.2.6"].map((text) => isInRange(range, text as never));
  assert.deepEqual(inside, [false, true, true, false]);
  for (const text of ["192.168.1.9-192.168.1.8", "192.168.1.1", "192.168.1.1-192.168.1.2-192.168.1.3", "a-b", ""]) {
    assert.equal(parseRange4(text), undefined, text);
  }
});

test("octets and their hexadecimal text are the same in both directions", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (octets) => {
      assert.deepEqual(fromHex(toHex(octets)), octets);
      assert.deepEqual(fromHex(toHex(octets, ":"), 1), octets);
    }),
  );
  assert.equal(toHex(Uint8Array.of(0, 0xab, 0xff), "-"), "00-ab-ff");
  assert.deepEqual(fromHex("AB0f"), Uint8Array.of(0xab, 0x0f));
});
