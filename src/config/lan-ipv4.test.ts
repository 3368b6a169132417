import assert from "node:assert/strict";
import { test } from "node:test";
import { freeLanIpv4, parseLanIpv4 } from "./lan-ipv4.ts";

test("a LAN's IPv4 address is a host's in a private network", () => {
  assert.deepEqual(parseLanIpv4("192.168.1.1/24"), { address: "192.168.1.1", network: "192.168.1.0/24" });
  for (const text of ["192.168.1.0/24", "192.168.1.255/24", "192.168.1.1", "192.168.1.1/31", "10.1.1.1/7", "100.64.0.1/24", "8.8.8.8/24"]) {
    assert.equal(parseLanIpv4(text), undefined, text);
  }
});

test("LANs without a network of their own get the free ones in turn, never the dish's, and others when those have run out", () => {
  const next = (...texts: string[]): string => freeLanIpv4(texts.map((text) => parseLanIpv4(text)!)).address;
  assert.equal(next("192.168.0.1/23"), "192.168.2.1");
  assert.equal(next("192.168.0.1/23", "192.168.2.1/24"), "192.168.3.1");
  assert.equal(next("192.168.0.1/18", "192.168.64.1/19", "192.168.96.1/22"), "192.168.101.1", "100 is the dish's");
  assert.equal(next("192.168.0.1/16"), "10.0.0.1");
  assert.equal(next("192.168.0.1/16", "10.0.0.1/23"), "10.0.2.1");
});
