import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ip6, ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { prefix } from "../addr/prefix.ts";
import { INFINITY, type Seconds } from "../addr/time.ts";
import { WireError } from "./bytes.ts";
import { decodeNdp, encodeNdp, type NdpMessage, type NdpOption, ndpOptionOf, ndpOptionsOf, type RouterAdvertisement } from "./ndp.ts";

const octets = (hex: string) => Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16));
const s = (count: number) => count as Seconds;
const bare: RouterAdvertisement = {
  kind: "router-advertisement",
  hopLimit: 64,
  managed: false,
  other: true,
  preference: "high",
  routerLifetime: s(1800),
  reachableTime: 30_000,
  retransTimer: 1000,
  options: [],
};
/** The message `bare` in hexadecimal. */
const BARE = "86000000 40 48 0708 00007530 000003e8";
/** The options of an advertisement with this one in hexadecimal. */
const decodeOption = (hex: string): NdpOption => decodeNdp(octets(BARE + hex)).options[0]!;
const kindOf = (hex: string): string => decodeOption(hex).kind;

/** Octets made with scapy, so that this codec does not only agree with itself. */
const MESSAGES: readonly (readonly [string, NdpMessage])[] = [
  [BARE, bare],
  [
    "85000000 00000000 0101020000000007",
    { kind: "router-solicitation", options: [{ kind: "source-link-layer-address", mac: mac("02:00:00:00:00:07") }] },
  ],
  [
    "87000000 00000000 fe800000000000000000000000000007 0101020000000007",
    {
      kind: "neighbor-solicitation",
      target: ip6("fe80::7"),
      options: [{ kind: "source-link-layer-address", mac: mac("02:00:00:00:00:07") }],
    },
  ],
  [
    "88000000 80000000 fe800000000000000000000000000007 0201020000000007",
    {
      kind: "neighbor-advertisement",
      router: true,
      solicited: false,
      override: false,
      target: ip6("fe80::7"),
      options: [{ kind: "target-link-layer-address", mac: mac("02:00:00:00:00:07") }],
    },
  ],
  [
    `89000000 00000000 fe800000000000000000000000000001 20014860486000000000000000008888 0406000000000000 60${"00".repeat(39)}`,
    {
      kind: "redirect",
      target: ip6("fe80::1"),
      destination: ip6("2001:4860:4860::8888"),
      options: [{ kind: "redirected-header", packet: Uint8Array.of(0x60, ...new Uint8Array(39)) }],
    },
  ],
];

/** Octets made with scapy; nonce, captive portal, NAT64 prefix and unknown ones by hand from their RFCs. */
const OPTIONS: readonly (readonly [string, NdpOption])[] = [
  ["010100005e000101", { kind: "source-link-layer-address", mac: mac("00:00:5e:00:01:01") }],
  ["0201020000000007", { kind: "target-link-layer-address", mac: mac("02:00:00:00:00:07") }],
  [
    "030440c00000012c0000009600000000260559c8120000000000000000000000",
    {
      kind: "prefix-information",
      prefix: prefix("2605:59c8:1200::/64"),
      onLink: true,
      autonomous: true,
      valid: s(300),
      preferred: s(150),
    },
  ],
  ["05010000000005d4", { kind: "mtu", mtu: 1492 }],
  ["0e01010203040506", { kind: "nonce", nonce: Uint8Array.of(1, 2, 3, 4, 5, 6) }],
  ["1801001800000258", { kind: "route-information", prefix: prefix("::/0"), preference: "low", lifetime: s(600) }],
  [
    "1802380800000258260559c812000000",
    { kind: "route-information", prefix: prefix("2605:59c8:1200::/56"), preference: "high", lifetime: s(600) },
  ],
  [
    "18038000ffffffff260559c8120000000000000000000053",
    { kind: "route-information", prefix: prefix("2605:59c8:1200::53/128"), preference: "medium", lifetime: INFINITY },
  ],
  [
    "19050000000002582606470047000000000000000000111120014860486000000000000000008888",
    { kind: "rdnss", addresses: [ip6("2606:4700:4700::1111"), ip6("2001:4860:4860::8888")], lifetime: s(600) },
  ],
  [
    "1f0500000000025804686f6d6504617270610008737461726c696e6b076578616d706c6500000000",
    { kind: "dnssl", domains: ["home.arpa", "starlink.example"], lifetime: s(600) },
  ],
  ["250268747470733a2f2f706f7274616c", { kind: "captive-portal", uri: "https://portal" }],
  ["260207080064ff9b0000000000000000", { kind: "pref64", prefix: prefix("64:ff9b::/96"), lifetime: s(1800) }],
  // The RA flags extension (RFC 5175) and whatever comes after us.
  ["1a01800000000000", { kind: "unknown", type: 26, content: Uint8Array.of(0x80, 0, 0, 0, 0, 0) }],
  ["fd01010203040506", { kind: "unknown", type: 253, content: Uint8Array.of(1, 2, 3, 4, 5, 6) }],
];

