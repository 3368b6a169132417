import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../addr/json.ts";
import { type Duration, seconds } from "../addr/time.ts";
import { optionOf } from "../wire/dhcpv6.ts";
import {
  ADDRESS,
  answerTo,
  CLIENT,
  ELSEWHERE,
  HOME,
  iaNa,
  iaPd,
  iaPdWith,
  iaPrefix,
  namedPrefixes,
  OTHER_SERVER,
  Script,
  SERVER,
  serverId,
  status,
} from "./dhcpv6-client.fixture.ts";

/** The snapshot of a bound client as it comes back from disk, with the time of the Reply as 0. */
function stored(...options: Parameters<Script["bind"]>): { readonly snapshot: Json; readonly shift: Duration } {
  const script = new Script({ requestAddress: "always" });
  script.bind(...options);
  return { snapshot: JSON.parse(JSON.stringify(script.client.snapshot())) as Json, shift: (-script.now * 1000) as Duration };
}

test("[D6T-10] [D6P-20] after a restart a stored lease counts as held at the first input, and is verified by Rebinds with Confirm's timing", () => {
  const script = new Script({}, stored(iaPd(HOME))).sleep(10).link(true);
  assert.deepEqual(script.prefixes, [HOME]);
  assert.deepEqual(script.lifetimes, [140, 290]);
  assert.equal(script.fact.state, "verifying");
  script.pass(12);
  const rebinds = script.of("rebind");
  assert.equal(rebinds.length, script.sent.length);
  assert.ok(rebinds.length >= 3 && rebinds.length <= 5, `${rebinds.length}`);
  assert.ok(rebinds[0]!.at <= 11 && rebinds.at(-1)!.at - rebinds[0]!.at < 10);
  assert.deepEqual(namedPrefixes(rebinds[0]!.message), [HOME]);
  assert.equal(optionOf(rebinds[0]!.message, "server-id"), undefined);
});

test("[D6T-10] no answer keeps the lease with its old lifetimes, and its old T1 and T2", () => {
  const script = new Script({}, stored(iaPd(HOME))).sleep(10).link(true).pass(15);
  assert.equal(script.fact.state, "bound");
  assert.deepEqual(script.lifetimes, [125, 275]);
  script.pass(51);
  assert.equal(script.last.kind, "renew");
});

test("[D6T-10] a stored lease is reported by the first input even without a link, and runs out without one", () => {
  const script = new Script({}, stored(iaPd(HOME)));
  assert.equal(script.client.wakeAt(), 0);
  script.give({ kind: "tick" });
  assert.deepEqual(script.prefixes, [HOME]);
  assert.equal(script.fact.state, "bound");
  script.pass(301);
  assert.deepEqual(script.prefixes, []);
  assert.equal(script.fact.state, "stopped");
  assert.equal(script.sent.length, 0);
});

test("[D6P-4] a lease that ended while we were off is not held, but its prefix is the hint of the Solicit", () => {
  const script = new Script({}, stored(iaPd(HOME))).sleep(400).link(true).pass(1);
  assert.deepEqual(script.prefixes, []);
  assert.equal(script.last.kind, "solicit");
  assert.deepEqual(namedPrefixes(script.last.message), [HOME]);
});

test("[D6P-20] bindings, server, deadlines, configuration and excluded prefix come back from the snapshot", () => {
  const dns = { kind: "dns-servers", addresses: ["2606:4700:4700::1111" as never] } as const;
  const excluded = "2605:59c8:1200::/64" as never;
  const saved = stored(iaPd(HOME, { t1: 100, t2: 160, options: [{ kind: "pd-exclude", prefix: excluded }] }), iaNa(ADDRESS), dns);
  const script = new Script({ requestAddress: "always" }, saved);
  script.give({ kind: "tick" });
  assert.deepEqual(script.fact, {
    state: "bound",
    serverDuid: SERVER,
    serverAddress: "fe80::200:5eff:fe00:101",
    delegated: [{ iaid: 1, prefix: HOME, excluded, preferredUntil: 150_000, validUntil: 300_000 }],
    addresses: [{ iaid: 2, address: ADDRESS, preferredUntil: 150_000, validUntil: 300_000 }],
    resolvers: ["2606:4700:4700::1111"],
    searchDomains: [],
    ntpServers: [],
    passedOn: [],
    renewAt: 75_000,
    rebindAt: 120_000,
  });
});

