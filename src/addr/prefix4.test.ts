import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip4, ip4FromBytes } from "./ip.ts";
import { contains4, host4, maskLength, maskOf, overlaps4, parsePrefix4, prefix4, prefix4Address, prefix4Of } from "./prefix4.ts";

const address = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ip4FromBytes(bytes));

test("host bits are masked, so that one IPv4 prefix has one spelling", () => {
  assert.equal(prefix4("100.64.7.9/10"), "100.64.0.0/10");
  assert.equal(prefix4("255.255.255.255/0"), "0.0.0.0/0");
  for (const text of ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/8/8", "10.0.0/8", "x/8"]) assert.equal(parsePrefix4(text), undefined, text);
});

test("every IPv4 prefix holds its addresses and overlaps itself and what it lies in", () => {
  fc.assert(
    fc.property(address, fc.nat(32), fc.nat(32), (value, length, other) => {
      const own = prefix4Of(value, length);
      assert.ok(contains4(own, value) && contains4(own, prefix4Address(own)));
      assert.ok(overlaps4(own, prefix4Of(value, other)));
      assert.equal(maskLength(maskOf(length)), length);
    }),
  );
  assert.ok(!overlaps4(prefix4("192.168.1.0/24"), prefix4("192.168.2.0/24")));
});

test("a mask with gaps is none, and an address outside its prefix is refused", () => {
  assert.equal(maskLength(ip4("255.0.255.0")), undefined);
  assert.equal(host4(prefix4("192.168.1.0/24"), 1), "192.168.1.1");
  assert.throws(() => host4(prefix4("192.168.1.0/24"), 256), RangeError);
});
