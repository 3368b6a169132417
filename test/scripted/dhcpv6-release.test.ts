/** How leases are given back: never by an accident, in the right order, and without an end when nobody answers. */
// Needs: tcpdump, tshark
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHome } from "../../src/lab/home.ts";
import { ADDRESS, HOME, namedPrefixes } from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf } from "../../src/wire/dhcpv6.ts";
import { assertAddressing, assertElapsedTimes, assertGaps, assertOneExchange } from "./client-manners.ts";
import { scriptedProvider } from "./scripted-provider.ts";

describe("the end of a lease", { concurrency: true }, () => {
  test("[D6T-13] [D6T-12] stop and kill send no Release; `down --release` tells the LAN first, then the server, four times when it is silent", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await using capture = await home.capture("lan");
    await home.startSkylan();
    await provider.bind();
    provider.sendRa();
    const hasWayOut = async (): Promise<boolean> => (await home.laptop.exec("ip", "-6", "route", "show", "default")) !== "";
    await home.until(hasWayOut, { within: 20_000, what: "the laptop has a default router" });
    for (const signal of ["SIGTERM", "SIGINT", "SIGKILL"] as const) {
      await home.skylan.kill(signal);
      assert.deepEqual(
        (await provider.listen(400)).filter(({ kind }) => kind === "release"),
        [],
      );
      await home.startSkylan();
      provider.answer(await provider.next("rebind"));
    }
    const before = provider.now;
    const { code, stderr } = await home.runSkylan("down", "--release");
    assert.equal(code, 0, stderr);
    const releases = provider.of("release");
    assert.equal(releases.length, 4);
    assert.ok(releases.every(({ at }) => at > before));
    assertOneExchange(releases);
    assertGaps(releases, [1, 2, 4]);
    assertElapsedTimes(provider.heard);
    assertAddressing(provider.heard);
    assert.deepEqual(namedPrefixes(releases[0]!.message), [HOME]);
    assert.ok(optionOf(releases[0]!.message, "server-id"));
    await capture.stop();
    const advertised = await capture.packets("icmpv6.type == 134", "frame.time_epoch", "icmpv6.nd.ra.router_lifetime");
    const told = advertised.map(([time, lifetime]) => ({ at: Number(time) - provider.epoch, lifetime: Number(lifetime) }));
    assert.ok(
      told.some(({ at, lifetime }) => at < before && lifetime > 0),
      "a default router until then",
    );
    const farewell = told.find(({ at, lifetime }) => at > before && lifetime === 0);
    assert.ok(farewell && farewell.at < releases[0]!.at, `RA at ${farewell?.at}, Release at ${releases[0]!.at}`);
    const gone = await home.addresses("laptop");
    assert.deepEqual(
      gone.filter(({ state, address }) => state === "preferred" && address.startsWith("2605:")),
      [],
    );
  });

  test("[D6T-12] NoBinding to a Release is an answer: it is not repeated, and `down` succeeds", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    await provider.bind();
    provider.serve({ status: "NoBinding" });
    const { code, stderr } = await home.runSkylan("down", "--release");
    assert.equal(code, 0, stderr);
    assert.equal(provider.of("release").length, 1);
  });

  test("[D6T-12] an address that another node has is declined four times when the server is silent, and not used", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    provider.defend(ADDRESS);
    await home.startSkylan({ wan: { request_address: "always" } });
    await provider.bind({ addresses: [ADDRESS] });
    await home.until(() => provider.of("decline").length === 4, { within: 25_000, what: "four Declines have come" });
    const declines = provider.of("decline");
    assertOneExchange(declines);
    assertGaps(declines, [1, 2, 4]);
    assertElapsedTimes(provider.heard);
    for (const { message } of declines) {
      const ia = optionOf(message, "ia-na");
      assert.equal(ia && optionOf(ia, "ia-address")?.address, ADDRESS);
      assert.equal(optionOf(message, "ia-pd"), undefined);
    }
    const more = await provider.listen(9500);
    assert.deepEqual(
      more.filter(({ kind }) => kind === "decline"),
      [],
    );
    const status = await home.status();
    assert.deepEqual(
      status.wan.addresses.filter(({ address }) => address === ADDRESS),
      [],
    );
    assert.equal(status.delegations.length, 1);
  });
});
