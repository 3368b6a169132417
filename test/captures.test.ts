/** The checker of captures is itself checked: each invariant finds the capture that breaks it, and a clean night has no violation. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { duidUuid, parseDuid } from "../src/addr/duid.ts";
import { ALL_DHCP_SERVERS, ALL_NODES, type Ip6, ip6, UNSPECIFIED } from "../src/addr/ip.ts";
import { type Mac, mac } from "../src/addr/mac.ts";
import { type Prefix, prefix } from "../src/addr/prefix.ts";
import type { Seconds } from "../src/addr/time.ts";
import { type ClientServerMessage, type Dhcpv6Option, encodeDhcpv6 } from "../src/wire/dhcpv6.ts";
import { encodeEthernet } from "../src/wire/ethernet.ts";
import { encodeIcmpv6Frame, encodeUdpFrame } from "../src/wire/frame.ts";
import { encodeNdp, type NdpOption } from "../src/wire/ndp.ts";
import { encodeCapturedFrame, encodeCaptureHeader } from "../src/wire/pcapng.ts";
import { captureViolations, hasTshark, type LinkCapture, tsharkComplaints } from "./homes/captures.ts";

const OURS = mac("02:00:00:00:00:01");
const THEIRS = mac("00:00:5e:00:01:01");
const us = ip6("fe80::a");
const provider = ip6("fe80::200:5eff:fe00:101");
const delegated = prefix("2a0d:3341:b1d0:1200::/56");
const home = prefix("2a0d:3341:b1d0:1200::/64");
const directory = mkdtempSync(join(tmpdir(), "skylan-captures-"));
after(() => rmSync(directory, { recursive: true }));

/** A frame and when it passed, in seconds. */
interface Moment {
  readonly at: number;
  readonly bytes: Uint8Array;
}

const seconds = (count: number) => count as Seconds;
const link = (from: "us" | "them", source?: Ip6) => ({
  sourceMac: from === "us" ? OURS : THEIRS,
  source: source ?? (from === "us" ? us : provider),
  hopLimit: 255,
});

function capture(role: LinkCapture["role"], moments: readonly Moment[], ours: readonly Mac[] = [OURS]): LinkCapture {
  const file = join(directory, `${role}-${count++}.pcapng`);
  const start = 1_790_000_000_000_000_000n;
  const blocks = moments.map(({ at, bytes }) => {
    const time = start + BigInt(Math.round(at * 1e9));
    return encodeCapturedFrame({ interface: role, time, bytes, length: bytes.length }, 0);
  });
  writeFileSync(file, Buffer.concat([encodeCaptureHeader([role]), ...blocks]));
  return { name: role, role, file, ours };
}
let count = 0;

function rules(scene: { wan?: readonly Moment[]; lan?: readonly Moment[]; heldAtStart?: boolean }): string[] {
  const captures = [capture("wan", scene.wan ?? []), capture("lan", scene.lan ?? [])];
  return captureViolations(captures, { heldAtStart: scene.heldAtStart ?? false }).map(({ rule, frame }) => `${rule} ${frame}`);
}

function dhcpv6(
  kind: ClientServerMessage["kind"],
  at: number,
  transactionId: number,
  options: readonly Dhcpv6Option[] = [],
  change: object = {},
): Moment {
  const fromClient = kind !== "reply" && kind !== "advertise";
  const ids: Dhcpv6Option[] = [{ kind: "client-id", duid: duidUuid(new Uint8Array(16).fill(7)) }];
  const asksForLeases = ["solicit", "request", "renew", "rebind"].includes(kind);
  if (asksForLeases && !options.some((option) => option.kind === "oro")) ids.push({ kind: "oro", codes: [23, 24, 56, 67, 82] });
  if (!fromClient) ids.push({ kind: "server-id", duid: parseDuid("0003000100005e000101")! });
  const payload = encodeDhcpv6({ kind, transactionId, options: [...ids, ...options] });
  const header = fromClient ? { ...link("us"), destination: ALL_DHCP_SERVERS } : { ...link("them"), destination: us, destinationMac: OURS };
  const ports = fromClient ? { sourcePort: 546, destinationPort: 547 } : { sourcePort: 547, destinationPort: 546 };
  return { at, bytes: encodeUdpFrame({ ...header, ...change }, { ...ports, payload }) };
}

const elapsed = (hundredths: number): Dhcpv6Option => ({ kind: "elapsed-time", hundredths });

