/** What the client does not listen to: messages of others, broken ones, ones that offer nothing. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseDuid } from "../../src/addr/duid.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { ADDRESS, ELSEWHERE, HOME, iaNa, OTHER_SERVER } from "../../src/machines/dhcpv6-client.fixture.ts";
import { type Dhcpv6Option, optionOf } from "../../src/wire/dhcpv6.ts";
import { assertGaps, assertOneExchange } from "./client-manners.ts";
import { appending, rawIaPd, rawIaPrefix, rawOption, withOptionsReversed } from "./raw-dhcpv6.ts";
import type { Answer } from "./scripted-answer.ts";
import { type Heard, type ScriptedProvider, scriptedProvider } from "./scripted-provider.ts";

const STRANGER = parseDuid("00:04:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff:ff")!;

/** Answers that are not for this client, or of nobody. */
const MISDIRECTED: readonly ((heard: Heard) => Answer)[] = [
  () => ({ without: ["server-id"] }),
  () => ({ without: ["client-id"] }),
  () => ({ client: STRANGER }),
  ({ message }) => ({ transactionId: message.transactionId ^ 1 }),
  ({ message }) => ({ transactionId: message.transactionId ^ 0x800000 }),
];

/** Time for the client to do what it must not do. */
const WHILE = 400;

/** Sends answers that must leave no trace: neither a message nor a change in the status. */
async function assertIgnored(home: Home, provider: ScriptedProvider, send: () => void, what: string): Promise<void> {
  const before = await essence(home);
  const count = provider.heard.length;
  send();
  await sleep(WHILE);
  assert.deepEqual(await essence(home), before, what);
  const later = provider.heard.slice(count).filter(({ message }) => optionOf(message, "elapsed-time")?.hundredths === 0);
  assert.deepEqual(
    later.map(({ kind }) => kind),
    [],
    what,
  );
}

async function essence(home: Home) {
  const { dhcpv6, delegations, lans } = await home.status();
  const { state, serverDuid } = dhcpv6;
  return { state, serverDuid, prefixes: delegations.map(({ prefix }) => prefix), subnets: lans[0]!.subnets.map(({ prefix }) => prefix) };
}

/** What the client has written down. */
function savedSolMaxRt(home: Home): unknown {
  const saved = JSON.parse(readFileSync(join(home.directory, "state/dhcpv6-client.json"), "utf8")) as { data: { solMaxRt: unknown } };
  return saved.data.solMaxRt;
}

