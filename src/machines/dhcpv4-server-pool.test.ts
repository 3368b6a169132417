import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip4, UNSPECIFIED4 } from "../addr/ip.ts";
import { prefix4 } from "../addr/prefix4.ts";
import { milliseconds, type Seconds, seconds } from "../addr/time.ts";
import { type Dhcpv4Option, encodeDhcpv4, optionOf } from "../wire/dhcpv4.ts";
import { client, ROUTER, SERVING, ServerLab } from "./dhcpv4-server.fixture.ts";

const LAPTOP = client(1);
const CAMERA = client(2);
const ID = Uint8Array.of(255, 1, 2, 3, 4);
const withId: readonly Dhcpv4Option[] = [{ kind: "client-id", id: ID }];
const requested = (address: string): Dhcpv4Option => ({ kind: "requested-address", address: ip4(address) });
const toUs: Dhcpv4Option = { kind: "server-id", address: ROUTER };

test("a reserved device gets its address and its name, whatever it asks for, and nobody else gets them", () => {
  const reservations = [
    { name: "printer", mac: LAPTOP, address: ip4("192.168.1.10") },
    { name: "tv", clientId: "ff01020304", address: ip4("192.168.1.120") },
    { name: "pi", mac: client(7) },
  ];
  const lab = new ServerLab({ reservations, reservedNames: ["printer", "tv", "pi"] });
  const printer = lab.lease(LAPTOP, { options: [requested("192.168.1.150"), { kind: "host-name", text: "other" }] });
  assert.deepEqual([printer.message.yiaddr, printer.record?.name], ["192.168.1.10", "printer"]);
  assert.equal(lab.lease(CAMERA, { options: withId }).message.yiaddr, "192.168.1.120");
  const thief = lab.lease(client(5), { options: [requested("192.168.1.120"), { kind: "host-name", text: "TV" }] });
  assert.notEqual(thief.message.yiaddr, "192.168.1.120");
  assert.equal(thief.record?.name, undefined);
  assert.equal(lab.send("request", client(5), { ciaddr: ip4("192.168.1.10") })[0]?.type, "nak");
  assert.deepEqual(lab.lease(client(7)).record?.name, "pi");
});

test("a new reservation moves its device when it renews, and a smaller pool moves those outside", () => {
  const lab = new ServerLab();
  const address = lab.lease(LAPTOP).message.yiaddr;
  const other = lab.lease(CAMERA, { options: [requested("192.168.1.200")] }).message.yiaddr;
  lab.server.handle(
    {
      kind: "serve",
      serving: {
        ...SERVING,
        pool: { first: ip4("192.168.1.100"), last: ip4("192.168.1.110") },
        reservations: [{ name: "laptop", mac: LAPTOP, address: ip4("192.168.1.9") }],
      },
    },
    lab.now,
  );
  assert.equal(lab.send("request", LAPTOP, { ciaddr: address })[0]?.type, "nak");
  assert.equal(lab.lease(LAPTOP).message.yiaddr, "192.168.1.9");
  assert.equal(lab.send("request", CAMERA, { ciaddr: other })[0]?.type, "nak");
  assert.match(lab.lease(CAMERA).message.yiaddr, /^192\.168\.1\.1(0\d|10)$/);
});

test("[D6S-11] ten thousand invented devices empty the pool: it is said once, memory stays bounded, known and reserved devices are served", () => {
  const reserved = client(0x100000);
  const lab = new ServerLab({ reservations: [{ name: "tv", mac: reserved, address: ip4("192.168.1.120") }] });
  const known = lab.lease(LAPTOP).message.yiaddr;
  let leased = 1;
  for (let number = 10; number < 10_010; number++) {
    const replies = [...lab.send("discover", client(number)), ...(number % 50 === 0 ? lab.pass(milliseconds(300)) : [])];
    for (const { message } of replies) {
      lab.send("request", message.chaddr, { options: [toUs, { kind: "requested-address", address: message.yiaddr }] });
      leased++;
    }
  }
  assert.equal(leased, 149);
  assert.equal(lab.bindings().length, 149);
  const dry = lab.notes.filter(({ event }) => event === "dhcpv4.pool-dry");
  assert.ok(dry.length >= 1 && dry.length <= 3, `${dry.length} notes`);
  assert.match(dry[0]!.text, /^All 149 addresses from 192\.168\.1\.100 to 192\.168\.1\.249 are in use: a new device gets none/);
  assert.equal(lab.send("request", LAPTOP, { ciaddr: known })[0]?.type, "ack");
  assert.equal(lab.send("discover", LAPTOP)[0]?.message.yiaddr, known);
  assert.equal(lab.lease(reserved).message.yiaddr, "192.168.1.120");
});

test("[D6S-11] a full pool gives the address that ended first, once leases end", () => {
  const lab = new ServerLab({ pool: { first: ip4("192.168.1.100"), last: ip4("192.168.1.101") }, lease: 600 as Seconds });
  const first = lab.lease(client(1)).message.yiaddr;
  lab.pass(seconds(100));
  lab.lease(client(2));
  assert.deepEqual(lab.send("discover", client(3)), []);
  lab.pass(seconds(550));
  assert.equal(lab.lease(client(3)).message.yiaddr, first);
  assert.equal(lab.bindings().length, 2);
});

