import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../addr/ip.ts";
import type { Seconds } from "../addr/time.ts";
import { formatKea4Config, formatKeaConfig, formatRadvdConfig, leasedPrefixes } from "./kea-config.ts";
import { STARLINK } from "./provider-profile.ts";

test("radvd advertises Starlink's flags, prefix and lifetimes", () => {
  const text = formatRadvdConfig("customer", STARLINK.advertising);
  assert.match(text, /^interface customer \{\n/);
  assert.match(text, /AdvManagedFlag off;\n {2}AdvOtherConfigFlag on;/);
  assert.match(text, /prefix 2605:59c8:1:8a00::\/64 \{ AdvValidLifetime 300; AdvPreferredLifetime 150; \};/);
  assert.match(text, /AdvDefaultLifetime 300;/);
  assert.doesNotMatch(text, /RDNSS|AdvLinkMTU/);
});

test("radvd advertises resolvers and an MTU when the provider has them", () => {
  const text = formatRadvdConfig("customer", { ...STARLINK.advertising, mtu: 1400, resolvers: [ip6("2a0d:7f00:1::53")] });
  assert.match(text, /AdvLinkMTU 1400;/);
  assert.match(text, /RDNSS 2a0d:7f00:1::53 \{ \};/);
});

test("Kea delegates out of the profile's pool and leaves timers of 0 to the client", () => {
  const { Dhcp6: config } = JSON.parse(formatKeaConfig("customer", STARLINK, "/leases.csv")) as { Dhcp6: Record<string, unknown> };
  assert.deepEqual(config["subnet6"], [
    {
      id: 1,
      subnet: "2605:59c8:1:8a00::/64",
      interface: "customer",
      "pd-pools": [{ prefix: "2605:59c8:1200::", "prefix-len": 40, "delegated-len": 56 }],
      pools: [],
    },
  ]);
  assert.equal(config["valid-lifetime"], 300);
  assert.equal("renew-timer" in config, false);
});

test("Kea leases IPv4 for the profile's time, out of its network and by way of its router", () => {
  const { Dhcp4: config } = JSON.parse(formatKea4Config("customer", STARLINK, "/leases.csv")) as { Dhcp4: Record<string, unknown> };
  assert.equal(config["valid-lifetime"], 300);
  assert.deepEqual(config["subnet4"], [
    {
      id: 1,
      subnet: "100.64.0.0/10",
      interface: "customer",
      pools: [{ pool: "100.64.0.9 - 100.64.0.250" }],
      "option-data": [
        { name: "routers", data: "100.64.0.1" },
        { name: "domain-name-servers", data: "1.1.1.1, 8.8.8.8" },
      ],
    },
  ]);
});

test("Kea is told the timers that the profile has", () => {
  const profile = { ...STARLINK, dhcpv6: { ...STARLINK.dhcpv6, t1: 50 as Seconds, t2: 80 as Seconds } };
  const { Dhcp6: config } = JSON.parse(formatKeaConfig("customer", profile, "/leases.csv")) as { Dhcp6: Record<string, unknown> };
  assert.equal(config["renew-timer"], 50);
  assert.equal(config["rebind-timer"], 80);
});

const HEADER = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd";
const row = (address: string, valid: number, expire: number, type = 2): string =>
  `${address},00:04,${valid},${expire},1,150,${type},1,56,0`;

test("the lease file's later rows replace earlier ones", () => {
  const csv = [
    HEADER,
    row("2605:59c8:1200::", 300, 1300),
    row("2605:59c8:1200:100::", 300, 1300),
    row("2605:59c8:1200::", 0, 1000),
    "",
  ].join("\n");
  assert.deepEqual(leasedPrefixes(csv, 1000), ["2605:59c8:1200:100::/56"]);
});

test("a lease that has run out, and an address, are no delegated prefix", () => {
  const csv = [HEADER, row("2605:59c8:1200::", 300, 1300), row("2605:59c8:1:8a00::5", 300, 9000, 0)].join("\n");
  assert.deepEqual(leasedPrefixes(csv, 1299), ["2605:59c8:1200::/56"]);
  assert.deepEqual(leasedPrefixes(csv, 1300), []);
});
