/** T1, T2 and lifetimes at their extremes, several IAs with one timer, and a wall clock that jumps. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { ADDRESS, HOME, iaAddress, iaNaWith, iaPdWith, iaPrefix, namedPrefixes } from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf } from "../../src/wire/dhcpv6.ts";
import { LATE } from "./client-manners.ts";
import { type Heard, type ScriptedProvider, scriptedProvider } from "./scripted-provider.ts";

const INFINITE = 0xffffffff;
const DAY = 86_400;
const YEAR = 365 * DAY;

const namedAddress = ({ message }: Heard): string | undefined => {
  const ia = optionOf(message, "ia-na");
  return ia && optionOf(ia, "ia-address")?.address;
};

/** Has the client renew now, and gives it these times. */
async function renewWith(home: Home, provider: ScriptedProvider, times: { preferred?: number; valid?: number; t1?: number; t2?: number }) {
  provider.passOver();
  assert.equal((await home.runSkylan("refresh")).code, 0);
  provider.answer(await provider.next("renew", { within: 5000 }), times);
  await home.until(async () => (await home.status()).dhcpv6.state !== "renewing", { within: 3000, what: "the Reply is taken" });
  const { dhcpv6, delegations } = await home.status();
  return { renewIn: dhcpv6.renewIn, rebindIn: dhcpv6.rebindIn, valid: delegations[0]?.valid };
}

/** Spans of a status are whole seconds left, a few of which may have passed. */
function assertAbout(value: number | null | undefined, expected: number): void {
  assert.ok(typeof value === "number" && value <= expected && value >= expected - 4, `${value} where ${expected} was expected`);
}

