import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip4, ip4FromBytes } from "../addr/ip.ts";
import { mac, macFromBytes } from "../addr/mac.ts";
import { arpAnnouncement, type ArpPacket, arpProbe, decodeArp, encodeArp } from "./arp.ts";
import { WireError } from "./bytes.ts";
import { decodeIpv4, encodeIpv4, type Ipv4Packet } from "./ipv4.ts";

const address = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ip4FromBytes(bytes));
const linkAddress = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macFromBytes(bytes));

test("a packet survives the way to its octets and back, with the padding of a short frame behind it", () => {
  const packet: fc.Arbitrary<Ipv4Packet> = fc.record(
    { source: address, destination: address, protocol: fc.nat(255), ttl: fc.nat(255), payload: fc.uint8Array({ maxLength: 600 }) },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(packet, fc.nat(18), (sent, padding) => {
      assert.deepEqual(decodeIpv4(Uint8Array.of(...encodeIpv4(sent), ...new Uint8Array(padding))), sent);
    }),
  );
});

test("the header is the one that others make", () => {
  const packet = { source: ip4("192.168.0.1"), destination: ip4("192.168.0.199"), protocol: 17, ttl: 64, payload: new Uint8Array(95) };
  assert.equal(Buffer.from(encodeIpv4(packet).subarray(0, 20)).toString("hex"), "4500007300004000" + "4011b861c0a80001c0a800c7");
});

const GOOD = encodeIpv4({ source: ip4("100.64.0.1"), destination: ip4("100.64.0.9"), protocol: 17, ttl: 64, payload: new Uint8Array(8) });
const changed = (at: number, value: number): Uint8Array => GOOD.with(at, value);

test("what is no whole, undamaged IPv4 packet is refused", () => {
  const bad = {
    version: changed(0, 0x65),
    header: changed(0, 0x44),
    length: changed(3, 200),
    fragment: changed(7, 1),
    checksum: changed(12, 101),
  };
  for (const [name, bytes] of Object.entries(bad)) assert.throws(() => decodeIpv4(bytes), WireError, name);
});

test("ARP survives the way to its octets and back; a probe claims nothing", () => {
  const packet: fc.Arbitrary<ArpPacket> = fc.record(
    {
      operation: fc.constantFrom("request" as const, "reply" as const),
      senderMac: linkAddress,
      sender: address,
      targetMac: linkAddress,
      target: address,
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(packet, (sent) => assert.deepEqual(decodeArp(encodeArp(sent)), sent)));
  assert.equal(arpProbe(mac("02:00:00:00:00:01"), ip4("100.64.0.9")).sender, "0.0.0.0");
  assert.equal(arpAnnouncement(mac("02:00:00:00:00:01"), ip4("100.64.0.9")).sender, "100.64.0.9");
});

test("[V4C-7] arbitrary octets make a packet or a WireError, nothing else", () => {
  const decoders = [decodeIpv4, decodeArp];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      for (const decode of decoders) {
        try {
          decode(bytes);
        } catch (error) {
          assert.ok(error instanceof WireError);
        }
      }
    }),
  );
});
