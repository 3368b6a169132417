/** Servers that send nonsense by the hundred: the daemon lives on, and what is right afterwards counts. */
// Needs: python:scapy
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../../src/addr/random.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { STARLINK } from "../../src/lab/provider-profile.ts";
import { ADDRESS, HOME, iaNa, iaPrefix } from "../../src/machines/dhcpv6-client.fixture.ts";
import type { Dhcpv6Option } from "../../src/wire/dhcpv6.ts";
import { UDP } from "../../src/wire/ipv6.ts";
import { encodeUdp } from "../../src/wire/udp.ts";
import { fragmentFrames } from "./fragments.ts";
import { mutated, scapyFuzz } from "./raw-dhcpv6.ts";
import { encodeAnswer } from "./scripted-answer.ts";
import { type Heard, type ScriptedProvider, scriptedProvider } from "./scripted-provider.ts";

const SEED = 20_260;

/** Until the one prefix that is held is the right one: what was heard before may have left a short-lived one behind. */
async function assertRecovers(home: Home, provider: ScriptedProvider): Promise<void> {
  const held = async (): Promise<boolean> => (await home.status()).delegations.some(({ prefix }) => prefix === HOME);
  await home.until(held, { within: 25_000, what: `${HOME} is held after ${provider.heard.length} messages` });
  assert.ok(home.skylan.process.running);
  assert.doesNotMatch(home.skylan.process.output, /\w+Error|Unhandled/);
}

/** A right Reply of nearly 64 kB, which travels in pieces. */
function hugeReply({ message, from, sourceMac }: Heard): readonly Uint8Array[] {
  const filler = Array.from(
    { length: 63 },
    (_, i): Dhcpv6Option => ({ kind: "unknown", code: 900 + i, data: new Uint8Array(1000).fill(i) }),
  );
  const payload = encodeAnswer(message, { options: filler });
  const header = { source: STARLINK.linkLocal, sourceMac: STARLINK.mac, destination: from, destinationMac: sourceMac, hopLimit: 64 };
  return fragmentFrames(header, UDP, encodeUdp(header.source, from, { sourcePort: 547, destinationPort: 546, payload }), 1400);
}

describe("a fuzzing server", { concurrency: true }, () => {
  test(`[D6E-3] mutates every answer (seed ${SEED}): the daemon lives, and the first right answer counts`, async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    const random = seededRandom(SEED);
    provider.serve((heard) => {
      const payload = encodeAnswer(heard.message, { t1: 1, t2: 2, preferred: 4, valid: 6, options: [iaNa(ADDRESS)] });
      for (let i = 0; i < 60; i++) provider.sendBytes(mutated(payload, random));
      return undefined;
    });
    await home.until(() => provider.heard.length >= 5, { within: 40_000, what: "five messages have been answered with nonsense" });
    await sleep(200);
    provider.serve({});
    await assertRecovers(home, provider);
  });

  test("[D6E-3] made by scapy fills every field at random: the daemon lives, and the first right answer counts", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    const solicit = await provider.next("solicit", { within: 20_000 });
    const sent = await home.host("isp").exec("/usr/bin/python3", "-c", scapyFuzz(solicit, 300));
    assert.match(sent, /^300$/m);
    provider.serve({});
    await assertRecovers(home, provider);
  });

  test("[D6E-3] [D6E-2] says everything twice and in 64 kB: one prefix is held, once (case 10)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    const twice = [iaPrefix(HOME), iaPrefix(HOME)];
    provider.answer(await provider.next("solicit", { within: 20_000 }), { prefixes: twice });
    for (const frame of hugeReply(await provider.next("request"))) provider.sendFrame(frame);
    await assertRecovers(home, provider);
    assert.deepEqual(
      (await home.status()).delegations.map(({ prefix }) => prefix),
      [HOME],
    );
    assert.equal(provider.of("request").length, 1);
  });
});
