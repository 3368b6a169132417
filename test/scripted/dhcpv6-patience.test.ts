/** What takes three minutes: the ends of long retransmissions. All homes wait at the same time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHome } from "../../src/lab/home.ts";
import { OTHER_SERVER, SERVER, status } from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf } from "../../src/wire/dhcpv6.ts";
import { assertAddressing, assertElapsedTimes, assertGaps, assertOneExchange, EARLY, gaps, LATE, mostWithin } from "./client-manners.ts";
import { type Heard, scriptedProvider } from "./scripted-provider.ts";

const serverOf = ({ message }: Heard): string | undefined => optionOf(message, "server-id")?.duid;

describe("three minutes", { concurrency: true }, () => {
  test("[D6T-5] a server that is silent after its Advertise gets exactly ten Requests of one exchange, then the next server is asked", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    const solicit = await provider.next("solicit", { within: 20_000 });
    provider.answer(solicit, { options: [{ kind: "preference", value: 9 }] });
    provider.answer(solicit, { server: OTHER_SERVER });
    const toOther = (): Heard | undefined => provider.of("request").find((heard) => serverOf(heard) === OTHER_SERVER);
    const next = await home.until(toOther, { within: 230_000, what: "the other server is asked" });
    const requests = provider.of("request").filter((heard) => serverOf(heard) === SERVER);
    assert.equal(requests.length, 10);
    assertOneExchange(requests);
    assertGaps(requests.slice(0, 6), [1, 2, 4, 8, 16]);
    // The sixth gap is twice the one before, or MRT where that is less; all further ones are MRT.
    for (const [index, gap] of gaps(requests).slice(5).entries()) {
      assert.ok(gap >= (index === 0 ? 22 : 26.9) && gap <= 33 + LATE, gaps(requests).join());
    }
    assert.ok(next.at - requests.at(-1)!.at >= 26.9);
    assert.notEqual(next.message.transactionId, requests[0]!.message.transactionId);
    assert.equal(provider.of("solicit").length, 1);
    assertElapsedTimes(provider.heard);
  });

  test("[D6T-3] [D6T-1] [D6T-14] three minutes of Solicits: each gap twice the one before, one transaction id", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    await home.until(() => provider.of("solicit").length === 8, { within: 180_000, what: "eight Solicits have come" });
    const solicits = provider.of("solicit");
    assert.equal(provider.heard.length, 8);
    gaps(solicits).reduce((before, gap) => {
      assert.ok(gap > (before - EARLY) * 1.89 && gap < before * 2.11 + LATE, gaps(solicits).join());
      return gap;
    });
    assert.ok(gaps(solicits)[0]! > 1);
    assertOneExchange(solicits);
    assertElapsedTimes(solicits);
    assertAddressing(solicits);
  });

  test("[D6T-18] [D6E-4] NoPrefixAvail with SOL_MAX_RT 60: Solicits go on, and are never more than 66 s apart", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    provider.serve({ prefixes: [status("NoPrefixAvail")], options: [{ kind: "sol-max-rt", time: 60 as never }] });
    await home.until(() => provider.of("solicit").length === 9, { within: 230_000, what: "nine Solicits have come" });
    const solicits = provider.of("solicit");
    assertGaps(solicits.slice(0, 6), [1, 2, 4, 8, 16]);
    for (const gap of gaps(solicits).slice(6)) assert.ok(gap >= 53.9 && gap <= 66 + LATE, gaps(solicits).join());
    assertOneExchange(solicits);
    assert.deepEqual(provider.of("request"), []);
    assert.match((await home.status()).dhcpv6.refusal ?? "", /NoPrefixAvail/);
  });

  test("[D6T-15] three minutes with a server that advertises and then refuses: never more than 20 messages in 20 s, and ever fewer", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    provider.serve(({ kind }) => (kind === "solicit" ? {} : { prefixes: [status("NoPrefixAvail")] }));
    const first = await provider.next("solicit", { within: 20_000 });
    await provider.listen(180_000);
    assert.ok(mostWithin(provider.heard, 20) <= 20);
    const [early, late] = [provider.since(first.at).filter(({ at }) => at < first.at + 60), provider.since(first.at + 120)];
    assert.ok(early.length > late.length && provider.heard.length < 60, `${early.length}, later ${late.length}`);
  });
});