test("[D6P-20] infinite lifetimes survive the snapshot", () => {
  const infinite = 0xffffffff;
  const script = new Script({}, stored(iaPd(HOME, { preferred: infinite, valid: infinite })));
  script.give({ kind: "tick" });
  assert.equal(script.fact.delegated[0]?.validUntil, Number.POSITIVE_INFINITY);
  assert.equal(script.fact.renewAt, Number.POSITIVE_INFINITY);
});

test("[D6P-1] the lease of another DUID or another IAID is not ours", () => {
  const other = new Script({ duid: OTHER_SERVER }, stored(iaPd(HOME)));
  other.give({ kind: "tick" });
  assert.deepEqual(other.prefixes, []);
  const iaid = new Script({ iaidPrefix: 9 }, stored(iaPd(HOME)));
  iaid.give({ kind: "tick" });
  assert.deepEqual(iaid.prefixes, []);
});

test("[D6P-1] DUID and IAIDs are the same in every message, before and after a restart", () => {
  const script = new Script({}, stored(iaPd(HOME))).link(true).pass(400);
  for (const { message } of script.sent) {
    assert.equal(optionOf(message, "client-id")?.duid, CLIENT);
    assert.equal(optionOf(message, "ia-pd")?.iaid, 1);
  }
});

test("a snapshot that is damaged in any place is not trusted and not fatal", () => {
  const { snapshot } = stored(iaPd(HOME), iaNa(ADDRESS));
  const damaged: Json[] = [null, 7, "x", [], {}, { version: 1, client: CLIENT }, { ...(snapshot as object), version: 2 } as Json];
  for (const key of Object.keys(snapshot as object)) {
    for (const value of [7.5, "x", {}, [{}], [null], -1]) damaged.push({ ...(snapshot as object), [key]: value } as Json);
  }
  for (const each of damaged) {
    const script = new Script({}, { snapshot: each, shift: seconds(0) }).link(true).pass(5);
    assert.ok(script.sent.length > 0);
  }
});

test("[D6T-10] after a link flap the prefix is verified by a Rebind, once, and kept", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(5);
  script.link(false);
  assert.equal(script.fact.state, "bound");
  const up = script.pass(30).now;
  script.link(true).pass(1);
  assert.equal(script.last.kind, "rebind");
  assert.ok(script.last.at - up <= 1);
  assert.deepEqual(script.prefixes, [HOME]);
  script.answer("reply", iaPd(HOME)).pass(20);
  assert.equal(script.of("rebind").length, 1);
  assert.equal(script.fact.state, "bound");
});

test("[D6T-9] [D6T-10] the message after a reconnect is Rebind with prefixes, and Confirm with addresses alone", () => {
  const both = new Script({ requestAddress: "always" });
  both.bind(iaPd(HOME), iaNa(ADDRESS)).link(false).link(true).pass(15);
  assert.equal(both.of("confirm").length, 0);
  assert.ok(optionOf(both.of("rebind")[0]!.message, "ia-na"));

  const address = new Script({ requestAddress: "always", requestPrefix: "never" });
  address.bind(iaNa(ADDRESS)).link(false).link(true).pass(15);
  const confirms = address.of("confirm");
  assert.ok(confirms.length >= 3 && confirms.length <= 5 && confirms.at(-1)!.at - confirms[0]!.at < 10);
  assert.equal(address.of("rebind").length, 0);
  assert.equal(optionOf(confirms[0]!.message, "oro"), undefined);
  assert.equal(address.fact.addresses.length, 1);
  assert.equal(address.fact.state, "bound");
});