function lease(preferred: number, valid: number, of: Prefix = delegated, t1 = 75, t2 = 120): Dhcpv6Option {
  const lifetimes = { preferred: seconds(preferred), valid: seconds(valid) };
  return {
    kind: "ia-pd",
    iaid: 1,
    t1: seconds(t1),
    t2: seconds(t2),
    options: [{ kind: "ia-prefix", prefix: of, ...lifetimes, options: [] }],
  };
}

function advertisement(at: number, options: readonly NdpOption[] = [], change: object = {}, linkLayer = [OURS]): Moment {
  const message = encodeNdp({
    kind: "router-advertisement",
    hopLimit: 64,
    managed: false,
    other: true,
    preference: "medium",
    routerLifetime: seconds(1800),
    reachableTime: 0,
    retransTimer: 0,
    options: [...linkLayer.map((own) => ({ kind: "source-link-layer-address", mac: own }) as const), ...options],
  });
  return { at, bytes: encodeIcmpv6Frame({ ...link("us"), destination: ALL_NODES, ...change }, message) };
}

function advertised(preferred: number, valid: number, of: Prefix = home): NdpOption {
  const lifetimes = { preferred: seconds(preferred), valid: seconds(valid) };
  return { kind: "prefix-information", prefix: of, onLink: true, autonomous: true, ...lifetimes };
}

const neighborSolicitation = (source: Ip6, target: Ip6, hopLimit = 255): Moment => {
  const message = encodeNdp({ kind: "neighbor-solicitation", target, options: [] });
  return { at: 0, bytes: encodeIcmpv6Frame({ ...link("us", source), destination: ip6("ff02::1:ff00:1"), hopLimit }, message) };
};

const echo = (source: string, destination: string): Moment => {
  const header = { ...link("us", ip6(source)), hopLimit: 63, destination: ip6(destination), destinationMac: THEIRS };
  return { at: 0, bytes: encodeIcmpv6Frame(header, Uint8Array.of(128, 0, 0, 0, 0, 1, 0, 1)) };
};

const ipv4 = (source: string, destination: string, sourcePort = 5000): Moment => {
  const packet = Buffer.alloc(28);
  packet[0] = 0x45;
  packet[9] = 17;
  packet.set(source.split(".").map(Number), 12);
  packet.set(destination.split(".").map(Number), 16);
  packet.writeUInt16BE(sourcePort, 20);
  return { at: 0, bytes: encodeEthernet({ source: OURS, destination: THEIRS, etherType: 0x0800, payload: packet }) };
};

/** Solicit to Reply: a lease of 150/300 s from second 2 on. */
const leased: readonly Moment[] = [
  dhcpv6("solicit", 0, 1, [elapsed(0)]),
  dhcpv6("solicit", 1.06, 1, [elapsed(106)]),
  dhcpv6("advertise", 1.1, 1, [lease(150, 300)]),
  dhcpv6("request", 1.9, 2, [elapsed(0)]),
  dhcpv6("reply", 2, 2, [lease(150, 300)]),
];

test("a clean night has no violation", () => {
  const wan = [
    ...leased,
    dhcpv6("renew", 77, 3, [elapsed(0)]),
    dhcpv6("reply", 77.1, 3, [lease(150, 300)]),
    echo("2a0d:3341:b1d0:1200::5", "2a00::1"),
  ];
  const lan = [
    advertisement(2.1, [advertised(149, 299)]),
    advertisement(5.1, [
      advertised(146, 296),
      { kind: "route-information", prefix: delegated, preference: "medium", lifetime: seconds(296) },
    ]),
    advertisement(5.2, [], { destination: ip6("fe80::9"), destinationMac: THEIRS }),
    advertisement(100, [advertised(127, 277)]),
    advertisement(110, [advertised(0, 0)]),
  ];
  assert.deepEqual(rules({ wan, lan }), []);
});

test("a router advertisement or a DHCP server's answer from us on the WAN is found, those of others are not", () => {
  const theirs = advertisement(0, [], link("them"));
  const served = dhcpv6("reply", 3, 9, [], { ...link("us"), destination: provider, destinationMac: THEIRS });
  assert.deepEqual(rules({ wan: [theirs, advertisement(1)] }), ["ra-on-wan 2"]);
  assert.deepEqual(rules({ wan: [served, ipv4("100.64.0.1", "255.255.255.255", 67)] }), ["dhcp-server-on-wan 1", "dhcp-server-on-wan 2"]);
});

