/** What is in the provider's IAs: lifetimes, status codes, several prefixes, addresses beside them; and what becomes of the LAN. */
// Needs: ping
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Ip6, ip6 } from "../../src/addr/ip.ts";
import { hostAddresses } from "../../src/lab/host-address.ts";
import {
  ADDRESS,
  ELSEWHERE,
  HOME,
  iaAddress,
  iaNa,
  iaPd,
  iaPdWith,
  iaPrefix,
  OTHER_SERVER,
  SERVER,
  status,
} from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf, optionsOf } from "../../src/wire/dhcpv6.ts";
import { raOptions } from "../fixtures/link-watch.ts";
import { LATE, mostWithin } from "./client-manners.ts";
import { createScene, held, leasedAddresses, named, OWN_RESOLVER, refreshed, subnets, THIRD, told, untilHeld } from "./delegations.ts";
import { type Answer, RESOLVERS } from "./scripted-answer.ts";
import type { Heard } from "./scripted-provider.ts";

const BOTH = { wan: { request_address: "always" } } as const;
/** The daemon's own IAID for addresses. */
const IAID = { iaid: 1 } as const;
const INFINITE = 0xffffffff;
const FIRST = "2605:59c8:1200::/64";

const addressesIn = ({ message }: Heard): readonly Ip6[] =>
  optionsOf(message, "ia-na").flatMap((ia) => optionsOf(ia, "ia-address").map(({ address }) => address));

