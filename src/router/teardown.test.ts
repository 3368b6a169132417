import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "../diff/change.ts";
import { mac } from "../addr/mac.ts";
import { carriedAlong, NOTHING_FORMER, recordFormer } from "./former.ts";
import { obedientLinks } from "./teardown.ts";

test("routers are asked on links whose kernel obeyed them before, and not where it did not, or where the link was down", () => {
  const sysctls = {
    "net/ipv6/conf/wan/accept_ra": "1",
    "net/ipv6/conf/lan/accept_ra": "0",
    "net/ipv6/conf/guest/accept_ra": "2",
    "net/ipv6/conf/wan/autoconf": "1",
  };
  assert.deepEqual(obedientLinks({ sysctls, down: ["guest"] }), ["wan"]);
  assert.deepEqual(obedientLinks(NOTHING_FORMER), []);
});

test("forwarding for the whole box carries along each interface, and the first value of each is what counts", () => {
  const all: Change = { kind: "sysctl", path: "net/ipv6/conf/all/forwarding", from: "0", to: "1" };
  const tunnel = { index: 3, name: "tunnel", mac: mac("02:00:00:00:00:01"), mtu: 1500, up: true, carrier: true, carrierLosses: 0 };
  const [byDefault, byTunnel] = carriedAlong([all], [tunnel]) as [string, string];
  assert.deepEqual([byDefault, byTunnel], ["net/ipv6/conf/default/forwarding", "net/ipv6/conf/tunnel/forwarding"]);
  assert.deepEqual(carriedAlong([{ ...all, path: "net/ipv6/conf/wan/accept_ra" }], [tunnel]), []);
  const former = recordFormer(NOTHING_FORMER, [all], { [byTunnel]: "1" });
  assert.deepEqual(former.sysctls, { [all.path]: "0", [byTunnel]: "1" });
  assert.equal(recordFormer(former, [all], { [byTunnel]: "0" }), former);
});