test("addresses that mean nothing beyond the home are found on the WAN", () => {
  assert.deepEqual(rules({ wan: [echo("fd12::5", "2a00::1"), echo("2a0d::5", "fd12::5")] }), ["private-on-wan 1", "private-on-wan 2"]);
  assert.deepEqual(rules({ wan: [echo("fe80::5", "2a00::1")] }), ["private-on-wan 1"]);
  const private4 = ["10.1.2.3", "172.16.0.1", "172.31.255.1", "192.168.1.9"].map((source) => ipv4(source, "9.9.9.9"));
  assert.equal(rules({ wan: private4 }).length, 4);
  assert.deepEqual(
    rules({ wan: [ipv4("172.32.0.1", "9.9.9.9"), ipv4("100.64.0.1", "9.9.9.9"), ipv4("192.168.100.5", "192.168.100.1")] }),
    [],
  );
  assert.deepEqual(rules({ wan: [echo("fe80::5", "fe80::9")], lan: [echo("fd12::5", "fd12::6")] }), []);
});

test("an address made from our MAC address is found when it is used or probed, on any link", () => {
  const made = "2a0d:3341:b1d0:1200:0:ff:fe00:1";
  assert.deepEqual(rules({ wan: [echo(made, "2a00::1")], lan: [neighborSolicitation(UNSPECIFIED, ip6(made))] }), [
    "mac-in-address 1",
    "mac-in-address 1",
  ]);
  const ofHost = "2a0d:3341:b1d0:1200:0:ff:fe00:77";
  assert.deepEqual(rules({ wan: [echo(ofHost, "2a00::1")], lan: [neighborSolicitation(ip6("fe80::ff:fe00:1"), ip6(made))] }), []);
});

test("a wrong checksum is found, and one that was left to the card is no proof", () => {
  const damaged = dhcpv6("solicit", 0, 1, [elapsed(0)]);
  damaged.bytes[60]! ^= 1;
  assert.deepEqual(rules({ wan: [damaged] }), ["checksum 1"]);
  const begun = dhcpv6("solicit", 0, 1, [elapsed(0)]);
  const length = begun.bytes.length - 54;
  // fe80::a + ff02::1:2 + length + 17, folded.
  const sum = 0xfe80 + 0xa + 0xff02 + 1 + 2 + length + 17;
  new DataView(begun.bytes.buffer).setUint16(60, (sum & 0xffff) + (sum >> 16));
  const [found] = captureViolations([capture("wan", [begun])]);
  assert.match(found!.text, /left to the network card.*ethtool -K/s);
});

test("what can't be decoded, a wrong hop limit and an advertisement from a global address are found", () => {
  const short = { at: 0, bytes: encodeIcmpv6Frame({ ...link("us"), destination: ALL_NODES }, Uint8Array.of(134, 0, 0, 0, 64)) };
  assert.deepEqual(rules({ lan: [short] }), ["malformed 1"]);
  assert.deepEqual(rules({ lan: [neighborSolicitation(us, provider, 64)] }), ["malformed 1"]);
  assert.deepEqual(rules({ lan: [advertisement(0, [], { source: ip6("2a0d::1") })] }), ["malformed 1"]);
  assert.deepEqual(rules({ lan: [advertisement(0, [], {}, [])] }), ["malformed 1"]);
});

test("advertisements to all nodes less than three seconds apart are found, unless they are one that was split", () => {
  assert.deepEqual(rules({ lan: [advertisement(0), advertisement(2.9), advertisement(5.9)] }), ["ra-gap 2"]);
  const many = Array.from({ length: 30 }, (_, i) => advertised(0, 0, prefix(`2a0d:0:0:${i}::/64`)));
  assert.deepEqual(rules({ lan: [advertisement(0, many), advertisement(0.001, many)] }), []);
  assert.deepEqual(rules({ lan: [advertisement(0, many), advertisement(1, many)] }), ["ra-gap 2"]);
});

test("a preferred lifetime beyond the valid one is found", () => {
  assert.deepEqual(rules({ wan: leased, lan: [advertisement(3, [advertised(100, 99)])] }), ["preferred-beyond-valid 1"]);
});

test("a lifetime beyond the lease is found: valid, preferred, of a route, and of what is not leased", () => {
  const route = (lifetime: number): NdpOption => ({
    kind: "route-information",
    prefix: delegated,
    preference: "medium",
    lifetime: seconds(lifetime),
  });
  const beyond = (options: NdpOption[], wan = leased) => rules({ wan, lan: [advertisement(12, options)] });
  assert.deepEqual(beyond([advertised(140, 290), route(290)]), []);
  assert.deepEqual(beyond([advertised(140, 291)]), ["ra-beyond-lease 1"]);
  assert.deepEqual(beyond([advertised(141, 290)]), ["ra-beyond-lease 1"]);
  assert.deepEqual(beyond([route(291)]), ["ra-beyond-lease 1"]);
  assert.deepEqual(beyond([advertised(1, 1, prefix("2a0d:9::/64"))]), ["ra-beyond-lease 1"]);
  assert.deepEqual(beyond([advertised(0, 0, prefix("2a0d:9::/64")), advertised(9999, 9999, prefix("fd12::/64"))]), []);
  assert.deepEqual(rules({ lan: [advertisement(1, [advertised(1, 1)])] }), ["ra-beyond-lease 1"]);
});

