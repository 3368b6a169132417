import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip4 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { INFINITY, instant, NEVER, type Seconds } from "../addr/time.ts";
import { arpAnnouncement, arpProbe } from "../wire/arp.ts";
import { type Dhcpv4Option, optionOf } from "../wire/dhcpv4.ts";
import { ADDRESS, answerFrame, ClientScene, ROUTER_MAC, SERVER, STARLINK, START } from "./dhcpv4-client.fixture.ts";

const OTHER = mac("02:00:00:00:00:99");
const near = (actual: readonly number[], expected: readonly number[], fuzz: number): void => {
  assert.equal(actual.length, expected.length, actual.join());
  for (const [index, value] of actual.entries()) assert.ok(Math.abs(value - expected[index]!) <= fuzz, actual.join());
};

test("[V4C-1] DISCOVER goes out at once, and again after 4, 8, 16, 32, 64, 64 s, each a second more or less", () => {
  const scene = new ClientScene().up().pass(200);
  assert.equal(scene.said[0]!.at, START);
  near(scene.gaps(), [4, 8, 16, 32, 64, 64], 1);
  assert.ok(scene.gaps().some((gap) => !Number.isInteger(gap)));
  assert.deepEqual(new Set(scene.types()), new Set(["discover"]));
});

test("an offer is taken, and the lease with all that comes with it is used and saved", () => {
  const scene = new ClientScene().lease();
  assert.deepEqual(scene.types(), ["discover", "request"]);
  assert.equal(optionOf(scene.last.message, "server-id")?.address, SERVER);
  assert.equal(optionOf(scene.last.message, "requested-address")?.address, ADDRESS);
  assert.equal(scene.fact?.state, "bound");
  const { network, routes, resolvers } = scene.fact!.lease!;
  assert.deepEqual([network, routes], ["100.64.0.0/10", [{ destination: "0.0.0.0/0", router: SERVER }]]);
  assert.deepEqual(resolvers, ["1.1.1.1", "8.8.8.8"]);
  assert.equal(scene.saved.length, 1);
});

test("a REQUEST without answer is repeated, four in all, then the client begins anew", () => {
  const scene = new ClientScene().up().answer("offer").pass(62);
  assert.deepEqual(scene.types(), ["discover", "request", "request", "request", "request", "discover"].slice(0, scene.said.length));
  assert.ok(scene.said.length >= 5);
});

test("[V4C-2] a lease of 300 s is renewed at 150 s by unicast, and with any server at 262 s by broadcast", () => {
  const scene = new ClientScene().lease().pass(290);
  const [first, second, third] = scene.said.slice(2);
  assert.deepEqual(
    [first, second, third].map((each) => (each!.at - START) / 1000),
    [150, 210, 262],
  );
  assert.deepEqual([first!.destination, first!.to, first!.source], [SERVER, ROUTER_MAC, ADDRESS]);
  assert.deepEqual([third!.destination, third!.message.ciaddr], ["255.255.255.255", ADDRESS]);
  for (const { message } of scene.said.slice(2)) {
    assert.deepEqual([optionOf(message, "server-id"), optionOf(message, "requested-address")], [undefined, undefined]);
  }
});

test("[V4C-2] a day's lease is asked for at half of what is left, and at T1 and T2 of the server where it names them", () => {
  const times: Dhcpv4Option[] = [
    { kind: "lease-time", time: 86_400 as Seconds },
    { kind: "renewal-time", time: 1000 as Seconds },
    { kind: "rebinding-time", time: 2000 as Seconds },
  ];
  const scene = new ClientScene().lease(times).pass(1999);
  assert.deepEqual(
    scene.said.slice(2).map(({ at }) => Math.round((at - START) / 1000)),
    [1000, 1500, 1750, 1875, 1938, 1998],
  );
});

test("[V4C-2] an answer to a renewal moves all ends, and the address is not probed again", () => {
  const scene = new ClientScene().lease().pass(151);
  const probes = scene.arp.length;
  scene.answer("ack");
  assert.equal(scene.fact?.state, "bound");
  assert.equal(scene.fact?.lease?.validUntil, scene.now + 300_000);
  scene.pass(100);
  assert.equal(scene.arp.length, probes);
});

test("[V4C-3] at a NAK and at its end the address is given up in the same turn", () => {
  const refused = new ClientScene().lease().pass(151).answer("nak", []);
  assert.equal(refused.fact?.lease, undefined);
  const ended = new ClientScene().lease().pass(299.9);
  assert.ok(ended.fact?.lease);
  ended.pass(0.2);
  assert.equal(ended.fact?.lease, undefined);
  assert.equal(ended.last.type, "discover");
});

