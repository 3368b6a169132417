/** Two of our own routers in a row: the inner one is served by the outer one as by a provider, and serves its own LAN (RFC 9818). */
// Needs: radvd, kea-dhcp6, ping
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import { type Skylan, startSkylan } from "../../src/lab/skylan-process.ts";

const LANS = [{ name: "home", interface: "lan", hosts: ["inner", "device"] }];
const INNER = `[wan]\ninterface = "eth0"\nprefix_hint = 64\n\n[lan.behind]\ninterface = "behind"\n`;

/** Makes a second skylan, in the LAN of the first, the router of one device. */
async function startBoth(home: Home): Promise<Skylan> {
  await home.host("device").ip("link set eth0 down");
  await home.host("inner").ip(`
    link add behind type veth peer name uplink netns ${home.host("device").pid}
    link set behind up`);
  await home.host("device").ip("link set uplink up");
  await home.startSkylan();
  return await startSkylan({ gateway: home.host("inner"), directory: join(home.directory, "inner") }, INNER);
}

const sourceOf = async (home: Home): Promise<string> =>
  / src (\S+)/.exec((await home.host("device").attempt("ip", "-6", "route", "get", NET_ADDRESS)).stdout)?.[1] ?? "";
const reachesNet = async (home: Home): Promise<boolean> =>
  / 1 received/.test((await home.host("device").attempt("ping", "-6", "-c", "1", "-W", "1", NET_ADDRESS)).stdout);

test("[LPD-6] behind Kea the inner router is delegated a /64 by the outer one, and a device behind it reaches the internet", async () => {
  await using home = await createHome({ isp: "kea", lans: LANS });
  const inner = await startBoth(home);
  await home.until(() => reachesNet(home), { within: 45_000, what: "the device reaches the internet" });
  const [outer] = (await home.status()).lans[0]!.delegated;
  const { delegations, lans } = await inner.status();
  assert.deepEqual(
    [delegations.map((each) => each.prefix), lans[0]!.subnets.map((each) => each.prefix)],
    [[outer!.prefix], [outer!.prefix]],
  );
});

test("[LPD-6] another prefix of the provider passes through both routers to the device, which leaves the old one", async () => {
  const lifetimes = { preferred: 24 as Seconds, valid: 36 as Seconds, t1: 8 as Seconds, t2: 14 as Seconds };
  await using home = await createHome({ provider: { dhcpv6: lifetimes }, lans: LANS });
  const inner = await startBoth(home);
  await home.until(() => reachesNet(home), { within: 45_000, what: "the device reaches the internet" });
  await home.isp.command({ kind: "renumber", pool: prefix("2605:59c8:7700::/40") });
  await home.until(async () => (await sourceOf(home)).startsWith("2605:59c8:77"), { within: 45_000, what: "the device has a new source" });
  await home.until(() => reachesNet(home), { within: 10_000, what: "and reaches the internet from it" });
  const { lans } = await inner.status();
  assert.ok(lans[0]!.withdrawing.every((each) => each.prefix.startsWith("2605:59c8:12")) && lans[0]!.withdrawing.length === 1);
});
