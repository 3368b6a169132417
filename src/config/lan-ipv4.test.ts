import assert from "node:assert/strict";
import { test } from "node:test";
import { freeLanIpv4, type LanIpv4, parseLanIpv4 } from "./lan-ipv4.ts";

test("a LAN's IPv4 address is a host's in a private network", () => {
  assert.deepEqual(parseLanIpv4("192.168.1.1/24"), { address: "192.168.1.1", network: "192.168.1.0/24" });
  for (const text of ["192.168.1.0/24", "192.168.1.255/24", "192.168.1.1", "192.168.1.1/31", "10.1.1.1/7", "100.64.0.1/24", "8.8.8.8/24"]) {
    assert.equal(parseLanIpv4(text), undefined, text);
  }
});

test("LANs without a network of their own get the free ones in turn, never the dish's, also when there are many", () => {
  const taken: LanIpv4[] = [parseLanIpv4("192.168.0.1/23")!];
  for (let count = 0; count < 256; count++) taken.push(freeLanIpv4(taken));
  assert.deepEqual(
    taken.slice(1, 3).map(({ address }) => address),
    ["192.168.2.1", "192.168.3.1"],
  );
  assert.ok(!taken.some(({ network }) => network === "192.168.100.0/24"));
  assert.equal(new Set(taken.map(({ network }) => network)).size, 257);
});
