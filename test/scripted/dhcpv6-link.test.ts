/** What becomes of leases and exchanges when the link goes and comes, the daemon starts anew, and a server leads into circles. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createHome, type Home } from "../../src/lab/home.ts";
import { ADDRESS, HOME, namedPrefixes, status } from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf } from "../../src/wire/dhcpv6.ts";
import { assertElapsedTimes, assertOneExchange, EARLY, gaps, LATE, mostWithin } from "./client-manners.ts";
import { type Heard, type ScriptedProvider, scriptedProvider } from "./scripted-provider.ts";

async function flap(home: Home, provider: ScriptedProvider): Promise<void> {
  await home.cutWan();
  await sleep(300);
  provider.passOver();
  await home.mendWan();
}

const isBound = async (home: Home): Promise<boolean> => (await home.status()).dhcpv6.state === "bound";

/** The prefix is delegated, on the LAN, and in use by the laptop; nothing is being withdrawn. */
async function assertLanLeftAlone(home: Home): Promise<void> {
  const { delegations, lans } = await home.status();
  assert.deepEqual(
    delegations.map(({ prefix }) => prefix),
    [HOME],
  );
  assert.deepEqual(lans[0]!.withdrawing, []);
  assert.equal(lans[0]!.subnets.filter(({ prefix }) => prefix.startsWith("2605:59c8:12")).length, 1);
  const own = (await home.addresses("laptop")).filter(({ address }) => address.startsWith("2605:59c8:12"));
  assert.deepEqual(
    own.map(({ state }) => state),
    ["preferred"],
  );
}

/** RFC 8415 18.2.12 and 18.2.3: after 0 to 1 s, again after 1, 2, 4 s, and given up 10 s after the first. */
function assertVerification(messages: readonly Heard[], kind: "rebind" | "confirm"): void {
  assert.ok(messages.length >= 3 && messages.length <= 5, `${messages.length} messages in 13 s`);
  assert.deepEqual([...new Set(messages.map((heard) => heard.kind))], [kind]);
  assertOneExchange(messages);
  for (const gap of gaps(messages)) assert.ok(gap >= 0.9 - EARLY && gap <= 4.4 + LATE, gaps(messages).join());
  assert.ok(messages.at(-1)!.at - messages[0]!.at < 10 + LATE);
}