test("a storm of NAKs is met with growing pauses", () => {
  const scene = new ClientScene().up();
  for (let round = 0; round < 12; round++) {
    while (scene.last.type !== "discover") scene.pass(1);
    scene.answer("offer").answer("nak", []);
    scene.pass(0.001);
  }
  assert.ok(scene.now - START > 100_000, `${scene.now - START} ms for 12 refusals`);
});

test("[V4C-4] the client calls itself 255, IAID, DUID; an answer to another identifier, MAC or exchange is dropped", () => {
  const scene = new ClientScene().up();
  const { id } = optionOf(scene.last.message, "client-id")!;
  assert.equal(Buffer.from(id).toString("hex"), "ff000000010004000102030405060708090a0b0c0d0e0f");
  scene.answer("offer", [...STARLINK, { kind: "client-id", id: Uint8Array.of(1, 2, 3) }]);
  scene.answer("offer", STARLINK, { chaddr: OTHER });
  scene.answer("offer", STARLINK, { xid: 1 });
  scene.answer("offer", STARLINK, { op: "request" });
  assert.deepEqual(scene.types(), ["discover"]);
  scene.answer("offer", [...STARLINK, { kind: "client-id", id }]);
  assert.deepEqual(scene.types(), ["discover", "request"]);
});

test("[V4C-1] after a restart the lease is verified, four times at most, and without an answer kept to its end", () => {
  const before = new ClientScene().lease().pass(60);
  const scene = new ClientScene({ now: before.now, saved: before.client.snapshot() }).up();
  assert.deepEqual([scene.fact?.state, scene.fact?.lease?.address], ["rebooting", ADDRESS]);
  const { message, source } = scene.last;
  assert.deepEqual([message.ciaddr, source, optionOf(message, "server-id")], ["0.0.0.0", "0.0.0.0", undefined]);
  assert.equal(optionOf(message, "requested-address")?.address, ADDRESS);
  scene.pass(70);
  assert.equal(scene.fact?.lease?.address, ADDRESS);
  assert.equal(scene.types().filter((type) => type === "request").length, 4);
  scene.pass(171);
  assert.equal(scene.fact?.lease, undefined);
  assert.equal(scene.last.type, "discover");
});

test("[V4C-1] a lease of before a restart that is confirmed is probed again; one that is refused is gone", () => {
  const saved = new ClientScene().lease().client.snapshot();
  const confirmed = new ClientScene({ saved }).up().answer("ack").pass(10);
  assert.equal(confirmed.fact?.state, "bound");
  assert.equal(confirmed.arp.length, 5);
  const refused = new ClientScene({ saved }).up().answer("nak", []);
  assert.equal(refused.fact?.lease, undefined);
});

test("[V4C-5] three probes 1 to 2 s apart, then two announcements 2 s apart, while the address is already in use", () => {
  const scene = new ClientScene().lease();
  assert.equal(scene.fact?.lease?.address, ADDRESS);
  scene.pass(20);
  assert.deepEqual(
    scene.arp.map(({ packet }) => packet.sender),
    ["0.0.0.0", "0.0.0.0", "0.0.0.0", ADDRESS, ADDRESS],
  );
  const gaps = scene.arp.map(({ at }, index) => (at - (scene.arp[index - 1]?.at ?? START)) / 1000);
  const bounds = [
    [0, 1],
    [1, 2],
    [1, 2],
    [2, 2],
    [2, 2],
  ] as const;
  for (const [index, [least, most]] of bounds.entries()) assert.ok(gaps[index]! >= least && gaps[index]! <= most, gaps.join());
});

test("[V4C-5] whoever has the address or probes for it at the same time makes us decline it and wait 10 s", () => {
  for (const packet of [arpAnnouncement(OTHER, ADDRESS), arpProbe(OTHER, ADDRESS)]) {
    const scene = new ClientScene().lease().pass(1).hearArp(packet);
    assert.equal(scene.last.type, "decline");
    assert.equal(optionOf(scene.last.message, "requested-address")?.address, ADDRESS);
    assert.equal(scene.fact?.lease, undefined);
    scene.pass(9.9);
    assert.equal(scene.last.type, "decline");
    scene.pass(0.2);
    assert.equal(scene.last.type, "discover");
    assert.equal(optionOf(scene.last.message, "requested-address"), undefined);
  }
});

test("[V4C-5] later the address is defended, but not twice within 10 s", () => {
  const scene = new ClientScene().lease().pass(20);
  const before = scene.arp.length;
  scene.hearArp(arpAnnouncement(OTHER, ADDRESS));
  assert.equal(scene.arp.length, before + 1);
  scene.pass(11).hearArp(arpAnnouncement(OTHER, ADDRESS));
  assert.ok(scene.fact?.lease);
  scene.pass(5).hearArp(arpAnnouncement(OTHER, ADDRESS));
  assert.equal(scene.fact?.lease, undefined);
});

