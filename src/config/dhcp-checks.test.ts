import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "./config-error.ts";
import { defaultPool } from "./dhcp-pool.ts";
import { parseLanIpv4 } from "./lan-ipv4.ts";
import { parseConfig } from "./parse-config.ts";

const HOME = `[wan]\ninterface = "eth8"\nipv4 = "dhcp"\n[lan.home]\ninterface = "eth0"\n`;

/** "line text" of each problem. */
function told(text: string): readonly string[] {
  try {
    parseConfig(text, "skylan.toml");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map((problem) => `${problem.line} ${problem.text}`);
  }
  return [];
}

const withPool = (pool: string, home = HOME): readonly string[] => told(`${home}[lan.home.dhcp]\npool = "${pool}"\n`);

test("a LAN with IPv4 gets a pool, unless the owner does not want it", () => {
  const { lans } = parseConfig(
    `${HOME}[lan.guest]\ninterface = "eth1"\ndhcp.enabled = false\n[lan.iot]\ninterface = "eth2"\nipv4 = "off"`,
    "x",
  );
  assert.deepEqual(
    lans.map(({ dhcp }) => dhcp),
    [{ pool: { first: "192.168.1.100", last: "192.168.1.249" }, lease: 43_200 }, undefined, undefined],
  );
});

test("the usual pool leaves the lower part of every network to the owner, and is never larger than can be remembered", () => {
  const pool = (text: string): string => Object.values(defaultPool(parseLanIpv4(text)!)).join(" ");
  assert.deepEqual(
    ["10.7.0.1/8", "10.7.0.1/16", "192.168.0.1/23", "192.168.1.1/25", "192.168.1.1/28", "192.168.1.1/29", "192.168.1.1/30"].map(pool),
    [
      "10.100.0.0 10.100.255.255",
      "10.7.100.0 10.7.249.255",
      "192.168.0.200 192.168.1.243",
      "192.168.1.50 192.168.1.124",
      "192.168.1.6 192.168.1.14",
      "192.168.1.3 192.168.1.6",
      "192.168.1.1 192.168.1.2",
    ],
  );
});

test("a pool lies within its LAN's network and leaves the router its address", () => {
  const instead = `write "192.168.1.100-192.168.1.249", or leave this key out`;
  assert.deepEqual(withPool("192.168.1.2-192.168.1.254"), []);
  assert.deepEqual(withPool("192.168.2.2-192.168.2.9"), [`7 the pool is not within 192.168.1.0/24, this LAN's network; ${instead}`]);
  assert.deepEqual(withPool("192.168.1.200-192.168.2.9"), [`7 the pool is not within 192.168.1.0/24, this LAN's network; ${instead}`]);
  assert.deepEqual(withPool("192.168.1.1-192.168.1.9"), [`7 the router's own address 192.168.1.1 is in the pool; ${instead}`]);
  assert.deepEqual(withPool("192.168.1.9-192.168.1.255"), [`7 no device can have 192.168.1.255, an end of 192.168.1.0/24; ${instead}`]);
  assert.match(withPool("192.168.1.9-192.168.1.2")[0]!, /^7 pool must be two addresses joined by "-"/);
  assert.match(withPool("192.168.1.9")[0]!, /^7 pool must be two addresses joined by "-"/);
  assert.deepEqual(withPool("192.168.1.2-192.168.1.9", HOME.replace(`ipv4 = "dhcp"\n`, "")), [
    `6 [lan.home] has no IPv4; write ipv4 = "dhcp" in [wan], or leave this key out`,
  ]);
  const large = HOME.replace("[lan.home]", `[lan.home]\nipv4 = "10.0.0.1/8"`);
  assert.match(withPool("10.1.0.0-10.2.0.0", large)[0]!, /^8 a pool has at most 65536 addresses; write "10\.100\.0\.0-10\.100\.255\.255"/);
});

test("a lease lasts from two minutes to a year", () => {
  assert.match(told(`${HOME}[lan.home.dhcp]\nlease = 60`)[0]!, /^7 lease must be a whole number of seconds from 120 to 31536000, not 60/);
});

test("a reservation is in the network of a LAN and not the router's", () => {
  const reserved = (address: string): readonly string[] => told(`${HOME}[device.tv]\nmac = "02:00:00:00:00:01"\nipv4 = "${address}"`);
  assert.deepEqual(reserved("192.168.1.120"), []);
  assert.deepEqual(reserved("192.168.9.9"), ["8 192.168.9.9 is in no LAN's network; write an address in 192.168.1.0/24 of [lan.home]"]);
  assert.deepEqual(reserved("192.168.1.1"), [
    "8 192.168.1.1 is the router's own address in [lan.home]; write another one in 192.168.1.0/24",
  ]);
  assert.deepEqual(reserved("192.168.1.0"), ["8 no device can have 192.168.1.0, an end of 192.168.1.0/24; write another one in it"]);
  assert.deepEqual(told(`[wan]\ninterface = "a"\n[lan.l]\ninterface = "b"\n[device.tv]\nmac = "02:00:00:00:00:01"\nipv4 = "10.0.0.9"`), [
    `7 no LAN has IPv4; write ipv4 = "dhcp" in [wan], or leave this key out`,
  ]);
});

test("what belongs to one device belongs to no other", () => {
  const first = `[device.tv]\nmac = "02:00:00:00:00:01"\nclient_id = "0102"\nduid = "00030001020304"\nipv4 = "192.168.1.9"\n`;
  const second = `[device.pi]\nmac = "02-00-00-00-00-01"\nclient_id = "01:02"\nduid = "00:03:00:01:02:03:04"\nipv4 = "192.168.1.9"\n`;
  assert.deepEqual(told(HOME + first + second), [
    `12 "02-00-00-00-00-01" belongs to [device.tv] already; each device needs its own`,
    `13 "01:02" belongs to [device.tv] already; each device needs its own`,
    `14 "00:03:00:01:02:03:04" belongs to [device.tv] already; each device needs its own`,
    `15 "192.168.1.9" belongs to [device.tv] already; each device needs its own`,
  ]);
  assert.match(told(HOME + first + first)[0]!, /^11 this is no TOML/);
});

test("a device has a name that DNS can hold and that means nothing else, and something by which it is known", () => {
  const named = (name: string): string | undefined => told(`${HOME}[device.${name}]\nmac = "02:00:00:00:00:01"`)[0];
  for (const name of ["tv", "living-room-tv", "9"]) assert.equal(named(name), undefined, name);
  for (const name of ["TV", "living_room", "-tv", "tv-", `"a.b"`, `""`, "x".repeat(64)])
    assert.match(named(name)!, /can't be the name of a device/, name);
  for (const name of ["wpad", "localhost", "isatap"]) assert.match(named(name)!, /has a meaning of its own/, name);
  assert.deepEqual(told(`${HOME}[device.tv]\n`), [
    `6 nothing tells which device this is; write mac = "b8:27:eb:12:34:56", client_id or duid`,
  ]);
  assert.match(told(`${HOME}[device.tv]\nmac = "nonsense"`)[0]!, /^7 mac must be a MAC address, not "nonsense"/);
  assert.match(told(`${HOME}[device.tv]\nmak = "02:00:00:00:00:01"`).at(-1)!, /has no key "mak"; did you mean "mac"/);
});