describe("links, restarts and circles", { concurrency: 3 }, () => {
  test("[D6T-10] [D6T-14] after a flap and after a restart delegated prefixes are verified by Rebind; without an answer all stays as it was (case 14)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    await provider.bind();
    const bound = provider.now;
    await home.globalAddress("laptop");
    await flap(home, provider);
    const first = await provider.next("rebind", { within: 5000 });
    await sleep(12_500);
    assertVerification(provider.since(first.at), "rebind");
    assert.deepEqual(namedPrefixes(first.message), [HOME]);
    assert.equal(optionOf(first.message, "server-id"), undefined);
    await assertLanLeftAlone(home);
    const left = (await home.status()).delegations[0]!.valid!;
    assert.ok(Math.abs(300 - (provider.now - bound) - left) < 3, `${left} s are left ${provider.now - bound} s after the Reply`);
    assert.ok(await isBound(home));

    await home.skylan.kill("SIGKILL");
    provider.passOver();
    await home.startSkylan();
    const restarted = await provider.next("rebind", { within: 5000 });
    await assertLanLeftAlone(home);
    provider.answer(restarted);
    await home.until(() => isBound(home), { within: 2000, what: "the lease is verified" });
    assert.ok((await home.status()).delegations[0]!.valid! >= 295);
    await assertLanLeftAlone(home);
    assert.deepEqual([provider.of("confirm"), provider.of("release")], [[], []]);
    assert.equal(provider.of("solicit").length, 1);
    assertElapsedTimes(provider.heard);
  });

  test("[D6T-10] [D6T-14] a flap during Request, Renew and Rebind: the old exchange ends, one new one begins, the prefix is kept (cases 13, 14)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    provider.answer(await provider.next("solicit", { within: 20_000 }));
    const request = await provider.next("request");
    await flap(home, provider);
    const solicit = await provider.next("solicit");
    provider.answer(request);
    await sleep(200);
    assert.deepEqual((await home.status()).delegations, [], "a Reply to an exchange that is over");
    provider.answer(solicit, { t1: 3, t2: 6 });
    provider.answer(await provider.next("request"), { t1: 3, t2: 6 });

    const renew = await provider.next("renew");
    await flap(home, provider);
    const verify = await provider.next("rebind");
    assert.notEqual(verify.message.transactionId, renew.message.transactionId);
    provider.answer(verify, { t1: 3, t2: 6 });

    await provider.next("renew");
    const rebind = await provider.next("rebind");
    await flap(home, provider);
    const again = await provider.next("rebind");
    assert.notEqual(again.message.transactionId, rebind.message.transactionId);
    provider.answer(again);
    await home.until(() => isBound(home), { within: 2000, what: "the lease is verified" });
    assertElapsedTimes(provider.heard);
    assert.deepEqual(provider.of("confirm"), []);
  });

  test("[D6T-15] [D6T-10] twenty flaps in 10 s: at most 20 messages in 20 s, all of them Rebinds, one exchange at the end, and the prefix stays (case 13)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    // The link-local address is usable at once, so that each flap really makes a message.
    await home.gateway.sysctl({ "ipv6/conf/wan/accept_dad": 0, "ipv6/conf/wan/router_solicitations": 0 });
    await home.startSkylan();
    await provider.bind();
    await home.globalAddress("laptop");
    const before = provider.now;
    for (let flaps = 0; flaps < 20; flaps++) {
      await home.cutWan();
      await sleep(60);
      await home.mendWan();
      await sleep(400);
    }
    const mended = provider.now;
    await sleep(14_000);
    const messages = provider.since(before);
    assert.ok(messages.length >= 5, `${messages.length} messages`);
    assert.ok(mostWithin(provider.heard, 20) <= 20, `${mostWithin(provider.heard, 20)} messages in 20 s`);
    assert.deepEqual([...new Set(messages.map(({ kind }) => kind))], ["rebind"]);
    assertOneExchange(provider.since(mended + 0.2));
    await assertLanLeftAlone(home);
  });

  test("[D6T-15] a server that forgets at every Renew, and one that takes back each offer, gets at most 20 messages in 20 s", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    await provider.bind({ t1: 1, t2: 2 });
    provider.serve(({ kind }) =>
      kind === "solicit" ? { t1: 1, t2: 2 } : { t1: 1, t2: 2, ias: [status("NoBinding")], status: "NoBinding" },
    );
    await sleep(12_000);
    provider.serve(({ kind }) => (kind === "request" ? { prefixes: [status("NoPrefixAvail")] } : { preferred: 1, valid: 2 }));
    await sleep(14_000);
    provider.serve({ preferred: 1, valid: 1 });
    await sleep(14_000);
    assert.ok(provider.heard.length >= 10, `${provider.heard.length} messages`);
    assert.ok(mostWithin(provider.heard, 20) <= 20, `${mostWithin(provider.heard, 20)} messages in 20 s`);
  });

  test("[D6T-9] an address without delegated prefixes is verified by Confirm for 10 s; silence keeps it, NotOnLink ends it (case 14)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan({ wan: { request_address: "always" } });
    const onlyAddress = { addresses: [ADDRESS], prefixes: [status("NoPrefixAvail")] };
    provider.serve(onlyAddress);
    const leased = async (): Promise<boolean> => (await home.status()).wan.addresses.some(({ origin }) => origin === "leased");
    await home.until(leased, { within: 15_000, what: "the address is leased" });
    provider.mute();
    await flap(home, provider);
    const first = await provider.next("confirm", { within: 5000 });
    await sleep(12_500);
    const confirms = provider.of("confirm");
    assertVerification(confirms, "confirm");
    assert.equal(optionOf(first.message, "ia-pd"), undefined);
    const ia = optionOf(first.message, "ia-na");
    assert.equal(ia && optionOf(ia, "ia-address")?.address, ADDRESS);
    assert.ok(await leased());

    await flap(home, provider);
    provider.answer(await provider.next("confirm", { within: 5000 }), { status: "NotOnLink" });
    await provider.next("solicit");
    assert.ok(!(await leased()));
    assert.deepEqual(provider.of("rebind"), []);
  });
});
