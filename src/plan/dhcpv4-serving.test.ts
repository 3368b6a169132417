import assert from "node:assert/strict";
import { test } from "node:test";
import { factsOf, leased, NOW, WAN } from "../../test/fixtures/home-facts.ts";
import { parseConfig } from "../config/parse-config.ts";
import { plan } from "./plan.ts";

const HOME = `[wan]\ninterface = "${WAN}"\nipv4 = "dhcp"\n[lan.home]\ninterface = "eth0"\n`;
const served = (text: string, dhcpv4: ReturnType<typeof leased> | undefined = leased()) =>
  plan(parseConfig(text, "test.toml"), factsOf({ dhcpv4 }), NOW).dhcpv4;

test("devices of a LAN with IPv4 are given its pool, and the provider's resolvers as long as this box resolves no names", () => {
  const { eth0 } = served(HOME);
  assert.deepEqual([eth0?.router, eth0?.network, eth0?.lease], ["192.168.1.1", "192.168.1.0/24", 43_200]);
  assert.deepEqual(eth0?.pool, { first: "192.168.1.100", last: "192.168.1.249" });
  assert.deepEqual([eth0?.resolvers, eth0?.domain], [leased().lease?.resolvers, undefined]);
  const named = served(`${HOME}[dns]\nenabled = true\n`).eth0;
  assert.deepEqual([named?.resolvers, named?.domain], [["192.168.1.1"], "home.arpa"]);
});

test("a LAN is served before the provider has leased anything, and not where the owner does not want it", () => {
  assert.deepEqual(served(HOME, undefined).eth0?.pool, { first: "192.168.1.100", last: "192.168.1.249" });
  assert.deepEqual(served(`${HOME}dhcp.enabled = false\n`), {});
  assert.deepEqual(served(`${HOME}ipv4 = "off"\n`), {});
  assert.deepEqual(served(HOME.replace(`ipv4 = "dhcp"`, "")), {});
});

test("a reserved address counts on the LAN to which it belongs, the device's name on all", () => {
  const guest = `[lan.guest]\ninterface = "eth1"\n[device.tv]\nmac = "02:00:00:00:00:01"\nipv4 = "192.168.2.9"\n`;
  const { eth0, eth1 } = served(HOME + guest);
  assert.deepEqual(eth0?.reservations, [{ name: "tv", mac: "02:00:00:00:00:01" }]);
  assert.deepEqual(eth1?.reservations, [{ name: "tv", mac: "02:00:00:00:00:01", address: "192.168.2.9" }]);
  assert.ok(eth0?.reservedNames.includes("tv"));
});