test("messages of another implementation decode, and encode to the same octets", () => {
  for (const [hex, message] of MESSAGES) {
    assert.deepEqual(decodeNdp(octets(hex)), message);
    assert.deepEqual(encodeNdp(message), octets(hex));
  }
});

test("each option has the octets that its RFC gives it", () => {
  for (const [hex, option] of OPTIONS) {
    assert.deepEqual(decodeOption(hex), option);
    assert.deepEqual(encodeNdp({ ...bare, options: [option] }), octets(BARE + hex));
  }
});

test("[WRA-4] the preference bits 01, 00 and 11 are high, medium and low; the reserved 10 counts as medium", () => {
  const preferenceOf = (bits: number) => {
    const bytes = octets(BARE);
    bytes[5] = bits << 3;
    return (decodeNdp(bytes) as RouterAdvertisement).preference;
  };
  assert.deepEqual([0b01, 0b00, 0b11, 0b10].map(preferenceOf), ["high", "medium", "low", "medium"]);
});

test("a route with the reserved preference is no route (RFC 4191 2.3)", () => {
  assert.equal(kindOf("1801001000000258"), "unknown");
});

test("the flags of a prefix are read one by one", () => {
  const flagsOf = (flags: string) => decodeOption(`030440${flags}0000012c0000009600000000260559c8120000000000000000000001`);
  const none = {
    kind: "prefix-information",
    prefix: "2605:59c8:1200::/64",
    onLink: false,
    autonomous: false,
    valid: 300,
    preferred: 150,
  };
  assert.deepEqual(flagsOf("00"), none);
  assert.deepEqual(flagsOf("80"), { ...none, onLink: true });
  assert.deepEqual(flagsOf("40"), { ...none, autonomous: true });
  assert.deepEqual(flagsOf("20"), { ...none, routerAddress: "2605:59c8:1200::1" });
  assert.deepEqual(flagsOf("10"), { ...none, delegatePreferred: true });
});

/** Each is too short by one octet, or lies about an option. */
const BROKEN: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["a lone type", "86"],
  ["an advertisement of 15 octets", BARE.slice(0, -2)],
  ["a solicitation of 7 octets", "85000000 000000"],
  ["a neighbor solicitation of 23 octets", `87000000 00000000 ${"fe".repeat(15)}`],
  ["a neighbor advertisement of 23 octets", `88000000 00000000 ${"fe".repeat(15)}`],
  ["a redirect of 39 octets", `89000000 00000000 ${"fe".repeat(31)}`],
  ["code 1", `8601${BARE.slice(4)}`],
  ["an echo request", "80000000 00000000"],
  ["the type before the first", `84${BARE.slice(2)}`],
  ["an option of length zero", `${BARE}0100${"00".repeat(6)}`],
  ["an option of length zero behind a good one", `${BARE}05010000000005d4 0000`],
  ["an option that ends behind the message", `${BARE}05020000000005d4`],
  ["an option without its length", `${BARE}05`],
];

test("[WRA-3] a message that is too short, of another code or type, or whose options lie is refused as a whole", () => {
  for (const [what, hex] of BROKEN) assert.throws(() => decodeNdp(octets(hex)), WireError, what);
});

test("a flag that is clear leaves no bit, and reserved bits are zero", () => {
  const quiet: NdpMessage = { ...bare, managed: false, other: false, preference: "medium" };
  assert.equal(encodeNdp(quiet)[5], 0);
  const modest: NdpMessage = {
    kind: "neighbor-advertisement",
    router: false,
    solicited: false,
    override: false,
    target: ip6("::"),
    options: [],
  };
  assert.deepEqual(encodeNdp(modest), Uint8Array.of(136, ...new Uint8Array(23)));
  const none: NdpOption = {
    kind: "prefix-information",
    prefix: prefix("::/0"),
    onLink: false,
    autonomous: false,
    valid: s(0),
    preferred: s(0),
  };
  assert.deepEqual(encodeNdp({ ...bare, options: [none] }).subarray(16), Uint8Array.of(3, 4, ...new Uint8Array(30)));
});

test("a route takes 8 octets without a prefix, 16 up to /64, 24 above", () => {
  const lengthOf = (name: string) => {
    const option: NdpOption = { kind: "route-information", prefix: prefix(name), preference: "medium", lifetime: s(600) };
    return encodeNdp({ ...bare, options: [option] }).length - 16;
  };
  assert.deepEqual(["::/0", "2000::/1", "2605:59c8::/64", "2605:59c8::/65", "2605:59c8::1/128"].map(lengthOf), [8, 16, 16, 24, 24]);
});

test("a WireError names the octet that is wrong", () => {
  assert.throws(() => decodeNdp(octets(`8601${BARE.slice(4)}`)), { offset: 1 });
  assert.throws(() => decodeNdp(octets("80000000 00000000")), { offset: 0 });
  assert.throws(() => decodeNdp(octets(`${BARE}05010000000005d4 0000`)), { offset: 16 + 8 + 1 });
});

