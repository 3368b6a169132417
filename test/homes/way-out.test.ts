/** The way out is lost in every way there is: the LAN is told at once (RFC 7084 G-5), keeps its prefix, and is told when it is back. */
// Needs: rdisc6, ping
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import type { RouterAdvertisement } from "../../src/wire/ndp.ts";
import {
  DELEGATED,
  describeRa,
  gaps,
  JITTER,
  type LinkWatch,
  prefixIn,
  type Seen,
  type SeenRa,
  watchLink,
} from "../fixtures/link-watch.ts";

/** MIN_DELAY_BETWEEN_RAS and the time to notice. Seconds. */
const AT_ONCE = 3.5;

describe("a LAN whose way out is lost", () => {
  let home: Home;
  let lan: LinkWatch;
  let wan: LinkWatch;

  before(async () => {
    home = await createHome();
    [lan, wan] = [watchLink(home.laptop), watchLink(home.host("isp"), "customer")];
    await home.startSkylan();
    await home.globalAddress("laptop");
    await hasWayOut();
  });
  after(async () => {
    for (const watch of [lan, wan]) watch?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  const offered = ({ message }: SeenRa): boolean => message.routerLifetime > 0;
  const isLoss = (ra: SeenRa): boolean => !offered(ra) && prefixIn(ra, DELEGATED) !== undefined;
  const ofProvider = (): Seen<RouterAdvertisement>[] =>
    wan.ndp.filter((seen): seen is Seen<RouterAdvertisement> => seen.sent && seen.message.kind === "router-advertisement");
  const hasRoute = async (): Promise<boolean> => (await home.laptop.exec("ip", "-6", "route", "show", "default")) !== "";
  const hasWayOut = (): Promise<boolean> =>
    home.until(async () => offered(lan.advertisements.at(-1)!) && (await hasRoute()), { within: 30_000, what: "the laptop has a way out" });

  /** The first word of a loss, with everything that must hold of it. `at` is when the loss can be known, in seconds. */
  async function assertToldAtOnce(at: number): Promise<void> {
    const told = await lan.advertisement(isLoss, { within: 15_000, what: "the LAN hears of the loss", since: at - JITTER });
    assert.ok(told.at - at < AT_ONCE, `${told.at - at} s after the loss: ${describeRa(told)}`);
    const { preferred, valid } = prefixIn(told, DELEGATED)!;
    assert.ok(preferred > 60 && valid > preferred, `the prefix stays: ${describeRa(told)}`);
    await home.until(async () => !(await hasRoute()), { within: 3000, what: "the laptop has no way out any more" });
  }

  test("[RA-11] when the provider's router says that it is none", async () => {
    await home.isp.command({ kind: "router-lifetime", lifetime: 0 as Seconds });
    await home.until(() => ofProvider().at(-1)!.message.routerLifetime === 0, { within: 20_000, what: "the provider has said so" });
    await assertToldAtOnce(ofProvider().find(({ message }) => message.routerLifetime === 0)!.at);
    await home.isp.command({ kind: "router-lifetime", lifetime: 300 as Seconds });
    await hasWayOut();
  });

  test("[RA-11] when its lifetime ends in silence", async () => {
    await home.isp.command({ kind: "router-lifetime", lifetime: 8 as Seconds });
    await home.until(() => ofProvider().at(-1)!.message.routerLifetime === 8, { within: 20_000, what: "the provider has said so" });
    await home.isp.command({ kind: "mute", on: true, protocol: "ndp" });
    await assertToldAtOnce(ofProvider().at(-1)!.at + 8);
    await home.isp.command({ kind: "mute", on: false, protocol: "ndp" });
    await home.isp.command({ kind: "router-lifetime", lifetime: 300 as Seconds });
    await hasWayOut();
  });

  test("[RA-11] when the cable is pulled", async () => {
    const at = Date.now() / 1000;
    await home.cutWan();
    await assertToldAtOnce(at);
    await home.mendWan();
    await hasWayOut();
  });

  test("[RA-11] when the provider's router does not answer any more although the cable is there", async () => {
    // How fast the kernel finds out is its own affair (RFC 4861 10: 30 to 50 s): here it is made impatient.
    await home.gateway.sysctl({
      "ipv6/neigh/wan/base_reachable_time_ms": 1000,
      "ipv6/neigh/wan/delay_first_probe_time": 1,
    });
    const monitor = home.gateway.spawn(["ip", "-ts", "monitor", "neigh", "dev", "wan"]);
    const traffic = home.laptop.spawn(["ping", "-6", "-i", "0.5", "2a0d:7f00:1::80"]);
    await traffic.line(/bytes from/, 10_000);
    await home.host("isp").ip("link set customer down");
    const failed = await monitor.line(/fe80::200:5eff:fe00:101 .*FAILED/, 30_000);
    const at = new Date(/\[([^\]]+)\]/.exec(failed)![1]!).getTime() / 1000;
    await assertToldAtOnce(at);
    const { wan: seen, events } = await home.status();
    assert.deepEqual(
      seen.routers.map(({ unreachable }) => unreachable),
      [true],
    );
    assert.ok(
      events.some(({ source, text }) => source === "ra-client" && text.includes("fe80::200:5eff:fe00:101")),
      "the owner can read why",
    );
    await traffic.stop();
    await home.host("isp").ip("link set customer up");
    await hasWayOut();
  });

  test("[RA-11] when it advertises itself but its answers do not arrive, and it is no way out before they do, whatever it advertises", async () => {
    const router = "fe80::200:5eff:fe00:101";
    // Its own questions about us would tell the kernel as much as its answers.
    await home.link("wan").lose("isp", { percent: 100, only: "icmpv6 type { nd-neighbor-advert, nd-neighbor-solicit }" });
    await home.gateway.ip(`neigh replace ${router} lladdr 00:00:5e:00:01:01 dev wan nud probe`);
    await home.until(() => !offered(lan.advertisements.at(-1)!), { within: 20_000, what: "the LAN hears of the loss" });
    const at = Date.now() / 1000;
    const traffic = home.gateway.spawn(["ping", "-6", "-i", "0.5", "2a0d:7f00:1::80"]);
    for (let i = 1; i <= 3; i++) {
      await home.isp.command({ kind: "router-lifetime", lifetime: (300 + i) as Seconds });
      await home.until(() => ofProvider().at(-1)!.message.routerLifetime === 300 + i, { within: 20_000, what: "it has advertised itself" });
      await sleep(2000);
      assert.match(await home.laptop.exec("rdisc6", "-1", "-w", "5000", "eth0"), /Router lifetime +: +0 /);
    }
    await traffic.stop();
    assert.deepEqual(lan.since(at).filter(offered).map(describeRa), []);
    const route = await home.gateway.exec("ip", "-6", "route", "show", "default");
    assert.match(route, /^default via fe80::200:5eff:fe00:101 dev wan proto 93 metric 8\d\d /, "for us it is better than nothing");
    await home.link("wan").lose("isp", { percent: 0 });
    const from = Date.now() / 1000;
    await home.isp.command({ kind: "router-lifetime", lifetime: 300 as Seconds });
    await lan.advertisement(offered, { within: 15_000, what: "the way out is back", since: from });
    await hasWayOut();
  });

  test("[RA-5] [RA-11] all this time advertisements to all nodes were 3 s apart", () => {
    const least = Math.min(...gaps(lan.multicasts));
    assert.ok(lan.multicasts.length > 8 && least >= 3 - JITTER, `${least} s`);
  });
});
