import assert from "node:assert/strict";
import { test } from "node:test";
import { ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { prefix4 } from "../addr/prefix4.ts";
import { INFINITY, type Seconds } from "../addr/time.ts";
import { arpAnnouncement, arpProbe, type ArpPacket } from "./arp.ts";
import { arpWords } from "./arp-words.ts";
import type { Dhcpv4Message, Dhcpv4Option } from "./dhcpv4.ts";
import { dhcpv4Name, dhcpv4OptionLines, dhcpv4Reference, dhcpv4Words } from "./dhcpv4-words.ts";

const OWN = mac("02:00:00:00:00:01");
const message = (op: Dhcpv4Message["op"], options: readonly Dhcpv4Option[], changes: Partial<Dhcpv4Message> = {}): Dhcpv4Message => ({
  op,
  xid: 0x3a2b1c,
  secs: 0,
  broadcast: false,
  ciaddr: UNSPECIFIED4,
  yiaddr: UNSPECIFIED4,
  siaddr: UNSPECIFIED4,
  giaddr: UNSPECIFIED4,
  chaddr: OWN,
  options,
  ...changes,
});

const ack: readonly Dhcpv4Option[] = [
  { kind: "message-type", type: "ack" },
  { kind: "lease-time", time: 300 as Seconds },
  { kind: "subnet-mask", length: 10 },
  { kind: "routers", addresses: [ip4("100.64.0.1")] },
  { kind: "resolvers", addresses: [ip4("1.1.1.1"), ip4("8.8.8.8")] },
];

test("a message is called as RFC 2131 calls it, and an answer says address, time and what comes with it", () => {
  const answer = message("reply", ack, { yiaddr: ip4("100.64.0.9") });
  assert.equal(dhcpv4Name(answer), "DHCPACK");
  assert.equal(dhcpv4Words(answer), "100.64.0.9/10 for 300 s; router 100.64.0.1; DNS 1.1.1.1, 8.8.8.8");
  assert.equal(dhcpv4Reference(answer), "transaction 003a2b1c of 02:00:00:00:00:01");
  assert.equal(dhcpv4Name(message("reply", [])), "BOOTP");
});

test("classless routes are told in place of the routers that they make void, an endless lease and a reason in words", () => {
  const routes = [
    { destination: prefix4("0.0.0.0/0"), router: ip4("100.64.0.1") },
    { destination: prefix4("10.0.0.0/8"), router: UNSPECIFIED4 },
  ];
  const answer = message("reply", [...ack, { kind: "classless-routes", routes }, { kind: "domain-search", domains: ["home.arpa"] }]);
  assert.equal(dhcpv4Words(answer), "routes default by 100.64.0.1, 10.0.0.0/8 by 0.0.0.0; DNS 1.1.1.1, 8.8.8.8; search home.arpa");
  const endless = message("reply", [{ kind: "lease-time", time: INFINITY }], { yiaddr: ip4("10.0.0.2") });
  assert.equal(dhcpv4Words(endless), "10.0.0.2 for ever");
  assert.equal(dhcpv4Words(message("reply", [{ kind: "message", text: "10.0.0.2 is not yours" }])), "10.0.0.2 is not yours");
});

test("a question says what the client has, what it asks about, whom, and for how long it has tried", () => {
  const asked: readonly Dhcpv4Option[] = [
    { kind: "requested-address", address: ip4("100.64.0.9") },
    { kind: "server-id", address: ip4("100.64.0.1") },
    { kind: "host-name", text: "laptop" },
  ];
  assert.equal(
    dhcpv4Words(message("request", asked, { secs: 7 })),
    "about 100.64.0.9; to server 100.64.0.1; called laptop; trying for 7 s",
  );
  assert.equal(
    dhcpv4Words(message("request", [], { ciaddr: ip4("10.0.0.2"), giaddr: ip4("10.0.0.1") })),
    "has 10.0.0.2; by relay 10.0.0.1",
  );
});

test("each option has a line", () => {
  const options: readonly Dhcpv4Option[] = [
    ...ack,
    { kind: "parameter-list", codes: [1, 121, 252] },
    { kind: "client-id", id: Uint8Array.of(255, 0, 1) },
    { kind: "client-fqdn", flags: 5, labels: ["tv", "home"] },
    { kind: "broadcast-address", address: ip4("10.0.0.255") },
    { kind: "mtu", octets: 1400 },
    { kind: "classless-routes", routes: [{ destination: prefix4("10.0.0.0/8"), router: ip4("10.0.0.1") }] },
    { kind: "unknown", code: 43, data: Uint8Array.of(1, 2) },
  ];
  assert.deepEqual(dhcpv4OptionLines(message("reply", options)), [
    "message-type ack",
    "lease-time 300 s",
    "subnet-mask /10",
    "routers 100.64.0.1",
    "resolvers 1.1.1.1 8.8.8.8",
    "parameter-list subnet-mask classless-routes 252",
    "client-id ff:00:01",
    "client-fqdn tv.home",
    "broadcast-address 10.0.0.255",
    "mtu 1400 octets",
    "classless-routes 10.0.0.0/8 by 10.0.0.1",
    "unknown 43, 2 octets",
  ]);
});

test("ARP packets are questions, probes, announcements and answers", () => {
  const [sender, target] = [ip4("192.168.1.1"), ip4("192.168.1.2")];
  const question: ArpPacket = { operation: "request", senderMac: OWN, sender, targetMac: mac("00:00:00:00:00:00"), target };
  assert.equal(arpWords(question), "who has 192.168.1.2? 192.168.1.1 asks");
  assert.equal(arpWords(arpProbe(OWN, target)), "does anyone use 192.168.1.2?");
  assert.equal(arpWords(arpAnnouncement(OWN, target)), "192.168.1.2 is at 02:00:00:00:00:01, says its owner to all");
  assert.equal(arpWords({ ...question, operation: "reply" }), "192.168.1.1 is at 02:00:00:00:00:01");
});