/** Known types in a form that their RFC does not allow: the option is passed over, the message counts. */
const ODD: readonly (readonly [string, string])[] = [
  ["a link-layer address of 14 octets", "0102020000000007 0000000000000000"],
  ["a prefix option of 24 octets", "030340c00000012c00000096 00000000260559c812000000"],
  ["a prefix option of 40 octets", `030540c00000012c0000009600000000260559c812000000${"00".repeat(16)}`],
  ["a prefix length of 129", "030481c00000012c0000009600000000260559c8120000000000000000000000"],
  ["an MTU of 14 octets", "05020000000005d4 0000000000000000"],
  ["a route /1 without octets", "1801010000000258"],
  ["a route /65 in 8 octets", "1802410000000258260559c812000000"],
  ["a route /129", "1803810000000258260559c8120000000000000000000053"],
  ["a route in 24 octets", `18043800000002 58${"26".repeat(24)}`],
  ["resolvers without an address", "1901000000000258"],
  ["resolvers with half an address", `1902000000000258${"26".repeat(8)}`],
  ["resolvers with one and a half", `1904000000000258${"26".repeat(24)}`],
  ["no domain at all", "1f02000000000258 0000000000000000"],
  ["a domain without its end", "1f02000000000258 0768617a61726478"],
  ["a domain with a space", "1f02000000000258 0568 20 6d6521 0000"],
  ["a domain with a compression pointer", "1f02000000000258 c00c000000000000"],
  ["a captive portal without address", "2501000000000000"],
  ["a captive portal with a line break", "2501680d0a613a62"],
  ["a NAT64 prefix of an unknown length", "2602070e0064ff9b0000000000000000"],
  ["a NAT64 prefix of 24 octets", "2603070800 64ff9b0000000000000000 0000000000000000"],
];

test("an option that is not as its RFC says is kept as unknown, and those around it count", () => {
  for (const [what, hex] of ODD) {
    const message = decodeNdp(octets(`${BARE}${hex}05010000000005d4`));
    assert.deepEqual(
      message.options.map((option) => option.kind),
      ["unknown", "mtu"],
      what,
    );
  }
});

test("host bits of prefixes and routes are masked", () => {
  const masked = decodeOption("030438c00000012c0000009600000000260559c81200ffff0000000000000001");
  assert.equal(masked.kind === "prefix-information" && masked.prefix, "2605:59c8:1200:ff00::/56");
  const route = decodeOption("1803380000000258260559c81200ffff0000000000000053");
  assert.equal(route.kind === "route-information" && route.prefix, "2605:59c8:1200:ff00::/56");
});

test("the padding of a captive portal's address does not belong to it", () => {
  const message: NdpMessage = { ...bare, options: [{ kind: "captive-portal", uri: "http://a" }] };
  const bytes = encodeNdp(message);
  assert.equal(bytes.length, 16 + 16);
  assert.deepEqual(decodeNdp(bytes), message);
});

test("what a field can't hold is refused instead of cut", () => {
  const options: readonly NdpOption[] = [
    { kind: "rdnss", addresses: new Array<Ip6>(128).fill(ip6("2606:4700:4700::1111")), lifetime: s(1) },
    { kind: "dnssl", domains: ["two words"], lifetime: s(1) },
    { kind: "dnssl", domains: ["x".repeat(64)], lifetime: s(1) },
    { kind: "pref64", prefix: prefix("64:ff9b::/97"), lifetime: s(1) },
    { kind: "pref64", prefix: prefix("64:ff9b::/96"), lifetime: s(65_529) },
    { kind: "unknown", type: 253, content: new Uint8Array(2039) },
  ];
  for (const option of options) assert.throws(() => encodeNdp({ ...bare, options: [option] }), RangeError, option.kind);
  assert.throws(() => encodeNdp({ ...bare, routerLifetime: s(65_536) }), RangeError);
  const longest: NdpOption = { kind: "pref64", prefix: prefix("64:ff9b::/96"), lifetime: s(65_528) };
  assert.deepEqual(decodeNdp(encodeNdp({ ...bare, options: [longest] })), { ...bare, options: [longest] });
  assert.equal(
    encodeNdp({ ...bare, options: [{ ...options[0]!, addresses: new Array<Ip6>(127).fill(ip6("::1")) } as NdpOption] }).length,
    2056,
  );
});

test("options are found by their kind", () => {
  const first: NdpOption = { kind: "mtu", mtu: 1280 };
  const message: NdpMessage = { ...bare, options: [{ kind: "nonce", nonce: new Uint8Array(6) }, first, { kind: "mtu", mtu: 1500 }] };
  assert.equal(ndpOptionOf(message, "mtu"), first);
  assert.equal(ndpOptionsOf(message, "mtu").length, 2);
  assert.equal(ndpOptionOf(message, "rdnss"), undefined);
});