test("a lease that the provider takes back or shrinks binds from that moment on", () => {
  const renew = [...leased, dhcpv6("renew", 10, 7, [elapsed(0)])];
  const takenBack = [...renew, dhcpv6("reply", 11, 7, [lease(0, 0)])];
  assert.deepEqual(rules({ wan: takenBack, lan: [advertisement(12, [advertised(0, 10)])] }), ["ra-beyond-lease 1"]);
  const shrunk = [...renew, dhcpv6("reply", 11, 7, [lease(150, 300, prefix("2a0d:3341:b1d0:1200::/60")), lease(0, 0)])];
  assert.deepEqual(rules({ wan: shrunk, lan: [advertisement(12, [advertised(149, 299)])] }), []);
});

test("only a Reply that a client accepts is a lease", () => {
  const answered = (reply: Moment) => rules({ wan: [...leased.slice(0, 4), reply], lan: [advertisement(3, [advertised(1, 1)])] });
  assert.deepEqual(answered(dhcpv6("reply", 2, 2, [lease(150, 300)])), []);
  const refused = ["ra-beyond-lease 1"];
  assert.deepEqual(answered(dhcpv6("reply", 2, 99, [lease(150, 300)])), refused);
  assert.deepEqual(answered(dhcpv6("advertise", 2, 2, [lease(150, 300)])), refused);
  assert.deepEqual(answered(dhcpv6("reply", 2, 2, [lease(301, 300)])), refused);
  assert.deepEqual(answered(dhcpv6("reply", 2, 2, [lease(150, 300, delegated, 80, 50)])), refused);
  assert.deepEqual(answered(dhcpv6("reply", 2, 2, [{ kind: "status-code", status: 1, message: "" }, lease(150, 300)])), refused);
});

test("a capture that begins with a lease is compared from the first Reply on", () => {
  const lan = [advertisement(0, [advertised(100, 200)]), advertisement(5, [advertised(150, 300)])];
  assert.deepEqual(rules({ wan: leased, lan, heldAtStart: true }), ["ra-beyond-lease 2", "ra-beyond-lease 2"]);
  assert.deepEqual(rules({ lan, heldAtStart: true }), []);
});

test("more than 20 DHCPv6 messages in 20 seconds are found", () => {
  const burst = (gap: number) => Array.from({ length: 21 }, (_, i) => dhcpv6("solicit", i * gap, i + 1, [elapsed(0)]));
  assert.deepEqual(rules({ wan: burst(1.01) }), []);
  assert.deepEqual(rules({ wan: burst(0.99) }), ["dhcpv6-rate 21"]);
});

test("a transaction id that changes within an exchange, or is used again for a new one, is found", () => {
  const first = dhcpv6("solicit", 0, 1, [elapsed(0)]);
  assert.deepEqual(rules({ wan: [first, dhcpv6("solicit", 1, 2, [elapsed(100)])] }), ["transaction-id 2"]);
  assert.deepEqual(rules({ wan: [first, dhcpv6("request", 1, 1, [elapsed(0)])] }), ["transaction-id 2"]);
  assert.deepEqual(rules({ wan: [first, dhcpv6("solicit", 1, 1, [elapsed(0)])] }), ["transaction-id 2"]);
  const inTheMiddle = [dhcpv6("solicit", 0, 1, [elapsed(700)]), dhcpv6("solicit", 1, 1, [elapsed(800)])];
  assert.deepEqual(rules({ wan: inTheMiddle }), []);
  const twoAtOnce = [
    first,
    dhcpv6("information-request", 0.5, 2, [elapsed(0), { kind: "oro", codes: [23, 32] }]),
    dhcpv6("solicit", 1, 1, [elapsed(100)]),
  ];
  assert.deepEqual(rules({ wan: twoAtOnce }), []);
});

