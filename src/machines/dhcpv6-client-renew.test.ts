import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ip6, ip6 } from "../addr/ip.ts";
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
  iaPdWith,
  iaPrefix,
  namedPrefixes,
  OTHER_SERVER,
  Script,
  SERVER,
  serverId,
  status,
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
  assert.ok(about(gaps(renews), [10]) || about(gaps(renews), [10, 20]), `${gaps(renews)}`);
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

test("[D6P-6] an IA_PD with T1 above T2 is discarded, the rest of the Reply is used", () => {
  const script = new Script({ requestAddress: "always" });
  script.bind(iaPd(HOME), iaNa(ADDRESS)).pass(76);
  script.answer("reply", iaPd(HOME, { t1: 80, t2: 50, preferred: 9000, valid: 9000 }), iaNa(ADDRESS, { preferred: 5000, valid: 6000 }));
  assert.ok(script.lifetimes[1] < 300);
  assert.equal(script.fact.addresses[0]?.validUntil, (script.now + 6000) * 1000);
});

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

test("[D6P-6] a prefix whose preferred lifetime exceeds the valid one is discarded, its neighbour in the IA_PD is used", () => {
  const script = new Script();
  script.bind(iaPdWith([iaPrefix(ELSEWHERE, { preferred: 90, valid: 30 }), iaPrefix(HOME)]));
  assert.deepEqual(script.prefixes, [HOME]);
});

test("[D6P-7] [D6P-14] old prefix with lifetimes 0 and a new one: the old one is gone at once and named in no Renew", () => {
  const replies = [
    [iaPdWith([iaPrefix(HOME, { preferred: 0, valid: 0 }), iaPrefix(ELSEWHERE)])],
    [iaPd(HOME, { preferred: 0, valid: 0 }), iaPd(ELSEWHERE)],
    [iaPd(ELSEWHERE), iaPd(HOME, { preferred: 0, valid: 0 })],
  ];
  for (const reply of replies) {
    const script = new Script();
    script.bind(iaPd(HOME)).pass(76);
    script.answer("reply", ...reply);
    assert.deepEqual(script.prefixes, [ELSEWHERE]);
    script.pass(76);
    assert.deepEqual(namedPrefixes(script.last.message), [ELSEWHERE]);
  }
});

test("[D6P-7] [D6P-11] the only prefix taken away in a Renew's Reply, with or without NoPrefixAvail inside: gone at once, Solicit within seconds", () => {
  for (const options of [[], [status("NoPrefixAvail")]]) {
    const script = new Script();
    script.bind(iaPd(HOME)).pass(76);
    const at = script.now;
    script.answer("reply", iaPdWith([iaPrefix(HOME, { preferred: 0, valid: 0, options })], { t1: 1000, t2: 1600 }));
    assert.deepEqual(script.prefixes, []);
    script.pass(3);
    assert.equal(script.last.kind, "solicit");
    assert.ok(script.last.at - at < 3);
    assert.deepEqual(namedPrefixes(script.last.message), ["::/56"]);
  }
});

test("[D6P-11] with an address still leased, a prefix that was taken away is asked for again within seconds", () => {
  const script = new Script({ requestAddress: "always" });
  script.bind(iaPd(HOME), iaNa(ADDRESS)).pass(76);
  const at = script.now;
  const long = iaNa(ADDRESS, { preferred: 50_000, valid: 60_000 });
  script.answer("reply", long, iaPdWith([iaPrefix(HOME, { preferred: 0, valid: 0, options: [status("NoPrefixAvail")] })])).pass(8);
  assert.deepEqual(script.prefixes, []);
  assert.equal(script.last.kind, "renew");
  assert.ok(script.last.at > at && script.last.at - at < 8);
});

test("[D6P-11] NoPrefixAvail at the level of the message or of the IA takes nothing away", () => {
  for (const reply of [[status("NoPrefixAvail")], [iaPdWith([status("NoPrefixAvail")])]]) {
    const script = new Script();
    script.bind(iaPd(HOME)).pass(76);
    script.answer("reply", ...reply).pass(5);
    assert.deepEqual(script.prefixes, [HOME]);
    assert.equal(script.fact.state, "renewing");
  }
});

test("[D6P-8] a Reply without our IA, or without IAPREFIX in it, keeps the prefix and is like no Reply for the timers", () => {
  for (const reply of [[], [iaPdWith([])], [iaNa(ADDRESS)], [iaPd(ELSEWHERE, { iaid: 99 })]]) {
    const script = new Script();
    script.bind(iaPd(HOME));
    const validUntil = script.fact.delegated[0]?.validUntil;
    script.pass(76);
    script.server = ({ message }) => [answerTo(message, "reply", ...reply)];
    script.pass(40);
    assert.equal(script.fact.delegated[0]?.validUntil, validUntil);
    assert.deepEqual(script.prefixes, [HOME]);
    assert.ok(script.of("renew").length <= 3 && script.of("solicit").length === 1);
  }
});