describe("messages that count for nothing", { concurrency: true }, () => {
  test("[D6E-1] without a Server ID, our Client ID and our transaction id an answer is dropped, in every state", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    const misdirect = async (heard: Heard, answer: Answer = {}): Promise<void> => {
      const send = (): void => MISDIRECTED.forEach((each) => provider.answer(heard, { prefixes: [ELSEWHERE], ...answer, ...each(heard) }));
      await assertIgnored(home, provider, send, `misdirected answers to a ${heard.kind}`);
    };
    await misdirect(await provider.next("solicit", { within: 20_000 }));
    provider.answer(await provider.next("solicit"));
    const request = await provider.next("request");
    await misdirect(request);
    provider.answer(request, { t1: 3, t2: 6 });
    await home.until(async () => (await essence(home)).state === "bound", { within: 5000, what: "the lease is held" });
    await misdirect(request);
    await misdirect(await provider.next("renew"));
    const rebind = await provider.next("rebind");
    await misdirect(rebind);
    provider.answer(rebind, { t1: 3 });
    await home.until(async () => (await essence(home)).state === "bound", { within: 5000, what: "the lease is held again" });
    const renew = await provider.next("renew");
    await assertIgnored(home, provider, () => provider.answer(renew, { server: OTHER_SERVER }), "a Renew is not for another server");
    assert.deepEqual((await essence(home)).prefixes, [HOME]);
  });

  test("[D6E-2] messages of clients, relays and unknown types are dropped; unknown options and any order of options are welcome (case 10)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    const solicit = await provider.next("solicit", { within: 20_000 });
    const allTypesBut = (heard: Heard, right: number): void => {
      for (let type = 0; type < 256; type++) {
        if (type === right) continue;
        const bytes = (payload: Uint8Array): Uint8Array => Uint8Array.of(type, ...payload.subarray(1));
        provider.answer(heard, { prefixes: [ELSEWHERE], bytes });
      }
    };
    await assertIgnored(home, provider, () => allTypesBut(solicit, 2), "types other than Advertise");
    const unknown = (code: number): Dhcpv6Option => ({ kind: "unknown", code, data: new Uint8Array(code % 40).fill(code) });
    const noise = Array.from({ length: 40 }, (_, i) => unknown(200 + i * 1637));
    provider.answer(await provider.next("solicit"), { options: noise });
    const request = await provider.next("request");
    await assertIgnored(home, provider, () => allTypesBut(request, 7), "types other than Reply");
    provider.answer(request, { options: noise, bytes: (payload) => withOptionsReversed(payload) });
    await home.until(async () => (await essence(home)).prefixes.join() === HOME, { within: 5000, what: "the lease is held" });
  });

  test("[D6E-3] lengths that lie, cut identifiers and impossible prefix lengths crash nothing and apply nothing (case 10)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    provider.answer(await provider.next("solicit", { within: 20_000 }));
    const request = await provider.next("request");
    const iaid = optionOf(request.message, "ia-pd")!.iaid;
    const inIaPd = (options: Uint8Array): Answer => ({ ias: [], bytes: appending(rawIaPd(iaid, options)) });
    const broken: Record<string, Answer> = {
      "an option beyond the end": { prefixes: [ELSEWHERE], bytes: appending(rawOption(23, new Uint8Array(16), 200)) },
      "half an option header": { prefixes: [ELSEWHERE], bytes: appending(Uint8Array.of(0, 23, 0)) },
      "an IA_PD of 8 octets": { ias: [], bytes: appending(rawOption(25, new Uint8Array(8))) },
      "an IAPREFIX of 20 octets": inIaPd(rawOption(26, new Uint8Array(20).fill(32))),
      "an IAPREFIX beyond its IA_PD": inIaPd(Uint8Array.of(...rawIaPrefix(56).subarray(0, 20))),
      "a prefix length of 129": inIaPd(rawIaPrefix(129)),
      "a prefix length of 255": inIaPd(rawIaPrefix(255)),
      "a prefix length of 0": inIaPd(rawIaPrefix(0)),
      "an empty Server ID": { without: ["server-id"], prefixes: [ELSEWHERE], bytes: appending(rawOption(2, new Uint8Array(0))) },
      "a Server ID of 131 octets": { without: ["server-id"], prefixes: [ELSEWHERE], bytes: appending(rawOption(2, new Uint8Array(131))) },
      "a message of three octets": { bytes: (bytes) => bytes.subarray(0, 3) },
      "an empty message": { bytes: () => new Uint8Array(0) },
    };
    for (const [what, answer] of Object.entries(broken)) {
      provider.answer(provider.heard.at(-1)!, answer);
      await sleep(60);
      assert.deepEqual((await essence(home)).prefixes, [], what);
    }
    provider.serve({});
    await home.until(async () => (await essence(home)).prefixes.join() === HOME, { within: 20_000, what: "the right answer is taken" });
    assert.equal((await home.status()).prefixHistory.length, 1);
    assert.doesNotMatch(home.skylan.process.output, /\w+Error|Unhandled/);
  });

  test("[D6E-4] [D6T-18] an Advertise that offers nothing leaves Solicit's timer alone, and its SOL_MAX_RT from 60 to 86400 s is taken and kept (case 9)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    const solMaxRt = (time: number): Answer => ({ options: [{ kind: "sol-max-rt", time: time as never }] });
    const fruitless: readonly Answer[] = [
      { ias: [], ...solMaxRt(120) },
      { prefixes: [], status: "NoPrefixAvail", ...solMaxRt(59) },
      { ias: [iaNa(ADDRESS)], ...solMaxRt(86_401) },
    ];
    for (const answer of fruitless) {
      provider.answer(await provider.next("solicit", { within: 20_000 }), answer);
      await sleep(200);
      assert.equal(savedSolMaxRt(home), 120);
    }
    const fourth = await provider.next("solicit");
    provider.answer(fourth, { prefixes: [], ...solMaxRt(60) });
    provider.answer(fourth, { prefixes: [], server: OTHER_SERVER, ...solMaxRt(86_400) });
    await provider.next("solicit", { within: 12_000 });
    const solicits = provider.of("solicit");
    assert.equal(provider.heard.length, 5);
    assertGaps(solicits, [1, 2, 4, 8]);
    assertOneExchange(solicits);
    assert.equal(savedSolMaxRt(home), null, "servers that disagree leave the default");
    for (const { message } of solicits) assert.ok(optionOf(message, "oro")?.codes.includes(82));
    provider.answer(solicits[4]!, { ...solMaxRt(60) });
    const request = await provider.next("request");
    assert.ok(optionOf(request.message, "oro")?.codes.includes(82));
  });
});