test("[D6T-9] Success to a Confirm keeps the address, NotOnLink drops it and Solicit follows without it", () => {
  const confirmed = (name: "Success" | "NotOnLink") => {
    const script = new Script({ requestAddress: "always", requestPrefix: "never" });
    script.bind(iaNa(ADDRESS)).link(false).link(true).pass(1);
    return script.answer("reply", status(name)).pass(2);
  };
  assert.equal(confirmed("Success").fact.addresses.length, 1);
  assert.equal(confirmed("Success").last.kind, "confirm");
  const moved = confirmed("NotOnLink");
  assert.deepEqual(moved.fact.addresses, []);
  assert.equal(moved.last.kind, "solicit");
  assert.deepEqual(optionOf(moved.last.message, "ia-na")?.options, []);
});

test("another prefix in the answer to the verifying Rebind is used at once; the old one is kept but not preferred any more", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).link(false).pass(20).link(true).pass(1);
  const [before] = script.fact.delegated;
  script.answer("reply", iaPd(ELSEWHERE));
  const [old, fresh] = script.fact.delegated;
  assert.equal(old?.prefix, HOME);
  assert.equal(old?.validUntil, before?.validUntil);
  assert.equal(old?.preferredUntil, script.now * 1000);
  assert.equal(fresh?.prefix, ELSEWHERE);
});

test("[D6P-13] NoBinding to the verifying Rebind leads to a Request to who answered", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).link(false).link(true).pass(1);
  script.answer("reply", serverId(OTHER_SERVER), iaPdWith([status("NoBinding")]));
  assert.equal(script.last.kind, "request");
  assert.equal(optionOf(script.last.message, "server-id")?.duid, OTHER_SERVER);
  script.answer("reply", serverId(OTHER_SERVER), iaPdWith([iaPrefix(ELSEWHERE)]));
  assert.deepEqual(script.prefixes, [ELSEWHERE]);
});

test("a useless answer to the verifying Rebind does not shut out the right one", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).link(false).link(true).pass(1);
  const question = script.last.message;
  script.hear(answerTo(question, "reply", serverId(OTHER_SERVER)));
  script.hear(answerTo(question, "reply", iaPd(HOME, { preferred: 999, valid: 1999 })));
  assert.equal(Math.round(script.lifetimes[1]), 1999);
});

test("[D6T-10] resume verifies the prefix", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).sleep(100).give({ kind: "resume" });
  script.pass(1);
  assert.equal(script.last.kind, "rebind");
  assert.equal(script.fact.state, "verifying");
  assert.deepEqual(script.prefixes, [HOME]);
});

test("[D6T-20] a suspend of two hours counts: the lease has ended at the first input, and one Solicit follows without a burst", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).sleep(7200);
  const sent = script.sent.length;
  script.give({ kind: "resume" });
  assert.deepEqual(script.prefixes, []);
  script.pass(1);
  assert.deepEqual(
    script.sent.slice(sent).map(({ kind }) => kind),
    ["solicit"],
  );
});

test("[D6T-20] a late tick in the middle of a Renew sends one message, not those that were missed", () => {
  const script = new Script();
  script
    .bind(iaPd(HOME, { preferred: 9000, valid: 9000, t1: 10, t2: 8000 }))
    .pass(15)
    .sleep(3000);
  const sent = script.sent.length;
  script.give({ kind: "tick" });
  assert.equal(script.sent.length, sent + 1);
});

