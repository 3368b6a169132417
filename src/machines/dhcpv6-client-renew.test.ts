import assert from "node:assert/strict";
import { test } from "node:test";
import { NEVER } from "../addr/time.ts";
import { optionOf } from "../wire/dhcpv6.ts";
import {
  ADDRESS,
  about,
  answerTo,
  ELSEWHERE,
  elapsedOf,
  gaps,
  HOME,
  iaNa,
  iaPd,
  namedPrefixes,
  OTHER_SERVER,
  Script,
  SERVER,
  serverId,
} from "./dhcpv6-client.fixture.ts";

const INFINITE = 0xffffffff;

test("[D6T-16] T1 and T2 of 0 become 0.5 and 0.8 of the preferred lifetime: 75 s and 120 s for 150 s", () => {
  const script = new Script();
  script.bind(iaPd(HOME));
  const bound = script.now;
  assert.equal(script.fact.renewAt, (bound + 75) * 1000);
  assert.equal(script.fact.rebindAt, (bound + 120) * 1000);
  script.pass(74.9);
  assert.equal(script.of("renew").length, 0);
  script.pass(0.2);
  assert.equal(script.of("renew").length, 1);
});

test("[D6T-6] Renew at T1 names the server, is repeated after 10 and 20 s and gives way to Rebind at T2", () => {
  const script = new Script();
  script.bind(iaPd(HOME, { t1: 50, t2: 80 }));
  const bound = script.now;
  script.pass(81);
  const renews = script.of("renew");
  assert.ok(Math.abs(renews[0]!.at - bound - 50) < 0.01);
  assert.ok(about(gaps(renews), [10]) || about(gaps(renews), [10, 20]), gaps(renews).join());
  for (const { message } of renews) assert.equal(optionOf(message, "server-id")?.duid, SERVER);
  assert.equal(new Set(renews.map(({ message }) => message.transactionId)).size, 1);
  const [rebind] = script.of("rebind");
  assert.ok(rebind && Math.abs(rebind.at - bound - 80) < 0.01);
});

test("[D6T-6] the gaps between Renews double up to 600 s", () => {
  const script = new Script();
  script.bind(iaPd(HOME, { preferred: 90_000, valid: 90_000, t1: 10, t2: 80_000 })).pass(9000);
  const between = gaps(script.of("renew"));
  assert.ok(about(between.slice(0, 1), [10]));
  assert.ok(between.slice(1, 6).every((gap, i) => gap / between[i]! > 1.89 && gap / between[i]! < 2.11));
  assert.ok(between.length > 12 && between.slice(7).every((gap) => gap >= 540 && gap <= 660));
});

test("[D6T-7] [D6P-15] Rebind names no server; who answers becomes the server of the next Renew", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(121);
  const [rebind] = script.of("rebind");
  assert.equal(rebind && optionOf(rebind.message, "server-id"), undefined);
  assert.deepEqual(rebind && namedPrefixes(rebind.message), [HOME]);
  script.answer("reply", serverId(OTHER_SERVER), iaPd(HOME));
  assert.equal(script.fact.serverDuid, OTHER_SERVER);
  assert.equal(script.fact.state, "bound");
  script.pass(76);
  assert.equal(script.last.kind, "renew");
  assert.equal(optionOf(script.last.message, "server-id")?.duid, OTHER_SERVER);
});

test("[D6P-15] a Renew is answered only by the server it names", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(76);
  script.answer("reply", serverId(OTHER_SERVER), iaPd(ELSEWHERE));
  assert.deepEqual(script.prefixes, [HOME]);
  assert.equal(script.fact.state, "renewing");
});

test("[D6T-8] the prefix stays in use until its valid lifetime ends, long after T2; then Solicit follows with the old prefix as hint", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(299);
  assert.deepEqual(script.prefixes, [HOME]);
  assert.equal(script.fact.state, "rebinding");
  const before = script.now;
  script.pass(2.5);
  assert.deepEqual(script.prefixes, []);
  const solicit = script.of("solicit").find(({ at }) => at > before);
  assert.ok(solicit && solicit.at <= before + 2.5);
  assert.deepEqual(namedPrefixes(solicit.message), [HOME]);
});

test("[D6P-9] an hour of Renews never lets the valid lifetime fall below what T1 leaves of it", () => {
  const script = new Script();
  script.bind(iaPd(HOME));
  script.server = ({ message }) => [answerTo(message, "reply", iaPd(HOME))];
  for (let second = 0; second < 3600; second++) {
    script.pass(1);
    const [preferred, valid] = script.lifetimes;
    assert.ok(preferred >= 74.9 && valid >= 224.9, `${preferred} ${valid} at ${script.now}`);
  }
  assert.ok(script.of("renew").length >= 46 && script.of("renew").length <= 48);
});

