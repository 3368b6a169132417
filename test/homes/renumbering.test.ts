/** The provider hands over another prefix: what hosts hear, what they do, and what is remembered over a power cut (RFC 9096 3.5, RFC 8978). */
// Needs: ping
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import { DELEGATED, describeRa, JITTER, leases, prefixesOf, prefixIn, type SeenRa, watchLink } from "../fixtures/link-watch.ts";

const OTHER_POOL = prefix("2605:59c8:7700::/40");
const OTHER = "2605:59c8:77";
const isWithdrawn = (ra: SeenRa, beginning: string): boolean => {
  const told = prefixIn(ra, beginning);
  return told !== undefined && told.preferred === 0 && told.valid === 0;
};

/** The source that the host's kernel takes towards the internet. */
async function sourceOf(home: Home, host = "laptop"): Promise<string> {
  const { stdout } = await home.host(host).attempt("ip", "-6", "route", "get", NET_ADDRESS);
  return / src (\S+)/.exec(stdout)?.[1] ?? "";
}

/**
 * A power cut of the gateway: no process ends properly, the kernel forgets everything, what lies in a file system in memory is gone, and the next boot has
 * another id.
 */
async function powerCut(home: Home): Promise<void> {
  await home.skylan.kill("SIGKILL");
  rmSync(join(home.directory, "run"), { recursive: true, force: true });
  const id = join(home.directory, "boot_id");
  writeFileSync(id, "c0ffee00-0000-4000-8000-000000000001\n");
  await home.gateway.shell(`
    nft flush ruleset
    ip -6 route flush proto 93
    for link in wan lan; do ip -6 addr flush dev $link; ip link set $link down; done
    sysctl -qw net.ipv6.conf.all.forwarding=0
    mount --bind '${id}' /proc/sys/kernel/random/boot_id`);
}

