import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Duid } from "../addr/duid.ts";
import { type ClientServerMessage, decodeDhcpv6, encodeDhcpv6, optionOf } from "./dhcpv6.ts";
import { encodeAuthenticated, isAuthentic, rkapKey, rkapOf } from "./dhcpv6-auth.ts";

const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);
const RECONFIGURE: ClientServerMessage = {
  kind: "reconfigure",
  transactionId: 0,
  options: [
    { kind: "server-id", duid: "0003000100005e000101" as Duid },
    { kind: "reconfigure-message", messageType: 5 },
  ],
};

test("the digest is the HMAC-MD5 over the message with the digest zeroed", () => {
  const bytes = encodeAuthenticated(RECONFIGURE, KEY, 7n);
  const hex = (octets: Uint8Array) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
  const head = "0a000000" + "0002000a0003000100005e000101" + "0013000105" + "000b001c" + "030100" + "0000000000000007" + "02";
  assert.equal(hex(bytes.subarray(0, -16)), head);
  // openssl dgst -md5 -mac HMAC -macopt hexkey:000102030405060708090a0b0c0d0e0f over the octets above and 16 zeros
  assert.equal(hex(bytes.subarray(-16)), "ce19a50552ccb47101340c4334abcc32");
});

test("a message is authentic with its key only, and with no octet changed", () => {
  const bytes = encodeAuthenticated(RECONFIGURE, KEY, 7n);
  assert.ok(isAuthentic(bytes, KEY));
  assert.ok(
    !isAuthentic(
      bytes,
      KEY.map((octet) => octet ^ 1),
    ),
  );
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const other = bytes.slice();
      other[at] = other[at]! ^ change;
      assert.ok(!isAuthentic(other, KEY));
    }),
  );
});

test("a message without a digest is not authentic", () => {
  assert.ok(!isAuthentic(encodeDhcpv6(RECONFIGURE), KEY));
  const short = { kind: "auth", protocol: 3, algorithm: 1, rdm: 0, replay: 7n, information: Uint8Array.of(2) } as const;
  assert.ok(!isAuthentic(encodeDhcpv6({ ...RECONFIGURE, options: [short] }), KEY));
});

test("key and digest are told apart; other protocols, algorithms, methods and lengths are neither", () => {
  const key = rkapKey(KEY, 1n);
  assert.deepEqual(rkapOf(key), { kind: "key", value: KEY, replay: 1n });
  const message = decodeDhcpv6(encodeAuthenticated(RECONFIGURE, KEY, 2n));
  assert.equal(rkapOf(optionOf(message, "auth")!)?.kind, "digest");
  for (const other of [{ protocol: 2 }, { algorithm: 2 }, { rdm: 1 }, { information: KEY }, { information: new Uint8Array(17) }]) {
    assert.equal(rkapOf({ ...key, ...other }), undefined);
  }
});
