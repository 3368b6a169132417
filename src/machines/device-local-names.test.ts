import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ip4, ip6, type Ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { prefix } from "../addr/prefix.ts";
import { prefix4 } from "../addr/prefix4.ts";
import { after, type Instant, instant, milliseconds, NEVER, seconds } from "../addr/time.ts";
import { Devices } from "./devices.ts";
import type { HomeLan } from "./home-lan.ts";

const START = instant(1_000_000);
const CAMERA = mac("00:16:3e:11:22:33");
const [OLD, NEW, LOCAL] = ["2605:59c8:1200::/64", "2605:59c8:7700::/64", "fd12:3456:789a::/64"].map(prefix) as [never, never, never];
/** Made from the MAC address. */
const derived = (network: string): Ip6 => ip6(network.replace("::/64", ":0:216:3eff:fe11:2233"));

function lanWith(...prefixes: HomeLan["prefixes"]): HomeLan {
  const ipv4 = { address: ip4("192.168.1.1"), network: prefix4("192.168.1.0/24") };
  const own = [
    { address: ip4("192.168.1.1"), preferredUntil: NEVER },
    { address: ip6("fd12:3456:789a::1"), preferredUntil: NEVER },
  ];
  return { link: "lan", mac: mac("02:00:00:00:00:01"), ipv4, own, prefixes };
}

const until = (network: typeof OLD, preferredUntil: Instant) => ({ prefix: network, preferredUntil });

function homeWithCamera(...prefixes: HomeLan["prefixes"]): Devices {
  const devices = new Devices({ named: [{ name: "camera", mac: CAMERA }], ownNames: ["box"] });
  devices.handle({ kind: "home", lans: [lanWith(...prefixes)] }, START);
  for (const { prefix: network } of prefixes) see(devices, derived(network), START);
  return devices;
}

function see(devices: Devices, address: Ip6, now: Instant): void {
  const news = { interface: "lan", address, mac: CAMERA, state: "reachable", confirmedAgo: milliseconds(0) } as const;
  devices.handle({ kind: "neighbors", neighbors: [news] }, now);
}

const six = (devices: Devices, now: Instant): readonly Ip6[] =>
  (devices.names.find("camera", now)?.ip6 ?? []).map(({ address }) => address);

describe("names and their addresses", () => {
  test("[DNS-14] a name has the stable addresses in preferred prefixes, with their ends", () => {
    const devices = homeWithCamera(until(OLD, after(START, seconds(150))), until(LOCAL, NEVER));
    see(devices, ip6("2605:59c8:1200::abcd"), START);
    assert.deepEqual(devices.names.find("camera", START)?.ip6, [
      { address: derived(OLD), preferredUntil: after(START, seconds(150)) },
      { address: derived(LOCAL), preferredUntil: NEVER },
    ]);
    assert.deepEqual(six(devices, after(START, seconds(151))), [derived(LOCAL)]);
  });

  test("[DNS-14] in the turn in which the prefix changes the name of a device with one identifier has its new address, and no longer the old one", () => {
    const devices = homeWithCamera(until(OLD, after(START, seconds(150))));
    const { revision } = devices;
    devices.handle({ kind: "home", lans: [lanWith(until(NEW, after(START, seconds(150))))] }, START);
    assert.deepEqual(six(devices, START), [derived(NEW)]);
    assert.notEqual(devices.revision, revision);
    assert.equal(devices.names.nameOf(derived(NEW)), "camera");
  });

  test("an address that was expected and does not come is given up after a minute, one that comes stays", () => {
    const devices = homeWithCamera(until(OLD, NEVER));
    devices.handle({ kind: "home", lans: [lanWith(until(NEW, NEVER))] }, START);
    for (let at = devices.wakeAt(); at !== undefined && at < after(START, seconds(120)); at = devices.wakeAt()) {
      devices.handle({ kind: "tick" }, at);
    }
    assert.deepEqual(six(devices, START), []);
    const other = homeWithCamera(until(OLD, NEVER));
    other.handle({ kind: "home", lans: [lanWith(until(NEW, NEVER))] }, START);
    see(other, derived(NEW), after(START, seconds(2)));
    for (let at = other.wakeAt(); at !== undefined && at < after(START, seconds(120)); at = other.wakeAt())
      other.handle({ kind: "tick" }, at);
    assert.deepEqual(six(other, START), [derived(NEW)]);
  });

  test("the router has its own names, which lead back to the first of them", () => {
    const devices = homeWithCamera(until(LOCAL, NEVER));
    for (const name of ["box", "router"]) assert.deepEqual(devices.names.find(name, START)?.ip4, [ip4("192.168.1.1")], name);
    assert.equal(devices.names.nameOf(ip6("fd12:3456:789a::1")), "box");
    assert.deepEqual(devices.names.networks, [LOCAL, prefix4("192.168.1.0/24")]);
  });

  test("an address that does not answer is left out while the device is there", () => {
    const devices = homeWithCamera(until(OLD, NEVER), until(LOCAL, NEVER));
    const failed = { interface: "lan", address: derived(OLD), state: "failed", confirmedAgo: milliseconds(0) } as const;
    devices.handle({ kind: "neighbors", neighbors: [failed] }, START);
    assert.deepEqual(six(devices, START), [derived(LOCAL)]);
  });
});
