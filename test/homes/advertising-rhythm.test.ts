/** When and for how long the LANs are told: the real daemon's rhythm, and its Router Lifetime while something is missing. */
// Needs: ping
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, NET_ADDRESS } from "../../src/lab/home.ts";
import { DELEGATED, describeRa, gaps, JITTER, leases, prefixesOf, prefixIn, type SeenRa, watchLink } from "../fixtures/link-watch.ts";

describe("when a LAN is told", { concurrency: 4 }, () => {
  test("[RA-2] unsolicited advertisements come between Min and Max, the first three quickly", async () => {
    const day = { preferred: 43_200 as Seconds, valid: 86_400 as Seconds };
    await using home = await createHome({ provider: { dhcpv6: day, advertising: { ...day, routerLifetime: 9000 as Seconds } } });
    using lan = watchLink(home.laptop);
    await home.startSkylan({ lan: { home: { "advertise.max_interval": 10, "advertise.min_interval": 4 } } });
    const complete = (): readonly SeenRa[] => lan.multicasts.filter((ra) => prefixIn(ra, DELEGATED));
    await home.until(() => complete().length >= 6, { within: 80_000, what: "six advertisements with the prefix have come", every: 200 });
    const between = gaps(complete());
    for (const gap of between.slice(2)) assert.ok(gap >= 4 - JITTER && gap <= 10 + 2, `${gap} s of ${between.join(" ")}`);
    for (const gap of between.slice(0, 2)) assert.ok(gap >= 3 - JITTER && gap <= 16 + 2, `${gap} s`);
    assert.equal(new Set(between.slice(2).map((gap) => gap.toFixed(1))).size > 1, true, "they are no metronome");
    for (const ra of complete()) {
      assert.deepEqual([prefixIn(ra, DELEGATED)!.preferred, prefixIn(ra, DELEGATED)!.valid], [2700, 5400], "[RA-8] bounded by RFC 9096");
    }
  });

  test("[RA-3] with lifetimes of 20/40 s, T1 of 0 and a fifth of the advertisements lost no address of a host is ever deprecated (case 20)", async () => {
    await using home = await createHome({ provider: { dhcpv6: { preferred: 20 as Seconds, valid: 40 as Seconds } } });
    using lan = watchLink(home.camera);
    using wan = watchLink(home.host("isp"), "customer");
    await home.startSkylan();
    const address = await home.globalAddress("laptop");
    await home.link("lan").lose("gateway", { percent: 20, evenly: true, only: "icmpv6 type nd-router-advert" });
    const monitor = home.laptop.spawn(["ip", "-6", "monitor", "address"]);
    const from = Date.now() / 1000;
    await home.until(() => leases(wan).filter(({ at }) => at > from).length >= 4, {
      within: 90_000,
      what: "four Renews are answered",
      every: 200,
    });
    assert.doesNotMatch(monitor.output, /deprecated|Deleted/, "the host's kernel says of every address what becomes of it");
    assert.match(monitor.output, new RegExp(address), "and it would have said it");
    assert.equal((await home.addresses("laptop")).find((each) => each.address === address)?.state, "preferred");
    await home.link("lan").lose("gateway", { percent: 0 });
    const since = lan.since(from);
    const told = gaps(lan.multicasts.filter(({ at }) => at > from));
    assert.ok(Math.max(...told) < 20, `longest silence ${Math.max(...told)} s`);
    assert.ok(since.length > 0);
  });

  test("[RA-3] an advertisement follows each Renew at once", async () => {
    await using home = await createHome({ provider: { dhcpv6: { t1: 8 as Seconds, t2: 100 as Seconds } } });
    using lan = watchLink(home.laptop);
    using wan = watchLink(home.host("isp"), "customer");
    await home.startSkylan();
    await home.until(() => leases(wan).length >= 5, { within: 60_000, what: "three Renews are answered", every: 100 });
    await sleep(4000);
    for (const lease of leases(wan).slice(1)) {
      const next = lan.multicasts.find(({ at }) => at >= lease.at)!;
      assert.ok(next.at - lease.at < 3.5, `${next.at - lease.at} s after the Reply`);
      assert.ok(prefixIn(next, DELEGATED)!.preferred >= 146, describeRa(next));
    }
  });

  test("[RA-10] without a delegation, with unique local addresses alone, and without a default router the Router Lifetime is 0", async () => {
    await using home = await createHome();
    using lan = watchLink(home.laptop);
    await home.isp.command({ kind: "mute", on: true, protocol: "dhcpv6" });
    await home.startSkylan({ top: { "ula.prefix": "auto" } });
    await home.until(async () => (await home.status()).wan.routers.length > 0, { within: 20_000, what: "the WAN has a default router" });
    const alone = await lan.advertisement((ra) => prefixesOf(ra).length === 1, { within: 25_000, what: "the ULA is advertised" });
    assert.equal(alone.message.routerLifetime, 0, describeRa(alone));
    await sleep(1000);
    assert.equal(await home.laptop.exec("ip", "-6", "route", "show", "default"), "");
    await home.isp.command({ kind: "mute", on: false, protocol: "dhcpv6" });
    await home.runSkylan("refresh");
    const routes = (): Promise<string> => home.laptop.exec("ip", "-6", "route", "show", "default");
    await home.until(async () => /default via fe80::/.test(await routes()), { within: 20_000, what: "the laptop has a way out" });
    for (const ra of lan.advertisements) assert.equal(ra.message.routerLifetime > 0, prefixIn(ra, DELEGATED) !== undefined, describeRa(ra));
    await home.isp.command({ kind: "router-lifetime", lifetime: 0 as Seconds });
    const lost = await lan.advertisement((ra) => ra.message.routerLifetime === 0 && prefixIn(ra, DELEGATED) !== undefined, {
      within: 20_000,
      what: "the LAN hears of the loss",
    });
    assert.ok(prefixIn(lost, DELEGATED)!.preferred > 100, "its prefix stays");
    await home.until(async () => (await routes()) === "", {
      within: 3000,
      what: "no way out",
    });
    await home.isp.command({ kind: "router-lifetime", lifetime: 1800 as Seconds });
    await lan.advertisement((ra) => ra.message.routerLifetime === 2700, {
      within: 20_000,
      what: "there is a way out again",
      since: lost.at,
    });
    await home.until(async () => (await home.laptop.attempt("ping", "-6", "-c1", "-W1", NET_ADDRESS)).code === 0, {
      within: 10_000,
      what: "it works",
    });
  });
});
