import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6, ip6FromBytes } from "../addr/ip.ts";
import { WireError } from "./bytes.ts";
import { icmpv6Checksum, pseudoHeaderChecksum } from "./checksum.ts";
import { decodeUdp, encodeUdp, udpChecksumIsRight } from "./udp.ts";

const address = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ip6FromBytes(bytes));
const port = fc.nat(0xffff);
const here = ip6("fe80::1");
const there = ip6("ff02::1:2");

test("every UDP datagram comes back from its octets, with a checksum that is right and breaks with any single bit", () => {
  fc.assert(
    fc.property(
      address,
      address,
      port,
      port,
      fc.uint8Array(),
      fc.nat(),
      (source, destination, sourcePort, destinationPort, payload, bit) => {
        const datagram = { sourcePort, destinationPort, payload };
        const bytes = encodeUdp(source, destination, datagram);
        assert.deepEqual(decodeUdp(bytes), datagram);
        assert.equal(udpChecksumIsRight(source, destination, bytes), true);
        const at = bit % (bytes.length * 8);
        bytes[at >> 3]! ^= 1 << (at & 7);
        assert.equal(udpChecksumIsRight(source, destination, bytes), false);
      },
    ),
  );
});

test("a checksum that comes out as zero is sent as all ones, and zero on the wire is wrong", () => {
  for (let first = 0; first <= 0xffff; first++) {
    const payload = Uint8Array.of(first >> 8, first & 0xff);
    const bytes = encodeUdp(here, there, { sourcePort: 547, destinationPort: 546, payload });
    assert.notEqual((bytes[6]! << 8) | bytes[7]!, 0);
    if (bytes[6] !== 0xff || bytes[7] !== 0xff) continue;
    assert.equal(udpChecksumIsRight(here, there, bytes), true);
    bytes.fill(0, 6, 8);
    assert.equal(udpChecksumIsRight(here, there, bytes), false);
    return;
  }
  assert.fail("no payload gave a checksum of zero");
});

test("the checksum agrees with one that another implementation computed", () => {
  // An echo request from scapy: IPv6(src="fe80::1", dst="ff02::1") / ICMPv6EchoRequest(id=1, seq=2, data=b"abc").
  const message = Uint8Array.of(128, 0, 0, 0, 0, 1, 0, 2, 0x61, 0x62, 0x63);
  assert.equal(icmpv6Checksum(here, ip6("ff02::1"), message), 0xbdce);
  assert.equal(pseudoHeaderChecksum(here, ip6("ff02::1"), 58, message), 0xbdce);
});

test("a datagram whose length lies is refused, octets behind it are dropped", () => {
  const bytes = encodeUdp(here, there, { sourcePort: 1, destinationPort: 2, payload: Uint8Array.of(3) });
  assert.deepEqual(decodeUdp(Uint8Array.of(...bytes, 9)).payload, Uint8Array.of(3));
  assert.throws(() => decodeUdp(bytes.subarray(0, 8)), WireError);
  assert.throws(() => decodeUdp(bytes.subarray(0, 7)), WireError);
  const short = bytes.slice();
  short[5] = 7;
  assert.throws(() => decodeUdp(short), /at least 8, not 7/);
});