test("[D6P-8] a prefix that a Renew's Reply does not mention beside another one stays as it is recorded", () => {
  const script = new Script();
  script.bind(iaPd(HOME));
  const recorded = script.fact.delegated[0];
  script.pass(76);
  script.answer("reply", iaPd(ELSEWHERE));
  assert.deepEqual(script.prefixes, [HOME, ELSEWHERE]);
  assert.deepEqual(script.fact.delegated[0], recorded);
});

test("[D6P-14] two prefixes of one IA_PD are both used and both renewed", () => {
  const script = new Script();
  script.bind(iaPdWith([iaPrefix(HOME), iaPrefix(ELSEWHERE)])).pass(76);
  assert.deepEqual(script.prefixes, [HOME, ELSEWHERE]);
  assert.deepEqual(namedPrefixes(script.last.message), [HOME, ELSEWHERE]);
});

test("the same prefix with another length replaces the former one, when it shrinks and when it grows back", () => {
  const script = new Script();
  script.bind(iaPd(HOME));
  for (const length of [60, 64, 56]) {
    script.pass(76);
    script.answer("reply", iaPd(`2605:59c8:1200::/${length}` as never));
    assert.deepEqual(script.prefixes, [`2605:59c8:1200::/${length}`]);
  }
});

test("[D6P-13] NoBinding to a Renew leads to a Request for all IAs at once, while the leases stay in use", () => {
  const script = new Script({ requestAddress: "always" });
  script.bind(iaPd(HOME), iaNa(ADDRESS)).pass(76);
  const renewed = script.now;
  script.answer("reply", iaPdWith([status("NoBinding")]), iaNa(ADDRESS));
  assert.equal(script.last.kind, "request");
  assert.equal(script.last.at, renewed);
  assert.equal(optionOf(script.last.message, "server-id")?.duid, SERVER);
  assert.deepEqual(namedPrefixes(script.last.message), [HOME]);
  assert.ok(optionOf(script.last.message, "ia-na"));
  assert.deepEqual(script.prefixes, [HOME]);
  script.answer("reply", iaPd(ELSEWHERE), iaNa(ADDRESS));
  assert.deepEqual(script.prefixes, [ELSEWHERE]);
});

test("[D6P-13] [D6P-11] NoBinding for the whole message, and in the answer to a Rebind, leads to a Request to who answered", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(121);
  script.answer("reply", serverId(OTHER_SERVER), status("NoBinding"));
  assert.equal(script.last.kind, "request");
  assert.equal(optionOf(script.last.message, "server-id")?.duid, OTHER_SERVER);
  script.answer("reply", serverId(OTHER_SERVER), iaPd(HOME));
  assert.deepEqual(script.prefixes, [HOME]);
});

test("[D6P-13] a server that has no record and refuses the Request too has taken the prefix away", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(76);
  script.answer("reply", iaPdWith([status("NoBinding")]));
  script.answer("reply", iaPdWith([status("NoPrefixAvail", "full")]));
  assert.deepEqual(script.prefixes, []);
  assert.equal(script.fact.refusal, "NoPrefixAvail: full");
  script.pass(5);
  assert.equal(script.last.kind, "solicit");
});

test("a provider that forgot us and stays mute to Renew gives another prefix to Rebind: both are held until the old one ends", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(121);
  script.answer("reply", iaPd(ELSEWHERE));
  assert.deepEqual(script.prefixes, [HOME, ELSEWHERE]);
  script.pass(30);
  assert.ok(script.fact.delegated[0]!.preferredUntil <= script.now * 1000);
  script.server = ({ message }) => [answerTo(message, "reply", iaPd(ELSEWHERE))];
  script.pass(160);
  assert.deepEqual(script.prefixes, [ELSEWHERE]);
});

test("[D6P-12] UnspecFail to a Renew changes nothing but the wait for the next one", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(76);
  script.server = ({ message }) => [answerTo(message, "reply", status("UnspecFail", "database"))];
  script.pass(40);
  assert.deepEqual(script.prefixes, [HOME]);
  assert.ok(script.of("renew").length <= 3);
});

test("[D6P-19] options of a former Reply that a later one does not have are dropped, changed ones are used at once", () => {
  const dns = (...addresses: string[]) => ({ kind: "dns-servers", addresses: addresses.map(ip6) }) as const;
  const [a, b] = ["2001:4860:4860::8888", "2606:4700:4700::1111"] as [string, string];
  const script = new Script();
  script.bind(
    iaPd(HOME),
    dns(a, b),
    { kind: "domain-list", domains: ["isp.example"] },
    {
      kind: "ntp-server",
      servers: [{ kind: "name", name: "time.isp.example" }],
    },
  );
  assert.deepEqual(
    [script.fact.resolvers, script.fact.searchDomains, script.fact.ntpServers],
    [[a, b], ["isp.example"], ["time.isp.example"]],
  );
  script.pass(76).answer("reply", iaPd(HOME), dns(b));
  assert.deepEqual([script.fact.resolvers, script.fact.searchDomains, script.fact.ntpServers], [[b], [], []]);
  script.pass(76).answer("reply", iaPd(HOME));
  assert.deepEqual(script.fact.resolvers, []);
});

