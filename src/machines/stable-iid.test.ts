import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isEui64 } from "../addr/ip.ts";
import { hostAddress, prefix } from "../addr/prefix.ts";
import type { Random } from "../addr/random.ts";
import { stableIid, temporaryIid } from "./stable-iid.ts";

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i);
const HOME = { secret: SECRET, prefix: prefix("2605:59c8:1200::/64"), interfaceName: "eth8", dadCounter: 0 };

test("[WRA-8] an identifier is the first 64 bits of HMAC-SHA-256 over prefix, counter and interface, so it outlives any version of this program", () => {
  // Computed with Python's hmac.
  assert.equal(stableIid(HOME), 0xa0da578e6c6d3d05n);
  assert.equal(stableIid({ ...HOME, dadCounter: 1 }), 0x88f082efa615a0b4n);
  assert.equal(stableIid({ ...HOME, prefix: prefix("2605:59c8:3400::/64") }), 0x7f98177124f9c14cn);
  assert.equal(stableIid({ ...HOME, interfaceName: "eth0" }), 0xe7806f6455db5d46n);
});

test("[WRA-8] another secret makes another identifier: a secret is all that ties a home together", () => {
  assert.notEqual(stableIid({ ...HOME, secret: new Uint8Array(32) }), stableIid(HOME));
});

test("[WRA-8] no stable identifier is reserved or looks like a MAC address", () => {
  const input = fc.record(
    { secret: fc.uint8Array({ minLength: 16, maxLength: 32 }), interfaceName: fc.string({ maxLength: 15 }), dadCounter: fc.nat(3) },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(input, (each) => {
      const iid = stableIid({ ...HOME, ...each });
      assert.ok(iid > 0n && iid < 1n << 64n);
      assert.ok(!isEui64(hostAddress(HOME.prefix, iid)));
      assert.equal(stableIid({ ...HOME, ...each }), iid);
    }),
  );
});

/** Hands out these words one after the other. */
function words(...values: readonly number[]): Random {
  let at = 0;
  return { uint32: () => values[at++]! };
}

const RESERVED: readonly (readonly [string, number, number])[] = [
  ["subnet-router anycast", 0, 0],
  ["the first reserved subnet anycast identifier", 0xfdffffff, 0xffffff80],
  ["the last one", 0xfdffffff, 0xffffffff],
  ["the first of IANA's Ethernet block", 0x02005eff, 0xfe000000],
  ["proxy mobile IPv6", 0x02005eff, 0xfe005213],
  ["the last of IANA's Ethernet block", 0x02005eff, 0xfeffffff],
  ["one made from a MAC address", 0x021122ff, 0xfe334455],
];

test("a reserved identifier is passed over (RFC 5453)", () => {
  for (const [what, high, low] of RESERVED) assert.equal(temporaryIid(words(high, low, 0x12345678, 0x9abcdef0)), 0x123456789abcdef0n, what);
});

test("the neighbours of reserved identifiers are used", () => {
  const free = [
    [0, 1],
    [0xfdffffff, 0xffffff7f],
    [0xfe000000, 0],
    [0x021122ff, 0xff334455],
    [0x021122fe, 0xfe334455],
  ] as const;
  for (const [high, low] of free) assert.equal(temporaryIid(words(high, low)), (BigInt(high) << 32n) | BigInt(low));
});
