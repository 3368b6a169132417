/** Hosts that announce their addresses before anybody asks (RFC 9131). */
// Needs: python:scapy
import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithout, onlineHome } from "./home.ts";

/** An unsolicited neighbor advertisement to all routers, Override clear, as RFC 9131 6.1.2 wants it. */
const announce = (address: string): string => `
from scapy.all import *
conf.verb = 0
own = get_if_hwaddr("eth0")
frame = Ether(src=own, dst="33:33:00:00:00:02") / IPv6(src="${address}", dst="ff02::2", hlim=255)
sendp(frame / ICMPv6ND_NA(tgt="${address}", R=0, S=0, O=0) / ICMPv6NDOptDstLLAddr(lladdr=own), iface="eth0")
`;

test("[ROB-12] an unasked neighbor advertisement makes an entry, so that the first packet to a new host is not held up", {
  skip: skipWithout("tcpdump", "tshark", "ping"),
}, async () => {
  await using home = await onlineHome();
  const address = (await home.globalAddress("laptop")).replace(/[^:]+$/, "5e1f");
  await home.laptop.ip(`addr add ${address}/64 dev eth0 nodad`);
  const entry = async (): Promise<string> => home.gateway.exec("ip", "-6", "neigh", "show", address, "dev", "lan");
  assert.equal(await entry(), "");
  await home.laptop.exec("/usr/bin/python3", "-c", announce(address));
  await home.until(async () => (await entry()).includes("STALE"), { within: 5_000, what: "the gateway has an entry" });
  const { devices } = await home.skylan.devices();
  assert.ok(
    devices.some((device) => device.addresses.some((each) => each.address === address)),
    JSON.stringify(devices),
  );
  const capture = await home.capture("lan");
  await home.gateway.exec("ping", "-c", "1", "-W", "2", address);
  const packets = () => capture.packets(`ipv6.addr == ${address} or icmpv6.nd.ns.target_address == ${address}`, "icmpv6.type");
  await home.until(async () => (await packets()).length >= 2, { within: 5_000, what: "the ping is in the capture" });
  const [first] = await packets();
  assert.deepEqual(first, ["128"]);
});
