import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Duid, duidFromBytes } from "../addr/duid.ts";
import { ip6, ip6FromBigInt } from "../addr/ip.ts";
import { prefix, prefixLength, prefixOf, subnet } from "../addr/prefix.ts";
import type { Seconds } from "../addr/time.ts";
import { WireError } from "./bytes.ts";
import {
  type Dhcpv6Message,
  type Dhcpv6Option,
  MESSAGE_TYPES,
  decodeDhcpv6,
  encodeDhcpv6,
  optionOf,
  optionsOf,
  statusOf,
} from "./dhcpv6.ts";

const octets = (hex: string) => Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16));
/** A Reply, transaction id 0xabcdef, with the given options in hexadecimal. */
const reply = (...options: string[]) => octets(`07abcdef${options.join("")}`);
const decodeReply = (...options: string[]) => {
  const message = decodeDhcpv6(reply(...options));
  assert.equal(message.kind, "reply");
  return message;
};

/** IAPREFIX of 2605:59c8:1200::/56, 150/300 s. */
const IAPREFIX = "001a0019 00000096 0000012c 38 260559c8120000000000000000000000";
const iaPd = (content: string, length = content.replaceAll(" ", "").length / 2 + 12) =>
  `0019${length.toString(16).padStart(4, "0")} 00000001 0000004b 00000078 ${content}`;

test("the Reply of the essay's provider decodes to its prefix, lifetimes and resolvers", () => {
  const message = decodeReply(
    "0001000600040102 0304",
    "0002000a 0003 0001 00005e000101",
    iaPd(IAPREFIX),
    "00170020 20014860486000000000000000008888 26064700470000000000000000001111",
  );
  const ia = optionOf(message, "ia-pd");
  assert.deepEqual(ia, {
    kind: "ia-pd",
    iaid: 1,
    t1: 75,
    t2: 120,
    options: [{ kind: "ia-prefix", prefix: "2605:59c8:1200::/56", preferred: 150, valid: 300, options: [] }],
  });
  assert.equal(optionOf(message, "server-id")?.duid, "0003000100005e000101");
  assert.deepEqual(optionOf(message, "dns-servers")?.addresses, ["2001:4860:4860::8888", "2606:4700:4700::1111"]);
});

test("[D6E-3] prefix lengths 0, 129 and 255 spoil only their own option; 65, 80 and 128 are lengths; host bits are masked", () => {
  const withLength = (length: number) => IAPREFIX.replace(" 38 ", ` ${length.toString(16).padStart(2, "0")} `);
  for (const length of [0, 129, 255]) {
    const ia = optionOf(decodeReply(iaPd(withLength(length) + IAPREFIX)), "ia-pd")!;
    assert.deepEqual(
      ia.options.map((option) => option.kind),
      ["malformed", "ia-prefix"],
    );
  }
  for (const length of [65, 80, 128]) {
    const ia = optionOf(decodeReply(iaPd(withLength(length))), "ia-pd")!;
    assert.equal(prefixLength(optionOf(ia, "ia-prefix")!.prefix), length);
  }
  const host = optionOf(decodeReply(iaPd(IAPREFIX.replace(/00$/, "01"))), "ia-pd")!;
  assert.equal(optionOf(host, "ia-prefix")?.prefix, "2605:59c8:1200::/56");
});

const LIES: readonly (readonly [string, string])[] = [
  ["an option past the end of the message", "00170020 2001"],
  ["an option header that is cut", "001700"],
  ["an IA_PD shorter than 12 octets", "0019000b 00000001 0000004b 000000"],
  ["an IAPREFIX shorter than 25 octets", iaPd("001a0018 00000096 0000012c 38 260559c81200000000000000000000")],
  ["a nested length past the end of the IA_PD", iaPd("001a00ff 00000096 0000012c 38 260559c8120000000000000000000000")],
  ["an IA_PD that ends inside its IAPREFIX", iaPd(IAPREFIX, 30)],
  ["a status code of one octet", iaPd("000d0001 00")],
  ["a DUID without octets", "00020000"],
  ["a DUID that is a type only", "00020002 0004"],
  ["a DUID of 131 octets", `00020083${"00".repeat(131)}`],
  ["an IAADDR shorter than 24 octets", "00030023 00000001 00000000 00000000 00050013 2605000000000000000000000000000000000096"],
];