describe("renumbering", { concurrency: 4 }, () => {
  test("[REN-2] [REN-3] a stale prefix is in every advertisement with 0/0 and its flags for its valid lifetime, and Linux leaves it at once", async () => {
    await using home = await createHome({
      provider: { dhcpv6: { preferred: 18 as Seconds, valid: 24 as Seconds, t1: 6 as Seconds, t2: 10 as Seconds } },
    });
    using lan = watchLink(home.laptop);
    using wan = watchLink(home.host("isp"), "customer");
    await home.startSkylan();
    await home.until(async () => (await sourceOf(home)).startsWith(DELEGATED), { within: 20_000, what: "the laptop has a source" });
    await home.isp.command({ kind: "renumber", pool: OTHER_POOL });
    const news = await lan.advertisement((ra) => prefixIn(ra, OTHER) !== undefined, {
      within: 20_000,
      what: "the new prefix is advertised",
    });
    await home.until(async () => (await sourceOf(home)).startsWith(OTHER), { within: 5_000, what: "the laptop has left the old source" });
    const left = Date.now() / 1000;
    const reply = leases(wan).findLast(({ at }) => at <= news.at)!;
    assert.ok(news.at - reply.at < 3.5, `${news.at - reply.at} s after the Reply`);
    assert.ok(left - reply.at < 6, `left ${left - reply.at} s after the Reply`);
    assert.ok(isWithdrawn(news, DELEGATED), describeRa(news));
    await sleep(24_000 + 4_000 + (news.at - Date.now() / 1000) * 1000);
    const longest = Math.max(...lan.advertisements.map((ra) => prefixIn(ra, DELEGATED)?.valid ?? 0));
    assert.ok(longest > 19 && longest <= 24, `told for ${longest} s`);
    const during = lan.since(news.at).filter(({ at }) => at < reply.at + longest - JITTER);
    assert.ok(during.length > 4);
    for (const ra of during) {
      assert.ok(isWithdrawn(ra, DELEGATED), describeRa(ra));
      const { onLink, autonomous } = prefixIn(ra, DELEGATED)!;
      assert.deepEqual([onLink, autonomous], [true, true]);
      assert.ok(prefixIn(ra, OTHER)!.valid > 0);
    }
    const afterwards = await lan.advertisement(() => true, { within: 20_000, what: "they go on", since: news.at + 24.5 });
    assert.equal(prefixIn(afterwards, DELEGATED), undefined, describeRa(afterwards));
  });

  test("[REN-1] [RA-16] a killed daemon remembers what the hosts were told, and withdraws it when the provider has forgotten the lease", async () => {
    await using home = await createHome({ provider: { dhcpv6: { formerPrefixes: "silence" } } });
    using lan = watchLink(home.laptop);
    await home.startSkylan();
    await home.until(async () => (await sourceOf(home)).startsWith(DELEGATED), { within: 20_000, what: "the laptop has a source" });
    await home.skylan.kill("SIGKILL");
    const from = Date.now() / 1000;
    await home.isp.command({ kind: "forget" });
    await home.isp.command({ kind: "renumber", pool: OTHER_POOL });
    await home.startSkylan();
    await home.runSkylan("refresh");
    const news = await lan.advertisement((ra) => prefixIn(ra, OTHER) !== undefined, {
      within: 30_000,
      what: "the new prefix",
      since: from,
    });
    for (const ra of lan.since(news.at)) assert.ok(isWithdrawn(ra, DELEGATED), describeRa(ra));
    await home.until(async () => (await sourceOf(home)).startsWith(OTHER), { within: 5_000, what: "the laptop has left the old source" });
  });

  test("[REN-1] [REN-2] after a power cut and with another prefix the first advertisements withdraw the former one (case 18)", async () => {
    await using home = await createHome({ provider: { dhcpv6: { formerPrefixes: "silence" } } });
    using lan = watchLink(home.laptop);
    await home.startSkylan();
    await home.until(async () => (await sourceOf(home)).startsWith(DELEGATED), { within: 20_000, what: "the laptop has a source" });
    await powerCut(home);
    await home.isp.command({ kind: "forget" });
    await home.isp.command({ kind: "renumber", pool: OTHER_POOL });
    const from = Date.now() / 1000;
    await home.startSkylan();
    const news = await lan.advertisement((ra) => prefixIn(ra, OTHER) !== undefined, {
      within: 30_000,
      what: "the new prefix",
      since: from,
    });
    const first = lan.since(from).filter(({ at }) => at <= news.at);
    for (const ra of first)
      assert.ok(
        prefixesOf(ra).some(({ prefix: told }) => told.startsWith(DELEGATED)),
        describeRa(ra),
      );
    assert.ok(isWithdrawn(news, DELEGATED), describeRa(news));
    await home.until(async () => (await sourceOf(home)).startsWith(OTHER), { within: 5_000, what: "the laptop has left the old source" });
  });

  test("[REN-1] a lease that ran out while the power was off is withdrawn before there is any other", async () => {
    const short = { preferred: 8 as Seconds, valid: 10 as Seconds };
    await using home = await createHome({ provider: { dhcpv6: short } });
    using lan = watchLink(home.laptop);
    await home.startSkylan();
    await lan.advertisement((ra) => prefixIn(ra, DELEGATED) !== undefined, { within: 20_000, what: "the prefix is advertised" });
    await powerCut(home);
    await home.isp.command({ kind: "mute", on: true });
    await sleep(11_000);
    const from = Date.now() / 1000;
    await home.startSkylan();
    const first = await lan.advertisement(() => true, { within: 20_000, what: "it advertises", since: from });
    assert.ok(isWithdrawn(first, DELEGATED), describeRa(first));
    assert.equal(first.message.routerLifetime, 0);
    assert.deepEqual((await home.status()).delegations, []);
  });

  test("[REN-10] an outage that is shorter than the valid lifetime does not renumber the LAN", async () => {
    const minute = { preferred: 30 as Seconds, valid: 60 as Seconds };
    await using home = await createHome({ provider: { dhcpv6: minute } });
    using lan = watchLink(home.laptop);
    await home.startSkylan();
    const address = await home.globalAddress("laptop");
    const [held] = (await home.status()).delegations;
    await home.cutWan();
    await sleep(15_000);
    await home.mendWan();
    const mended = Date.now() / 1000;
    await lan.advertisement(({ message }) => message.routerLifetime > 0, { within: 20_000, what: "there is a way out", since: mended });
    const pinged = async (): Promise<boolean> =>
      (await home.laptop.attempt("ping", "-6", "-c1", "-W1", "-I", address, NET_ADDRESS)).code === 0;
    await home.until(pinged, { within: 20_000, what: "the old address works" });
    await home.until(async () => (await home.status()).delegations[0]!.valid! > 50, { within: 20_000, what: "the lease is extended" });
    assert.equal((await home.status()).delegations[0]!.prefix, held!.prefix);
    for (const ra of lan.advertisements) {
      const told = prefixIn(ra, DELEGATED);
      if (told) assert.ok(told.preferred > 0, describeRa(ra));
    }
    assert.ok(
      lan.advertisements.some(({ message, at }) => message.routerLifetime === 0 && at < mended + JITTER),
      "the outage was told",
    );
  });

  test("[GEN-4] a host that goes on with the withdrawn source gets an ICMPv6 error that says so (case 24)", async () => {
    await using home = await createHome();
    using lan = watchLink(home.laptop);
    await home.startSkylan();
    await home.until(async () => (await sourceOf(home)).startsWith(DELEGATED), { within: 20_000, what: "the laptop has a source" });
    const old = await sourceOf(home);
    await home.isp.command({ kind: "renumber", pool: OTHER_POOL });
    await home.runSkylan("refresh");
    await lan.advertisement((ra) => prefixIn(ra, OTHER) !== undefined, { within: 20_000, what: "the new prefix" });
    const { stdout } = await home.laptop.attempt("ping", "-6", "-c2", "-W1", "-I", old, NET_ADDRESS);
    assert.match(stdout, /Destination unreachable: (Source address failed ingress\/egress policy|Unknown code 5)/, stdout);
  });
});
