/** When the client sends again, on a real link: the rhythm of Solicit, Request, Renew and Rebind, and what stays in use meanwhile. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHome } from "../../src/lab/home.ts";
import { ELSEWHERE, HOME, namedPrefixes, OTHER_SERVER, SERVER } from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf } from "../../src/wire/dhcpv6.ts";
import {
  assertAddressing,
  assertElapsedTimes,
  assertGaps,
  assertOneExchange,
  assertRequestedOptions,
  gaps,
  LATE,
} from "./client-manners.ts";
import { scriptedProvider, type Heard } from "./scripted-provider.ts";

const serverOf = ({ message }: Heard): string | undefined => optionOf(message, "server-id")?.duid;

/** RFC 8415 had a server offer unicast with option 12; RFC 9915 has it no more. */
const UNICAST = { kind: "unknown", code: 12, data: new Uint8Array(16).fill(0xfe) } as const;

describe("the client's rhythm", { concurrency: true }, () => {
  test("[D6T-6] [D6T-7] [D6T-1] [D6T-14] [D6T-19] Renew at T1 after 10 and 20 s again, Rebind at T2, and who answers is the server", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    await provider.bind({ t1: 4, t2: 38, options: [UNICAST] });
    const bound = provider.now;
    const rebind = await provider.next("rebind", { within: 50_000 });
    const renews = provider.of("renew");
    assert.ok(renews[0]!.at - bound > 2 && renews[0]!.at - bound < 4 + LATE, `the first Renew after ${renews[0]!.at - bound} s`);
    assert.ok(gaps(renews)[0]! >= 9 && gaps(renews)[0]! <= 11 + LATE, gaps(renews).join());
    assert.ok(renews.length <= 3 && (renews.length === 2 || gaps(renews)[1]! >= 17), gaps(renews).join());
    for (const renew of renews) assert.equal(serverOf(renew), SERVER);
    assertOneExchange(renews);
    assert.ok(rebind.at - bound > 36 && rebind.at - bound < 38 + LATE, `Rebind after ${rebind.at - bound} s`);
    assert.equal(serverOf(rebind), undefined);
    assert.deepEqual(namedPrefixes(rebind.message), [HOME]);
    provider.answer(rebind, { server: OTHER_SERVER, t1: 3, t2: 30 });
    assert.equal(serverOf(await provider.next("renew")), OTHER_SERVER);
    const status = await home.status();
    assert.equal(status.dhcpv6.serverDuid, OTHER_SERVER);
    assertAddressing(provider.heard);
    assertElapsedTimes(provider.heard);
    assertRequestedOptions(provider.heard);
  });

  test("[D6T-8] a server that falls silent: the prefix is in use to the end of its valid lifetime, long after T2, and then Solicit follows (case 22)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    await provider.bind({ preferred: 10, valid: 30, t1: 4, t2: 8 });
    const bound = provider.now;
    const rebind = await provider.next("rebind", { within: 12_000 });
    assert.ok(rebind.at - bound < 8 + LATE);
    await provider.next("rebind", { within: 15_000 });
    await home.until(() => provider.now > bound + 25, { within: 30_000, what: "25 s have passed" });
    const late = await home.status();
    assert.deepEqual(
      late.delegations.map(({ prefix, preferred }) => [prefix, preferred]),
      [[HOME, 0]],
    );
    assert.equal(late.lans[0]!.subnets.length, 1);
    assert.equal((await home.addresses("laptop")).filter(({ address }) => address.startsWith("2605:59c8:12")).length, 1);
    const solicit = await provider.next("solicit");
    assert.ok(solicit.at - bound > 28.5 && solicit.at - bound < 31 + LATE, `Solicit after ${solicit.at - bound} s`);
    assert.deepEqual(namedPrefixes(solicit.message), [HOME]);
    const after = await home.status();
    assert.deepEqual(after.delegations, []);
    assert.deepEqual(
      after.lans[0]!.subnets.filter(({ prefix }) => prefix.startsWith("2605:")),
      [],
    );
  });

  test("[D6T-4] Advertises are gathered for the first timeout and the highest preference wins; 255 ends the wait; after it the first one wins", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    const preference = (value: number) => ({ options: [{ kind: "preference", value } as const] });
    const first = await provider.next("solicit", { within: 20_000 });
    provider.answer(first, preference(10));
    provider.answer(first, { server: OTHER_SERVER, prefixes: [ELSEWHERE], ...preference(200) });
    const gathered = await provider.next("request");
    assert.equal(serverOf(gathered), OTHER_SERVER);
    assert.ok(gathered.at - first.at > 1 && gathered.at - first.at < 1.1 + LATE, `${gathered.at - first.at} s`);

    await home.cutWan();
    provider.passOver();
    await home.mendWan();
    const second = await provider.next("solicit");
    provider.answer(second, preference(200));
    provider.answer(second, { server: OTHER_SERVER, ...preference(255) });
    const hurried = await provider.next("request");
    assert.equal(serverOf(hurried), OTHER_SERVER);
    assert.ok(hurried.at - second.at < 0.9, `${hurried.at - second.at} s`);

    await home.cutWan();
    provider.passOver();
    await home.mendWan();
    await provider.next("solicit");
    await provider.next("solicit");
    const third = await provider.next("solicit");
    provider.answer(third, preference(0));
    provider.answer(third, { server: OTHER_SERVER, ...preference(200) });
    const late = await provider.next("request");
    assert.equal(serverOf(late), SERVER);
    assert.ok(late.at - third.at < 0.9, `${late.at - third.at} s`);
  });

  test("[D6T-3] a Solicit that nobody answers is repeated after 1, 2, 4, 8 and 16 s, the first time strictly later than 1 s", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    const first = await provider.next("solicit", { within: 20_000 });
    await home.until(() => provider.of("solicit").length >= 6, { within: 45_000, what: "six Solicits have come" });
    const solicits = provider.of("solicit").slice(0, 6);
    assertGaps(solicits, [1, 2, 4, 8, 16]);
    assert.ok(solicits[1]!.at - first.at > 1);
    assertOneExchange(solicits);
    assertElapsedTimes(provider.heard);
    assertAddressing(provider.heard);
  });
});
