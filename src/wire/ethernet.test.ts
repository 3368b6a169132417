import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6 } from "../addr/ip.ts";
import { mac, macFromBytes } from "../addr/mac.ts";
import { WireError } from "./bytes.ts";
import { decodeEthernet, ETHERTYPE_IPV6, encodeEthernet, multicastMac } from "./ethernet.ts";

const octets = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });

test("every Ethernet frame comes back from its octets as it was", () => {
  fc.assert(
    fc.property(octets(6), octets(6), fc.nat(0xffff), fc.uint8Array(), (destination, source, etherType, payload) => {
      const frame = { destination: macFromBytes(destination), source: macFromBytes(source), etherType, payload };
      assert.deepEqual(decodeEthernet(encodeEthernet(frame)), frame);
    }),
  );
});

test("an Ethernet header has destination, source and type in this order", () => {
  const frame = {
    destination: mac("33:33:00:00:00:01"),
    source: mac("02:00:5e:10:00:ff"),
    etherType: ETHERTYPE_IPV6,
    payload: new Uint8Array(1),
  };
  assert.equal(Buffer.from(encodeEthernet(frame)).toString("hex"), "3333000000010200" + "5e1000ff" + "86dd" + "00");
});

test("a frame shorter than its header is refused with the offset of what is missing", () => {
  for (const length of [0, 5, 6, 11, 12, 13]) assert.throws(() => decodeEthernet(new Uint8Array(length)), WireError);
});

test("an IPv6 multicast group maps to 33:33 and its last four octets", () => {
  assert.equal(multicastMac(ip6("ff02::1:ff12:3456")), "33:33:ff:12:34:56");
});
