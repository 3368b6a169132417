import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALL_DHCP_SERVERS, ALL_NODES, ip4, ip6, UNSPECIFIED, UNSPECIFIED4 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import type { Seconds } from "../addr/time.ts";
import { answerFrame } from "../machines/dhcpv4-client.fixture.ts";
import { arpProbe, encodeArp } from "../wire/arp.ts";
import { encodeDhcpv4 } from "../wire/dhcpv4.ts";
import { BROADCAST, encodeEthernet } from "../wire/ethernet.ts";
import { encodeDhcpv6 } from "../wire/dhcpv6.ts";
import { decodeFrame, encodeIcmpv6Frame, encodeUdpFrame } from "../wire/frame.ts";
import { encodeNdp } from "../wire/ndp.ts";
import { UNCOLOURED } from "./page-layout.ts";
import { packetJson } from "./packet-json.ts";
import { PacketNames } from "./packet-names.ts";
import { packetLine, packetWords } from "./packet-words.ts";

const router = ip6("fe80::200:5eff:fe00:101");
const own = ip6("fe80::1");
const from = (source = router, hopLimit = 255) => ({ sourceMac: mac("00:00:5e:00:01:01"), source, hopLimit });
const advertisement = encodeNdp({
  kind: "router-advertisement",
  hopLimit: 64,
  managed: false,
  other: true,
  preference: "medium",
  routerLifetime: 1800 as Seconds,
  reachableTime: 0,
  retransTimer: 0,
  options: [],
});
const advertisementFrame = encodeIcmpv6Frame({ ...from(), destination: ALL_NODES }, advertisement);
const dhcpv6 = (kind: "solicit" | "reply", text = "") =>
  encodeDhcpv6({ kind, transactionId: 0x3a2b1c, options: [{ kind: "status-code", status: 1, message: text }] });

function line(names: PacketNames, bytes: Uint8Array, direction: "in" | "out" = "in", link = "eth8"): string {
  const frame = decodeFrame(bytes);
  names.learn(frame, { interface: link, direction });
  const captured = { interface: link, direction, time: 0n, bytes, length: bytes.length };
  return packetLine(packetWords(frame, link, names)!, captured, UNCOLOURED, "22:16:02.123456");
}

test("a line says time, interface, direction, message, who to whom, and the content", () => {
  assert.equal(
    line(new PacketNames("eth8"), advertisementFrame),
    "22:16:02.123456  eth8  in   RA            router fe80::200:5eff:fe00:101 (provider) → ff02::1 (all nodes): default router 1800 s; M=0 O=1",
  );
});

test("roles are learned from what a sender says, on its own link only", () => {
  const names = new PacketNames("eth8");
  names.addOwn("eth8", own);
  line(names, advertisementFrame);
  assert.equal(names.of("eth8", router), `router ${router} (provider)`);
  assert.equal(names.of("eth0", router), router);
  line(names, advertisementFrame, "in", "eth0");
  assert.equal(names.of("eth0", router), `router ${router} (not this box)`);
  names.addRouter("eth8", ip6("fe80::5"));
  assert.equal(names.of("eth8", ip6("fe80::5")), "router fe80::5 (provider)");
  line(names, encodeIcmpv6Frame({ ...from(own), destination: ALL_NODES }, advertisement));
  assert.equal(names.of("eth8", own), "fe80::1 (this box)");
});

test("a DHCPv6 server is the provider on the WAN, and is named on other links", () => {
  const reply = (source: string) =>
    encodeUdpFrame({ ...from(ip6(source)), destination: ALL_NODES }, { sourcePort: 547, destinationPort: 546, payload: dhcpv6("reply") });
  const names = new PacketNames("eth8");
  line(names, reply("2605::547"));
  assert.equal(names.of("eth8", ip6("2605::547")), "2605::547 (provider)");
  const unknowing = new PacketNames(undefined);
  line(unknowing, reply("fe80::7"));
  assert.equal(unknowing.of("eth8", ip6("fe80::7")), "fe80::7 (DHCPv6 server)");
  line(unknowing, advertisementFrame);
  assert.equal(unknowing.of("eth8", router), `router ${router}`);
});

test("what never passes through is from this box, and what passes through says nothing about its sender", () => {
  const names = new PacketNames("eth8");
  line(names, advertisementFrame, "out");
  assert.equal(names.of("eth8", router), `${router} (this box)`);
  line(names, encodeIcmpv6Frame({ ...from(ip6("2605::4")), destination: ALL_NODES }, advertisement), "out");
  assert.equal(names.of("eth8", ip6("2605::4")), "2605::4 (this box)");
  line(names, encodeIcmpv6Frame({ ...from(ip6("2605::5")), destination: ALL_NODES }, Uint8Array.of(128, 0, 0, 0)), "out");
  assert.equal(names.of("eth8", ip6("2605::5")), "2605::5");
});

test("duplicate address detection is told from address resolution", () => {
  const solicitation = encodeNdp({ kind: "neighbor-solicitation", target: own, options: [] });
  const probe = encodeIcmpv6Frame({ ...from(UNSPECIFIED), destination: ip6("ff02::1:ff00:1") }, solicitation);
  assert.match(line(new PacketNames("eth8"), probe), /NS {12}:: → ff02::1:ff00:1: does anyone use fe80::1\?$/);
  const question = encodeIcmpv6Frame({ ...from(), destination: ip6("ff02::1:ff00:1") }, solicitation);
  assert.match(line(new PacketNames("eth8"), question), /who has fe80::1\?$/);
});

