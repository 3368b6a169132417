/** The first message of the client, and Rapid Commit. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHome } from "../../src/lab/home.ts";
import { ELSEWHERE, HOME } from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf } from "../../src/wire/dhcpv6.ts";
import { LATE } from "./client-manners.ts";
import { scriptedProvider } from "./scripted-provider.ts";

const STARTS = 16;
const RAPID = { options: [{ kind: "rapid-commit" }] } as const;

describe("the first message", { concurrency: true }, () => {
  test(`[D6T-2] the first Solicit of ${STARTS} starts follows the carrier after a random time of up to 1 s, which spreads`, async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    // With duplicate address detection the link-local address would come when the delay is over already.
    await home.gateway.sysctl({ "ipv6/conf/wan/accept_dad": 0 });
    await home.startSkylan();
    await provider.next("solicit", { within: 20_000 });
    const delays: number[] = [];
    for (let start = 0; start < STARTS; start++) {
      await home.cutWan();
      // Not more than the rate limit allows, or it is that limit which is measured.
      await provider.listen(600);
      provider.passOver();
      const mended = provider.now;
      await home.mendWan();
      delays.push((await provider.next("solicit")).at - mended);
    }
    const words = delays.map((delay) => delay.toFixed(3)).join();
    assert.ok(
      delays.every((delay) => delay > -0.01 && delay < 1 + LATE),
      words,
    );
    assert.ok(Math.max(...delays) - Math.min(...delays) > 0.4, words);
    assert.equal(new Set(provider.of("solicit").map(({ message }) => message.transactionId)).size, STARTS + 1);
  });

  test("[D6T-2] Rapid Commit is off by default: not offered, and a Reply to a Solicit is dropped", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    const solicit = await provider.next("solicit", { within: 20_000 });
    assert.equal(optionOf(solicit.message, "rapid-commit"), undefined);
    provider.answer(solicit, { kind: "reply", ...RAPID });
    provider.answer(solicit, { kind: "reply" });
    const again = await provider.next("solicit");
    assert.equal(again.message.transactionId, solicit.message.transactionId);
    assert.deepEqual((await home.status()).delegations, []);
  });

  test("[D6T-2] with Rapid Commit on, a Reply needs option 14 and binds at once, and an Advertise works as ever", async () => {
    const prefixesOf = async (use: { status(): Promise<{ readonly delegations: readonly { readonly prefix: string }[] }> }) =>
      (await use.status()).delegations.map(({ prefix }) => prefix);
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan({ wan: { rapid_commit: true } });
    const solicit = await provider.next("solicit", { within: 20_000 });
    assert.ok(optionOf(solicit.message, "rapid-commit"));
    provider.answer(solicit, { kind: "reply", prefixes: [ELSEWHERE] });
    assert.deepEqual(await prefixesOf(home), []);
    provider.answer(await provider.next("solicit"), { kind: "reply", preferred: 2, valid: 4, t1: 100, t2: 200, ...RAPID });
    await home.until(async () => (await prefixesOf(home)).join() === HOME, { within: 2000, what: "the Reply binds" });
    assert.equal(provider.of("request").length, 0);
    provider.answer(await provider.next("solicit"));
    provider.answer(await provider.next("request"));
    await home.until(async () => (await prefixesOf(home)).join() === HOME, { within: 2000, what: "the four messages bind" });
  });
});