test("an elapsed time that is missing, runs backwards or not with the clock is found", () => {
  const solicits = (...times: readonly (readonly [number, number])[]) =>
    rules({
      wan: [dhcpv6("solicit", 0, 1, [elapsed(0)]), ...times.map(([at, hundredths]) => dhcpv6("solicit", at, 1, [elapsed(hundredths)]))],
    });
  assert.deepEqual(solicits([1, 100], [3, 310]), []);
  assert.deepEqual(solicits([1, 200]), ["elapsed-time 2"]);
  assert.deepEqual(solicits([1.2, 130], [2.5, 129]), ["elapsed-time 3"]);
  assert.deepEqual(solicits([700, 0xffff], [2000, 0xffff]), []);
  assert.deepEqual(solicits([700, 60_000]), ["elapsed-time 2"]);
  assert.deepEqual(rules({ wan: [dhcpv6("solicit", 0, 1)] }), ["elapsed-time 1"]);
});

test("a DHCPv6 message by unicast, from another port or a global address is found", () => {
  const sent = (change: object, ports = { sourcePort: 546, destinationPort: 547 }) => {
    const options = [elapsed(0), { kind: "oro", codes: [23, 24, 56, 67, 82] }] as const;
    const payload = encodeDhcpv6({ kind: "solicit", transactionId: 1, options });
    return rules({
      wan: [{ at: 0, bytes: encodeUdpFrame({ ...link("us"), destination: ALL_DHCP_SERVERS, ...change }, { ...ports, payload }) }],
    });
  };
  assert.deepEqual(sent({}), []);
  const found = ["dhcpv6-way 1"];
  assert.deepEqual(sent({ destination: provider, destinationMac: THEIRS }), found);
  assert.deepEqual(sent({ source: ip6("2a0d::1") }), found);
  assert.deepEqual(sent({}, { sourcePort: 5460, destinationPort: 547 }), found);
});

test("a wish that is missing, a wish for 32, and times or lifetimes that a client fills in are found", () => {
  const asked = (kind: "solicit" | "information-request", ...options: Dhcpv6Option[]) =>
    rules({ wan: [dhcpv6(kind, 0, 1, [elapsed(0), ...options])] });
  const wish = (...codes: number[]): Dhcpv6Option => ({ kind: "oro", codes });
  assert.deepEqual(asked("solicit", wish(23, 24, 56, 67)), ["dhcpv6-wishes 1"]);
  assert.deepEqual(asked("solicit", wish(23, 24, 56, 67, 82, 32)), ["dhcpv6-wishes 1"]);
  assert.deepEqual(asked("information-request", wish(23)), ["dhcpv6-wishes 1"]);
  assert.deepEqual(asked("information-request", wish(23, 32)), []);
  assert.deepEqual(asked("solicit", lease(0, 0, delegated, 0, 0)), []);
  assert.deepEqual(asked("solicit", lease(0, 0, delegated, 0, 1)), ["dhcpv6-hints 1"]);
  assert.deepEqual(asked("solicit", lease(0, 1, delegated, 0, 0)), ["dhcpv6-hints 1"]);
});

test("a message that is repeated too soon is found", () => {
  const twice = (kind: "solicit" | "request" | "renew", gap: number) =>
    rules({ wan: [dhcpv6(kind, 0, 1, [elapsed(0)]), dhcpv6(kind, gap, 1, [elapsed(Math.round(gap * 100))])] });
  assert.deepEqual([twice("solicit", 0.95), twice("request", 0.85), twice("renew", 8.9)], Array(3).fill(["dhcpv6-repeat 2"]));
  assert.deepEqual([twice("solicit", 1), twice("request", 0.9), twice("renew", 9)], [[], [], []]);
});

test("tshark complains about what we send damaged, and about nothing in a clean night", {
  skip: !hasTshark() && "tshark is not installed",
}, () => {
  const clean = capture("wan", [...leased, advertisement(3, [advertised(100, 200)]), neighborSolicitation(us, provider)]);
  assert.deepEqual(tsharkComplaints(clean.file, [OURS, THEIRS]), []);
  const damaged = advertisement(0);
  damaged.bytes[58]! ^= 1;
  const cut = { at: 1, bytes: encodeIcmpv6Frame({ ...link("us"), destination: ALL_NODES }, Uint8Array.of(134, 0, 0, 0, 64)) };
  const sum = dhcpv6("solicit", 2, 1, [elapsed(0)]);
  sum.bytes[61]! ^= 1;
  const broken = capture("wan", [damaged, cut, sum]);
  assert.deepEqual(
    tsharkComplaints(broken.file, [OURS]).map((line) => /^frame (\d)/.exec(line)?.[1]),
    ["1", "2", "3"],
  );
  assert.deepEqual(tsharkComplaints(broken.file, [THEIRS]), []);
  assert.throws(() => tsharkComplaints(join(directory, "missing"), [OURS]), /cannot read/);
});
