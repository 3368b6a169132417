/** The invariants of every capture, over a home's first minute on both links: cold start, plug out, restart. */
// Needs: radvd, kea-dhcp6, tcpdump, tshark
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { mac } from "../../src/addr/mac.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { decodeCapture } from "../../src/wire/pcap.ts";
import { assertCleanCaptures, checksumOffloadOff, type LinkCapture } from "./captures.ts";

async function linkCapture(home: Home, name: string): Promise<LinkCapture & { stop(): Promise<void> }> {
  const capture = await home.capture(name);
  await home.gateway.exec(...checksumOffloadOff(name));
  const own = mac((await home.gateway.exec("cat", `/sys/class/net/${name}/address`)).trim());
  return { name, role: name === "wan" ? "wan" : "lan", file: capture.path, ours: [own], stop: () => capture.stop() };
}

for (const isp of ["embedded", "kea"] as const) {
  test(`a home that starts, is unplugged, and starts again leaves clean captures on WAN and LAN (provider: ${isp})`, async () => {
    await using home = await createHome({ isp });
    const captures = [await linkCapture(home, "wan"), await linkCapture(home, "lan")];
    await home.startSkylan();
    await home.globalAddress("laptop");
    await home.cutWan();
    await sleep(1000);
    await home.mendWan();
    await sleep(4000);
    await home.skylan.stop();
    await home.startSkylan();
    await sleep(5000);
    await Promise.all(captures.map((capture) => capture.stop()));
    for (const { file, name } of captures) assert.ok(decodeCapture(readFileSync(file)).length > 10, `${name} is nearly empty`);
    assertCleanCaptures(captures);
  });
}