for (const [what, hex] of LIES) {
  test(`[D6E-3] ${what} makes the whole message invalid`, () => {
    assert.throws(() => decodeDhcpv6(reply(iaPd(IAPREFIX), hex)), WireError);
  });
}

test("a server DUID of 130 octets and one of an unknown type are accepted", () => {
  const long = `0063${"ab".repeat(128)}`;
  assert.equal(optionOf(decodeReply(`00020082${long}`), "server-id")?.duid, long);
});

test("[D6E-2] unknown options are kept apart and change nothing; options where they don't belong count as unknown", () => {
  const message = decodeReply("fde80003 010203", iaPd(`fde90000${IAPREFIX}`), IAPREFIX);
  assert.deepEqual(message.options[0], { kind: "unknown", code: 65000, data: Uint8Array.of(1, 2, 3) });
  assert.equal(optionOf(optionOf(message, "ia-pd")!, "ia-prefix")?.prefix, "2605:59c8:1200::/56");
  assert.equal(optionOf(message, "ia-prefix"), undefined);
});

test("a broken option of minor weight is malformed and leaves the rest of the message valid", () => {
  const broken = [
    "00170011 20014860486000000000000000008888 00",
    "000e0001 00",
    "00520003 000e10",
    "00180004 03616263",
    "00180004 02612e00",
    "00180001 00",
    "00380005 00030001 00",
  ];
  for (const hex of broken) {
    const message = decodeReply(hex, iaPd(IAPREFIX));
    assert.deepEqual(
      message.options.map((option) => option.kind),
      ["malformed", "ia-pd"],
    );
  }
});

test("a repeated option counts once, but every identity association is found", () => {
  const message = decodeReply("00070001 0a", "00070001 ff", iaPd(IAPREFIX), iaPd(IAPREFIX).replace("00000001", "00000002"));
  assert.equal(optionOf(message, "preference")?.value, 10);
  assert.deepEqual(
    optionsOf(message, "ia-pd").map((ia) => ia.iaid),
    [1, 2],
  );
});

test("[D6P-11] status codes are read in the message, in the IA and in the prefix", () => {
  const status = (code: string) => `000d0005 ${code} 6f6f70`;
  const inPrefix = IAPREFIX.replace("0019", "0022") + status("0006");
  const message = decodeReply(status("0001"), iaPd(status("0003") + inPrefix));
  const ia = optionOf(message, "ia-pd")!;
  assert.deepEqual(
    [message, ia, optionOf(ia, "ia-prefix")!].map((holder) => statusOf(holder).status),
    [1, 3, 6],
  );
  assert.equal(statusOf(message).message, "oop");
  assert.equal(statusOf(decodeReply()).status, 0);
});

test("[D6P-16] the excluded prefix is read with any padding, and lengths that can't be are refused", () => {
  const exclude = (hex: string, delegated = IAPREFIX) => {
    const nested = hex.replaceAll(" ", "");
    const length = nested.length / 2;
    const option = `0043${length.toString(16).padStart(4, "0")}${nested}`;
    const holder = delegated.replace("001a0019", `001a${(25 + 4 + length).toString(16).padStart(4, "0")}`);
    return optionOf(optionOf(decodeReply(iaPd(holder + option)), "ia-pd")!, "ia-prefix")!.options[0];
  };
  assert.deepEqual(exclude("40 00"), { kind: "pd-exclude", prefix: "2605:59c8:1200::/64" });
  assert.deepEqual(exclude("40 ff"), { kind: "pd-exclude", prefix: "2605:59c8:1200:ff::/64" });
  assert.deepEqual(exclude("3c ff"), { kind: "pd-exclude", prefix: "2605:59c8:1200:f0::/60" });
  assert.deepEqual(exclude("40 ff", IAPREFIX.replace(" 38 ", " 3f ")), { kind: "pd-exclude", prefix: "2605:59c8:1200:1::/64" });
  for (const malformed of ["38 00", "37 00", "00 00", "81 00", "40", "", "48 ff", `40 ${"00".repeat(17)}`]) {
    assert.equal(exclude(malformed)?.kind, "malformed", malformed);
  }
});

