/** How long the delegated prefix is, what is cut out of it, and what the LANs get of it when that changes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ip6ToBytes } from "../../src/addr/ip.ts";
import { contains, type Prefix, prefix } from "../../src/addr/prefix.ts";
import { ip6 } from "../../src/addr/ip.ts";
import type { Home, LanOptions } from "../../src/lab/home.ts";
import { hostAddresses } from "../../src/lab/host-address.ts";
import { ELSEWHERE, HOME, iaPrefix } from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf } from "../../src/wire/dhcpv6.ts";
import { raOptions, type SeenRa, watchLink } from "../fixtures/link-watch.ts";
import { createScene, held, named, refreshed, type Scene, subnets, THIRD, told, untilHeld } from "./delegations.ts";
import { appending, rawIaPd, rawOption } from "./raw-dhcpv6.ts";

const THREE: readonly LanOptions[] = ["home", "iot", "guest"].map((name) => ({ name, interface: name, hosts: [`${name}-pc`] }));
const ofLength = (length: number): Prefix => prefix(`2605:59c8:1200::/${length}`);
/** The /64 with a number in it. */
const numbered = (number: number): Prefix => prefix(number === 0 ? "2605:59c8:1200::/64" : `2605:59c8:1200:${number.toString(16)}::/64`);

/** The routes that the kernel refuses, without the unique local ones. */
async function refused(home: Home): Promise<readonly string[]> {
  const shown = await home.gateway.exec("ip", "-6", "route", "show", "type", "unreachable");
  return [...shown.matchAll(/^unreachable (2\S+)/gm)].map(([, destination]) => destination!);
}

/** The routes into the home that an advertisement tells. */
function routesOf(ra: SeenRa): readonly Prefix[] {
  const alive = raOptions(ra, "route-information").filter(({ lifetime }) => lifetime > 0);
  return alive.map((option) => option.prefix).filter((destination) => !destination.startsWith("fd"));
}

/** Has the next Renew answered by a delegation of this length in place of the one before. */
async function resize(scene: Scene, length: number): Promise<void> {
  scene.provider.answer(await refreshed(scene), { prefixes: [ofLength(length)] });
  await untilHeld(scene.home, ofLength(length));
}

/** An IAPREFIX, 150/300 s, with any bits behind the length and any content of its pd-exclude. */
function rawPrefix(address: string, length: number, exclude?: readonly number[]): Uint8Array {
  const options = exclude === undefined ? [] : [...rawOption(67, Uint8Array.from(exclude))];
  return rawOption(26, Uint8Array.of(0, 0, 0, 150, 0, 0, 1, 44, length, ...ip6ToBytes(ip6(address)), ...options));
}