describe("what is delegated", { concurrency: 4 }, () => {
  test("[D6P-6] a contradictory prefix is discarded and no other, a contradictory IA_PD and nothing else (cases 2, 4, 5)", async () => {
    await using scene = await createScene(BOTH);
    const { home, provider } = scene;
    provider.answer(await provider.next("solicit", { within: 20_000 }), { t1: 80, t2: 50 });
    provider.answer(await provider.next("solicit"), { addresses: [ADDRESS] });
    provider.answer(await provider.next("request"), { ias: [iaPd(HOME, { t1: 80, t2: 50 }), iaNa(ADDRESS, IAID)] });
    await home.until(async () => (await leasedAddresses(home)).join() === ADDRESS, { within: 5_000, what: "the address is used" });
    assert.deepEqual(await held(home), []);
    const insane = iaPrefix(ELSEWHERE, { preferred: 90, valid: 30 });
    provider.answer(await provider.next("renew"), { addresses: [ADDRESS], prefixes: [insane, HOME] });
    await untilHeld(home, HOME);
    assert.deepEqual(await subnets(home), [[FIRST]]);
    provider.answer(await refreshed(scene), { addresses: [ADDRESS], prefixes: [HOME, insane] });
    const renew = await refreshed(scene);
    assert.deepEqual(named(renew), [HOME]);
    provider.answer(renew, { ias: [iaPd(ELSEWHERE, { t1: 80, t2: 50 }), iaNa(ADDRESS, { ...IAID, preferred: 1000, valid: 2000 })] });
    const prolonged = async () => (await home.status()).wan.addresses.some(({ address, valid }) => address === ADDRESS && valid! > 1900);
    await home.until(prolonged, { within: 5_000, what: "the address has its new lifetimes" });
    assert.deepEqual(await held(home), [HOME]);
  });

  test("[D6P-6] [D6P-12] a first Reply whose lifetimes are all 0 delegates nothing, and the Solicits after it are not hasty (case 5)", async () => {
    await using scene = await createScene();
    const { home, provider, lan } = scene;
    provider.serve({ preferred: 0, valid: 0 });
    await provider.next("solicit", { within: 20_000 });
    await provider.listen(12_000);
    assert.deepEqual(await held(home), []);
    assert.ok(lan.advertisements.every((ra) => Object.keys(told(ra)).length === 0));
    assert.ok(mostWithin(provider.heard, 12) <= 10, `${provider.heard.length} messages`);
    provider.serve({});
    await home.until(async () => (await held(home)).join() === HOME, { within: 25_000, what: `${HOME} is held in the end` });
  });

  test("[D6T-16] [D6T-17] T1 and T2 that are 0, missing, too late or infinite give sensible times (case 4)", async () => {
    await using scene = await createScene();
    const { home, provider } = scene;
    await provider.bind();
    const timesOf = async (answer: Answer): Promise<readonly (number | null | undefined)[]> => {
      provider.answer(await refreshed(scene), answer);
      await home.until(async () => (await home.status()).dhcpv6.state === "bound", { within: 5_000, what: "it is bound" });
      const { renewIn, rebindIn } = (await home.status()).dhcpv6;
      return [renewIn, rebindIn];
    };
    const near = (times: readonly (number | null | undefined)[], renew: number | null, rebind: number | null): void => {
      [renew, rebind].forEach((time, i) => {
        const found = times[i];
        const fits = time === null ? found === null : typeof found === "number" && found <= time && found >= time - 3;
        assert.ok(fits, `T1 and T2 in ${times.join(", ")} s where ${renew} and ${rebind} were expected`);
      });
    };
    near(await timesOf({ preferred: 150, valid: 300 }), 75, 120);
    near(await timesOf({ preferred: 150, valid: 300, t1: 40 }), 40, 120);
    const late = await timesOf({ preferred: 150, valid: 300, t1: 40, t2: 500 });
    assert.ok(late[0]! <= 40 && late[1]! < 300 && late[1]! > 150, `T2 beyond the valid lifetime: Rebind in ${late[1]} s`);
    near(await timesOf({ preferred: INFINITE, valid: INFINITE, t1: INFINITE, t2: INFINITE }), null, null);
    const [forever] = (await home.status()).delegations;
    assert.deepEqual([forever!.preferred, forever!.valid], [null, null]);
    assert.deepEqual(
      (await provider.listen(1_500)).map(({ kind }) => kind),
      [],
    );
  });

  test("[D6P-11] [D6P-12] [D6P-7] NoPrefixAvail is read in the message, the IA_PD and the IAPREFIX: go on soliciting, or withdraw at once (case 3)", async () => {
    await using scene = await createScene(BOTH);
    const { home, provider, lan } = scene;
    const refusals: readonly Answer[] = [
      { prefixes: [status("NoPrefixAvail", "none left")] },
      { prefixes: [iaPrefix(HOME, { options: [status("NoPrefixAvail")] })] },
      { status: "NoPrefixAvail", ias: [] },
    ];
    for (const refusal of refusals) provider.answer(await provider.next("solicit", { within: 20_000 }), refusal);
    provider.answer(await provider.next("solicit"));
    const request = await provider.next("request");
    assert.equal(provider.of("request").length, 1);
    provider.answer(request, refusals[0]);
    const again = await provider.next("solicit", { within: 25_000 });
    assert.ok(again.at - request.at > 0.9, "not at once");
    const { events, dhcpv6 } = await home.status();
    assert.match(dhcpv6.refusal ?? "", /NoPrefixAvail: none left/);
    assert.ok(events.some(({ event, text }) => event === "dhcpv6.refused" && /NoPrefixAvail: none left/.test(text)));
    provider.answer(again);
    provider.answer(await provider.next("request"), { addresses: [status("NoAddrsAvail")] });
    await untilHeld(home, HOME);
    await lan.advertisement((ra) => (told(ra)[FIRST]?.[1] ?? 0) > 0, { within: 5_000, what: "the LAN has its prefix" });
    const renew = await refreshed(scene);
    const taken = iaPrefix(HOME, { preferred: 0, valid: 0, options: [status("NoPrefixAvail", "taken away")] });
    provider.answer(renew, { addresses: [], prefixes: [taken] });
    const withdrawal = await lan.advertisement((ra) => told(ra)[FIRST]?.[1] === 0, { within: 5_000, what: "the LAN withdraws it" });
    assert.ok(withdrawal.at - provider.epoch - renew.at < 4, `withdrawn ${withdrawal.at - provider.epoch - renew.at} s after the Reply`);
    assert.deepEqual(await held(home), []);
    const solicit = await provider.next("solicit", { within: 8_000 });
    assert.ok(solicit.at - renew.at < 8);
  });

  test("[D6P-14] [D6P-7] of two prefixes each LAN has a /64 and Renew names both; the one whose lifetime is 0 goes at once, the other lives on (case 1)", async () => {
    const lans = ["lan", "iot"].map((name) => ({ name, interface: name, hosts: [`${name}-host`] }));
    await using scene = await createScene({}, { lans });
    const { home, provider, lan } = scene;
    await provider.bind({ prefixes: [HOME, ELSEWHERE] });
    await untilHeld(home, HOME, ELSEWHERE);
    const both = await subnets(home);
    assert.equal(new Set(both.flat()).size, 4);
    for (const each of both) {
      assert.match(each[0]!, /^2605:59c8:12/);
      assert.match(each[1]!, /^2605:59c8:77/);
    }
    const [first, second] = both[0]!;
    await lan.advertisement((ra) => told(ra)[first!] !== undefined && told(ra)[second!] !== undefined, {
      within: 5_000,
      what: "both are told",
    });
    const renew = await refreshed(scene);
    assert.deepEqual(named(renew), [HOME, ELSEWHERE]);
    const from = Date.now() / 1000;
    provider.answer(renew, {
      ias: [iaPdWith([iaPrefix(HOME, { preferred: 0, valid: 0 })]), iaPdWith([iaPrefix(ELSEWHERE), iaPrefix(THIRD)])],
    });
    await untilHeld(home, ELSEWHERE, THIRD);
    const change = await lan.advertisement((ra) => told(ra)[first!]?.[1] === 0, {
      within: 4_000,
      what: "the old one is withdrawn",
      since: from,
    });
    assert.deepEqual(told(change)[first!], [0, 0]);
    assert.ok(told(change)[second!]![1] > 250);
    const news = (await subnets(home))[0]!.find((each) => each.startsWith("2605:59c8:33"))!;
    assert.ok(told(change)[news]![1] > 250, "the new one comes in the same advertisement");
    assert.deepEqual(named(await refreshed(scene)), [THIRD, ELSEWHERE]);
  });

  test("[D6P-8] [D6P-13] a Renew whose Reply lacks the IA keeps the prefix and is tried again within limits; NoBinding leads to a Request at once (cases 9, 17)", async () => {
    await using scene = await createScene(BOTH);
    const { home, provider } = scene;
    await provider.bind({ addresses: [ADDRESS], t1: 3, t2: 50 });
    const empty: readonly Answer[] = [{ ias: [] }, { ias: [iaPdWith([]), iaNa(ADDRESS, IAID)] }, { ias: [iaPd(ELSEWHERE, { iaid: 77 })] }];
    let answered = 0;
    provider.serve(({ kind }) => (kind === "renew" ? empty[answered++ % empty.length] : undefined));
    await provider.next("renew");
    await provider.listen(17_000);
    const tries = provider.of("renew").length;
    assert.ok(tries >= 2 && tries <= 6, `${tries} Renews`);
    assert.deepEqual(await held(home), [HOME]);
    assert.deepEqual(await subnets(home), [[FIRST]]);
    provider.mute();
    const renew = await refreshed(scene);
    const answeredAt = provider.now;
    provider.answer(renew, { addresses: [ADDRESS], prefixes: [status("NoBinding")] });
    const request = await provider.next("request");
    assert.ok(request.at - answeredAt < LATE, `Request after ${request.at - answeredAt} s`);
    assert.equal(optionOf(request.message, "server-id")?.duid, SERVER);
    assert.equal(optionsOf(request.message, "ia-pd").length, 1);
    assert.equal(optionsOf(request.message, "ia-na").length, 1);
    assert.deepEqual(await held(home), [HOME]);
    assert.deepEqual(await subnets(home), [[FIRST]]);
    provider.answer(request, { addresses: [ADDRESS], prefixes: [ELSEWHERE], t1: 1, t2: 3 });
    await untilHeld(home, ELSEWHERE);
    const rebind = await provider.next("rebind");
    provider.answer(rebind, { server: OTHER_SERVER, addresses: [ADDRESS], prefixes: [status("NoBinding")] });
    const second = await provider.next("request");
    assert.equal(optionOf(second.message, "server-id")?.duid, OTHER_SERVER);
    assert.deepEqual(await held(home), [ELSEWHERE]);
    provider.answer(second, { server: OTHER_SERVER, addresses: [ADDRESS], prefixes: [HOME] });
    await untilHeld(home, HOME);
  });

  test("[D6P-10] [D6P-19] an address without a prefix and a prefix without an address are used; resolvers change with each Reply (case 29)", async () => {
    await using scene = await createScene(BOTH);
    const { home, provider, lan } = scene;
    const holds = (prefixes: readonly string[], addresses: readonly string[]): Promise<unknown> => {
      const fits = async (): Promise<boolean> =>
        (await held(home)).join() === prefixes.join() && (await leasedAddresses(home)).join() === addresses.join();
      return home.until(fits, { within: 5_000, what: `prefixes: ${prefixes.join()}; addresses: ${addresses.join()}` });
    };
    const none = { prefixes: [status("NoPrefixAvail")] } as const;
    provider.answer(await provider.next("solicit", { within: 20_000 }), { ...none });
    provider.answer(await provider.next("solicit"), { ...none, addresses: [ADDRESS] });
    provider.answer(await provider.next("request"), { ...none, addresses: [ADDRESS] });
    await holds([], [ADDRESS]);
    const missing = await provider.next("renew");
    assert.equal(optionsOf(missing.message, "ia-pd").length, 1);
    provider.answer(missing, { addresses: [ADDRESS] });
    await holds([HOME], [ADDRESS]);
    const [, second] = RESOLVERS;
    provider.answer(await refreshed(scene), { addresses: [iaAddress(ADDRESS, { preferred: 0, valid: 0 })], resolvers: [second!] });
    await holds([HOME], []);
    const resolversAre = async (...wanted: readonly string[]): Promise<void> => {
      const asTold = (): boolean => {
        const latest = lan.advertisements.at(-1);
        const live = latest ? raOptions(latest, "rdnss").filter(({ lifetime }) => lifetime > 0) : [];
        return live.flatMap(({ addresses }) => addresses).join() === wanted.join();
      };
      await home.until(async () => (await home.status()).wan.resolvers.join() === wanted.join(), {
        within: 5_000,
        what: `resolvers ${wanted.join()}`,
      });
      await home.until(asTold, { within: 5_000, what: `the LAN hears of ${wanted.join()}` });
    };
    await resolversAre(second!);
    provider.answer(await refreshed(scene), { resolvers: [] });
    await resolversAre();
    provider.answer(await refreshed(scene), { addresses: [ADDRESS], resolvers: [OWN_RESOLVER, second!] });
    await resolversAre(OWN_RESOLVER, second!);
    await holds([HOME], [ADDRESS]);
  });

  test("[D6P-12] while the provider has no prefix, the LAN keeps its own addresses, names no default router, and IPv4 is not touched", async () => {
    await using scene = await createScene({ top: { "ula.prefix": "auto" } });
    const { home, provider, lan } = scene;
    await home.gateway.ip("addr add 10.77.0.1/24 dev lan");
    await home.laptop.ip("addr add 10.77.0.2/24 dev eth0");
    provider.serve({ prefixes: [status("NoPrefixAvail")] });
    const own = async () =>
      (await home.addresses("laptop")).find(({ address, state }) => address.startsWith("fd") && state === "preferred");
    await home.until(own, { within: 25_000, what: "the laptop has an address of the home itself" });
    await home.until(async () => (await home.status()).dhcpv6.refusal !== undefined, { within: 10_000, what: "the refusal is shown" });
    for (const ra of lan.advertisements) {
      assert.equal(ra.message.routerLifetime, 0);
      assert.deepEqual(told(ra), {});
    }
    const { address } = (await hostAddresses(home.gateway, "lan")).find((each) => each.address.startsWith("fd"))!;
    await home.laptop.exec("ping", "-c1", "-W5", address);
    await home.laptop.exec("ping", "-c1", "-W5", "10.77.0.1");
    assert.ok(provider.of("solicit").length >= 3 && mostWithin(provider.heard, 15) <= 6, `${provider.heard.length} messages`);
  });

  test("[D6P-12] UnspecFail is met with patience, and NotOnLink with a request without the addresses", async () => {
    await using scene = await createScene(BOTH);
    const { home, provider } = scene;
    provider.serve(({ kind }) => (kind === "request" ? { status: "UnspecFail" } : { addresses: [ADDRESS] }));
    await provider.next("request", { within: 20_000 });
    await provider.listen(9_000);
    assert.ok(mostWithin(provider.heard, 10) <= 8, `${provider.heard.length} messages`);
    assert.deepEqual(await held(home), []);
    assert.match((await home.status()).dhcpv6.refusal ?? "", /UnspecFail/);
    provider.mute();
    provider.passOver();
    const request = await provider.next("request", { within: 25_000 });
    assert.deepEqual(addressesIn(request), [ADDRESS]);
    provider.answer(request, { status: "NotOnLink", ias: [] });
    const solicit = await provider.next("solicit", { within: 20_000 });
    assert.deepEqual(addressesIn(solicit), []);
    provider.answer(solicit);
    const again = await provider.next("request");
    assert.deepEqual(addressesIn(again), []);
    provider.answer(again);
    await untilHeld(home, HOME);
  });

  test("[D6P-17] a leased address is probed, stands as a /128, and is declined without an IA_PD when another node defends it", async () => {
    await using scene = await createScene(BOTH);
    const { home, provider } = scene;
    provider.defend(ADDRESS);
    const answer: Answer = { addresses: [ADDRESS] };
    provider.answer(await provider.next("solicit", { within: 20_000 }), answer);
    provider.answer(await provider.next("request"), answer);
    const decline = await provider.next("decline");
    assert.deepEqual(optionsOf(decline.message, "ia-pd"), []);
    assert.deepEqual(addressesIn(decline), [ADDRESS]);
    assert.equal(optionOf(decline.message, "server-id")?.duid, SERVER);
    assert.ok(
      provider.neighbors.some(
        ({ from, message }) => from === "::" && message.kind === "neighbor-solicitation" && message.target === ADDRESS,
      ),
    );
    provider.answer(decline);
    await untilHeld(home, HOME);
    assert.deepEqual(await leasedAddresses(home), []);
    const onWan = await hostAddresses(home.gateway, "wan");
    assert.ok(onWan.every(({ address }) => address !== ADDRESS));
    const other = ip6("2605:59c8:1000::5678");
    const renew = await provider.next("renew", { within: 20_000 });
    assert.deepEqual(addressesIn(renew), []);
    provider.answer(renew, { addresses: [other] });
    const stands = async () =>
      (await hostAddresses(home.gateway, "wan")).find(({ address, state }) => address === other && state === "preferred");
    assert.equal((await home.until(stands, { within: 8_000, what: "another address stands" })).length, 128);
    const routes = await home.gateway.exec("ip", "-6", "route", "show", "dev", "wan");
    assert.doesNotMatch(routes, /2605:59c8:1000:/);
  });
});
