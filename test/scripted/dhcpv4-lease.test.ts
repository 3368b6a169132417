/** How a lease of IPv4 begins, goes on and ends, with a provider that does what the test says. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ip4 } from "../../src/addr/ip.ts";
import { createHome, type Home, NET_ADDRESS_IPV4 } from "../../src/lab/home.ts";
import { giveIpv4 } from "../../src/lab/static-ipv4.ts";
import { optionOf } from "../../src/wire/dhcpv4.ts";
import { EARLY, LATE } from "./client-manners.ts";
import { addressesOf, type HeardDhcpv4, LEASED, PROVIDER, type ScriptedDhcpv4, scriptedDhcpv4, WITH_IPV4 } from "./scripted-dhcpv4.ts";

/** From the end of a lease to the kernel without it, on a busy machine. Seconds. */
const AT_ONCE = 0.5;

async function startedHome(): Promise<{ readonly home: Home; readonly provider: ScriptedDhcpv4 }> {
  const home = await createHome({ isp: "none" });
  const provider = scriptedDhcpv4(home);
  await home.startSkylan(WITH_IPV4);
  return { home, provider };
}

async function leftovers(home: Home): Promise<string> {
  const rules = await home.gateway.exec("nft", "list", "ruleset");
  const routes = await home.gateway.exec("ip", "-4", "route", "show", "dev", "wan");
  return `${(await addressesOf(home)).join()}${routes}${rules.includes("masquerade") ? "masquerade" : ""}`;
}

/** From the laptop and from the gateway itself, without a pause. */
async function speakAlways(home: Home): Promise<void> {
  await giveIpv4(home);
  for (const host of [home.laptop, home.gateway])
    host.spawn(["sh", "-c", `while :; do ping -n -i 0.02 -W 1 ${NET_ADDRESS_IPV4}; sleep 0.05; done`]);
}

async function assertSilentAfter(home: Home, provider: ScriptedDhcpv4, end: number): Promise<void> {
  await home.until(async () => (await leftovers(home)) === "", { within: 5000, what: "address, routes and translation are gone" });
  await provider.listen(1000);
  const last = provider.spokenFrom.get(LEASED)!;
  assert.ok(last > end - 1.5 && last < end + AT_ONCE, `ended at ${end}, last used at ${last}`);
  assert.deepEqual([...provider.spokenFrom.keys()], [LEASED], "and nothing leaves untranslated");
}

