/** The M and O flags of the provider's routers, and what they start. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ip6 } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import { createHome } from "../../src/lab/home.ts";
import { ADDRESS } from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf } from "../../src/wire/dhcpv6.ts";
import { assertOneExchange } from "./client-manners.ts";
import { type ScriptedProvider, scriptedProvider } from "./scripted-provider.ts";

const FLAGS = [0, 1, 2, 3].map((bits) => ({ managed: bits > 1, other: bits % 2 === 1 }));
const OTHER_ROUTER = { from: ip6("fe80::2"), sourceMac: mac("02:00:00:00:00:02") };

/** Two routers that do not agree, and change their minds with every RA. */
async function waver(provider: ScriptedProvider, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    provider.sendRa(FLAGS[round % 4]!);
    provider.sendRa({ ...FLAGS[(round * 3 + 1) % 4]!, ...OTHER_ROUTER });
    await sleep(250);
  }
}

describe("flags of router advertisements", { concurrency: 3 }, () => {
  for (const { managed, other } of FLAGS) {
    const flags = `M=${Number(managed)} O=${Number(other)}`;
    test(`[WRA-9] ${flags} leads to a Solicit with IA_PD${managed ? " and IA_NA" : " alone"}, not to an Information-request alone, and to a lease`, async () => {
      await using home = await createHome({ isp: "none" });
      using provider = scriptedProvider(home);
      await home.startSkylan();
      provider.serve(({ kind }) => (kind === "solicit" ? undefined : {}), { managed, other });
      await home.until(async () => (await home.status()).wan.flags, { within: 15_000, what: "the RA is heard" });
      provider.passOver();
      const solicit = await provider.next("solicit");
      assert.ok(optionOf(solicit.message, "ia-pd"));
      assert.equal(optionOf(solicit.message, "ia-na") !== undefined, managed);
      provider.serve({ ...(managed && { addresses: [ADDRESS] }) }, { managed, other });
      await home.until(async () => (await home.status()).dhcpv6.state === "bound", { within: 15_000, what: "the lease is held" });
      assert.equal((await home.status()).delegations.length, 1);
    });
  }

  test("[WRA-11] [WRA-9] flags of two routers that flip in every RA: one Solicit exchange, and afterwards not one message more", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    await provider.next("solicit", { within: 20_000 });
    provider.sendRa({ managed: true, other: true });
    const widened = provider.now;
    await sleep(200);
    await waver(provider, 20);
    const solicits = provider.since(widened + 0.1).filter(({ kind }) => kind === "solicit");
    assert.ok(solicits.length >= 1 && solicits.length <= 4, `${solicits.length} Solicits`);
    assertOneExchange(solicits);
    provider.serve({ addresses: [ADDRESS] });
    await home.until(async () => (await home.status()).dhcpv6.state === "bound", { within: 25_000, what: "the leases are held" });
    provider.mute();
    const before = provider.heard.length;
    await waver(provider, 20);
    assert.deepEqual(
      provider.heard.slice(before).map(({ kind }) => kind),
      [],
    );
    assert.equal((await home.status()).delegations.length, 1);
  });
});
