/** A provider that cannot make up its mind: prefixes that come back, prefixes of another LAN, and thirty changes in a row. */
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Prefix, prefix } from "../../src/addr/prefix.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { iaPrefix } from "../../src/machines/dhcpv6-client.fixture.ts";
import { describeRa, gaps, JITTER, type LinkWatch, prefixesOf, type SeenRa, watchLink } from "../fixtures/link-watch.ts";
import { type ScriptedProvider, scriptedProvider } from "./scripted-provider.ts";

const A = prefix("2605:59c8:1200::/56");
const B = prefix("2605:59c8:7700::/56");
const GONE = { preferred: 0, valid: 0 };

/** From now on everything is answered by `value` and the end of `former`; the client is made to ask. */
async function change(home: Home, provider: ScriptedProvider, value: Prefix, former: Prefix): Promise<number> {
  provider.serve({ prefixes: [iaPrefix(former, GONE), value] });
  const at = Date.now() / 1000;
  await home.runSkylan("refresh");
  const held = async (): Promise<boolean> => (await home.status()).delegations.some((each) => each.prefix === value);
  await home.until(held, { within: 15_000, what: `${value} is held` });
  return at;
}

/** What an advertisement says of each prefix: "live" or "gone". */
function told(ra: SeenRa): Readonly<Record<string, string>> {
  return Object.fromEntries(prefixesOf(ra).map((each) => [each.prefix, each.valid === 0 && each.preferred === 0 ? "gone" : "live"]));
}

/** The first advertisement since `at` that says exactly this. @throws NotInTime */
function saying(lan: LinkWatch, since: number, expected: Readonly<Record<string, string>>): Promise<SeenRa> {
  const sorted = (record: object): string => JSON.stringify(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const isIt = (ra: SeenRa): boolean => sorted(told(ra)) === sorted(expected);
  return lan.advertisement(isIt, { within: 10_000, since, what: `the LAN hears ${JSON.stringify(expected)}` });
}

describe("a provider that changes its mind", { concurrency: 3 }, () => {
  test("[REN-4] A, B, A within a minute: the prefix that comes back is live again, on the host too (case 19)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    using lan = watchLink(home.laptop);
    provider.serve({ prefixes: [A] });
    await home.startSkylan();
    const [a, b] = ["2605:59c8:1200::/64", "2605:59c8:7700::/64"];
    await saying(lan, 0, { [a]: "live" });
    const toB = await change(home, provider, B, A);
    await saying(lan, toB, { [a]: "gone", [b]: "live" });
    const toA = await change(home, provider, A, B);
    const last = await saying(lan, toA, { [a]: "live", [b]: "gone" });
    assert.ok(last.at - toB < 60);
    const states = async (): Promise<string> =>
      (await home.addresses("laptop"))
        .map(({ address, state }) => `${address.slice(0, 14)} ${state}`)
        .toSorted()
        .join();
    await home.until(async () => (await states()) === "2605:59c8:1200 preferred,2605:59c8:7700 deprecated", {
      within: 5000,
      what: "the laptop speaks from its first address again",
    });
    const routes = await home.gateway.exec("ip", "-6", "route", "show", a);
    assert.match(routes, /^2605:59c8:1200::\/64 dev lan proto 93 metric 250 /, "its route is the live one");
    assert.equal(routes.trim().split("\n").length, 1);
  });

  test("[REN-4] a LAN that gets the prefix of another has it alone, and gives it back (case 19)", async () => {
    const lans = [
      { name: "home", interface: "lan", hosts: ["laptop"] },
      { name: "guest", interface: "lan2", hosts: ["phone"] },
    ];
    await using home = await createHome({ isp: "none", lans });
    using provider = scriptedProvider(home);
    using lan = watchLink(home.laptop);
    using guest = watchLink(home.host("phone"));
    provider.serve({ prefixes: [A] });
    await home.startSkylan();
    const [zero, one] = ["2605:59c8:1200::/64", "2605:59c8:1200:1::/64"];
    await Promise.all([saying(lan, 0, { [zero]: "live" }), saying(guest, 0, { [one]: "live" })]);
    const toOne = await change(home, provider, prefix(one), A);
    await Promise.all([saying(lan, toOne, { [zero]: "gone", [one]: "live" }), saying(guest, toOne, { [one]: "gone" })]);
    const next = async (): Promise<string> =>
      /dev (\S+)/.exec(await home.gateway.exec("ip", "-6", "route", "get", "2605:59c8:1200:1::7"))![1]!;
    assert.equal(await next(), "lan");
    const back = await change(home, provider, A, prefix(one));
    await Promise.all([saying(lan, back, { [zero]: "live", [one]: "gone" }), saying(guest, back, { [one]: "live" })]);
    assert.equal(await next(), "lan2");
    for (const ra of guest.advertisements) assert.equal(told(ra)[zero], undefined, describeRa(ra));
  });

  test("[REN-9] thirty changes in a row leave the rate of advertisements and everything that is remembered bounded", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    using lan = watchLink(home.laptop);
    let count = 0;
    const pool = (i: number): Prefix => prefix(`2605:59c8:${(0x4000 + i).toString(16)}::/56`);
    const lifetimes = { preferred: 200, valid: 300 };
    provider.serve(({ kind }) => {
      if (count === 30) return { prefixes: [pool(count)], ...lifetimes };
      if (kind !== "renew" && kind !== "rebind") return { prefixes: [pool(count)], t1: 2, t2: 4, ...lifetimes };
      const former = iaPrefix(pool(count), GONE);
      count += 1;
      return { prefixes: [former, iaPrefix(pool(count), lifetimes)], t1: 2, t2: 4 };
    });
    await home.startSkylan();
    await home.until(() => count >= 30, { within: 120_000, what: "thirty changes are made", every: 250 });
    const last = await lan.advertisement((ra) => told(ra)[pool(30).replace("/56", "/64")] === "live", {
      within: 15_000,
      what: "the last is told",
    });
    for (const gap of gaps(lan.multicasts)) assert.ok(gap >= 3 - JITTER, `${gap} s`);
    for (const { packet } of lan.advertisements) assert.ok(packet.payload.length + 40 <= 1500, `${packet.payload.length} octets`);
    assert.ok(prefixesOf(last).length <= 33, `${prefixesOf(last).length} prefixes`);
    const routes = (await home.gateway.exec("ip", "-6", "route")).trim().split("\n");
    assert.ok(routes.length < 50, `${routes.length} routes`);
    const state = join(home.directory, "state");
    const octets = readdirSync(state).reduce((sum, name) => sum + statSync(join(state, name)).size, 0);
    assert.ok(octets < 65_536, `${octets} octets of state`);
    const sent = provider.heard.map(({ at }) => at);
    for (const at of sent) assert.ok(sent.filter((other) => other > at - 20 && other <= at).length <= 20, "20 messages in 20 s at most");
  });
});
