import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../addr/ip.ts";
import type { Seconds } from "../addr/time.ts";
import { optionOf } from "../wire/dhcpv6.ts";
import { answerTo, gaps, HOME, iaPd, requestedOptions, Script, status } from "./dhcpv6-client.fixture.ts";

const DNS = { kind: "dns-servers", addresses: [ip6("2606:4700:4700::1111")] } as const;
const STATELESS = { requestPrefix: "never", requestAddress: "never" } as const;

const refresh = (time: number) => ({ kind: "information-refresh-time", time: time as Seconds }) as const;

test("[D6T-11] without wanted leases an Information-request follows within a second, names no IA and asks for options 32 and 83", () => {
  const script = new Script(STATELESS).link(true).pass(1);
  assert.equal(script.sent.length, 1);
  assert.equal(script.last.kind, "information-request");
  assert.ok([23, 24, 32, 56, 83].every((code) => requestedOptions(script.last).includes(code)));
  assert.equal(optionOf(script.last.message, "ia-pd"), undefined);
  script.answer("reply", DNS);
  assert.deepEqual(script.fact.resolvers, DNS.addresses);
  assert.equal(script.fact.state, "informing");
});

test("[D6T-11] it is repeated 1, 2, 4 ... 3600 s apart, or up to INF_MAX_RT when a server has set it", () => {
  const script = new Script(STATELESS).link(true).pass(20_000);
  const between = gaps(script.sent);
  assert.ok(between[0]! >= 0.9 && between[0]! <= 1.1);
  assert.ok(between.slice(12).every((gap) => gap >= 3240 && gap <= 3960) && between.length > 13);

  const bounded = new Script(STATELESS).link(true).pass(1);
  bounded.answer("reply", DNS, { kind: "inf-max-rt", time: 60 as Seconds }, refresh(600)).pass(5000);
  assert.ok(Math.max(...gaps(bounded.sent.slice(1))) <= 66);
});

test("[D6T-11] the refresh comes after the server's time, 600 s at least, 86400 s without one, never for infinity", () => {
  const refreshedAfter = (...options: Parameters<typeof refresh>) => {
    const script = new Script(STATELESS).link(true).pass(1);
    script.answer("reply", DNS, ...options.map(refresh));
    const received = script.now;
    script.pass(200_000);
    return (script.sent[1]?.at ?? Number.POSITIVE_INFINITY) - received;
  };
  const within = (value: number, low: number) => assert.ok(value >= low && value <= low + 1, `${value}`);
  within(refreshedAfter(0), 600);
  within(refreshedAfter(10), 600);
  within(refreshedAfter(600), 600);
  within(refreshedAfter(7200), 7200);
  within(refreshedAfter(...([] as unknown as [number])), 86_400);
  assert.equal(refreshedAfter(0xffffffff), Number.POSITIVE_INFINITY);
});

test("a link that comes up again is a reason to ask again, but not within 30 s of the last answer", () => {
  const script = new Script(STATELESS).link(true).pass(1);
  script.answer("reply", DNS);
  const received = script.now;
  for (let flap = 0; flap < 5; flap++) script.link(false).link(true).pass(1);
  assert.equal(script.sent.length, 1);
  script.pass(30);
  assert.ok(script.sent[1]!.at - received >= 30 && script.sent[1]!.at - received <= 31);
});

test("with the O flag, other configuration is asked for beside Solicits that bring no prefix, and no more once there is one", () => {
  const script = new Script();
  script.give({ kind: "flags", managed: false, other: true });
  script.link(true).pass(15);
  assert.equal(script.of("information-request").length > 0, true);
  assert.ok(script.of("information-request")[0]!.at > script.of("solicit")[2]!.at);
  const question = script.of("information-request").at(-1)!.message;
  script.hear(answerTo(question, "reply", DNS));
  assert.deepEqual(script.fact.resolvers, DNS.addresses);
  assert.equal(script.fact.state, "soliciting");
  const asked = script.of("information-request").length;
  script.pass(3600);
  assert.equal(script.of("information-request").length, asked);
  script.answer("advertise", iaPd(HOME)).answer("reply", iaPd(HOME));
  assert.deepEqual(script.prefixes, [HOME]);
  assert.deepEqual(script.fact.resolvers, []);
});

test("without M and O flag no Information-request is sent", () => {
  const script = new Script().link(true);
  script.give({ kind: "flags", managed: false, other: false });
  script.pass(3600);
  assert.equal(script.of("information-request").length, 0);
});

test("UnspecFail to an Information-request is no answer", () => {
  const script = new Script(STATELESS).link(true).pass(1);
  script.answer("reply", status("UnspecFail"), DNS).pass(3);
  assert.deepEqual(script.fact.resolvers, []);
  assert.ok(script.sent.length >= 2);
});
