import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../addr/ip.ts";
import { optionOf } from "../wire/dhcpv6.ts";
import {
  ADDRESS,
  answerTo,
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

test("[D6P-6] an IA_PD with T1 above T2 is discarded, the rest of the Reply is used", () => {
  const script = new Script({ requestAddress: "always" });
  script.bind(iaPd(HOME), iaNa(ADDRESS)).pass(76);
  script.answer("reply", iaPd(HOME, { t1: 80, t2: 50, preferred: 9000, valid: 9000 }), iaNa(ADDRESS, { preferred: 5000, valid: 6000 }));
  assert.ok(script.lifetimes[1] < 300);
  assert.equal(script.fact.addresses[0]?.validUntil, (script.now + 6000) * 1000);
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
