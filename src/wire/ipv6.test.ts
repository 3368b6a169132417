import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6, ip6FromBytes } from "../addr/ip.ts";
import { WireError } from "./bytes.ts";
import { decodeIpv6, encodeIpv6, fragmentHeader, fragmentOf, ICMPV6, type Ipv6Packet, UDP } from "./ipv6.ts";

const address = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ip6FromBytes(bytes));
const content = (unit: number) => fc.nat(4).chain((units) => fc.uint8Array({ minLength: 6 + unit * units, maxLength: 6 + unit * units }));
const extension = fc.oneof(
  fc.record({ protocol: fc.constantFrom(0, 43, 60, 135, 139, 140), content: content(8) }, { noNullPrototype: true }),
  fc.record({ protocol: fc.constant(51), content: content(4) }, { noNullPrototype: true }),
  fc.record({ protocol: fc.constant(44), content: fc.constant(Uint8Array.of(0, 1, 0, 0, 0, 7)) }, { noNullPrototype: true }),
);
const packet: fc.Arbitrary<Ipv6Packet> = fc.record(
  {
    trafficClass: fc.nat(0xff),
    flowLabel: fc.nat(0xfffff),
    hopLimit: fc.nat(0xff),
    source: address,
    destination: address,
    extensions: fc.array(extension, { maxLength: 5 }),
    protocol: fc.constantFrom(6, UDP, 50, ICMPV6, 59, 253),
    payload: fc.uint8Array(),
  },
  { noNullPrototype: true },
);

const plain: Ipv6Packet = {
  trafficClass: 0,
  flowLabel: 0,
  hopLimit: 64,
  source: ip6("fe80::1"),
  destination: ip6("ff02::1"),
  extensions: [],
  protocol: UDP,
  payload: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
};

test("every IPv6 packet comes back from its octets as it was, through any chain of extension headers", () => {
  fc.assert(fc.property(packet, (original) => assert.deepEqual(decodeIpv6(encodeIpv6(original)), original)));
});

test("padding of the link behind the packet is no part of its payload", () => {
  assert.deepEqual(decodeIpv6(Uint8Array.of(...encodeIpv6(plain), 0, 0, 0, 0)), plain);
});

test("whatever octets come, the IPv6 decoder returns a packet or throws a WireError", () => {
  fc.assert(
    fc.property(packet, fc.array(fc.tuple(fc.nat(), fc.nat(0xff)), { maxLength: 8 }), fc.nat(), (original, changes, cut) => {
      const bytes = encodeIpv6(original);
      for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
      for (const octets of [bytes, bytes.subarray(0, cut % bytes.length)]) {
        try {
          decodeIpv6(octets);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("another version, a payload that is cut and an extension header that is cut are refused", () => {
  const four = encodeIpv6(plain);
  four[0] = 0x40;
  assert.throws(() => decodeIpv6(four), /version 4/);
  assert.throws(() => decodeIpv6(encodeIpv6(plain).subarray(0, 47)), /8 octets announced, 7/);
  const lying = encodeIpv6({ ...plain, extensions: [{ protocol: 60, content: new Uint8Array(6) }] });
  lying[41] = 200;
  assert.throws(() => decodeIpv6(lying), WireError);
});

test("a first fragment still shows its upper layer, a later one only data", () => {
  const first = decodeIpv6(encodeIpv6({ ...plain, extensions: [fragmentHeader({ offset: 0, more: true, identification: 9 })] }));
  assert.deepEqual(fragmentOf(first), { offset: 0, more: true, identification: 9 });
  const chain = [fragmentHeader({ offset: 1232, more: false, identification: 9 })];
  const later = decodeIpv6(encodeIpv6({ ...plain, extensions: chain, protocol: 60, payload: Uint8Array.of(255, 255) }));
  assert.deepEqual(fragmentOf(later), { offset: 1232, more: false, identification: 9 });
  assert.deepEqual(later.payload, Uint8Array.of(255, 255));
  assert.equal(fragmentOf(plain), undefined);
});

test("a packet that can't exist is not encoded", () => {
  assert.throws(() => encodeIpv6({ ...plain, payload: new Uint8Array(65536) }), RangeError);
  for (const [protocol, length] of [
    [60, 7],
    [60, 5],
    [44, 14],
    [51, 8],
  ] as const) {
    assert.throws(() => encodeIpv6({ ...plain, extensions: [{ protocol, content: new Uint8Array(length) }] }), RangeError);
  }
});
