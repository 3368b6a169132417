/** What the client knows in its next life: who it is, what it holds and from whom; and what follows from that for the LAN. */
// Needs: ping
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Duid, parseDuid } from "../../src/addr/duid.ts";
import { type Prefix, prefix } from "../../src/addr/prefix.ts";
import { type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import { hostAddresses } from "../../src/lab/host-address.ts";
import { ADDRESS, ELSEWHERE, HOME, iaPrefix, OTHER_SERVER, SERVER, status } from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf, optionsOf } from "../../src/wire/dhcpv6.ts";
import { createScene, held, leasedAddresses, named, refreshed, told, untilHeld } from "./delegations.ts";
import type { Heard } from "./scripted-provider.ts";

const FIRST = "2605:59c8:1200::/64";
const UUID_SERVER = parseDuid(`00:04:${"5a:".repeat(15)}5a`)!;
const LONG_SERVER = parseDuid(`00:63:${"7e:".repeat(127)}7e`)!;

const stateFile = (home: Home): string => join(home.directory, "state/dhcpv6-client.json");
const lanPrefixOf = (delegation: Prefix): Prefix => prefix(delegation.replace("/56", "/64"));

/** The prefixes that are on disk. */
function savedPrefixes(home: Home): readonly Prefix[] {
  if (!existsSync(stateFile(home))) return [];
  const { data } = JSON.parse(readFileSync(stateFile(home), "utf8")) as { data: { bindings: { leases: { value: Prefix }[] }[] } };
  return data.bindings.flatMap(({ leases }) => leases.map(({ value }) => value));
}

/** Who the client says it is. */
function identityOf({ message }: Heard): readonly (Duid | number | undefined)[] {
  return [optionOf(message, "client-id")?.duid, optionOf(message, "ia-pd")?.iaid, optionOf(message, "ia-na")?.iaid];
}