test("[D6E-2] message types that nobody defined are refused", () => {
  const known = new Set<number>([...Object.values(MESSAGE_TYPES), 12, 13]);
  for (let type = 0; type < 256; type++) {
    const header = type === 12 || type === 13 ? 34 : 4;
    const decode = () => decodeDhcpv6(Uint8Array.of(type, ...new Uint8Array(header - 1)));
    if (known.has(type)) assert.doesNotThrow(decode);
    else assert.throws(decode, WireError);
  }
});

test("64 kB of nested options are decoded without overflow", () => {
  const nested = Array.from({ length: 4000 }, () => "0019fff0 00000001 00000000 00000000").join("");
  assert.throws(() => decodeDhcpv6(reply(nested)), WireError);
  const flat = decodeReply("00060000".repeat(16000));
  assert.equal(flat.options.length, 16000);
});

test("an option that can't stand where it is, or is longer than its length field, can't be encoded", () => {
  const encode = (option: Dhcpv6Option) => encodeDhcpv6({ kind: "reply", transactionId: 1, options: [option] });
  assert.throws(() => encode({ kind: "pd-exclude", prefix: prefix("2605::/64") }), RangeError);
  assert.throws(() => encode({ kind: "unknown", code: 9, data: new Uint8Array(65536) }), RangeError);
  assert.throws(() => encode({ kind: "domain-list", domains: ["not a name"] }), RangeError);
});

test("[D6E-3] whatever arrives, it decodes or gives a WireError, and what decodes survives a second round", () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(arbitraryMessage(), fc.nat(), fc.integer({ min: 0, max: 255 })).map(([message, at, octet]) => {
      const bytes = encodeDhcpv6(message);
      bytes[at % bytes.length] = octet;
      return bytes.subarray(0, bytes.length - (octet % 3));
    }),
  );
  fc.assert(
    fc.property(anything, (bytes) => {
      let message: Dhcpv6Message;
      try {
        message = decodeDhcpv6(bytes);
      } catch (error) {
        assert.ok(error instanceof WireError && error.offset <= bytes.length, String(error));
        return;
      }
      assert.deepEqual(decodeDhcpv6(encodeDhcpv6(message)), message);
    }),
    { numRuns: 3000 },
  );
});

test("every message survives encoding and decoding", () => {
  fc.assert(fc.property(arbitraryMessage(), (message) => assert.deepEqual(decodeDhcpv6(encodeDhcpv6(message)), message)));
});

function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

