/** What goes wrong on a real box: outages, kills, meddling, cards that go and come, clocks that lie. Lifetimes are short, so that outages end within a minute. */
// Needs: ping
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test } from "node:test";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import { converse } from "../../src/lab/traffic.ts";
import { boxState } from "../fixtures/box-state.ts";
import { leases, prefixIn, DELEGATED, watchLink } from "../fixtures/link-watch.ts";

const FAKETIME = ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"].find(
  existsSync,
);
const SHORT = { preferred: 12 as Seconds, valid: 24 as Seconds, t1: 5 as Seconds, t2: 9 as Seconds };

async function online(home: Home): Promise<string> {
  await home.startSkylan();
  return home.globalAddress("laptop");
}

const delegation = async (home: Home): Promise<string | undefined> => (await home.status()).delegations[0]?.prefix;

const reaches = async (home: Home): Promise<boolean> =>
  (await home.laptop.attempt("ping", "-6", "-c", "1", "-W", "1", NET_ADDRESS)).code === 0;

describe("robustness", { concurrency: true }, () => {
  for (const [length, seconds] of [
    ["shorter than T1", 3],
    ["longer than the valid lifetime", 30],
  ] as const) {
    test(`[ROB-2] an outage ${length} heals by itself within 5 s, with the same prefix`, async () => {
      await using home = await createHome({ provider: { dhcpv6: SHORT } });
      await online(home);
      const before = await delegation(home);
      await home.cutWan();
      await sleep(seconds * 1000);
      assert.equal(await delegation(home), seconds < SHORT.valid ? before : undefined);
      await home.mendWan();
      // Duplicate address detection of the link-local address comes first: about 2 s.
      await home.until(async () => (await delegation(home)) === before, { within: 5000, what: "the prefix is held again" });
      await home.until(() => reaches(home), { within: 10_000, what: "the laptop reaches the internet again" });
    });
  }

  test("[ROB-2] an outage behind the cable, in which nothing at all is heard, heals within 5 s of the provider's first sign of life", async () => {
    await using home = await createHome({ provider: { dhcpv6: SHORT } });
    await online(home);
    const before = await delegation(home);
    using wan = watchLink(home.host("isp"), "customer");
    await home.isp.command({ kind: "mute", on: true });
    await home.until(async () => (await delegation(home)) === undefined, { within: 40_000, what: "the lease has ended" });
    await sleep(5000);
    const back = Date.now() / 1000;
    await home.isp.command({ kind: "mute", on: false });
    await home.until(async () => (await delegation(home)) === before, { within: 60_000, what: "the prefix is held again" });
    const signs = [...wan.ndp, ...wan.dhcpv6].filter(({ at, sent }) => sent && at > back).map(({ at }) => at);
    const granted = leases(wan).find(({ at, valid }) => at > back && valid > 0)!.at;
    assert.ok(granted - Math.min(...signs) < 5, `${granted - Math.min(...signs)} s after the first sign of life`);
  });

  test("[ROB-3] when the router is lost without the carrier, Router Lifetime changes and no prefix", async () => {
    await using home = await createHome();
    const address = await online(home);
    using lan = watchLink(home.laptop);
    const since = Date.now() / 1000;
    await home.isp.command({ kind: "router-lifetime", lifetime: 6 as Seconds });
    await sleep(100);
    await home.runSkylan("refresh");
    await home.until(async () => (await home.status()).wan.routers.some((router) => (router.left ?? 99) <= 6), {
      within: 15_000,
      what: "a short life",
    });
    await home.link("wan").lose("isp", { percent: 100 });
    const lost = await lan.advertisement(({ message }) => message.routerLifetime === 0, {
      within: 15_000,
      what: "the LAN hears of the loss",
      since,
    });
    assert.ok(prefixIn(lost, DELEGATED)!.preferred > 60);
    assert.ok((await home.addresses("laptop")).some((own) => own.address === address && own.state === "preferred"));
    await home.isp.command({ kind: "router-lifetime", lifetime: 300 as Seconds });
    await home.link("wan").lose("isp", { percent: 0 });
    await home.runSkylan("refresh");
    await lan.advertisement(({ message }) => message.routerLifetime > 0, { within: 15_000, what: "the router is back", since: lost.at });
    assert.ok(
      lan.since(since).every((ra) => prefixIn(ra, DELEGATED)!.preferred > 0),
      "no prefix was withdrawn",
    );
  });

  test("[ROB-4] [ROB-7] kill -9 and restart with a wall clock in 1970: a connection lives on, and what the kernel has is adopted untouched (case 16)", {
    skip: FAKETIME === undefined && "libfaketime not installed",
  }, async () => {
    await using home = await createHome();
    await online(home);
    await using talk = await converse(home.laptop, home.net, NET_ADDRESS, 7000);
    const before = await boxState(home.gateway);
    await home.skylan.kill("SIGKILL");
    await sleep(2000);
    assert.deepEqual(await boxState(home.gateway), before, "the kernel keeps what it has");
    const monitor = home.gateway.spawn(["ip", "-6", "monitor", "address", "route"]);
    await sleep(300);
    const wrong = { FAKETIME: "1970-01-02 00:00:00", DONT_FAKE_MONOTONIC: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
    await home.startSkylan({}, { LD_PRELOAD: FAKETIME!, ...wrong });
    await sleep(4000);
    assert.doesNotMatch(monitor.output, /^Deleted (?!.*fe80)/m, "nothing is deleted");
    assert.deepEqual((await boxState(home.gateway)).addresses, before.addresses);
    assert.deepEqual((await boxState(home.gateway)).rules, before.rules);
    const { at, delegations } = await home.status();
    assert.match(at, /^1970/, "the clock is wrong indeed");
    assert.ok(delegations[0]!.valid! > 200, "no lifetime follows the wall clock");
    const said = talk.results().length;
    await home.until(() => talk.results().length > said + 5, { within: 5000, what: "the conversation goes on" });
    const echoes = await talk.stop();
    assert.ok(!echoes.some((echo) => "ended" in echo), "no reset");
  });

  test("[ROB-5] routes, addresses, rules and switches that others take away or turn come back", async () => {
    await using home = await createHome();
    await online(home);
    const { gateway } = home;
    const before = await boxState(gateway);
    const meddling = [
      "ip -6 route flush proto 93",
      // It goes round until nothing is left, and gives up where what it takes away is back at once.
      "ip -6 addr flush dev lan scope global || true",
      "nft delete table inet skylan",
      "echo 0 >/proc/sys/net/ipv6/conf/all/forwarding; echo 2 >/proc/sys/net/ipv6/conf/wan/accept_ra",
    ];
    for (const meddle of meddling) {
      await gateway.shell(meddle);
      const same = async (): Promise<boolean> => JSON.stringify(await boxState(gateway)) === JSON.stringify(before);
      await home.until(same, { within: 15_000, every: 300, what: `this is mended: ${meddle}` }).catch(async () => {
        assert.deepEqual(await boxState(gateway), before, meddle);
      });
    }
    await home.until(() => reaches(home), { within: 5000, what: "the laptop reaches the internet" });
  });

  test("[ROB-6] a LAN's interface that is removed and made anew with another MAC address is a LAN again", async () => {
    await using home = await createHome();
    await online(home);
    await home.gateway.ip("link del lan");
    await home.until(async () => (await home.status()).lans[0]!.carrier === false, { within: 5000, what: "the loss is seen" });
    await home.host("cables").ip(`
      link add lan-gateway type veth peer name lan address 02:00:00:00:99:01 netns ${home.gateway.pid}
      link set lan-gateway master lan up`);
    const subnet = (
      await home.until(async () => (await home.status()).lans[0]!.subnets.find(({ prefix }) => prefix.startsWith(DELEGATED)), {
        within: 15_000,
        what: "the LAN has its subnet",
      })
    ).prefix;
    await home.until(() => reaches(home), { within: 20_000, what: `the laptop reaches the internet from ${subnet}` });
    assert.match(await home.gateway.exec("ip", "-6", "route"), new RegExp(`${subnet.replace("::/", "::/")} dev lan`));
  });
});
