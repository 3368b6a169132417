import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Ip6, ip6FromBigInt } from "../addr/ip.ts";
import { macFromBytes } from "../addr/mac.ts";
import { prefixOf } from "../addr/prefix.ts";
import type { Seconds } from "../addr/time.ts";
import { WireError } from "./bytes.ts";
import { decodeNdp, encodeNdp, type NdpMessage, type NdpOption } from "./ndp.ts";

const s = (count: number) => count as Seconds;

test("whatever message goes in comes out again", () => {
  fc.assert(fc.property(arbitraryMessage(), (message) => assert.deepEqual(decodeNdp(encodeNdp(message)), message)));
});

test("[WRA-3] any octets decode or are refused with a WireError, and what was decoded says the same after another round", () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc
      .tuple(fc.integer({ min: 133, max: 137 }), fc.uint8Array({ maxLength: 120 }))
      .map(([type, rest]) => Uint8Array.of(type, 0, 0, 0, ...rest)),
    fc.tuple(arbitraryMessage(), fc.nat(), fc.integer({ min: 0, max: 255 })).map(([message, at, octet]) => {
      const bytes = encodeNdp(message);
      bytes[at % bytes.length] = octet;
      return bytes;
    }),
    fc.tuple(arbitraryMessage(), fc.nat()).map(([message, length]) => {
      const bytes = encodeNdp(message);
      return bytes.subarray(0, length % bytes.length);
    }),
  );
  fc.assert(
    fc.property(anything, (bytes) => {
      const message = decodedOrRefused(bytes);
      if (message) assert.deepEqual(decodeNdp(encodeNdp(message)), message);
    }),
    { numRuns: 2000 },
  );
});

function decodedOrRefused(bytes: Uint8Array): NdpMessage | undefined {
  try {
    return decodeNdp(bytes);
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return undefined;
  }
}

function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

function arbitraryMessage(): fc.Arbitrary<NdpMessage> {
  const options = fc.array(arbitraryOption(), { maxLength: 6 });
  const uint32 = fc.integer({ min: 0, max: 0xffffffff });
  const flag = fc.boolean();
  return fc.oneof(
    record({ kind: fc.constant("router-solicitation" as const), options }),
    record({
      kind: fc.constant("router-advertisement" as const),
      hopLimit: fc.integer({ min: 0, max: 255 }),
      managed: flag,
      other: flag,
      preference: arbitraryPreference(),
      routerLifetime: fc.integer({ min: 0, max: 0xffff }).map(s),
      reachableTime: uint32,
      retransTimer: uint32,
      options,
    }),
    record({ kind: fc.constant("neighbor-solicitation" as const), target: arbitraryAddress(), options }),
    record({
      kind: fc.constant("neighbor-advertisement" as const),
      router: flag,
      solicited: flag,
      override: flag,
      target: arbitraryAddress(),
      options,
    }),
    record({ kind: fc.constant("redirect" as const), target: arbitraryAddress(), destination: arbitraryAddress(), options }),
  );
}

function arbitraryOption(): fc.Arbitrary<NdpOption> {
  const lifetime = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 0xfffffffe, 0xffffffff)).map(s);
  const somePrefix = fc.tuple(arbitraryAddress(), fc.integer({ min: 0, max: 128 })).map(([address, length]) => prefixOf(address, length));
  const nat64 = fc.tuple(arbitraryAddress(), fc.constantFrom(32, 40, 48, 56, 64, 96)).map(([address, length]) => prefixOf(address, length));
  const hardware = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macFromBytes(bytes));
  const name = fc.constantFrom("home.arpa", "a", "starlink.com", "x-1._udp.example", "y".repeat(63));
  return fc.oneof(
    record({ kind: fc.constantFrom("source-link-layer-address" as const, "target-link-layer-address" as const), mac: hardware }),
    arbitraryPrefixInformation(lifetime),
    record({ kind: fc.constant("redirected-header" as const), packet: filled(fc.integer({ min: 0, max: 4 }).map((n) => 8 * n)) }),
    record({ kind: fc.constant("mtu" as const), mtu: fc.integer({ min: 0, max: 0xffffffff }) }),
    record({ kind: fc.constant("nonce" as const), nonce: filled(fc.constantFrom(6, 14)) }),
    record({ kind: fc.constant("route-information" as const), prefix: somePrefix, preference: arbitraryPreference(), lifetime }),
    record({ kind: fc.constant("rdnss" as const), addresses: fc.array(arbitraryAddress(), { minLength: 1, maxLength: 4 }), lifetime }),
    record({ kind: fc.constant("dnssl" as const), domains: fc.array(name, { minLength: 1, maxLength: 4 }), lifetime }),
    record({ kind: fc.constant("captive-portal" as const), uri: fc.webUrl().filter((uri) => uri.length < 200) }),
    record({ kind: fc.constant("pref64" as const), prefix: nat64, lifetime: fc.integer({ min: 0, max: 8191 }).map((n) => s(8 * n)) }),
    record({ kind: fc.constant("unknown" as const), type: fc.constantFrom(0, 26, 39, 253, 255), content: filled(fc.constantFrom(6, 14)) }),
  );
}

function arbitraryPrefixInformation(lifetime: fc.Arbitrary<Seconds>): fc.Arbitrary<NdpOption> {
  const fields = fc.record({
    address: arbitraryAddress(),
    length: fc.integer({ min: 0, max: 128 }),
    onLink: fc.boolean(),
    autonomous: fc.boolean(),
    ofRouter: fc.boolean(),
    delegatePreferred: fc.boolean(),
    valid: lifetime,
    preferred: lifetime,
  });
  return fields.map(({ address, length, onLink, autonomous, ofRouter, delegatePreferred, valid, preferred }) => ({
    kind: "prefix-information",
    prefix: prefixOf(address, length),
    onLink,
    autonomous,
    ...(ofRouter && { routerAddress: address }),
    ...(delegatePreferred && { delegatePreferred }),
    valid,
    preferred,
  }));
}

function arbitraryAddress(): fc.Arbitrary<Ip6> {
  return fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map(ip6FromBigInt);
}

function arbitraryPreference(): fc.Arbitrary<"high" | "medium" | "low"> {
  return fc.constantFrom("high", "medium", "low");
}

function filled(length: fc.Arbitrary<number>): fc.Arbitrary<Uint8Array> {
  return length.chain((count) => fc.uint8Array({ minLength: count, maxLength: count }));
}