describe("the shape of a delegation", { concurrency: 4 }, () => {
  test("[SUB-3] the same prefix shrinks and grows: LANs are numbered anew or left out, null route, advertised route and old /64s follow (case 7)", async () => {
    await using scene = await createScene({ lan: { guest: { subnet: 200 } } }, { lans: THREE });
    const { home, provider, lan } = scene;
    using guest = watchLink(home.host("guest-pc"));
    await provider.bind();
    assert.deepEqual(await subnets(home), [[numbered(0)], [numbered(1)], [numbered(200)]]);
    await guest.advertisement((ra) => numbered(200) in told(ra), { within: 8_000, what: "the guests have their prefix" });
    const steps = [
      { length: 60, lans: [[numbered(0)], [numbered(1)], [numbered(2)]] },
      { length: 64, lans: [[numbered(0)], [], []] },
      { length: 56, lans: [[numbered(0)], [numbered(1)], [numbered(200)]] },
    ];
    let before: readonly Prefix[] = [numbered(200)];
    for (const { length, lans } of steps) {
      const since = Date.now() / 1000;
      await resize(scene, length);
      assert.deepEqual(await subnets(home), lans, `of a /${length}`);
      assert.deepEqual(await refused(home), length === 64 ? [numbered(0)] : [ofLength(length)]);
      const news = await lan.advertisement((ra) => routesOf(ra).join() === ofLength(length), {
        within: 4_000,
        what: `/${length} is told`,
        since,
      });
      assert.ok(told(news)[numbered(0)]![1] > 250);
      const mine = lans[2]!;
      const follows = (ra: SeenRa): boolean =>
        before.every((old) => told(ra)[old]?.[1] === 0) && mine.every((own) => told(ra)[own]![1] > 250);
      await guest.advertisement((ra) => mine.every((own) => own in told(ra)) && follows(ra), {
        within: 4_000,
        what: `the guests follow /${length}`,
        since,
      });
      const ours = (await hostAddresses(home.gateway, "guest")).filter(({ address }) => contains(HOME, ip6(address)));
      const live = ours.filter(({ state }) => state !== "deprecated");
      assert.deepEqual(
        live.map(({ address }) => mine.some((own) => contains(own, ip6(address)))),
        mine.map(() => true),
      );
      before = mine;
    }
  });

  test("[D6P-3] any length is taken, whatever was asked for; LANs are served in the order of the config, and the owner hears of the others", async () => {
    await using scene = await createScene({}, { lans: THREE });
    const { home, provider } = scene;
    await provider.bind({ prefixes: [ofLength(48)] });
    const room = { 48: 3, 56: 3, 60: 3, 62: 3, 63: 2, 64: 1 };
    for (const [length, served] of Object.entries(room).map(([key, value]) => [Number(key), value] as const)) {
      if (length !== 48) await resize(scene, length);
      assert.deepEqual(
        (await subnets(home)).map(({ length: count }) => count),
        [1, 2, 3].map((lan) => (lan <= served ? 1 : 0)),
        `of a /${length}`,
      );
      const { problems } = await home.status();
      assert.equal(
        problems.some(({ name }) => name === "delegation.too-small"),
        served < 3,
        `of a /${length}`,
      );
    }
    assert.match(home.skylan.process.output, /no \/64 left for LAN "iot", "guest"/);
    assert.deepEqual(named(await refreshed(scene)), [ofLength(64)]);
  });

  test("[D6P-5] a prefix longer than /64 makes no LAN and no advertised prefix, and the rest works; bits behind the length are masked (case 6)", async () => {
    await using scene = await createScene();
    const { home, provider, lan } = scene;
    await provider.bind({ prefixes: [ofLength(65)] });
    for (const length of [65, 80, 128]) {
      if (length !== 65) await resize(scene, length);
      assert.deepEqual(await subnets(home), [[]], `of a /${length}`);
      assert.ok((await home.status()).problems.some(({ name, text }) => name === "delegation.too-long" && text.includes(`/${length}`)));
    }
    assert.match(home.skylan.process.output, /a LAN needs a \/64/);
    provider.answer(await refreshed(scene), { prefixes: [ofLength(128), ELSEWHERE] });
    await untilHeld(home, ofLength(128), ELSEWHERE);
    assert.deepEqual(await subnets(home), [["2605:59c8:7700::/64"]]);
    await lan.advertisement((ra) => "2605:59c8:7700::/64" in told(ra), { within: 5_000, what: "the LAN has a prefix" });
    for (const ra of lan.advertisements) assert.ok(Object.keys(told(ra)).every((each) => each === "2605:59c8:7700::/64"));
    const renew = await refreshed(scene);
    const { iaid } = optionOf(renew.message, "ia-pd")!;
    const ended = [ofLength(128), ELSEWHERE].map((each) => iaPrefix(each, { preferred: 0, valid: 0 }));
    provider.answer(renew, { prefixes: ended, bytes: appending(rawIaPd(iaid, rawPrefix("2605:59c8:3300:ab:1:2:3:4", 56))) });
    await untilHeld(home, THIRD);
    assert.deepEqual(await subnets(home), [["2605:59c8:3300::/64"]]);
  });

  test("[D6P-16] what the provider excludes is on no LAN and nothing of the delegation is on the WAN; malformed exclusions exclude nothing (case 28)", async () => {
    await using scene = await createScene({}, { lans: THREE });
    const { home, provider } = scene;
    const excluding = (excluded: Prefix) =>
      ({ prefixes: [iaPrefix(HOME, { options: [{ kind: "pd-exclude", prefix: excluded }] })] }) as const;
    const firstNumbers = async (...numbers: readonly number[]): Promise<void> => {
      const wanted = JSON.stringify(numbers.map((number) => [numbered(number)]));
      await home.until(async () => JSON.stringify(await subnets(home)) === wanted, { within: 5_000, what: `the LANs are ${wanted}` });
    };
    await provider.bind(excluding(numbered(0)));
    await firstNumbers(1, 2, 3);
    assert.equal((await home.status()).delegations[0]!.excluded, numbered(0));
    provider.answer(await refreshed(scene), excluding(prefix("2605:59c8:1200:2::/63")));
    await home.until(async () => (await subnets(home)).flat().every((each) => each !== numbered(2) && each !== numbered(3)), {
      within: 5_000,
      what: "the LANs have left the excluded /63",
    });
    const raw = async (...exclude: readonly number[]): Promise<Prefix | undefined> => {
      const renew = await refreshed(scene);
      const { iaid } = optionOf(renew.message, "ia-pd")!;
      provider.answer(renew, { ias: [], bytes: appending(rawIaPd(iaid, rawPrefix("2605:59c8:1200::", 56, exclude))) });
      await home.until(async () => (await home.status()).dhcpv6.state === "bound", { within: 5_000, what: "it is bound" });
      assert.deepEqual(await held(home), [HOME]);
      return (await home.status()).delegations[0]!.excluded;
    };
    assert.equal(await raw(60, 0x1f), "2605:59c8:1200:10::/60", "bits behind the subnet number are padding");
    assert.equal(await raw(64, 0x05, 0xff, 0xff), numbered(5), "octets behind it too");
    for (const malformed of [[56, 0], [40, 0], [129, 0, 0], [255, 1], [64], [66, 1], [64, ...Array.from({ length: 17 }, () => 0)]]) {
      assert.equal(await raw(...malformed), undefined, malformed.join());
    }
    const onWan = await hostAddresses(home.gateway, "wan");
    assert.ok(onWan.every(({ address }) => !contains(HOME, ip6(address))));
    assert.ok(home.skylan.process.running);
  });
});