test("a DHCPv6 line ends with its transaction, and texts of the server can not command the terminal", () => {
  const header = { ...from(own), destination: ALL_DHCP_SERVERS };
  const solicit = encodeUdpFrame(header, { sourcePort: 546, destinationPort: 547, payload: dhcpv6("solicit", "no\x1b[2J") });
  assert.match(
    line(new PacketNames("eth8"), solicit, "out"),
    /eth8 {2}out {2}Solicit {7}fe80::1 \(this box\) → ff02::1:2 \(all DHCPv6 servers\): UnspecFail \(no \[2J\); transaction 3a2b1c$/,
  );
});

test("MLD and packets of others are told by name only", () => {
  const mld = encodeIcmpv6Frame({ ...from(own, 1), destination: ip6("ff02::16") }, Uint8Array.of(143, 0, 0, 0, 0, 0, 0, 0));
  assert.match(line(new PacketNames("eth8"), mld), /in {3}MLDv2 report {2}fe80::1 → ff02::16 \(all MLDv2 routers\)$/);
  const echo = encodeIcmpv6Frame({ ...from(own, 64), destination: ALL_NODES }, Uint8Array.of(128, 0, 0, 0));
  assert.match(line(new PacketNames("eth8"), echo), /ICMPv6 {8}fe80::1 → ff02::1 \(all nodes\): type 128 code 0$/);
});

test("what makes a packet invalid is said at its end", () => {
  const far = encodeIcmpv6Frame({ ...from(router, 64), destination: ALL_NODES }, advertisement);
  assert.match(line(new PacketNames("eth8"), far), /O=1 {2}\[hop limit 64 where 255 is right\]$/);
  const damaged = advertisementFrame.slice();
  damaged[damaged.length - 1]! ^= 1;
  assert.match(line(new PacketNames("eth8"), damaged), /\[wrong checksum\]$/);
  const short = encodeIcmpv6Frame({ ...from(), destination: ALL_NODES }, advertisement.subarray(0, 12));
  assert.match(line(new PacketNames("eth8"), short), /ICMPv6\? .*\[\d+ octets expected, \d+ are left \(at octet \d+\)\]$/);
  assert.match(line(new PacketNames("eth8"), Uint8Array.of(1, 2)), /Ethernet\? +\[6 octets expected, 2 are left \(at octet 0\)\]$/);
});

const arpFrame = encodeEthernet({
  destination: BROADCAST,
  source: mac("02:00:00:00:00:01"),
  etherType: 0x0806,
  payload: encodeArp(arpProbe(mac("02:00:00:00:00:01"), ip4("100.64.0.9"))),
});

test("IPv4 has its lines too: who leases what to whom, and who asks for an address", () => {
  const names = new PacketNames("eth8");
  const offer = answerFrame(
    encodeDhcpv4({
      op: "reply",
      xid: 0x3a2b1c,
      secs: 0,
      broadcast: false,
      ciaddr: UNSPECIFIED4,
      yiaddr: ip4("100.64.0.9"),
      siaddr: UNSPECIFIED4,
      giaddr: UNSPECIFIED4,
      chaddr: mac("02:00:00:00:00:01"),
      options: [
        { kind: "message-type", type: "offer" },
        { kind: "lease-time", time: 300 as Seconds },
      ],
    }),
  );
  assert.match(
    line(names, offer),
    /DHCPOFFER +100\.64\.0\.1 \(provider\) → 255\.255\.255\.255 \(all\): 100\.64\.0\.9 for 300 s; transaction 003a2b1c of 02:00:00:00:00:01$/,
  );
  assert.match(line(names, arpFrame, "out"), /out {2}ARP +02:00:00:00:00:01 → all: does anyone use 100\.64\.0\.9\?$/);
  assert.match(line(names, offer.subarray(0, 60)), /IPv4\? +\[/);
  const captured = { interface: "eth8", time: 0n, bytes: offer, length: 0 };
  const told = JSON.parse(packetJson(packetWords(decodeFrame(offer), "eth8", names)!, captured, decodeFrame(offer)));
  assert.deepEqual([told.name, told.source, told.ttl, told.message.yiaddr], ["DHCPOFFER", "100.64.0.1", 64, "100.64.0.9"]);
});

test("whatever octets come, a frame has words and no line commands the terminal", () => {
  const reply = encodeUdpFrame(
    { ...from(), destination: ALL_NODES },
    { sourcePort: 547, destinationPort: 546, payload: dhcpv6("reply", "text") },
  );
  const names = new PacketNames("eth8");
  fc.assert(
    fc.property(
      fc.constantFrom(reply, advertisementFrame, arpFrame),
      fc.array(fc.tuple(fc.nat(), fc.nat(0xff)), { maxLength: 6 }),
      (original, changes) => {
        const bytes = original.slice();
        for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
        const words = packetWords(decodeFrame(bytes), "eth8", names);
        if (!words) return;
        const captured = { interface: "eth8", time: 0n, bytes, length: bytes.length };
        const text = [packetLine(words, captured, UNCOLOURED, ""), ...words.options].join(" ");
        assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]/u);
        JSON.parse(packetJson(words, captured, decodeFrame(bytes)));
      },
    ),
    { numRuns: 2000 },
  );
});

test("the line of JSON has nanoseconds, plain addresses and the whole message", () => {
  const frame = decodeFrame(advertisementFrame);
  const captured = { interface: "eth8", direction: "in", time: 1_790_000_000_000_000_042n, bytes: advertisementFrame, length: 0 } as const;
  const told = JSON.parse(packetJson(packetWords(frame, "eth8", new PacketNames("eth8"))!, captured, frame));
  assert.equal(told.time, "2026-09-21T14:13:20.000000042Z");
  assert.deepEqual([told.interface, told.direction, told.name, told.source, told.hopLimit], ["eth8", "in", "RA", router, 255]);
  assert.equal(told.message.routerLifetime, 1800);
  assert.deepEqual(told.faults, []);
});