describe("the memory of the client", { concurrency: 4 }, () => {
  test("[D6P-1] [D6P-15] DUID and IAIDs outlive a restart, a crash, a link flap and another MAC; servers with DUIDs of any type take over (case 8)", async () => {
    await using scene = await createScene({ wan: { request_address: "always" } });
    const { home, provider } = scene;
    const first = await provider.bind({ addresses: [ADDRESS], server: SERVER });
    const identity = identityOf(first);
    assert.ok(!identity.includes(undefined));
    const renewals: Readonly<Record<string, { readonly server: Duid; readonly work: () => Promise<unknown> }>> = {
      "a restart": {
        server: OTHER_SERVER,
        work: async () => {
          await home.skylan.stop();
          await home.startSkylan({ wan: { request_address: "always" } });
        },
      },
      "a crash": {
        server: UUID_SERVER,
        work: async () => {
          await home.skylan.kill("SIGKILL");
          await home.startSkylan({ wan: { request_address: "always" } });
        },
      },
      "a link flap": {
        server: LONG_SERVER,
        work: async () => {
          await home.cutWan();
          await sleep(500);
          await home.mendWan();
        },
      },
      "another MAC": {
        server: SERVER,
        work: () => home.gateway.ip("link set wan down\nlink set wan address 02:00:5e:10:20:30\nlink set wan up"),
      },
    };
    for (const [what, { server, work }] of Object.entries(renewals)) {
      provider.passOver();
      await work();
      const rebind = await provider.next("rebind", { within: 20_000 });
      assert.deepEqual(identityOf(rebind), identity, what);
      assert.deepEqual(named(rebind), [HOME], what);
      provider.answer(rebind, { addresses: [ADDRESS], server });
      await home.until(async () => (await home.status()).dhcpv6.serverDuid === server, { within: 5_000, what: `${server} has taken over` });
      const renew = await refreshed(scene);
      assert.equal(optionOf(renew.message, "server-id")?.duid, server, what);
      assert.deepEqual(identityOf(renew), identity, what);
      provider.answer(renew, { addresses: [ADDRESS] });
    }
    assert.equal(provider.heard.at(-1)!.sourceMac, "02:00:5e:10:20:30");
    assert.equal((await home.status()).dhcpv6.duid, identity[0]);
    assert.equal(provider.of("solicit").filter(({ at }) => at > first.at).length, 0);
    await untilHeld(home, HOME);
    assert.deepEqual(await leasedAddresses(home), [ADDRESS]);
  });

  test("[D6P-20] kill -9 at any time after the Reply: what was advertised is on disk, and the first RA of the next life has just that (case 25)", async () => {
    await using scene = await createScene();
    const { home, provider, lan } = scene;
    provider.answer(await provider.next("solicit", { within: 20_000 }));
    provider.answer(await provider.next("request"));
    await home.until(() => lan.advertisements.some((ra) => FIRST in told(ra)), { within: 5_000, what: "the LAN has the prefix", every: 1 });
    let present: Prefix = HOME;
    for (const delay of [undefined, 0, 4, 12, 400]) {
      const next: Prefix = present === HOME ? ELSEWHERE : HOME;
      if (delay !== undefined) {
        provider.answer(await refreshed(scene), { prefixes: [iaPrefix(present, { preferred: 0, valid: 0 }), next] });
        await sleep(delay);
      }
      await home.skylan.kill("SIGKILL");
      const saved = savedPrefixes(home);
      assert.equal(saved.length, 1);
      const advertised = lan.advertisements.at(-1)!;
      for (const [subnet, [, valid]] of Object.entries(told(advertised))) {
        const known = [present, ...saved].some((each) => lanPrefixOf(each) === subnet);
        assert.ok(known || valid === 0, `${subnet} was told before it was saved, ${delay} ms after the Reply`);
      }
      if (delay === 400) assert.deepEqual(saved, [next]);
      present = saved[0]!;
      const since = Date.now() / 1000;
      provider.passOver();
      await home.startSkylan();
      const ra = await lan.advertisement(() => true, { within: 10_000, what: "the next life advertises", since });
      const live = Object.entries(told(ra)).filter(([, [, valid]]) => valid > 0);
      assert.deepEqual(
        live.map(([subnet]) => subnet),
        [lanPrefixOf(present)],
        `${delay} ms after the Reply`,
      );
      const rebind = await provider.next("rebind");
      assert.deepEqual(named(rebind), [present]);
      provider.answer(rebind, { prefixes: [present] });
      await untilHeld(home, present);
    }
  });

  test("[D6P-20] a cut of power in the middle of a write leaves the state before; a damaged file is kept aside and the client begins anew", async () => {
    await using scene = await createScene();
    const { home, provider } = scene;
    const request = await provider.bind();
    const bound = provider.now;
    await sleep(2_000);
    await home.skylan.kill("SIGKILL");
    const whole = readFileSync(stateFile(home), "utf8");
    writeFileSync(`${stateFile(home)}.new`, whole.slice(0, whole.length / 2));
    await home.startSkylan();
    const [recalled, ...others] = (await home.status()).delegations;
    assert.deepEqual([recalled?.prefix, others], [HOME, []]);
    assert.ok(recalled!.valid! > 250 && recalled!.valid! <= 301 - (provider.now - bound), `${recalled!.valid} s are left of 300`);
    await home.skylan.kill("SIGKILL");
    writeFileSync(stateFile(home), whole.slice(0, whole.length / 2));
    provider.passOver();
    await home.startSkylan();
    const solicit = await provider.next("solicit");
    assert.deepEqual(identityOf(solicit), identityOf(request));
    assert.ok(existsSync(`${stateFile(home)}.damaged`));
    assert.ok((await home.status()).events.some(({ event }) => event === "state.damaged"));
    provider.answer(solicit);
    provider.answer(await provider.next("request"));
    await untilHeld(home, HOME);
  });

  test("[D6P-4] a server that has lost its leases is told what was held: after NoBinding to the Rebind, and after the lease has run out", async () => {
    await using scene = await createScene();
    const { home, provider } = scene;
    const mine = prefix("2605:59c8:1200::/60");
    await provider.bind({ prefixes: [mine] });
    await home.skylan.stop();
    await home.startSkylan();
    provider.answer(await provider.next("rebind"), { prefixes: [status("NoBinding")] });
    const request = await provider.next("request");
    assert.deepEqual(named(request), [mine]);
    provider.answer(request, { prefixes: [mine], preferred: 3, valid: 5 });
    await untilHeld(home, mine);
    await home.skylan.stop();
    provider.passOver();
    await sleep(5_000);
    await home.startSkylan();
    const solicit = await provider.next("solicit");
    assert.deepEqual(named(solicit), [mine]);
    const hint = optionsOf(solicit.message, "ia-pd").flatMap((ia) => optionsOf(ia, "ia-prefix"));
    assert.deepEqual(
      hint.map(({ preferred, valid }) => [preferred, valid]),
      [[0, 0]],
    );
  });

  test("[D6P-9] each Renew prolongs the lifetimes, down to the RA, the gateway's own addresses and the hosts' (case 21)", async () => {
    await using scene = await createScene();
    const { home, provider, lan } = scene;
    provider.serve({ preferred: 20, valid: 40, t1: 4, t2: 12 });
    await home.until(() => lan.advertisements.some((ra) => FIRST in told(ra)), { within: 20_000, what: "the LAN has the prefix" });
    const least = { gateway: Infinity, laptop: Infinity };
    await sleep(2_000);
    const end = Date.now() + 26_000;
    while (Date.now() < end) {
      for (const [name, link] of [
        ["gateway", "lan"],
        ["laptop", "eth0"],
      ] as const) {
        const all = await hostAddresses(home.host(name), link);
        const own = all.filter(({ address }) => address.startsWith("2605:59c8:12"));
        assert.ok(own.length > 0 && own.every(({ state }) => state !== "deprecated"), `${name} has no preferred address`);
        least[name] = Math.min(least[name], ...own.map(({ valid }) => valid));
      }
      await sleep(700);
    }
    assert.ok(provider.of("renew").length >= 5, `${provider.of("renew").length} Renews`);
    const lifetimes = lan.advertisements.flatMap((ra) => (FIRST in told(ra) ? [told(ra)[FIRST]![1]] : []));
    assert.ok(lifetimes.length >= 5 && Math.min(...lifetimes) >= 33, `valid lifetimes of ${lifetimes.join(", ")} s`);
    assert.ok(least.gateway >= 33, `an address of the gateway had ${least.gateway} s left`);
    assert.ok(least.laptop >= 20, `an address of the laptop had ${least.laptop} s left`);
    assert.ok(provider.of("solicit").length <= 2);
  });

  test("[D6P-18] without SLAAC and IA_NA the gateway's own traffic comes from its delegation", async () => {
    await using scene = await createScene();
    const { home, provider } = scene;
    provider.serve({}, { prefix: "none" });
    await untilHeldLater(home);
    const linkLocal = (await home.status()).wan.linkLocal!;
    await home.host("isp").ip(`route add ${HOME} via ${linkLocal} dev customer`);
    const source = async (): Promise<string | undefined> => {
      const { stdout } = await home.gateway.attempt("ip", "-6", "route", "get", NET_ADDRESS);
      return / src (2605:59c8:12\S*)/.exec(stdout)?.[1];
    };
    await home.until(source, { within: 8_000, what: "the gateway speaks from its delegation" });
    const onWan = await hostAddresses(home.gateway, "wan");
    assert.deepEqual(onWan, []);
    const answered = async (): Promise<boolean> => (await home.gateway.attempt("ping", "-6", "-c1", "-W1", NET_ADDRESS)).code === 0;
    await home.until(answered, { within: 10_000, what: "the internet answers the gateway" });
  });
});

function untilHeldLater(home: Home): Promise<unknown> {
  return home.until(async () => (await held(home)).join() === HOME, { within: 20_000, what: `${HOME} is held` });
}
