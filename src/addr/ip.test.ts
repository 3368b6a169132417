import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ip4,
  ip6,
  ip6FromBigInt,
  ip6FromBytes,
  ip6ToBigInt,
  ip6ToBytes,
  isEui64,
  isLinkLocal,
  isMulticast,
  isUniqueLocal,
  parseIp4,
  parseIp6,
  solicitedNode,
} from "./ip.ts";

const anyAddress = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });

test("an address is written as RFC 5952 wants it", () => {
  const forms: readonly (readonly [string, string])[] = [
    ["2001:0DB8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["::ffff:192.0.2.33", "::ffff:c000:221"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ];
  for (const [text, canonical] of forms) assert.equal(parseIp6(text), canonical);
});

test("what is no address is refused", () => {
  const wrong = [
    "",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "g::",
    "12345::",
    "fe80::1%eth0",
    "1:2:3:4:5:6:7:8::",
    "::1.2.3",
    "1.2.3.4",
    " ::1",
  ];
  for (const text of wrong) assert.equal(parseIp6(text), undefined, text);
  assert.throws(() => ip6("nonsense"), RangeError);
  assert.throws(() => ip6FromBytes(new Uint8Array(15)), RangeError);
});

test("text, octets and numbers are three forms of the same address", () => {
  fc.assert(
    fc.property(anyAddress, (value) => {
      const address = ip6FromBigInt(value);
      assert.equal(ip6ToBigInt(address), value);
      assert.equal(ip6FromBytes(ip6ToBytes(address)), address);
      assert.equal(parseIp6(address), address);
    }),
  );
});

test("kinds of addresses are told apart by their bits, not by their spelling", () => {
  for (const text of ["fe80::1", "febf::1"]) assert.ok(isLinkLocal(ip6(text)), text);
  for (const text of ["fec0::1", "fe8::1", "fe7f::1"]) assert.ok(!isLinkLocal(ip6(text)), text);
  assert.ok(isMulticast(ip6("ff02::1")) && !isMulticast(ip6("ff2::1")));
  assert.ok(isUniqueLocal(ip6("fd00::1")) && isUniqueLocal(ip6("fcff::1")) && !isUniqueLocal(ip6("fd::1")));
  assert.ok(isEui64(ip6("fe80::200:5eff:fe00:101")) && !isEui64(ip6("fe80::1")));
  assert.equal(solicitedNode(ip6("2605::1:2:8f3a:bcde")), "ff02::1:ff3a:bcde");
});

test("an IPv4 address at the end has four numbers up to 255 without leading zeros", () => {
  assert.equal(parseIp6("::ffff:192.168.100.1"), ip6("::ffff:c0a8:6401"));
  for (const text of ["256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "a.b.c.d"]) assert.equal(parseIp6(`::ffff:${text}`), undefined, text);
});

test("IPv4 addresses have four numbers up to 255 without leading zeros", () => {
  assert.equal(ip4("192.168.100.1"), "192.168.100.1");
  for (const text of ["256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "a.b.c.d"]) assert.equal(parseIp4(text), undefined, text);
});
