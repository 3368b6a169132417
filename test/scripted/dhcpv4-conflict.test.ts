/** An IPv4 address that is not ours alone: RFC 5227 towards the provider, and a lease that lies in a network of the home. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ip4, UNSPECIFIED4 } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import { createHome } from "../../src/lab/home.ts";
import type { ArpPacket } from "../../src/wire/arp.ts";
import { optionOf } from "../../src/wire/dhcpv4.ts";
import { EARLY, LATE } from "./client-manners.ts";
import { addressesOf, LEASED, PROVIDER, scriptedDhcpv4, type ScriptedDhcpv4, WITH_IPV4 } from "./scripted-dhcpv4.ts";

const OTHER = mac("02:00:00:00:99:01");
const NOBODY = mac("00:00:00:00:00:00");
const claim: ArpPacket = { operation: "request", senderMac: OTHER, sender: LEASED, targetMac: NOBODY, target: LEASED };

type Timed = ScriptedDhcpv4["arp"][number];
const isProbe = ({ packet }: Timed): boolean => packet.sender === UNSPECIFIED4 && packet.target === LEASED;
const isAnnouncement = ({ packet }: Timed): boolean => packet.sender === LEASED && packet.target === LEASED;

function assertBetween(value: number, least: number, most: number, what: string): void {
  assert.ok(value > least - EARLY && value < most + LATE, `${what}: ${value.toFixed(3)} s where ${least} to ${most} were expected`);
}

describe("an IPv4 address that others claim", { concurrency: true }, () => {
  test("[V4C-5] three probes and two announcements, then one defence in 10 s, and with a second claim the address is given up", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedDhcpv4(home);
    await home.startSkylan(WITH_IPV4);
    const leasedAt = await provider.lease();
    const announced = () => provider.arp.filter(isAnnouncement).length >= 2;
    await home.until(announced, { within: 20_000, what: "two announcements" });
    const probes = provider.arp.filter(isProbe).map(({ at }) => at);
    const [first, second] = provider.arp.filter(isAnnouncement).map(({ at }) => at);
    assert.equal(probes.length, 3);
    assertBetween(probes[0]! - leasedAt, 0, 1, "first probe");
    for (const i of [1, 2]) assertBetween(probes[i]! - probes[i - 1]!, 1, 2, "probes");
    assertBetween(first! - probes[2]!, 2, 2, "first announcement");
    assertBetween(second! - first!, 2, 2, "second announcement");
    const before = provider.arp.filter(isAnnouncement).length;
    provider.sendArp(claim);
    const defended = () => provider.arp.filter(isAnnouncement).length > before;
    await home.until(defended, { within: 2000, what: "the address is defended" });
    assert.deepEqual(await addressesOf(home), [LEASED]);
    provider.sendArp(claim);
    await provider.next("decline");
    await home.until(async () => (await addressesOf(home)).length === 0, { within: 2000, what: "the address is given up" });
    assert.equal(provider.arp.filter(isAnnouncement).length, before + 1);
  });

  test("[V4C-5] an answered probe leads to a DECLINE at once and to 10 s of waiting", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedDhcpv4(home);
    await home.startSkylan(WITH_IPV4);
    await provider.lease();
    await home.until(() => provider.arp.some(isProbe), { within: 5000, what: "the address is probed" });
    provider.sendArp({ operation: "reply", senderMac: OTHER, sender: LEASED, targetMac: NOBODY, target: UNSPECIFIED4 });
    const decline = await provider.next("decline", { within: 2000 });
    assert.deepEqual(
      [optionOf(decline.message, "requested-address")?.address, optionOf(decline.message, "server-id")?.address, decline.message.ciaddr],
      [LEASED, PROVIDER, UNSPECIFIED4],
    );
    const again = await provider.next("discover", { within: 15_000 });
    assertBetween(again.at - decline.at, 10, 10, "after the conflict");
    assert.deepEqual(await addressesOf(home), []);
    assert.equal(optionOf(again.message, "requested-address"), undefined);
  });

  test("[V4C-8] a lease out of a LAN's own network is not used, and the problem names the remedy", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedDhcpv4(home);
    await home.startSkylan(WITH_IPV4);
    provider.serve({
      yiaddr: ip4("192.168.1.57"),
      server: ip4("192.168.1.254"),
      options: [
        { kind: "subnet-mask", length: 24 },
        { kind: "routers", addresses: [ip4("192.168.1.254")] },
      ],
    });
    const problems = async () => (await home.status()).problems.find(({ name }) => name === "ipv4.overlap");
    const problem = (await home.until(problems, { within: 10_000, what: "the overlap is reported" }))!;
    assert.match(problem.text, /192\.168\.1\.57.*192\.168\.1\.0\/24/);
    assert.match(problem.remedy, /ipv4 = /);
    assert.deepEqual(await addressesOf(home), []);
    assert.equal(await home.gateway.exec("ip", "-4", "route", "show", "dev", "wan"), "");
    assert.match(await home.gateway.exec("ip", "-4", "route", "show", "dev", "lan"), /192\.168\.1\.0\/24/);
  });
});
