import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip4, ip4FromBytes } from "../addr/ip.ts";
import { mac, macFromBytes } from "../addr/mac.ts";
import { prefix4, prefix4Of } from "../addr/prefix4.ts";
import type { Seconds } from "../addr/time.ts";
import { WireError } from "./bytes.ts";
import { decodeDhcpv4, type Dhcpv4Message, type Dhcpv4Option, encodeDhcpv4, OPTION_CODES, optionOf } from "./dhcpv4.ts";
import { decodeOption } from "./dhcpv4-options.ts";

const address = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ip4FromBytes(bytes));
const addresses = fc.array(address, { minLength: 1, maxLength: 80 });
const uint16 = fc.nat(0xffff);
const route = fc.tuple(address, fc.nat(32), address).map(([ip, length, router]) => ({ destination: prefix4Of(ip, length), router }));

/** One arbitrary for each kind, so that a message has each kind at most once. */
const KINDS: readonly fc.Arbitrary<Dhcpv4Option>[] = [
  fc.constantFrom("discover" as const, "offer" as const, "nak" as const, "inform" as const).map((type) => ({ kind: "message-type", type })),
  fc.nat(32).map((length) => ({ kind: "subnet-mask", length })),
  ...(["routers", "resolvers", "ntp-servers"] as const).map((kind) => addresses.map((list) => ({ kind, addresses: list }))),
  ...(["broadcast-address", "requested-address", "server-id"] as const).map((kind) => address.map((value) => ({ kind, address: value }))),
  ...(["host-name", "domain-name", "message"] as const).map((kind) => fc.stringMatching(/^[a-z]{1,300}$/).map((text) => ({ kind, text }))),
  ...(["mtu", "max-size"] as const).map((kind) => uint16.map((octets) => ({ kind, octets }))),
  ...(["lease-time", "renewal-time", "rebinding-time"] as const).map((kind) =>
    fc.nat(0xffffffff).map((time) => ({ kind, time: time as Seconds })),
  ),
  fc.uint8Array({ maxLength: 40 }).map((codes) => ({ kind: "parameter-list", codes: [...codes] })),
  fc.uint8Array({ maxLength: 300 }).map((id) => ({ kind: "client-id", id })),
  fc
    .tuple(fc.constantFrom(0, 1, 4, 5, 8, 12), fc.array(fc.stringMatching(/^[a-z]{1,20}$/), { maxLength: 4 }))
    .map(([flags, labels]) => ({ kind: "client-fqdn", flags, labels })),
  fc
    .array(fc.stringMatching(/^[a-z]{1,20}(\.[a-z]{1,20}){0,3}$/), { maxLength: 20 })
    .map((domains) => ({ kind: "domain-search", domains })),
  fc.array(route, { minLength: 1, maxLength: 60 }).map((routes) => ({ kind: "classless-routes", routes })),
  fc.uint8Array({ maxLength: 300 }).map((data) => ({ kind: "unknown", code: 224, data })),
];

const options = fc
  .tuple(...KINDS.map((kind) => fc.option(kind, { nil: undefined })))
  .map((list) => list.filter((option) => option !== undefined));
const message: fc.Arbitrary<Dhcpv4Message> = fc.record(
  {
    op: fc.constantFrom("request" as const, "reply" as const),
    xid: fc.nat(0xffffffff),
    secs: uint16,
    broadcast: fc.boolean(),
    ciaddr: address,
    yiaddr: address,
    siaddr: address,
    giaddr: address,
    chaddr: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macFromBytes(bytes)),
    options,
  },
  { noNullPrototype: true },
);

test("[V4C-6] a message survives the way to its octets and back, long options in pieces", () => {
  fc.assert(fc.property(message, (sent) => assert.deepEqual(decodeDhcpv4(encodeDhcpv4(sent)), sent)));
});

test("[V4C-7] whatever is done to a message, there is a message or a WireError", () => {
  const damage = fc.tuple(fc.nat(), fc.nat(255), fc.nat());
  fc.assert(
    fc.property(message, fc.array(damage, { maxLength: 8 }), fc.nat(), (sent, changes, cut) => {
      let bytes = encodeDhcpv4(sent);
      for (const [at, value] of changes) bytes = bytes.with(at % bytes.length, value);
      assertDecodesOrRefuses(bytes.subarray(0, bytes.length - (cut % bytes.length)));
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), assertDecodesOrRefuses));
});