test("[D6P-16] the excluded prefix is part of the fact", () => {
  const excluded = "2605:59c8:1200::/64" as never;
  const script = new Script();
  script.bind(iaPd(HOME, { options: [{ kind: "pd-exclude", prefix: excluded }] }));
  assert.equal(script.fact.delegated[0]?.excluded, excluded);
});

test("prefixes that could never be routed to us are not used", () => {
  for (const value of ["fe80::/64", "ff02::/56", "::/56"]) {
    const script = new Script().link(true).pass(1);
    script.answer("advertise", iaPd(HOME)).pass(1.1);
    script.answer("reply", iaPd(value as never));
    assert.deepEqual(script.prefixes, []);
  }
});

test("[D6P-17] an address that another node uses is declined, and only it; later a Renew asks for another one", () => {
  const script = new Script({ requestAddress: "always" });
  script.bind(iaPd(HOME), iaNa(ADDRESS)).pass(3);
  script.give({ kind: "duplicate", address: ADDRESS });
  assert.deepEqual(script.fact.addresses, []);
  assert.deepEqual(script.prefixes, [HOME]);
  assert.equal(script.last.kind, "decline");
  assert.equal(optionOf(script.last.message, "ia-pd"), undefined);
  assert.equal(optionOf(optionOf(script.last.message, "ia-na")!, "ia-address")?.address, ADDRESS);
  script.answer("reply", status("Success")).pass(11);
  assert.equal(script.last.kind, "renew");
  const other = ip6("2605:59c8:1000::5678");
  script.answer("reply", iaPd(HOME), iaNa(other));
  assert.deepEqual(
    script.fact.addresses.map(({ address }): Ip6 => address),
    [other],
  );
});

test("[D6T-12] Decline and Release are sent 4 times to a mute server, 1 s apart at first, then the matter is done", () => {
  const declining = new Script({ requestAddress: "always" });
  declining.bind(iaNa(ADDRESS)).pass(3);
  declining.give({ kind: "duplicate", address: ADDRESS });
  declining.pass(60);
  assert.equal(declining.of("decline").length, 4);
  assert.ok(gaps(declining.of("decline")).every((gap, i) => gap > 0.8 * 2 ** i && gap < 1.3 * 2 ** i));
  assert.equal(declining.last.kind, "solicit");

  const releasing = new Script();
  releasing.bind(iaPd(HOME)).pass(3);
  releasing.give({ kind: "release" });
  releasing.pass(600);
  assert.equal(releasing.of("release").length, 4);
  assert.equal(new Set(releasing.of("release").map(({ message }) => message.transactionId)).size, 1);
  assert.equal(releasing.fact.state, "stopped");
  assert.equal(releasing.client.wakeAt(), undefined);
});

test("[D6T-12] NoBinding in the answer to a Release is success", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(3);
  script.give({ kind: "release" });
  script.pass(4);
  script.answer("reply", iaPdWith([status("NoBinding")]), status("NoBinding")).pass(60);
  assert.equal(script.of("release").length, 1);
  assert.equal(script.fact.state, "stopped");
});

test("[D6T-13] Release comes only by command; the prefix is out of use and saved as such before, and the LAN has time to hear of it", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(3);
  script.outputs.length = 0;
  const at = script.now;
  script.give({ kind: "release" });
  assert.deepEqual(
    script.outputs.filter(({ kind }) => kind !== "note").map(({ kind }) => kind),
    ["save", "fact"],
  );
  assert.deepEqual(script.prefixes, []);
  assert.equal(script.fact.state, "releasing");
  script.pass(5);
  const [release] = script.of("release");
  assert.ok(release && release.at - at >= 3.5);
  assert.deepEqual(namedPrefixes(release.message), [HOME]);
  assert.equal(optionOf(release.message, "server-id")?.duid, SERVER);
});

test("after a Release nothing is asked for until the owner wants it", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(3);
  script.give({ kind: "release" });
  script.pass(4).answer("reply").pass(100);
  script.link(false).link(true);
  script.give({ kind: "resume" });
  script.give({ kind: "flags", managed: true, other: true });
  script.pass(100);
  assert.equal(script.last.kind, "release");
  script.give({ kind: "refresh" });
  assert.equal(script.last.kind, "solicit");
});

test("the owner's wish for news renews what is held, at once", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(3);
  script.give({ kind: "refresh" });
  assert.equal(script.last.kind, "renew");
  assert.equal(script.last.at, script.now);
});