test("a lease of the booting dish gives way within 10 s to a real one, and a real offer is preferred to it", () => {
  const dish = ip4("192.168.100.100");
  const scene = new ClientScene().up().answer("offer", STARLINK, { yiaddr: dish }).pass(1.1).answer("ack", STARLINK, { yiaddr: dish });
  assert.equal(scene.fact?.lease?.address, dish);
  scene.pass(10);
  assert.equal(scene.last.type, "discover");
  assert.equal(scene.fact?.lease?.address, dish);
  scene.answer("offer", STARLINK, { yiaddr: dish }).answer("offer").answer("ack");
  assert.equal(scene.fact?.lease?.address, ADDRESS);
});

test("[V4C-6] classless routes make the router void, and an MTU below 576 is none", () => {
  const routes = [{ destination: "10.0.0.0/8", router: SERVER }] as never;
  const lease = (mtu: number) =>
    new ClientScene().lease([...STARLINK, { kind: "classless-routes", routes }, { kind: "mtu", octets: mtu }]).fact!.lease!;
  assert.deepEqual(lease(575).routes, [{ destination: "10.0.0.0/8", router: SERVER }]);
  assert.equal(lease(575).mtu, undefined);
  assert.equal(lease(576).mtu, 576);
});

test("[V4C-6] the search list counts more than the domain, and a domain with strange characters is none", () => {
  const domains = (...options: readonly Dhcpv4Option[]) => new ClientScene().lease([...STARLINK, ...options]).fact!.lease!.searchDomains;
  assert.deepEqual(domains({ kind: "domain-name", text: "lan.example." }), ["lan.example"]);
  assert.deepEqual(domains({ kind: "domain-name", text: "a\nnameserver ::1" }), []);
  assert.deepEqual(domains({ kind: "domain-name", text: "a" }, { kind: "domain-search", domains: ["b.c"] }), ["b.c"]);
});

test("[V4C-7] no server, no lease time, a lease of 0 or no host's address: no lease; an endless one is never renewed", () => {
  const bad = [
    (scene: ClientScene) => scene.answer("ack", STARLINK, { server: null }),
    (scene: ClientScene) => scene.answer("ack", []),
    (scene: ClientScene) => scene.answer("ack", [{ kind: "lease-time", time: 0 as Seconds }]),
    (scene: ClientScene) => scene.answer("ack", STARLINK, { yiaddr: ip4("127.0.0.1") }),
    (scene: ClientScene) => scene.answer("ack", STARLINK, { server: ip4("100.64.0.2") }),
  ];
  for (const answer of bad) assert.equal(answer(new ClientScene().up().answer("offer")).fact?.lease, undefined);
  const endless = new ClientScene().lease([{ kind: "lease-time", time: INFINITY }]).pass(1e7);
  assert.equal(endless.fact?.lease?.validUntil, NEVER);
  assert.deepEqual(endless.types(), ["discover", "request"]);
});

test("[V4C-7] whatever arrives in whatever state, the client does not throw and never wants to wake in the past", () => {
  const scenes = () => [new ClientScene().up(), new ClientScene().up().answer("offer"), new ClientScene().lease().pass(151)];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(2), (bytes, index) => {
      const scene = scenes()[index]!;
      scene.give({ kind: "frame", bytes }).give({ kind: "frame", bytes: answerFrame(bytes) });
      assert.ok((scene.client.wakeAt() ?? NEVER) >= scene.now);
    }),
  );
});

test("without a cable nothing is said, and the lease is kept and verified when it is back", () => {
  const scene = new ClientScene().lease().give({ kind: "link", up: false }).pass(200);
  assert.equal(scene.said.length, 2);
  assert.ok(scene.fact?.lease);
  scene.up();
  assert.equal(scene.fact?.state, "rebooting");
  assert.equal(scene.last.type, "request");
});

test("given back, the lease is gone and nothing is asked for until the owner wants it", () => {
  const scene = new ClientScene().lease().give({ kind: "release" });
  assert.equal(scene.last.type, "release");
  assert.equal(scene.last.to, ROUTER_MAC);
  assert.equal(scene.fact?.lease, undefined);
  scene.pass(1000);
  assert.equal(scene.last.type, "release");
  scene.give({ kind: "refresh" });
  assert.equal(scene.last.type, "discover");
});

test("a damaged snapshot is no lease", () => {
  for (const saved of [null, 5, {}, { version: 1, lease: { address: "x" } }, { version: 2, lease: null }]) {
    const scene = new ClientScene({ saved, now: instant(5) }).up();
    assert.equal(scene.last.type, "discover");
  }
});