test("more new devices than can be probed at a time are still offered addresses", () => {
  const lab = new ServerLab({ network: prefix4("10.0.0.0/16"), pool: { first: ip4("10.0.1.0"), last: ip4("10.0.99.255") } });
  let prompt = 0;
  for (let number = 0; number < 2000; number++) prompt += lab.send("discover", client(number)).length;
  assert.equal(prompt, 2000 - 1024);
  assert.equal(lab.pass(milliseconds(250)).length, 1024);
});

test("an offer that is not taken is free again after ten seconds, or at once when another server's was taken", () => {
  const one = { first: ip4("192.168.1.100"), last: ip4("192.168.1.100") };
  const lab = new ServerLab({ pool: one });
  lab.discover(LAPTOP);
  assert.deepEqual(lab.send("discover", CAMERA), []);
  lab.pass(seconds(10));
  assert.equal(lab.discover(CAMERA).type, "offer");
  lab.send("request", CAMERA, { options: [{ kind: "server-id", address: ip4("192.168.1.2") }, requested("192.168.1.100")] });
  assert.equal(lab.discover(LAPTOP).type, "offer");
});

test("another server on the LAN is named when a client takes its offer, and not once for each client (case 12)", () => {
  const lab = new ServerLab();
  const other: Dhcpv4Option = { kind: "server-id", address: ip4("192.168.1.2") };
  for (let number = 0; number < 500; number++) lab.send("request", client(number), { options: [other, requested("192.168.1.77")] });
  const named = lab.notes.filter(({ event }) => event === "dhcpv4.other-server");
  assert.ok(named.length >= 1 && named.length <= 3, `${named.length} notes`);
  assert.match(named[0]!.text, / takes its address from another DHCP server on this LAN, 192\.168\.1\.2: switch that one off/);
  assert.deepEqual([named[0]!.level, lab.records], ["warning", []]);
});

test("[V4S-5] a device's name is one clean label that is nobody else's, or none", () => {
  const lab = new ServerLab({ reservedNames: ["printer", "gateway"] });
  let number = 100;
  const hostName = (text: string) => lab.lease(client(number++), { options: [{ kind: "host-name", text }] }).record?.name;
  assert.deepEqual(["laptop", "Julia's_iPhone 12", "evil.example.com", "Zoë", "-x-"].map(hostName), [
    "laptop",
    "julias-iphone-12",
    "evil",
    "zoe",
    "x",
  ]);
  for (const text of [
    "localhost",
    "WPAD",
    "isatap",
    "wpad.home.arpa",
    "Printer",
    "gateway",
    "",
    ".",
    "..",
    "日本",
    "a\u0000b",
    "a\nb",
    "x".repeat(64),
  ]) {
    assert.equal(hostName(text), undefined, JSON.stringify(text));
  }
  const fqdn = (...labels: readonly string[]) =>
    lab.lease(client(number++), { options: [{ kind: "client-fqdn", flags: 4, labels }] }).record?.name;
  assert.deepEqual([fqdn("tv", "home", "arpa"), fqdn("tv.evil"), fqdn("localhost"), fqdn()], ["tv", undefined, undefined, undefined]);
});

test("a device keeps its name when a renewal does not repeat it, and is told the name that it has", () => {
  const lab = new ServerLab({ domain: "home.arpa" });
  const ack = lab.lease(LAPTOP, { options: [{ kind: "client-fqdn", flags: 5, labels: ["Laptop"] }] });
  assert.deepEqual(optionOf(ack.message, "client-fqdn"), { kind: "client-fqdn", flags: 5, labels: ["laptop", "home", "arpa"] });
  const [renewed] = lab.send("request", LAPTOP, { ciaddr: ack.message.yiaddr });
  assert.equal(renewed?.record?.name, "laptop");
});

test("a shorter lease is given to who wishes for it, but none that keeps the disk busy, and never a longer one", () => {
  const time = (wished: number) =>
    optionOf(new ServerLab().lease(LAPTOP, { options: [{ kind: "lease-time", time: wished as Seconds }] }).message, "lease-time")?.time;
  assert.deepEqual([600, 1, 0xffffffff].map(time), [600, 120, 43_200]);
});

test("[D6S-11] whatever comes, the server neither throws nor answers what is no request of a client", () => {
  const lab = new ServerLab();
  const valid = encodeDhcpv4({
    op: "request",
    xid: 1,
    secs: 0,
    broadcast: false,
    ciaddr: UNSPECIFIED4,
    yiaddr: UNSPECIFIED4,
    siaddr: UNSPECIFIED4,
    giaddr: UNSPECIFIED4,
    chaddr: LAPTOP,
    options: [
      { kind: "message-type", type: "discover" },
      { kind: "host-name", text: "x" },
      { kind: "parameter-list", codes: [1, 3, 6] },
      ...withId,
    ],
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 8 }), fc.nat(valid.length), (changes, length) => {
      const bytes = valid.slice(0, length < 240 ? length : valid.length);
      for (const [at, octet] of changes) if (at < bytes.length) bytes[at] = octet;
      for (const { type } of lab.hear(bytes)) assert.ok(["offer", "ack", "nak"].includes(type!));
      lab.pass(milliseconds(300));
    }),
  );
  for (const type of ["offer", "ack", "nak"] as const) assert.deepEqual(lab.send(type, LAPTOP), []);
  assert.deepEqual(lab.send("discover", LAPTOP, { op: "reply" }), []);
  assert.deepEqual(lab.send("request", LAPTOP, { options: [toUs] }), []);
});
