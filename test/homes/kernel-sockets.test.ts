/** Sockets of one interface, between two network namespaces that each test makes for itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_DHCP_SERVERS, ALL_NODES, ALL_ROUTERS } from "../../src/addr/ip.ts";
import type { Datagram } from "../../src/kernel/ipv6-socket.ts";
import { NDP_AND_DHCPV6 } from "../../src/kernel/packet-filter.ts";
import { type Frame, openPacketSocket } from "../../src/kernel/packet-socket.ts";
import { openRawIcmpv6 } from "../../src/kernel/raw-icmpv6.ts";
import { openUdp } from "../../src/kernel/udp-socket.ts";
import { hasErrno, linkLocalOf, makeHome, until } from "../fixtures/bare-home.ts";

test("raw ICMPv6 brings source, destination and hop limit, the chosen types alone, and nothing from another interface", async (t) => {
  const home = await makeHome(t);
  const heard: Datagram[] = [];
  const receive = (datagrams: readonly Datagram[]) => heard.push(...datagrams);
  const ours = home.namespace.run(() => openRawIcmpv6({ interface: "wan", types: [134], groups: [ALL_NODES], receive }));
  const theirs = home.peer.run(() => openRawIcmpv6({ interface: "wan-peer", types: [133], groups: [ALL_ROUTERS], receive }));
  const elsewhere = home.peer.run(() => openRawIcmpv6({ interface: "lan-peer", types: [], groups: [], receive }));
  t.after(() => [ours, theirs, elsewhere].forEach((socket) => socket.close()));
  const advertisement = Uint8Array.of(134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0);
  assert.equal(elsewhere.send(ALL_NODES, advertisement), undefined);
  assert.equal(theirs.send(ALL_NODES, Uint8Array.of(133, 0, 0, 0, 0, 0, 0, 0)), undefined);
  assert.equal(theirs.send(ALL_NODES, advertisement), undefined);
  assert.equal(theirs.sendAll(Array.from({ length: 100 }, () => ({ to: home.linkLocal("wan"), bytes: advertisement }))), 0);
  await until(() => heard.length >= 101, "101 advertisements");
  const from = home.peer.run(() => linkLocalOf("wan-peer"));
  const seen = heard.map(({ from, to, hopLimit, sourcePort }) => ({ from, to, hopLimit, sourcePort }));
  assert.deepEqual(seen[0], { from, to: ALL_NODES, hopLimit: 255, sourcePort: 0 });
  assert.deepEqual(seen[100], { from, to: home.linkLocal("wan"), hopLimit: 255, sourcePort: 0 });
  assert.deepEqual([...heard[0]!.bytes.subarray(4)], [...advertisement.subarray(4)]);
  assert.notEqual((heard[0]!.bytes[2]! << 8) | heard[0]!.bytes[3]!, 0, "the kernel fills the checksum in");
  assert.equal(heard.length, 101);
});

test("an advertisement that came in fragments is not heard", async (t) => {
  const home = await makeHome(t);
  const heard: Datagram[] = [];
  const ours = home.namespace.run(() =>
    openRawIcmpv6({ interface: "wan", types: [134], groups: [], receive: (some) => heard.push(...some) }),
  );
  const theirs = home.peer.run(() => openRawIcmpv6({ interface: "wan-peer", types: [], groups: [], receive: () => undefined }));
  t.after(() => [ours, theirs].forEach((socket) => socket.close()));
  const advertisement = (length: number) => Uint8Array.from({ length }, (_, index) => (index === 0 ? 134 : 0));
  assert.equal(theirs.send(home.linkLocal("wan"), advertisement(4000)), undefined);
  assert.equal(theirs.send(home.linkLocal("wan"), advertisement(1000)), undefined);
  await until(() => heard.length > 0, "the whole one");
  assert.deepEqual(
    heard.map(({ bytes }) => bytes.length),
    [1000],
  );
});

test("UDP hears a server group on its interface and port, and the answer comes back to the client's port", async (t) => {
  const home = await makeHome(t);
  const [asked, answered]: Datagram[][] = [[], []];
  const client = home.namespace.run(() => openUdp({ interface: "wan", port: 546, receive: (some) => answered!.push(...some) }));
  const server = home.peer.run(() =>
    openUdp({ interface: "wan-peer", port: 547, groups: [ALL_DHCP_SERVERS], receive: (some) => asked!.push(...some) }),
  );
  t.after(() => [client, server].forEach((socket) => socket.close()));
  await until(() => client.send(ALL_DHCP_SERVERS, 547, Uint8Array.of(1, 2, 3)) === undefined, "our address");
  await until(() => asked!.length > 0, "the question");
  const { from, to, sourcePort, bytes } = asked![0]!;
  assert.deepEqual([from, to, sourcePort, ...bytes], [home.linkLocal("wan"), ALL_DHCP_SERVERS, 546, 1, 2, 3]);
  const long = Uint8Array.from({ length: 4000 }, (_, index) => index);
  assert.equal(server.send(from, sourcePort, long), undefined);
  await until(() => answered!.length > 0, "the answer");
  assert.deepEqual(answered![0]!.bytes, long);
  home.namespace.run(() => {
    assert.throws(() => openUdp({ interface: "wan", port: 546, receive: () => undefined }), hasErrno("EADDRINUSE"));
    openUdp({ interface: "lan", port: 546, receive: () => undefined }).close();
  });
});

test("a packet socket sees Neighbour Discovery and DHCPv6 both ways, with time stamps, and nothing else", async (t) => {
  const home = await makeHome(t);
  const frames: Frame[] = [];
  const capture = home.namespace.run(() =>
    openPacketSocket({ interface: "wan", filter: NDP_AND_DHCPV6, receive: (some) => frames.push(...some) }),
  );
  const client = home.namespace.run(() => openUdp({ interface: "wan", port: 546, receive: () => undefined }));
  const other = home.namespace.run(() => openUdp({ interface: "wan", port: 5000, receive: () => undefined }));
  const router = home.peer.run(() => openRawIcmpv6({ interface: "wan-peer", types: [], groups: [], receive: () => undefined }));
  t.after(() => [capture, client, other, router].forEach((socket) => socket.close()));
  const start = BigInt(Date.now()) * 1_000_000n;
  await until(() => router.send(ALL_NODES, Uint8Array.of(128, 0, 0, 0, 0, 0, 0, 0)) === undefined, "the peer's address");
  await until(() => other.send(ALL_NODES, 5000, Uint8Array.of(9)) === undefined, "our address");
  client.send(ALL_DHCP_SERVERS, 547, Uint8Array.of(11));
  router.send(ALL_NODES, Uint8Array.of(128, 0, 0, 0, 0, 0, 0, 0));
  router.send(ALL_NODES, Uint8Array.of(134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  await until(() => frames.some(({ bytes }) => bytes[54] === 134), "the advertisement");
  const kinds = frames
    .map(({ sent, bytes }) => [sent, bytes[20], bytes[20] === 58 ? bytes[54] : bytes[57]])
    .filter(([, , type]) => type !== 135 && type !== 136);
  assert.deepEqual(kinds, [
    [true, 17, 547 & 0xff],
    [false, 58, 134],
  ]);
  assert.ok(frames.every(({ at }) => at > start - 1_000_000_000n && at < start + 10_000_000_000n));
});