test("[D6P-9] [D6P-20] each Renew is saved before the fact with the new deadlines is given", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(76);
  script.outputs.length = 0;
  script.answer("reply", iaPd(HOME));
  assert.deepEqual(
    script.outputs.map(({ kind }) => kind),
    ["save", "fact"],
  );
});

test("[D6T-14] each exchange has a transaction id of its own and counts its elapsed time from 0", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(200);
  const first = (kind: "solicit" | "request" | "renew" | "rebind") => script.of(kind)[0]!;
  const exchanges = (["solicit", "request", "renew", "rebind"] as const).map(first);
  assert.equal(new Set(exchanges.map(({ message }) => message.transactionId)).size, 4);
  assert.deepEqual(exchanges.map(elapsedOf), [0, 0, 0, 0]);
  assert.ok(elapsedOf(script.of("renew")[1]!) >= 900);
});

test("[D6T-17] T1 and T2 of infinity: never renewed nor rebound; an infinite lifetime never ends", () => {
  const script = new Script();
  script.bind(iaPd(HOME, { t1: INFINITE, t2: INFINITE, preferred: INFINITE, valid: INFINITE }));
  assert.equal(script.fact.renewAt, NEVER);
  assert.equal(script.client.wakeAt(), undefined);
  const sent = script.sent.length;
  script.pass(10 * 365 * 86_400);
  assert.equal(script.sent.length, sent);
  assert.deepEqual(script.prefixes, [HOME]);
});

test("[D6T-17] infinite lifetimes with T1 and T2 of 0 are never renewed", () => {
  const script = new Script();
  script.bind(iaPd(HOME, { preferred: INFINITE, valid: INFINITE }));
  assert.equal(script.client.wakeAt(), undefined);
});

test("[D6T-17] two IAs are renewed together, at the earliest T1", () => {
  const script = new Script({ requestAddress: "always" });
  script.bind(iaNa(ADDRESS, { t1: 1000, t2: 1600, preferred: 2000, valid: 4000 }), iaPd(HOME, { t1: 50, t2: 80 }));
  const bound = script.now;
  script.pass(55);
  const renews = script.of("renew");
  assert.equal(renews.length, 1);
  assert.ok(Math.abs(renews[0]!.at - bound - 50) < 0.01);
  assert.deepEqual(namedPrefixes(renews[0]!.message), [HOME]);
  assert.equal(optionOf(optionOf(renews[0]!.message, "ia-na")!, "ia-address")?.address, ADDRESS);
});

for (const [what, seconds] of Object.entries({ "30 days": 30 * 86_400, "49.7 days": 4_294_967, "136 years less a second": 0xfffffffe })) {
  test(`[D6T-17] a T1 of ${what} is kept exactly and makes no packet before`, () => {
    const script = new Script();
    script.bind(iaPd(HOME, { t1: seconds, t2: INFINITE, preferred: INFINITE, valid: INFINITE }));
    const bound = script.now;
    assert.equal(script.client.wakeAt(), Math.round((bound + seconds) * 1000));
    script.pass(seconds - 1);
    assert.equal(script.of("renew").length, 0);
    script.pass(2);
    assert.equal(script.of("renew").length, 1);
  });
}

test("[D6T-17] T1 alone, T2 alone, and T2 beyond the valid lifetime: Rebind always comes before the prefix is lost", () => {
  const rebindAfter = (times: Parameters<typeof iaPd>[1]) => {
    const script = new Script();
    script.bind(iaPd(HOME, times));
    const bound = script.now;
    script.pass(299);
    assert.ok(script.of("renew")[0]!.at - bound > 1);
    return script.of("rebind")[0]!.at - bound;
  };
  assert.ok(Math.abs(rebindAfter({ t1: 60 }) - 120) < 0.1);
  assert.ok(Math.abs(rebindAfter({ t1: 120 }) - 192) < 0.1);
  assert.ok(Math.abs(rebindAfter({ t2: 100 }) - 100) < 0.1);
  assert.ok(Math.abs(rebindAfter({ t1: 100, t2: 5000 }) - 240) < 0.1);
  assert.ok(Math.abs(rebindAfter({ t1: 4000, t2: 5000 }) - 240) < 0.1);
});
