import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALL_DHCP_SERVERS, ALL_NODES, BROADCAST4, ip4, ip6, UNSPECIFIED4 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import type { Seconds } from "../addr/time.ts";
import { arpProbe, encodeArp } from "./arp.ts";
import { type Dhcpv4Message, encodeDhcpv4 } from "./dhcpv4.ts";
import { encodeDhcpv6 } from "./dhcpv6.ts";
import { encodeEthernet } from "./ethernet.ts";
import { checksumState, decodeFrame, encodeIcmpv6Frame, encodeUdpFrame, type Frame, type FrameHeader } from "./frame.ts";
import { encodeIpv4 } from "./ipv4.ts";
import { encodeIpv6, fragmentHeader, UDP } from "./ipv6.ts";
import { encodeNdp, type RouterAdvertisement } from "./ndp.ts";
import { encodeUdp } from "./udp.ts";

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

const macs = { source: header.sourceMac, destination: header.sourceMac };
const question = arpProbe(header.sourceMac, ip4("192.168.1.2"));
const arpFrame = encodeEthernet({ ...macs, etherType: 0x0806, payload: encodeArp(question) });
const offer: Dhcpv4Message = {
  op: "reply",
  xid: 7,
  secs: 0,
  broadcast: false,
  ciaddr: UNSPECIFIED4,
  yiaddr: ip4("100.64.0.9"),
  siaddr: UNSPECIFIED4,
  giaddr: UNSPECIFIED4,
  chaddr: header.sourceMac,
  options: [{ kind: "message-type", type: "offer" }],
};
const ends = { source: ip4("100.64.0.1"), destination: BROADCAST4 };
const fromServer = (destinationPort: number): Uint8Array => {
  const payload = encodeUdp(ends.source, ends.destination, { sourcePort: 67, destinationPort, payload: encodeDhcpv4(offer) });
  return encodeEthernet({ ...macs, etherType: 0x0800, payload: encodeIpv4({ ...ends, protocol: UDP, ttl: 64, payload }) });
};
const offerFrame = fromServer(68);

test("ARP, and DHCPv4 within IPv4, come back through all layers", () => {
  const arp = decodeFrame(arpFrame);
  assert.deepEqual(arp.kind === "arp" && arp.packet, question);
  const leased = decodeFrame(offerFrame);
  assert.ok(leased.kind === "ipv4" && leased.content.kind === "dhcpv4");
  assert.deepEqual([leased.content.message, leased.packet.source], [offer, ends.source]);
  const other = decodeFrame(fromServer(4011));
  assert.equal(other.kind === "ipv4" && other.content.kind, "udp");
  const tcp = encodeEthernet({
    ...macs,
    etherType: 0x0800,
    payload: encodeIpv4({ ...ends, protocol: 6, ttl: 64, payload: Uint8Array.of(1) }),
  });
  const whole = decodeFrame(tcp);
  assert.deepEqual(whole.kind === "ipv4" && whole.content, { kind: "other", protocol: 6 });
});

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
  assert.equal(inEthernet(new Uint8Array(20), 0x88cc).kind, "foreign");
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
  const originals = [solicitFrame, encodeIcmpv6Frame(header, encodeNdp(advertisement)), offerFrame, arpFrame];
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.nat(3), fc.array(fc.tuple(fc.nat(), fc.nat(0xff)), { maxLength: 6 }), fc.nat(), (which, changes, cut) => {
      const bytes = originals[which]!.slice();
      for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
      for (const octets of [bytes, bytes.subarray(0, cut % bytes.length)]) {
        const frame = decodeFrame(octets);
        if (frame.kind === "malformed") seen.add(frame.layer);
        if (frame.kind === "ipv6") checksumState(frame.packet);
        if ((frame.kind === "ipv6" || frame.kind === "ipv4") && frame.content.kind === "malformed") seen.add(frame.content.layer);
      }
    }),
    { numRuns: 4000, seed: 7 },
  );
  assert.deepEqual([...seen].sort(), ["ARP", "DHCPv4", "DHCPv6", "Ethernet", "ICMPv6", "IPv4", "IPv6", "UDP"]);
});
