import assert from "node:assert/strict";
import { test } from "node:test";
import type { Seconds } from "../addr/time.ts";
import { optionOf } from "../wire/dhcpv6.ts";
import { ADDRESS, answerTo, gaps, HOME, iaNa, iaPd, iaPdWith, Script, status } from "./dhcpv6-client.fixture.ts";

const solMaxRt = (time: number) => ({ kind: "sol-max-rt", time: time as Seconds }) as const;

test("[D6E-4] an Advertise that offers nothing is ignored and leaves the timing of the Solicit alone", () => {
  const offers = [[], [iaNa(ADDRESS)], [iaPdWith([])], [iaPdWith([status("NoPrefixAvail")])], [iaPd(HOME, { valid: 0, preferred: 0 })]];
  const silent = new Script({}, undefined, 3).link(true).pass(200);
  for (const options of offers) {
    const script = new Script({}, undefined, 3);
    script.server = ({ message }) => [answerTo(message, "advertise", ...options)];
    script.link(true).pass(200);
    assert.equal(script.of("request").length, 0);
    script.sent.forEach(({ at }, i) => assert.ok(Math.abs(at - silent.sent[i]!.at) < 0.02));
  }
});

test("[D6P-12] a refusal is shown in the server's words while Solicit goes on, and is gone with the prefix", () => {
  const script = new Script().link(true).pass(1);
  script.answer("advertise", iaPdWith([status("NoPrefixAvail", "pool is\u0007 empty")])).pass(10);
  assert.equal(script.fact.refusal, "NoPrefixAvail: pool is empty");
  assert.equal(script.fact.state, "soliciting");
  script.answer("advertise", iaPd(HOME)).answer("reply", iaPd(HOME));
  assert.equal(script.fact.refusal, undefined);
});

test("[D6T-18] SOL_MAX_RT counts even in a refused Advertise, from 60 to 86400 s, and only when all Advertises agree", () => {
  const longest = (...values: number[]) => {
    const script = new Script().link(true).pass(1);
    for (const value of values) script.answer("advertise", iaPdWith([status("NoPrefixAvail")]), solMaxRt(value));
    script.pass(10 * 3600);
    return Math.max(...gaps(script.sent));
  };
  assert.ok(longest(60) <= 66);
  assert.ok(longest(86_400) > 3960);
  for (const values of [[59], [86_401], [60, 120], []]) {
    const gap = longest(...values);
    assert.ok(gap > 3000 && gap <= 3960, `${values.join()}: ${gap}`);
  }
});

test("[D6T-18] [D6P-20] SOL_MAX_RT is kept over a restart", () => {
  const script = new Script().link(true).pass(1);
  script.answer("advertise", iaPdWith([status("NoPrefixAvail")]), solMaxRt(60));
  const next = new Script({}, { snapshot: script.client.snapshot(), shift: 0 as never }).link(true).pass(3600);
  assert.ok(Math.max(...gaps(next.sent)) <= 66);
});

test("[D6T-15] a server that advertises and then refuses in its Reply for 10 minutes gets ever fewer messages", () => {
  const script = new Script();
  script.server = ({ kind, message }) => [
    kind === "solicit" ? answerTo(message, "advertise", iaPd(HOME)) : answerTo(message, "reply", iaPdWith([status("NoPrefixAvail")])),
  ];
  script.link(true).pass(600);
  assert.ok(script.of("request").length >= 4 && script.sent.length <= 24, `${script.sent.length} messages`);
  const within = (at: number) => script.sent.filter((sent) => sent.at >= at && sent.at < at + 20).length;
  assert.ok(script.sent.every(({ at }) => within(at) <= 20));
  assert.equal(script.fact.refusal, "NoPrefixAvail");
});

test("[D6T-15] a server that refuses by Rapid Commit gets ever fewer messages too", () => {
  const script = new Script({ rapidCommit: true });
  script.server = ({ message }) => [answerTo(message, "reply", iaPdWith([status("NoPrefixAvail")]), { kind: "rapid-commit" })];
  script.link(true).pass(600);
  assert.ok(script.sent.length >= 6 && script.sent.length <= 12, `${script.sent.length} messages`);
});

test("[D6P-12] a first Reply with valid lifetime 0, or with preferred above valid, gives no prefix and Solicit follows", () => {
  for (const times of [
    { preferred: 0, valid: 0 },
    { preferred: 90, valid: 30 },
  ]) {
    const script = new Script().link(true).pass(1);
    script.answer("advertise", iaPd(HOME)).pass(1.1);
    script.answer("reply", iaPd(HOME, times)).pass(5);
    assert.deepEqual(script.prefixes, []);
    assert.equal(script.last.kind, "solicit");
  }
});

test("[D6P-12] NotOnLink to a Request leads to Solicit without the address", () => {
  const script = new Script({ requestAddress: "always" }).link(true).pass(1);
  script.answer("advertise", iaNa(ADDRESS), iaPd(HOME)).pass(1.1);
  script.answer("reply", status("NotOnLink")).pass(5);
  assert.equal(script.last.kind, "solicit");
  assert.deepEqual(optionOf(script.last.message, "ia-na")?.options, []);
});

test("[D6P-12] UnspecFail to a Request is answered by the normal retransmissions and no more", () => {
  const script = new Script().link(true).pass(1);
  script.answer("advertise", iaPd(HOME));
  script.server = ({ kind, message }) => (kind === "request" ? [answerTo(message, "reply", status("UnspecFail"))] : []);
  script.pass(1.1).pass(290);
  assert.equal(script.of("request").length, 10);
});

test("[D6P-12] an IA that was refused is asked for again in Renews that come before T1, and less and less often", () => {
  const script = new Script({ requestAddress: "always" });
  script.bind(iaNa(ADDRESS, { preferred: 40_000, valid: 80_000 }), iaPdWith([status("NoPrefixAvail")]));
  script.server = ({ message }) => [
    answerTo(message, "reply", iaNa(ADDRESS, { preferred: 40_000, valid: 80_000 }), iaPdWith([status("NoPrefixAvail")])),
  ];
  const bound = script.now;
  script.pass(3600);
  const renews = script.of("renew");
  assert.ok(renews[0]!.at - bound <= 6);
  assert.ok(renews.length >= 8 && renews.length <= 14, `${renews.length}`);
  script.server = ({ message }) => [answerTo(message, "reply", iaNa(ADDRESS, { preferred: 40_000, valid: 80_000 }), iaPd(HOME))];
  script.pass(700);
  assert.deepEqual(script.prefixes, [HOME]);
});
