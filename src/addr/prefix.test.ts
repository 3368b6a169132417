import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6, ip6FromBigInt } from "./ip.ts";
import {
  contains,
  covers,
  hostAddress,
  overlaps,
  parsePrefix,
  prefix,
  prefixAddress,
  prefixLength,
  prefixOf,
  subnet,
  subnetCount,
  subnetIndex,
} from "./prefix.ts";

const anyPrefix = fc
  .tuple(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.integer({ min: 0, max: 128 }))
  .map(([value, length]) => prefixOf(ip6FromBigInt(value), length));

test("host bits are masked, so that one prefix has one spelling", () => {
  assert.equal(prefix("2605:59C8:1200:ab17::9/56"), "2605:59c8:1200:ab00::/56");
  assert.equal(prefix("ffff::/0"), "::/0");
  for (const text of ["::", "::/129", "::/-1", "::/1/2", "::/", "x/64"]) assert.equal(parsePrefix(text), undefined, text);
  assert.throws(() => prefixOf(ip6("::"), 129), RangeError);
});

test("every prefix covers itself, its first address and all its subnets", () => {
  fc.assert(
    fc.property(anyPrefix, fc.nat(), (value, seed) => {
      assert.ok(covers(value, value) && overlaps(value, value) && contains(value, prefixAddress(value)));
      const length = Math.min(128, prefixLength(value) + 1 + (seed % 16));
      const index = seed % subnetCount(value, length);
      if (subnetCount(value, length) === 0) return;
      const inner = subnet(value, length, index);
      assert.ok(covers(value, inner));
      assert.equal(subnetIndex(value, inner), index);
      assert.equal(covers(inner, value), inner === value);
    }),
  );
});

test("a subnet number that does not fit is refused", () => {
  assert.equal(subnet(prefix("2605::/56"), 64, 255), "2605:0:0:ff::/64");
  assert.throws(() => subnet(prefix("2605::/56"), 64, 256), RangeError);
  assert.throws(() => subnet(prefix("2605::/80"), 64, 0), RangeError);
  assert.equal(subnetIndex(prefix("2605::/56"), prefix("2606::/64")), undefined);
});

test("a host part is put into the prefix and cannot leave it", () => {
  assert.equal(hostAddress(prefix("2605::/64"), 1n), "2605::1");
  assert.equal(hostAddress(prefix("2605::/64"), (1n << 64n) + 5n), "2605::5");
});
