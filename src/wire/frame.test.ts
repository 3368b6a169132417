import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALL_DHCP_SERVERS, ALL_NODES, ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import type { Seconds } from "../addr/time.ts";
import { encodeDhcpv6 } from "./dhcpv6.ts";
import { encodeEthernet } from "./ethernet.ts";
import { checksumState, decodeFrame, encodeIcmpv6Frame, encodeUdpFrame, type Frame, type FrameHeader } from "./frame.ts";
import { encodeIpv6, fragmentHeader, UDP } from "./ipv6.ts";
import { encodeNdp, type RouterAdvertisement } from "./ndp.ts";

const header: FrameHeader = { sourceMac: mac("02:00:00:00:00:01"), source: ip6("fe80::1"), destination: ALL_NODES, hopLimit: 255 };
const advertisement: RouterAdvertisement = {
  kind: "router-advertisement",
  hopLimit: 64,
  managed: false,
  other: true,
  preference: "medium",
  routerLifetime: 1800 as Seconds,
  reachableTime: 0,
  retransTimer: 0,
  options: [{ kind: "mtu", mtu: 1500 }],
};
const solicit = { kind: "solicit", transactionId: 0x3a2b1c, options: [] } as const;
const solicitFrame = encodeUdpFrame(
  { ...header, destination: ALL_DHCP_SERVERS },
  { sourcePort: 546, destinationPort: 547, payload: encodeDhcpv6(solicit) },
);

function ipv6Frame(bytes: Uint8Array): Extract<Frame, { kind: "ipv6" }> {
  const frame = decodeFrame(bytes);
  assert.equal(frame.kind, "ipv6");
  return frame as Extract<Frame, { kind: "ipv6" }>;
}

test("a router advertisement comes back through all layers with a right checksum", () => {
  const frame = ipv6Frame(encodeIcmpv6Frame(header, encodeNdp(advertisement)));
  assert.deepEqual(frame.content, { kind: "ndp", message: advertisement });
  assert.equal(frame.ethernet.destination, "33:33:00:00:00:01");
  assert.equal(frame.packet.hopLimit, 255);
  assert.equal(checksumState(frame.packet), "right");
});

test("a DHCPv6 message comes back through all layers with a right checksum", () => {
  const frame = ipv6Frame(solicitFrame);
  assert.ok(frame.content.kind === "dhcpv6");
  assert.deepEqual(frame.content.message, solicit);
  assert.equal(checksumState(frame.packet), "right");
});

test("a unicast frame needs a link-layer address", () => {
  const unicast = { ...header, destination: ip6("fe80::2") };
  assert.throws(() => encodeIcmpv6Frame(unicast, encodeNdp(advertisement)), RangeError);
  const frame = ipv6Frame(encodeIcmpv6Frame({ ...unicast, destinationMac: mac("02:00:00:00:00:02") }, encodeNdp(advertisement)));
  assert.equal(frame.ethernet.destination, "02:00:00:00:00:02");
});

test("a checksum that a card was to finish is told from a wrong one", () => {
  const whole = ipv6Frame(solicitFrame).packet;
  // The folded sum of fe80::1, ff02::1:2, length 12 and protocol 17, computed by hand: fe80 + 1 + ff02 + 1 + 2 + c + 11 = 1 fda3, folded fda4.
  const begun = whole.payload.slice();
  begun.set([0xfd, 0xa4], 6);
  assert.equal(checksumState({ ...whole, payload: begun }), "begun");
  for (const wrong of [0, 0xfd]) {
    const payload = whole.payload.slice();
    payload.set([wrong, wrong], 6);
    assert.equal(checksumState({ ...whole, payload }), "wrong");
  }
  assert.equal(checksumState({ ...whole, payload: whole.payload.subarray(0, 6) }), "wrong");
  assert.equal(checksumState({ ...whole, protocol: 6 }), undefined);
});

test("what is no IPv6, no protocol of ours, or a fragment is named", () => {
  const plain = { trafficClass: 0, flowLabel: 0, ...header, extensions: [], payload: Uint8Array.of(128, 0, 0, 0) };
  const inEthernet = (packet: Uint8Array, etherType = 0x86dd) =>
    decodeFrame(encodeEthernet({ source: header.sourceMac, destination: header.sourceMac, etherType, payload: packet }));
  const content = (packet: Parameters<typeof encodeIpv6>[0]) =>
    ipv6Frame(
      encodeEthernet({
        source: header.sourceMac,
        destination: header.sourceMac,
        etherType: 0x86dd,
        payload: encodeIpv6(packet),
      }),
    ).content;
  assert.equal(inEthernet(new Uint8Array(20), 0x0800).kind, "foreign");
  assert.deepEqual(content({ ...plain, protocol: 58 }), { kind: "icmpv6", type: 128, code: 0 });
  assert.deepEqual(content({ ...plain, protocol: 6 }), { kind: "other", protocol: 6 });
  const fragment = { offset: 0, more: true, identification: 7 };
  assert.deepEqual(content({ ...plain, protocol: UDP, extensions: [fragmentHeader(fragment)] }), { kind: "fragment", fragment });
  assert.deepEqual(content({ ...plain, protocol: 58, payload: Uint8Array.of(1) }), {
    kind: "malformed",
    layer: "ICMPv6",
    problem: "an ICMPv6 message has at least 4 octets, not 1 (at octet 0)",
  });
});

test("whatever octets come, a frame is decoded, as malformed in its layer when it is", () => {
  const originals = [solicitFrame, encodeIcmpv6Frame(header, encodeNdp(advertisement))];
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.nat(1), fc.array(fc.tuple(fc.nat(), fc.nat(0xff)), { maxLength: 6 }), fc.nat(), (which, changes, cut) => {
      const bytes = originals[which]!.slice();
      for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
      for (const octets of [bytes, bytes.subarray(0, cut % bytes.length)]) {
        const frame = decodeFrame(octets);
        if (frame.kind === "malformed") seen.add(frame.layer);
        if (frame.kind === "ipv6") checksumState(frame.packet);
        if (frame.kind === "ipv6" && frame.content.kind === "malformed") seen.add(frame.content.layer);
      }
    }),
    { numRuns: 2000, seed: 7 },
  );
  assert.deepEqual([...seen].sort(), ["DHCPv6", "Ethernet", "ICMPv6", "IPv6", "UDP"]);
});
