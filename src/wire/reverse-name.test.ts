import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip4, ip4FromBytes, ip6, ip6FromBytes } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { prefix4 } from "../addr/prefix4.ts";
import { addressOfReverse, networkOfReverse, reverseName, reverseZone } from "./reverse-name.ts";

test("the names of RFC 1035 3.5 and RFC 3596 2.5", () => {
  assert.equal(reverseName(ip4("10.2.0.52")), "52.0.2.10.in-addr.arpa");
  assert.equal(reverseName(ip6("4321:0:1:2:3:4:567:89ab")), "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa");
});

test("every address comes back from its name", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      for (const address of [ip6FromBytes(bytes), ip4FromBytes(bytes)]) assert.equal(addressOfReverse(reverseName(address)), address);
    }),
  );
});

test("a part of a name is a network, and a network has its zone", () => {
  assert.equal(networkOfReverse("168.192.in-addr.arpa"), "192.168.0.0/16");
  assert.equal(networkOfReverse("d.f.ip6.arpa"), "fd00::/8");
  assert.equal(networkOfReverse("ip6.arpa"), "::/0");
  assert.equal(reverseZone(prefix("fd12:3456:789a::/48")), "a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa");
  assert.equal(reverseZone(prefix4("192.168.1.0/24")), "1.168.192.in-addr.arpa");
});

test("what is no such name is none", () => {
  for (const name of [
    "",
    "example.com",
    "256.1.1.1.in-addr.arpa",
    "01.1.1.1.in-addr.arpa",
    "1.2.3.4.5.in-addr.arpa",
    "g.ip6.arpa",
    "xin-addr.arpa",
  ]) {
    assert.equal(networkOfReverse(name), undefined, name);
  }
});