describe("a lease of IPv4", { concurrency: true }, () => {
  test("[V4C-3] after a NAK nothing speaks from the address any more: address, default route and translation go at once", async () => {
    const { home, provider } = await startedHome();
    await using _home = home;
    using _provider = provider;
    await provider.lease({ renew: 3, rebind: 200 });
    await speakAlways(home);
    const renewal = await provider.next("request");
    assert.deepEqual([renewal.message.ciaddr, renewal.from, renewal.to], [LEASED, LEASED, PROVIDER]);
    await assertSilentAfter(home, provider, provider.answer(renewal, { type: "nak" }));
    assert.match((await home.status()).events.map(({ event }) => event).join(), /dhcpv4\.refused/);
    const asked = optionOf(provider.of("discover").at(-1)!.message, "requested-address");
    assert.equal(asked, undefined, "the refused address is not asked for again");
  });

  test("[V4C-3] at the end of a lease that nobody extends nothing speaks from the address any more", async () => {
    const { home, provider } = await startedHome();
    await using _home = home;
    using _provider = provider;
    const start = await provider.lease({ time: 7 });
    await speakAlways(home);
    await provider.next("request", { within: 20_000 });
    await assertSilentAfter(home, provider, start + 7);
  });

  test("[V4C-3] when skylan is gone, the kernel ends address and routes with the lease", async () => {
    const { home, provider } = await startedHome();
    await using _home = home;
    using _provider = provider;
    const start = await provider.lease({ time: 7 });
    await home.skylan.kill("SIGKILL");
    assert.notEqual(await leftovers(home), "masquerade");
    await home.until(async () => (await leftovers(home)) === "masquerade", { within: 10_000, what: "address and routes are gone" });
    assert.ok(provider.now < start + 9, `${provider.now - start} s`);
  });

  test("[V4C-2] a lease of 0 s is none, and an endless one is never extended", async () => {
    const { home, provider } = await startedHome();
    await using _home = home;
    using _provider = provider;
    provider.answer(await provider.next("discover"), { time: 0 });
    provider.answer(await provider.next("request"), { time: 0 });
    await provider.listen(500);
    assert.deepEqual(await addressesOf(home), []);
    provider.answer(await provider.next("request"), { time: 0xffffffff });
    await home.until(async () => (await addressesOf(home)).length > 0, { within: 5000, what: "the endless lease is used" });
    assert.match(await home.gateway.exec("ip", "-4", "addr", "show", "dev", "wan"), /valid_lft forever/);
    assert.deepEqual(await provider.listen(2000), []);
    const { lease } = (await home.status()).ipv4!;
    assert.deepEqual([lease?.valid, lease?.renewIn], [null, null]);
  });

  test("[V4C-2] a storm of NAKs is met with growing pauses, and the first lease after it is taken", async () => {
    const { home, provider } = await startedHome();
    await using _home = home;
    using _provider = provider;
    provider.serve(({ type }) => (type === "request" ? { type: "nak" } : {}));
    const storm = () => provider.of("request").length >= 5;
    await home.until(storm, { within: 30_000, what: "five requests are refused" });
    const gaps = pauses(provider.of("request"));
    [0, 1, 2, 4].forEach((gap, i) => assert.ok(gaps[i]! > gap - EARLY && gaps[i]! < gap + LATE, gaps.join()));
    provider.serve();
    await home.until(async () => (await addressesOf(home)).length > 0, { within: 20_000, what: "a lease is had" });
  });

  test("[V4C-2] another server than the chosen one is not heard; one that extends the lease is the next to be asked", async () => {
    const { home, provider } = await startedHome();
    await using _home = home;
    using _provider = provider;
    const [second, stranger] = [ip4("100.64.0.2"), ip4("100.64.0.3")];
    provider.answer(await provider.next("discover"));
    const request = await provider.next("request");
    provider.answer(request, { server: stranger, yiaddr: ip4("100.64.0.66") });
    provider.answer(request, { server: stranger, type: "nak" });
    await provider.listen(500);
    assert.deepEqual(await addressesOf(home), []);
    provider.answer(request, { renew: 2, rebind: 200 });
    provider.answer(await provider.next("request"), { server: second, renew: 2, rebind: 200 });
    const renewal = await provider.next("request");
    assert.deepEqual([renewal.to, renewal.message.ciaddr], [second, LEASED]);
  });

  test("[V4C-4] the client identifier is the same after a restart; an answer to another one is dropped", async () => {
    const { home, provider } = await startedHome();
    await using _home = home;
    using _provider = provider;
    const first = await provider.next("discover");
    const id = optionOf(first.message, "client-id")!.id;
    assert.equal(id[0], 255);
    const { duid } = (await home.status()).dhcpv6;
    assert.equal(Buffer.from(id.subarray(5)).toString("hex"), duid);
    const foreign = { options: [{ kind: "client-id", id: Uint8Array.of(1, 2, 3) }] } as const;
    provider.answer(first, foreign);
    assert.deepEqual(await provider.listen(1500), [], "the offer is not taken");
    await home.skylan.kill("SIGKILL");
    await home.startSkylan(WITH_IPV4);
    const again = await provider.next("discover");
    assert.deepEqual(optionOf(again.message, "client-id")!.id, id);
    provider.answer(again, { options: [{ kind: "client-id", id }] });
    await provider.next("request");
  });

  test("[ROB-1] what the dish leases while it boots gives way to the real address within its 10 s", async () => {
    const { home, provider } = await startedHome();
    await using _home = home;
    using _provider = provider;
    const dish = ip4("192.168.100.1");
    provider.serve({
      yiaddr: ip4("192.168.100.100"),
      server: dish,
      time: 3600,
      options: [
        { kind: "subnet-mask", length: 24 },
        { kind: "routers", addresses: [dish] },
      ],
    });
    const has = (address: string) => async () => (await addressesOf(home)).includes(ip4(address));
    await home.until(has("192.168.100.100"), { within: 10_000, what: "the dish's address is used" });
    // The dish is up.
    provider.serve();
    const up = provider.now;
    await home.until(has(LEASED), { within: 15_000, what: "the real address is used" });
    assert.ok(provider.now - up < 10 + LATE, `${provider.now - up} s`);
    assert.deepEqual(await addressesOf(home), [LEASED]);
    assert.doesNotMatch(await home.gateway.exec("ip", "-4", "route"), /192\.168\.100\.(0|1 dev wan .*192)/);
  });
});

const pauses = (heard: readonly HeardDhcpv4[]): readonly number[] => heard.slice(1).map(({ at }, i) => at - heard[i]!.at);
