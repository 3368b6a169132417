import assert from "node:assert/strict";
import { test } from "node:test";
import { ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { milliseconds, seconds } from "../addr/time.ts";
import { type Dhcpv4Option, encodeDhcpv4, optionOf } from "../wire/dhcpv4.ts";
import { client, ROUTER, ServerLab } from "./dhcpv4-server.fixture.ts";

const LAPTOP = client(1);
const CAMERA = client(2);
const ID = Uint8Array.of(255, 1, 2, 3, 4);
const withId: readonly Dhcpv4Option[] = [{ kind: "client-id", id: ID }];
const requested = (address: string): Dhcpv4Option => ({ kind: "requested-address", address: ip4(address) });
const toUs: Dhcpv4Option = { kind: "server-id", address: ROUTER };

test("[V4S-1] a device gets an address by DISCOVER, OFFER, REQUEST and ACK, and the ACK has a record that is written first", () => {
  const lab = new ServerLab();
  const offer = lab.discover(LAPTOP);
  assert.equal(offer.type, "offer");
  assert.equal(offer.record, undefined);
  const { message, record } = lab.lease(LAPTOP);
  assert.equal(message.yiaddr, offer.message.yiaddr);
  assert.equal(optionOf(message, "server-id")?.address, ROUTER);
  assert.deepEqual(
    ["lease-time", "renewal-time", "rebinding-time"].map((kind) => (optionOf(message, kind as "lease-time") as { time: number }).time),
    [43_200, 21_600, 37_800],
  );
  assert.equal(optionOf(message, "subnet-mask")?.length, 24);
  assert.deepEqual(optionOf(message, "routers")?.addresses, [ROUTER]);
  assert.deepEqual(optionOf(message, "resolvers")?.addresses, ["9.9.9.9"]);
  assert.equal(optionOf(message, "broadcast-address")?.address, "192.168.1.255");
  assert.deepEqual(record, { address: message.yiaddr, mac: LAPTOP, until: lab.now + 43_200_000 });
});

test("[V4S-1] RENEW and REBIND extend the lease, and the answer goes to the device's address", () => {
  const lab = new ServerLab();
  const address = lab.lease(LAPTOP).message.yiaddr;
  lab.pass(seconds(21_600));
  const [renewed] = lab.send("request", LAPTOP, { ciaddr: address, from: address });
  assert.deepEqual([renewed?.type, renewed?.message.yiaddr, renewed?.message.ciaddr], ["ack", address, address]);
  assert.deepEqual(renewed?.to, { kind: "address", address, port: 68 });
  assert.equal(renewed?.record?.until, lab.now + 43_200_000);
});

test("[V4S-1] a server that has lost its memory renews what nobody else has, and refuses what somebody has", () => {
  const lab = new ServerLab();
  const address = lab.lease(LAPTOP).message.yiaddr;
  const [renewed] = lab.send("request", CAMERA, { ciaddr: ip4("192.168.1.123") });
  assert.equal(renewed?.type, "ack");
  const [refused] = lab.send("request", client(3), { ciaddr: address });
  assert.equal(refused?.type, "nak");
  const [outside] = lab.send("request", client(3), { ciaddr: ip4("192.168.1.7") });
  assert.equal(outside?.type, "nak");
});

test("[V4S-1] INIT-REBOOT: silence for a stranger, NAK for another network or another address, ACK for the right one", () => {
  const lab = new ServerLab();
  const address = lab.lease(LAPTOP).message.yiaddr;
  assert.deepEqual(lab.send("request", CAMERA, { options: [requested("192.168.1.150")] }), []);
  const [elsewhere] = lab.send("request", CAMERA, { options: [requested("10.0.0.9")] });
  assert.deepEqual([elsewhere?.type, elsewhere?.to], ["nak", { kind: "broadcast" }]);
  assert.equal(lab.send("request", LAPTOP, { options: [requested("192.168.1.99")] })[0]?.type, "nak");
  assert.equal(lab.send("request", LAPTOP, { options: [requested(address)] })[0]?.type, "ack");
  // An offer that was not taken makes nobody known.
  const offered = lab.discover(client(9)).message.yiaddr;
  assert.deepEqual(lab.send("request", client(9), { options: [requested(offered)] }), []);
});

test("[V4S-1] INFORM is answered without lease time and without an address, to where the device is", () => {
  const lab = new ServerLab();
  const [answer] = lab.send("inform", LAPTOP, { ciaddr: ip4("192.168.1.20"), from: ip4("192.168.1.20") });
  assert.deepEqual([answer?.type, answer?.message.yiaddr, answer?.message.ciaddr], ["ack", UNSPECIFIED4, "192.168.1.20"]);
  for (const kind of ["lease-time", "renewal-time", "rebinding-time"] as const) assert.equal(optionOf(answer!.message, kind), undefined);
  assert.deepEqual(answer?.to, { kind: "address", address: "192.168.1.20", port: 68 });
  const [silent] = lab.send("inform", LAPTOP, { from: ip4("192.168.1.21") });
  assert.deepEqual(silent?.to, { kind: "address", address: "192.168.1.21", port: 68 });
  assert.deepEqual(lab.send("inform", LAPTOP, { ciaddr: ip4("10.0.0.1") }), []);
  assert.deepEqual(lab.bindings(), []);
});

test("[V4S-1] a released address is free, and remembered for its device", () => {
  const lab = new ServerLab({ pool: { first: ip4("192.168.1.100"), last: ip4("192.168.1.100") } });
  const address = lab.lease(LAPTOP).message.yiaddr;
  assert.deepEqual(lab.send("discover", CAMERA), []);
  assert.deepEqual(lab.send("release", LAPTOP, { ciaddr: ip4("192.168.1.101"), options: [toUs] }), []);
  assert.deepEqual(lab.send("discover", CAMERA), []);
  lab.send("release", LAPTOP, { ciaddr: address, options: [toUs] });
  assert.equal(lab.records.at(-1)?.until, lab.now);
  assert.equal(lab.restarted().discover(LAPTOP).message.yiaddr, address);
  assert.equal(lab.discover(CAMERA).message.yiaddr, address);
});

test("[V4S-4] a declined address is set aside for ten minutes, and its device gets another", () => {
  const lab = new ServerLab();
  const address = lab.lease(LAPTOP).message.yiaddr;
  lab.send("decline", CAMERA, { options: [toUs, requested(address)] });
  assert.equal(lab.bindings().length, 1);
  lab.send("decline", LAPTOP, { options: [toUs, requested(address)] });
  assert.deepEqual(lab.bindings(), []);
  assert.equal(lab.records.at(-1)?.forgotten, true);
  assert.match(lab.notes.at(-1)!.text, /another device uses 192\.168\.1\.\d+: the address is left alone for ten minutes/);
  assert.notEqual(lab.lease(LAPTOP, { options: [requested(address)] }).message.yiaddr, address);
  lab.pass(seconds(600));
  assert.equal(lab.lease(CAMERA, { options: [requested(address)] }).message.yiaddr, address);
});

test("[V4S-4] a new address is probed before it is offered, nobody else waits, and a known one is offered at once", () => {
  const lab = new ServerLab();
  const known = lab.lease(LAPTOP).message.yiaddr;
  assert.deepEqual(lab.probes, [known]);
  assert.deepEqual(lab.send("discover", CAMERA), []);
  assert.equal(lab.probes.length, 2);
  assert.equal(lab.send("discover", LAPTOP)[0]?.message.yiaddr, known);
  assert.deepEqual(lab.send("discover", CAMERA, { xid: 7 }), []);
  assert.equal(lab.probes.length, 2);
  const offers = lab.pass(milliseconds(250));
  assert.deepEqual(
    offers.map(({ type, message }) => [type, message.xid]),
    [["offer", 7]],
  );
});

test("[V4S-4] an address that somebody else answers for is not offered; one that the device itself answers for is", () => {
  const lab = new ServerLab();
  lab.send("discover", LAPTOP);
  const [taken] = lab.probes;
  assert.deepEqual(lab.claim(taken!, mac("02:99:99:99:99:99")), []);
  assert.equal(lab.probes.length, 2);
  assert.match(lab.notes[0]!.text, /02:99:99:99:99:99 uses 192\.168\.1\.\d+, which it has not got from us: .* gets another address/);
  assert.deepEqual(lab.claim(lab.probes[1]!, LAPTOP), []);
  const [offer] = lab.pass(milliseconds(250));
  assert.equal(offer?.message.yiaddr, lab.probes[1]);
  assert.notEqual(offer?.message.yiaddr, taken);
});

test("[V4S-2] the client identifier comes back unaltered in OFFER, ACK and NAK if it was sent, and not otherwise", () => {
  const lab = new ServerLab();
  const idOf = (message: Parameters<typeof optionOf>[0]) => optionOf(message, "client-id")?.id;
  assert.deepEqual(idOf(lab.discover(LAPTOP, { options: withId }).message), ID);
  assert.deepEqual(idOf(lab.lease(LAPTOP, { options: withId }).message), ID);
  const [nak] = lab.send("request", LAPTOP, { options: [...withId, requested("10.9.9.9")] });
  assert.deepEqual([nak?.type, idOf(nak!.message)], ["nak", ID]);
  assert.equal(idOf(lab.lease(CAMERA).message), undefined);
  assert.equal(idOf(lab.send("request", CAMERA, { options: [requested("10.9.9.9")] })[0]!.message), undefined);
});

test("[V4S-2] a device is who its client identifier says, else its hardware address", () => {
  const lab = new ServerLab();
  const address = lab.lease(LAPTOP, { options: withId }).message.yiaddr;
  assert.equal(lab.lease(CAMERA, { options: withId }).message.yiaddr, address);
  assert.notEqual(lab.lease(LAPTOP).message.yiaddr, address);
  assert.deepEqual(
    lab.bindings().map(({ mac: hardware, clientId }) => [hardware, clientId]),
    [
      [CAMERA, "ff01020304"],
      [LAPTOP, undefined],
    ],
  );
});

test("[V4S-2] the same address after a restart with its records, and also without them", () => {
  const lab = new ServerLab();
  const wanted = lab.lease(CAMERA, { options: [requested("192.168.1.111")] }).message.yiaddr;
  const byHash = lab.lease(LAPTOP).message.yiaddr;
  assert.equal(wanted, "192.168.1.111");
  const restarted = lab.restarted();
  assert.equal(restarted.send("discover", CAMERA)[0]?.message.yiaddr, wanted);
  assert.equal(restarted.send("discover", LAPTOP)[0]?.message.yiaddr, byHash);
  assert.equal(new ServerLab().discover(LAPTOP).message.yiaddr, byHash);
});

test("[V4S-3] answers go to the relay, to the address, to all or to the hardware address, as RFC 2131 4.1 has it", () => {
  const lab = new ServerLab();
  const plain = lab.discover(LAPTOP);
  assert.deepEqual(plain.to, { kind: "hardware", mac: LAPTOP, address: plain.message.yiaddr });
  const [loud] = lab.send("discover", LAPTOP, { broadcast: true });
  assert.deepEqual([loud?.to, loud?.message.broadcast], [{ kind: "broadcast" }, true]);
  const giaddr = ip4("192.168.1.2");
  const circuit: Dhcpv4Option = { kind: "unknown", code: 82, data: Uint8Array.of(1, 1, 9) };
  const [relayed] = lab.send("discover", LAPTOP, { giaddr, options: [circuit] });
  assert.deepEqual(relayed?.to, { kind: "address", address: giaddr, port: 67 });
  assert.equal(relayed?.message.giaddr, giaddr);
  assert.deepEqual(relayed?.message.options.at(-1), circuit);
  const [refused] = lab.send("request", LAPTOP, { giaddr, options: [requested("10.9.9.9")] });
  assert.deepEqual([refused?.to, refused?.message.broadcast], [{ kind: "address", address: giaddr, port: 67 }, true]);
  const [nak] = lab.send("request", LAPTOP, { options: [requested("10.9.9.9")] });
  assert.deepEqual(nak?.to, { kind: "broadcast" });
  assert.deepEqual(
    nak?.message.options.map(({ kind }) => kind),
    ["message-type", "server-id", "message"],
  );
  assert.deepEqual(lab.send("discover", LAPTOP, { giaddr: ip4("10.9.9.1") }), []);
});

test("[V4S-3] an answer is as long as the device can take, 576 octets at least, and what it wants most comes first", () => {
  const searchDomains = Array.from({ length: 20 }, (_, i) => `very-long-search-domain-${i}.example.com`);
  const lab = new ServerLab({ searchDomains });
  const asks = (octets: number | undefined, ...codes: readonly number[]): Dhcpv4Option[] => [
    { kind: "parameter-list", codes },
    ...(octets === undefined ? [] : [{ kind: "max-size", octets } as const]),
  ];
  const length = (...options: readonly Dhcpv4Option[]): number => encodeDhcpv4(lab.discover(LAPTOP, { options }).message).length;
  const kinds = (...options: readonly Dhcpv4Option[]): readonly string[] =>
    lab.discover(LAPTOP, { options }).message.options.map(({ kind }) => kind);
  const first = ["message-type", "server-id", "subnet-mask"];
  const last = ["lease-time", "renewal-time", "rebinding-time"];
  assert.ok(length(...asks(undefined, 119, 3)) <= 548);
  assert.ok(length(...asks(100, 119, 3)) <= 548);
  assert.deepEqual(kinds(...asks(undefined, 119, 3, 6)), [...first, "routers", "resolvers", ...last]);
  assert.deepEqual(kinds(...asks(1500, 119)), [...first, "domain-search", ...last]);
  assert.ok(length(...asks(9000, 119, 3)) <= 1472);
  assert.deepEqual(kinds(...asks(undefined, 6, 3, 200)), [...first, "resolvers", "routers", ...last]);
});