describe("the client's timers", { concurrency: 3 }, () => {
  test("[D6T-16] T1 = T2 = 0 for both kinds: half and four fifths of the shortest preferred lifetime, never at once; 75 and 120 s for 150", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan({ wan: { request_address: "always" } });
    await provider.bind({ addresses: [iaAddress(ADDRESS, { preferred: 14, valid: 40 })], preferred: 10, valid: 40 });
    const bound = provider.now;
    const renew = await provider.next("renew");
    const rebind = await provider.next("rebind");
    assert.ok(renew.at - bound > 3.5 && renew.at - bound < 5 + LATE, `Renew after ${renew.at - bound} s`);
    assert.ok(rebind.at - bound > 6.5 && rebind.at - bound < 8 + LATE, `Rebind after ${rebind.at - bound} s`);
    for (const heard of [renew, rebind]) {
      assert.equal(namedAddress(heard), ADDRESS);
      assert.deepEqual(namedPrefixes(heard.message), [HOME]);
    }
    provider.answer(rebind, { addresses: [ADDRESS] });
    await home.until(async () => (await home.status()).dhcpv6.state === "bound", { within: 3000, what: "the lease is held" });
    const { dhcpv6 } = await home.status();
    assertAbout(dhcpv6.renewIn, 75);
    assertAbout(dhcpv6.rebindIn, 120);
    assert.deepEqual(await provider.listen(4000), []);
  });

  test("[D6T-17] infinite and huge times: kept exactly, without an end where there is none, and not a packet before their time (case 33)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    await provider.bind();
    provider.sendRa({ routerLifetime: 9000, preferred: 9000, valid: 9000 });
    const endless = { preferred: INFINITE, valid: INFINITE };
    const never = await renewWith(home, provider, { ...endless, t1: INFINITE, t2: INFINITE });
    assert.deepEqual(never, { renewIn: null, rebindIn: null, valid: null });
    assert.deepEqual(await provider.listen(3000), []);
    const laptop = await home.gateway.exec("ip", "-6", "addr", "show", "dev", "lan");
    assert.match(laptop, /2605:59c8:1200:/);
    for (const span of [30 * DAY, 4_294_967, 4_294_968, INFINITE - 1]) {
      const { renewIn, valid } = await renewWith(home, provider, { ...endless, t1: span, t2: INFINITE });
      assertAbout(renewIn, span);
      assert.equal(valid, null);
      assert.deepEqual(await provider.listen(1500), [], `T1 of ${span} s`);
    }
    const long = await renewWith(home, provider, { preferred: INFINITE - 1, valid: INFINITE - 1, t1: 0, t2: 0 });
    assertAbout(long.valid, INFINITE - 1);
    assert.deepEqual(await provider.listen(1500), []);
    assert.equal(provider.of("solicit").length, 1);
  });

  test("[D6T-17] [D6T-16] T1 alone, T2 alone, T2 beyond the valid lifetime: Renew is never at once and Rebind before the end; T1 above T2 is as if unsaid", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    await provider.bind();
    const t1Alone = await renewWith(home, provider, { t1: 60 });
    assertAbout(t1Alone.renewIn, 60);
    assertAbout(t1Alone.rebindIn, 120);
    const t2Alone = await renewWith(home, provider, { t2: 100 });
    assertAbout(t2Alone.rebindIn, 100);
    assert.ok(t2Alone.renewIn! > 40 && t2Alone.renewIn! < 100, `${t2Alone.renewIn}`);
    const beyond = await renewWith(home, provider, { t1: 100, t2: 5000 });
    assertAbout(beyond.renewIn, 100);
    assert.ok(beyond.rebindIn! < 300, `${beyond.rebindIn}`);
    provider.passOver();
    await home.runSkylan("refresh");
    const before = (await home.status()).delegations[0]!.valid!;
    const renew = await provider.next("renew");
    provider.answer(renew, { t1: 80, t2: 50, preferred: 1500, valid: 3000 });
    await provider.listen(300);
    const { delegations, dhcpv6 } = await home.status();
    assert.equal(dhcpv6.state, "renewing");
    assert.ok(delegations[0]!.valid! <= before);
    const again = await provider.next("renew", { within: 15_000 });
    assert.equal(again.message.transactionId, renew.message.transactionId);
  });

  test("[D6T-17] IA_NA with T1 1000 and IA_PD with T1 5 are renewed by one message at 5 s", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan({ wan: { request_address: "always" } });
    const ias = ({ message }: Heard) => [
      iaNaWith([iaAddress(ADDRESS, { preferred: 2000, valid: 4000 })], { t1: 1000, t2: 1600, iaid: optionOf(message, "ia-na")!.iaid }),
      iaPdWith([iaPrefix(HOME)], { t1: 5, t2: 100, iaid: optionOf(message, "ia-pd")!.iaid }),
    ];
    provider.serve((heard) => (heard.kind === "renew" ? undefined : { ias: ias(heard) }));
    const request = await provider.next("request", { within: 20_000 });
    const renew = await provider.next("renew");
    assert.ok(renew.at - request.at >= 4.99 && renew.at - request.at < 5 + LATE, `${renew.at - request.at} s`);
    assert.equal(namedAddress(renew), ADDRESS);
    assert.deepEqual(namedPrefixes(renew.message), [HOME]);
    assert.deepEqual(await provider.listen(3000), []);
  });

  test("[D6T-20] a wall clock that jumps ten years ahead and a day back moves no timer and ends no lease, also across a restart (case 16)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    const step = join(home.directory, "clock");
    const env = { NODE_OPTIONS: `--import=${join(import.meta.dirname, "stepped-clock.ts")}`, STEPPED_CLOCK: step };
    const wallAhead = async (): Promise<number> => (Date.parse((await home.status()).at) - Date.now()) / 1000;
    writeFileSync(step, "0");
    await home.startSkylan({}, env);
    const times = { t1: 8, t2: 20, preferred: 40, valid: 60 };
    await provider.bind(times);
    provider.sendRa();
    await home.globalAddress("laptop");
    let bound = provider.of("request")[0]!.at;
    for (const jump of [10 * YEAR, -DAY]) {
      writeFileSync(step, `${jump}`);
      await home.until(async () => Math.abs((await wallAhead()) - jump) < 60, { within: 3000, what: `the clock is ${jump} s off` });
      assert.ok((await home.status()).delegations[0]!.valid! > 45);
      const renew = await provider.next("renew", { within: 12_000 });
      assert.ok(renew.at - bound >= 7.99 && renew.at - bound < 8 + LATE, `Renew after ${renew.at - bound} s`);
      provider.answer(renew, times);
      bound = renew.at;
    }
    await home.skylan.stop();
    provider.passOver();
    writeFileSync(step, `${10 * YEAR}`);
    await home.startSkylan({}, env);
    assert.ok(Math.abs((await wallAhead()) - 10 * YEAR) < 60);
    const left = (await home.status()).delegations[0]!.valid!;
    assert.ok(Math.abs(60 - (provider.now - bound) - left) < 3, `${left} s left after ${provider.now - bound} s`);
    provider.answer(await provider.next("rebind"), { ...times, t1: 100, t2: 200, preferred: 400, valid: 600 });
    assert.deepEqual(await provider.listen(2000), []);
    assert.equal(provider.of("solicit").length, 1);
    const own = (await home.addresses("laptop")).filter(({ address }) => address.startsWith("2605:59c8:12"));
    assert.deepEqual(
      own.map(({ state }) => state),
      ["preferred"],
    );
  });

  test("[D6T-11] Information-request: asked for when Solicits bring nothing and an RA has the O flag, with 32 and 83, refreshed no sooner than 600 s", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    await provider.next("solicit", { within: 20_000 });
    provider.sendRa();
    const first = await provider.next("information-request", { within: 15_000 });
    const second = await provider.next("information-request");
    assert.equal(second.message.transactionId, first.message.transactionId);
    assert.ok(second.at - first.at >= 0.89 && second.at - first.at < 1.1 + LATE, `${second.at - first.at} s`);
    const codes = optionOf(first.message, "oro")?.codes ?? [];
    assert.ok(
      [23, 24, 32, 83].every((code) => codes.includes(code)),
      codes.join(),
    );
    assert.equal(optionOf(first.message, "ia-pd"), undefined);
    provider.answer(second, { options: [{ kind: "information-refresh-time", time: 10 as Seconds }] });
    const more = await provider.listen(14_000);
    assert.deepEqual(
      more.filter(({ kind }) => kind !== "solicit"),
      [],
    );
    assert.equal((await home.status()).wan.resolvers.length, 2);
  });
});