test("[V4C-7] whatever stands in an option, there is an option or a WireError", () => {
  const code = fc.constantFrom(...Object.values(OPTION_CODES));
  fc.assert(
    fc.property(code, fc.uint8Array({ maxLength: 60 }), (number, data) => {
      try {
        decodeOption(number, data);
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }),
  );
});

function assertDecodesOrRefuses(bytes: Uint8Array): void {
  try {
    decodeDhcpv4(bytes);
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
  }
}

const PLAIN = encodeDhcpv4({
  op: "reply",
  xid: 1,
  secs: 0,
  broadcast: false,
  ciaddr: ip4("0.0.0.0"),
  yiaddr: ip4("100.64.0.9"),
  siaddr: ip4("0.0.0.0"),
  giaddr: ip4("0.0.0.0"),
  chaddr: mac("02:00:00:00:00:01"),
  options: [],
});
const [SERVER_NAME_AT, FILE_AT, OPTIONS_AT] = [44, 108, 240];
const withOctets = (at: number, ...octets: readonly number[]): Uint8Array => {
  const bytes = Uint8Array.of(...PLAIN);
  bytes.set(octets, at);
  return bytes;
};

test("[V4C-6] split options are joined, and options in the fields of others are read", () => {
  const bytes = withOctets(OPTIONS_AT, 52, 1, 3, 6, 4, 1, 1, 1, 1, 0, 6, 2, 8, 8, 255);
  bytes.set([6, 2, 8, 8, 26, 2, 5, 220, 255], FILE_AT);
  bytes.set([54, 4, 100, 64, 0, 1, 255], SERVER_NAME_AT);
  const decoded = decodeDhcpv4(bytes);
  assert.deepEqual(optionOf(decoded, "resolvers")?.addresses, ["1.1.1.1", "8.8.8.8"]);
  assert.equal(optionOf(decoded, "mtu")?.octets, 1500);
  assert.equal(optionOf(decoded, "server-id")?.address, "100.64.0.1");
});

test("[V4C-6] classless routes carry the significant octets only, as in RFC 3442", () => {
  const decoded = decodeDhcpv4(withOctets(OPTIONS_AT, 121, 13, 0, 100, 64, 0, 1, 17, 10, 27, 129, 0, 0, 0, 0, 255));
  assert.deepEqual(optionOf(decoded, "classless-routes")?.routes, [
    { destination: "0.0.0.0/0", router: "100.64.0.1" },
    { destination: prefix4("10.27.128.0/17"), router: "0.0.0.0" },
  ]);
});

test("[V4C-6] names of the search list may end with a pointer backwards; one forwards is refused", () => {
  const list = [3, 101, 110, 103, 5, 97, 112, 112, 108, 101, 0, 4, 109, 107, 116, 103, 192, 4];
  const decoded = decodeDhcpv4(withOctets(OPTIONS_AT, 119, list.length, ...list, 255));
  assert.deepEqual(optionOf(decoded, "domain-search")?.domains, ["eng.apple", "mktg.apple"]);
  assert.throws(() => decodeDhcpv4(withOctets(OPTIONS_AT, 119, 2, 192, 0, 255)), WireError);
});

test("[V4C-7] a missing END is tolerated; an option that leads outside is not", () => {
  const start = PLAIN.subarray(0, OPTIONS_AT);
  assert.deepEqual(decodeDhcpv4(Uint8Array.of(...start, 53, 1, 2)).options, [{ kind: "message-type", type: "offer" }]);
  assert.throws(() => decodeDhcpv4(Uint8Array.of(...start, 53, 9, 2)), WireError);
  assert.throws(() => decodeDhcpv4(withOctets(OPTIONS_AT, 1, 4, 255, 0, 255, 0, 255)), WireError);
});

test("the name of a client is read in both spellings, and one that is none has no labels", () => {
  const name = (...octets: readonly number[]) => decodeOption(81, Uint8Array.of(...octets));
  const text = (value: string): number[] => [...new TextEncoder().encode(value)];
  assert.deepEqual(name(1, 0, 0, ...text("tv.home.arpa")), { kind: "client-fqdn", flags: 1, labels: ["tv", "home", "arpa"] });
  assert.deepEqual(name(5, 0, 0, 2, ...text("tv"), 4, ...text("home"), 0), { kind: "client-fqdn", flags: 5, labels: ["tv", "home"] });
  assert.deepEqual(name(4, 0, 0, 2, ...text("tv")), { kind: "client-fqdn", flags: 4, labels: ["tv"] });
  assert.deepEqual(name(4, 0, 0, 9, ...text("tv")), { kind: "client-fqdn", flags: 4, labels: [] });
  assert.deepEqual(name(4, 0, 0, 0xc0, 0), { kind: "client-fqdn", flags: 4, labels: [] });
  assert.deepEqual(name(0, 0, 0), { kind: "client-fqdn", flags: 0, labels: [] });
  assert.throws(() => name(0, 0), WireError);
});