function arbitraryMessage(): fc.Arbitrary<Dhcpv6Message> {
  const uint8 = fc.integer({ min: 0, max: 255 });
  const uint16 = fc.integer({ min: 0, max: 0xffff });
  const uint32 = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 0xffffffff));
  const time = uint32.map((value) => value as Seconds);
  const address = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map(ip6FromBigInt);
  const duid = fc.uint8Array({ minLength: 3, maxLength: 130 }).map((bytes) => duidFromBytes(bytes) as Duid);
  const name = fc.constantFrom("home.arpa", "a", "starlink.com", "x-1._udp.example");
  const data = fc.uint8Array({ maxLength: 30 });
  const constant = <T>(value: T) => fc.constant(value);
  const text = fc.string({ unit: "grapheme", maxLength: 10 });
  const label = fc.uint8Array({ minLength: 1, maxLength: 63 }).map((bytes) => String.fromCharCode(...bytes));
  const kind = <K extends string>(value: K) => ({ kind: constant(value) });
  const status = record({ ...kind("status-code"), status: uint16, message: text });
  const unknown = record({ ...kind("unknown"), code: fc.integer({ min: 1000, max: 0xffff }), data });
  const anywhere = fc.array<Dhcpv6Option>(fc.oneof(status, unknown), { maxLength: 2 });
  const iaAddress = record({ ...kind("ia-address"), address, preferred: time, valid: time, options: anywhere });
  const iaPrefix = record({
    address,
    length: fc.integer({ min: 1, max: 128 }),
    preferred: time,
    valid: time,
    options: anywhere,
    part: uint8,
  }).map(({ address, length, preferred, valid, options, part }): Dhcpv6Option => {
    const whole = prefixOf(address, length);
    const longer = Math.min(128, length + 1 + (part % 40));
    const exclude: readonly Dhcpv6Option[] =
      part > 100 && longer > length ? [{ kind: "pd-exclude", prefix: subnet(whole, longer, part % 2) }] : [];
    return { kind: "ia-prefix", prefix: whole, preferred, valid, options: [...exclude, ...options] };
  });
  const ia = { iaid: uint32, t1: time, t2: time };
  const option: fc.Arbitrary<Dhcpv6Option> = fc.oneof(
    status,
    unknown,
    record({ ...kind("client-id"), duid }),
    record({ ...kind("server-id"), duid }),
    record({ ...kind("ia-na"), ...ia, options: fc.array<Dhcpv6Option>(fc.oneof(iaAddress, status), { maxLength: 3 }) }),
    record({ ...kind("ia-pd"), ...ia, options: fc.array<Dhcpv6Option>(fc.oneof(iaPrefix, status), { maxLength: 3 }) }),
    record({ ...kind("oro"), codes: fc.array(uint16) }),
    record({ ...kind("preference"), value: uint8 }),
    record({ ...kind("elapsed-time"), hundredths: uint16 }),
    record({
      ...kind("auth"),
      protocol: uint8,
      algorithm: uint8,
      rdm: uint8,
      replay: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      information: data,
    }),
    record({ ...kind("reconfigure-message"), messageType: uint8 }),
    constant({ kind: "rapid-commit" as const }),
    constant({ kind: "reconfigure-accept" as const }),
    record({ ...kind("dns-servers"), addresses: fc.array(address) }),
    record({ ...kind("sntp-servers"), addresses: fc.array(address) }),
    record({ ...kind("domain-list"), domains: fc.array(name) }),
    record({
      ...kind("ntp-server"),
      servers: fc.array(
        fc.oneof(record({ ...kind("address"), address }), record({ ...kind("multicast"), address }), record({ ...kind("name"), name })),
      ),
    }),
    record({ kind: fc.constantFrom("sol-max-rt" as const, "inf-max-rt" as const, "information-refresh-time" as const), time }),
    record({ ...kind("vendor-class"), enterprise: uint32, data: fc.array(data, { maxLength: 3 }) }),
    record({ ...kind("vendor-opts"), enterprise: uint32, data }),
    record({ ...kind("captive-portal"), uri: fc.webUrl() }),
    record({ ...kind("client-fqdn"), flags: uint8, labels: fc.array(label, { maxLength: 3 }), whole: fc.boolean() }),
    constant({ kind: "addr-reg-enable" as const }),
    iaAddress,
    record({ ...kind("relay-message"), message: data }),
  );
  const options = fc.array(option, { maxLength: 8 });
  return fc.oneof(
    record({
      kind: fc.constantFrom(...(Object.keys(MESSAGE_TYPES) as (keyof typeof MESSAGE_TYPES)[])),
      transactionId: fc.integer({ min: 0, max: 0xffffff }),
      options,
    }),
    record({
      kind: fc.constantFrom("relay-forward" as const, "relay-reply" as const),
      hopCount: uint8,
      linkAddress: constant(ip6("fe80::1")),
      peerAddress: address,
      options,
    }),
  );
}
