import assert from "node:assert/strict";
import { test } from "node:test";
import { ip4, ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import type { DeviceAddressStatus, DeviceStatus } from "./devices.ts";
import { formatDevices } from "./devices-words.ts";

const at = "2026-11-23T22:16:02.000Z";
const seen = { lastSeen: at, current: true, silent: false } as const;

const addresses: readonly DeviceAddressStatus[] = [
  { address: ip6("fe80::216:3eff:fe11:2233"), scope: "link-local", nature: "mac-derived", evidence: "mac", ...seen },
  { address: ip6("2605:59c8:1200:0:216:3eff:fe11:2233"), scope: "global", nature: "mac-derived", evidence: "mac", ...seen },
  { address: ip4("192.168.1.3"), scope: "ipv4", nature: "stable", evidence: "lease", ...seen },
];
const camera: DeviceStatus = {
  name: "camera",
  nameFrom: "config",
  mac: mac("00:16:3e:11:22:33"),
  randomMac: false,
  vendor: "Xensource, Inc.",
  lan: "home",
  present: true,
  firstSeen: at,
  lastSeen: at,
  addresses,
  showsMac: true,
};
const phone: DeviceStatus = {
  mac: mac("06:00:00:00:00:07"),
  randomMac: true,
  lan: "guest",
  present: false,
  firstSeen: at,
  lastSeen: "2026-11-23T20:16:02.000Z",
  addresses: [
    { address: ip6("2605:59c8:1200:1::7"), scope: "global", nature: "temporary", evidence: "late", ...seen },
    { address: ip6("2605:59c8:9900:1::7"), scope: "global", nature: "stable", evidence: "alone", ...seen, current: false },
  ],
  showsMac: false,
};

test("a line for each device, its addresses below it, and what helps who shows its MAC address", () => {
  const lines = formatDevices({ at, devices: [camera, phone] }, { color: false }).split("\n");
  assert.deepEqual(lines.slice(0, 6), [
    "NAME    LAN    SEEN     PRIVACY        MAC ADDRESS        VENDOR",
    "camera  home   here     shows its MAC  00:16:3e:11:22:33  Xensource, Inc.",
    "    192.168.1.3                          leased by DHCP",
    "    2605:59c8:1200:0:216:3eff:fe11:2233  made from its MAC address",
    "    fe80::216:3eff:fe11:2233             only on its link, made from its MAC address",
    "-       guest  2 h ago  hidden         06:00:00:00:00:07  made up by it",
  ]);
  assert.equal(lines[6], "    2605:59c8:1200:1::7  temporary: taken beside another one");
  assert.match(lines.join("\n"), /camera shows its MAC address to everyone it speaks to/);
  assert.ok(
    lines.every((line) => line.length <= 96),
    lines.join("\n"),
  );
});

test("whoever calls from temporary addresses beside one made from its MAC address is half hidden", () => {
  const beside: DeviceAddressStatus = {
    address: ip6("2605:59c8:1200::bad"),
    scope: "global",
    nature: "temporary",
    evidence: "late",
    ...seen,
  };
  const page = formatDevices({ at, devices: [{ ...camera, addresses: [...addresses, beside] }] }, { color: false });
  assert.match(page, /^camera +home +here +half hidden /m);
  assert.match(page, /^half hidden: it calls/m);
  assert.doesNotMatch(page, /What helps/);
});

test("nothing to show, and nothing to repair, is said in one line", () => {
  assert.equal(formatDevices({ at, devices: [] }, { color: false }), "No device has been seen on the LANs yet.");
  assert.doesNotMatch(formatDevices({ at, devices: [phone] }, { color: false }), /What helps/);
});

test("what a device calls itself commands no terminal", () => {
  assert.ok(!formatDevices({ at, devices: [{ ...phone, name: "\u001b[31mred" }] }, { color: false }).includes("\u001b"));
});