for (const [what, time] of Object.entries({ request: 1.2, renew: 78, rebind: 125 })) {
  test(`[D6T-10] a link flap in the middle of a ${what} leaves one exchange, and the old one's Reply is not taken`, () => {
    const script = new Script().link(true).pass(1);
    script.answer("advertise", iaPd(HOME)).pass(0.2);
    if (what !== "request") script.answer("reply", iaPd(HOME)).pass(time);
    assert.equal(script.last.kind, what);
    const question = script.last.message;
    script.link(false).link(true);
    script.hear(answerTo(question, "reply", iaPd(ELSEWHERE)));
    assert.ok(!script.prefixes.includes(ELSEWHERE));
    const up = script.now;
    script.pass(9);
    const since = script.sent.filter(({ at }) => at >= up);
    assert.deepEqual(new Set(since.map(({ kind }) => kind)), new Set([what === "request" ? "solicit" : "rebind"]));
    assert.equal(new Set(since.map(({ message }) => message.transactionId)).size, 1);
  });
}

test("[D6T-15] 20 link flaps in 10 s: at most 20 messages in 20 s, the prefix is kept and its lifetimes run on", () => {
  const script = new Script();
  script.bind(iaPd(HOME, { preferred: 600, valid: 900 })).pass(30);
  const { length } = script.sent;
  for (let flap = 0; flap < 20; flap++) script.link(false).pass(0.05).link(true).pass(0.45);
  assert.ok(script.sent.length - length <= 20);
  assert.deepEqual(script.prefixes, [HOME]);
  script.pass(20);
  assert.equal(script.fact.state, "bound");
});

test("[D6T-13] a restart sends no Release", () => {
  const script = new Script({}, stored(iaPd(HOME))).link(true).pass(2000);
  assert.equal(script.of("release").length, 0);
});

test("a sign of life of the provider ends a long wait within a second, at most every 30 s, and in the same exchange", () => {
  const script = new Script().link(true).pass(2000);
  const { length } = script.sent;
  script.give({ kind: "provider-heard" });
  script.pass(1);
  assert.equal(script.sent.length, length + 1);
  assert.equal(script.last.message.transactionId, script.sent[0]!.message.transactionId);
  for (let second = 0; second < 25; second++) {
    script.give({ kind: "provider-heard" });
    script.pass(1);
  }
  assert.ok(script.sent.length <= length + 6);
});

test("signs of life that lead to nothing, as RAs of a provider without DHCPv6, count less and less often", () => {
  const script = new Script().link(true);
  for (let minute = 0; minute < 600; minute++) {
    script.give({ kind: "provider-heard" });
    script.pass(60);
  }
  const lastHour = script.sent.filter(({ at }) => at > 9 * 3600);
  assert.ok(lastHour.length <= 15, `${lastHour.length}`);
});

test("the lease of an address that is not wanted any more is dropped, the prefix stays", () => {
  const script = new Script({ requestAddress: "never" }, stored(iaPd(HOME), iaNa(ADDRESS))).link(true);
  assert.deepEqual([script.prefixes, script.fact.addresses], [[HOME], []]);
});

test("a sign of life hastens Renew and Rebind too, and an Advertise that is the sign itself is taken", () => {
  const renewing = new Script();
  renewing.bind(iaPd(HOME, { preferred: 9000, valid: 9000, t1: 10, t2: 8000 })).pass(2000);
  const { length } = renewing.sent;
  renewing.give({ kind: "provider-heard" });
  renewing.pass(1);
  assert.equal(renewing.sent.length, length + 1);

  const soliciting = new Script().link(true).pass(2000);
  soliciting.give({ kind: "provider-heard" });
  soliciting.answer("advertise", iaPd(HOME)).answer("reply", iaPd(HOME));
  assert.deepEqual(soliciting.prefixes, [HOME]);
});

for (const outage of [10, 60, 290, 310, 3600]) {
  test(`after an outage of ${outage} s the prefix is back within 5 s of the provider's sign of life`, () => {
    const script = new Script();
    script.bind(iaPd(HOME)).pass(70 + outage);
    script.server = ({ kind, message }) => [answerTo(message, kind === "solicit" ? "advertise" : "reply", iaPd(HOME))];
    script.give({ kind: "provider-heard" });
    script.pass(5);
    assert.deepEqual(script.prefixes, [HOME]);
    assert.equal(script.fact.state, "bound");
    assert.ok(script.lifetimes[1] > 290);
  });
}
