import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip4FromBytes, ip6, ip6FromBytes } from "../addr/ip.ts";
import { prefix, prefixOf } from "../addr/prefix.ts";
import { prefix4Of } from "../addr/prefix4.ts";
import { type Duration, FOREVER, milliseconds, type Seconds } from "../addr/time.ts";
import { WireError } from "./bytes.ts";
import { decodeNetlink, NetlinkWriter } from "./netlink.ts";
import { type AddressMessage, decodeAddress, decodeLink, decodeNeighbor, encodeAddress, RTM_NEWADDR } from "./rtnetlink.ts";
import { decodeRoute, encodeRoute, RTM_NEWROUTE, type RouteMessage } from "./rtnetlink-route.ts";

const address = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ip6FromBytes(bytes));
const address4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ip4FromBytes(bytes));
const uint32 = fc.nat(0xffffffff);

test("an address survives the way to the kernel's format and back, marked as one without prefix route", () => {
  const message: fc.Arbitrary<AddressMessage> = fc.record(
    {
      index: fc.nat(0x7fffffff),
      address: fc.oneof(address, address4),
      prefixLength: fc.nat(128),
      flags: fc.constant(0),
      protocol: fc.nat(255),
      preferred: uint32 as fc.Arbitrary<Seconds>,
      valid: uint32 as fc.Arbitrary<Seconds>,
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(message, (sent) => {
      const payload = payloadOf((writer) => encodeAddress(writer, RTM_NEWADDR, 0, 1, sent));
      assert.deepEqual(decodeAddress(payload), { ...sent, flags: 0x200 });
    }),
  );
});

test("an IPv4 route survives the way to the kernel's format and back, and goes with its source address", () => {
  const route: fc.Arbitrary<RouteMessage> = fc.record(
    {
      kind: fc.constant("unicast" as const),
      destination: fc.tuple(address4, fc.nat(32)).map(([ip, length]) => prefix4Of(ip, length)),
      protocol: fc.nat(255),
      metric: uint32,
      preference: fc.constant("medium" as const),
      source: address4,
      expires: fc.constant(FOREVER as Duration),
      mtu: fc.integer({ min: 576, max: 1500 }),
      nextHops: fc.tuple(fc.integer({ min: 1, max: 0x7fffffff }), address4).map(([index, gateway]) => [{ index, gateway }]),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(route, (sent) => {
      const payload = payloadOf((writer) => encodeRoute(writer, RTM_NEWROUTE, 0, 1, sent));
      assert.deepEqual(decodeRoute(payload), sent);
    }),
  );
});

test("a route survives the way to the kernel's format and back", () => {
  const hop = fc.record(
    { index: fc.integer({ min: 1, max: 0x7fffffff }), gateway: address },
    { requiredKeys: ["index"], noNullPrototype: true },
  );
  const common = {
    destination: fc.tuple(address, fc.nat(128)).map(([ip, length]) => prefixOf(ip, length)),
    protocol: fc.nat(255),
    metric: uint32,
    expires: fc.constant(FOREVER as Duration),
  };
  const route: fc.Arbitrary<RouteMessage> = fc.oneof(
    fc.record(
      {
        ...common,
        kind: fc.constant("unicast" as const),
        preference: fc.constantFrom("high" as const, "medium" as const, "low" as const),
        mtu: fc.integer({ min: 1280, max: 65535 }),
        nextHops: hop.map((one) => [one]),
      },
      { requiredKeys: ["kind", "destination", "protocol", "metric", "expires", "preference", "nextHops"], noNullPrototype: true },
    ),
    fc.record(
      { ...common, kind: fc.constant("unreachable" as const), preference: fc.constant("medium" as const), nextHops: fc.constant([]) },
      { noNullPrototype: true },
    ),
  );
  fc.assert(
    fc.property(route, (sent) => {
      assert.deepEqual(decodeRoute(payloadOf((writer) => encodeRoute(writer, RTM_NEWROUTE, 0, 1, sent))), sent);
    }),
  );
});

test("the kernel's own listing of a default route is read: gateway, expiry in ticks, preference, MTU", () => {
  const payload = payloadOf((writer) => {
    writer.begin(RTM_NEWROUTE, 0, 1).uint8(10).uint8(0).uint8(0).uint8(0).uint8(254).uint8(93).uint8(0).uint8(1).uint32(0);
    writer
      .attributeUint32(15, 254)
      .attributeUint32(6, 512)
      .attribute(5, Uint8Array.from([0xfe, 0x80, ...Array<number>(13).fill(0), 1]));
    writer.attributeUint32(4, 7).nest(8, () => writer.attributeUint32(2, 1400));
    writer.nest(12, () => writer.uint32(0).uint32(0).uint32(29_950).uint32(0));
    writer.attributeUint8(20, 3).end();
  });
  assert.deepEqual(decodeRoute(payload), {
    kind: "unicast",
    destination: prefix("::/0"),
    protocol: 93,
    metric: 512,
    preference: "low",
    expires: milliseconds(299_500),
    mtu: 1400,
    nextHops: [{ index: 7, gateway: ip6("fe80::1") }],
  });
});

test("arbitrary octets are read or refused with a WireError, and nothing else happens", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      for (const decode of [decodeLink, decodeAddress, decodeRoute, decodeNeighbor]) {
        try {
          decode(bytes);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }
    }),
  );
});

function payloadOf(write: (writer: NetlinkWriter) => void): Uint8Array {
  const writer = new NetlinkWriter();
  write(writer);
  return decodeNetlink(writer.finish())[0]!.payload;
}
