/** Who is at home: devices by what they do on the wire, with their names and the nature of their addresses. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DeviceStatus } from "../../src/api/devices.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import { startDhclient } from "../fixtures/dhcpv6-clients.ts";
import { announceName, comeAnew, comeBack } from "../fixtures/host-identity.ts";
import { onlineHome, skipWithout } from "./home.ts";

/** The host as skylan knows it. */
async function deviceOf(home: Home, host: string): Promise<DeviceStatus | undefined> {
  const mac = (await home.host(host).exec("cat", "/sys/class/net/eth0/address")).trim();
  const { devices } = await home.skylan.devices();
  return devices.find((device) => device.mac === mac);
}

/** Global addresses with what is known of each. */
const globalsOf = (device: DeviceStatus | undefined): readonly DeviceStatus["addresses"][number][] =>
  (device?.addresses ?? []).filter(({ scope, current, silent }) => scope === "global" && current && !silent);

async function deviceWhere(
  home: Home,
  host: string,
  is: (device: DeviceStatus) => boolean,
  { within, what }: { readonly within: number; readonly what: string },
): Promise<DeviceStatus> {
  const wanted = async (): Promise<DeviceStatus | undefined> => {
    const device = await deviceOf(home, host);
    return device && is(device) ? device : undefined;
  };
  return (await home.until(wanted, { within, what, dump: async () => JSON.stringify(await deviceOf(home, host), null, 1) }))!;
}

describe("devices", { concurrency: 4 }, () => {
  test("whoever speaks through the router is in the list with its addresses, also after a restart", async () => {
    await using home = await onlineHome();
    const address = await home.globalAddress("laptop");
    await home.laptop.attempt("ping", "-c", "1", "-I", address, NET_ADDRESS);
    const knows = (device: DeviceStatus): boolean => device.present && globalsOf(device).some((each) => each.address === address);
    const before = await deviceWhere(home, "laptop", knows, { within: 10_000, what: "the laptop is known" });
    const { devices } = await home.status();
    assert.ok(devices.present >= 1, JSON.stringify(devices));
    assert.match((await home.runSkylan("status")).stdout, /at home/);
    await home.skylan.stop();
    await home.startSkylan();
    const after = await deviceWhere(home, "laptop", knows, { within: 10_000, what: "the laptop is still known" });
    assert.ok(Date.parse(after.firstSeen) >= Date.parse(before.firstSeen) - 1000);
  });

  test("a host that makes addresses from its MAC address is shown to give it away, with what helps", async () => {
    await using home = await onlineHome();
    await comeAnew(home, "camera", { identifiers: "eui64", temporary: false });
    const device = await deviceWhere(home, "camera", ({ showsMac }) => showsMac, { within: 10_000, what: "the camera shows its MAC" });
    assert.deepEqual(
      globalsOf(device).map(({ nature, evidence }) => [nature, evidence]),
      [["mac-derived", "mac"]],
    );
    const { stdout } = await home.runSkylan("devices");
    assert.match(stdout, /shows its MAC/);
    assert.match(stdout, /nmcli connection modify/);
  });

  test("a host without temporary addresses probes for one: it is stable, and hides the MAC address", async () => {
    await using home = await createHome();
    await comeAnew(home, "camera", { identifiers: "opaque", temporary: false });
    await home.startSkylan();
    const settled = (device: DeviceStatus): boolean => globalsOf(device).some(({ nature }) => nature === "stable");
    const device = await deviceWhere(home, "camera", settled, { within: 40_000, what: "the camera's address is judged" });
    assert.deepEqual(
      globalsOf(device).map(({ nature, evidence }) => [nature, evidence]),
      [["stable", "alone"]],
    );
    assert.equal(device.showsMac, false);
  });

  test("a host says its name by multicast DNS; of its two addresses the one with which it comes back is stable, and the other temporary", {
    skip: skipWithout("avahi-daemon"),
  }, async () => {
    await using home = await createHome();
    await comeAnew(home, "laptop", { identifiers: "opaque", temporary: true });
    announceName(home, "laptop", "Annas-Laptop");
    await home.startSkylan();
    const both = (device: DeviceStatus): boolean => globalsOf(device).length === 2 && device.name !== undefined;
    const first = await deviceWhere(home, "laptop", both, { within: 30_000, what: "both addresses and the name are known" });
    assert.deepEqual([first.name, first.nameFrom], ["annas-laptop", "mdns"]);
    assert.deepEqual(new Set(globalsOf(first).map(({ nature }) => nature)), new Set(["unknown"]));
    const isOld = (): boolean => Date.now() - Date.parse(first.firstSeen) > 16_000;
    await home.until(isOld, { within: 20_000, what: "the laptop has been there for a while" });
    await comeBack(home, "laptop");
    const judged = (device: DeviceStatus): boolean => globalsOf(device).every(({ nature }) => nature !== "unknown");
    const device = await deviceWhere(home, "laptop", judged, { within: 40_000, what: "both addresses are judged" });
    const hostKnows = await home.addresses("laptop");
    assert.equal(hostKnows.length, 2);
    for (const { address, temporary } of hostKnows) {
      const { nature } = globalsOf(device).find((each) => each.address === address)!;
      assert.equal(nature, temporary ? "temporary" : "stable", JSON.stringify(device));
    }
  });

  test("an address that DHCPv6 has leased is stable, whoever has asked for it", { skip: skipWithout("dhclient") }, async () => {
    await using home = await createHome();
    await home.startSkylan({ lan: { home: { "dhcpv6.addresses": true } } });
    await startDhclient(home.camera, "-N");
    const leased = (device: DeviceStatus): boolean => globalsOf(device).some(({ evidence }) => evidence === "lease");
    const device = await deviceWhere(home, "camera", leased, { within: 30_000, what: "the camera has a lease" });
    const { address, nature } = globalsOf(device).find(({ evidence }) => evidence === "lease")!;
    assert.equal(nature, "stable");
    const isOwn = async (): Promise<boolean> => (await home.camera.exec("ip", "-6", "addr")).includes(`${address}/128`);
    await home.until(isOwn, { within: 5000, what: `the camera has ${address}` });
  });

  test("a host that says nothing of itself is asked for its name once", { skip: skipWithout("avahi-daemon") }, async () => {
    await using home = await onlineHome();
    announceName(home, "camera", "door");
    await home.until(async () => (await home.camera.attempt("pgrep", "-x", "avahi-daemon")).code === 0, {
      within: 5_000,
      what: "avahi runs",
    });
    const named = ({ name }: DeviceStatus): boolean => name === "door";
    await deviceWhere(home, "camera", named, { within: 90_000, what: "the camera has a name" });
  });
});
