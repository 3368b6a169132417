import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_DHCP_SERVERS, ip6 } from "../addr/ip.ts";
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
  iaNaWith,
  iaPd,
  iaPdWith,
  namedPrefixes,
  OTHER_SERVER,
  requestedOptions,
  Script,
  SERVER,
  serverId,
  status,
} from "./dhcpv6-client.fixture.ts";

const preference = (value: number) => ({ kind: "preference", value }) as const;

test("[D6T-2] the first Solicit follows the link after a random time below 1 s that is not constant", () => {
  const delays = Array.from({ length: 30 }, (_, seed) => new Script({}, undefined, seed + 1).link(true).pass(1).sent[0]!.at);
  assert.ok(delays.every((delay) => delay >= 0 && delay < 1));
  assert.ok(new Set(delays).size > 25 && Math.max(...delays) - Math.min(...delays) > 0.5);
});

test("[D6T-2] the delay counts from when the link came up: what has passed by then is not waited for again", () => {
  const late = new Script({}, undefined, 5);
  late.link(false).sleep(2).link(true);
  assert.equal(late.sent.length, 1);
  const told = new Script({}, undefined, 5).sleep(5);
  told.give({ kind: "link", up: true, since: 3000 as never });
  assert.equal(told.sent.length, 1);
});

test("[D6T-3] [D6T-14] a Solicit without answer is repeated 1, 2, 4 ... 3600 s apart with one transaction id and rising elapsed time", () => {
  const script = new Script().link(true).pass(6 * 3600);
  const solicits = script.of("solicit");
  assert.equal(solicits.length, script.sent.length);
  const between = gaps(solicits);
  assert.ok(between[0]! > 1 && between[0]! <= 1.1);
  between.slice(1, 12).forEach((gap, i) => assert.ok(gap / between[i]! > 1.89 && gap / between[i]! < 2.11));
  assert.ok(between.slice(12).every((gap) => gap >= 3240 && gap <= 3960));
  assert.equal(new Set(solicits.map(({ message }) => message.transactionId)).size, 1);
  assert.equal(elapsedOf(solicits[0]!), 0);
  solicits.forEach((sent, i) => assert.ok(i === 0 || elapsedOf(sent) > elapsedOf(solicits[i - 1]!) || elapsedOf(sent) === 0xffff));
  assert.equal(elapsedOf(solicits.at(-1)!), 0xffff);
});

test("[D6T-3] the first repetition of a Solicit comes after more than 1 s, whatever chance brings", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const [gap = 0] = gaps(new Script({}, undefined, seed).link(true).pass(3).sent);
    assert.ok(gap > 1 && gap <= 1.1, `${gap}`);
  }
});

test("[D6T-3] [D6T-14] the first gap counts from when the Solicit has left, not from when it was handed out", () => {
  const script = new Script().link(true).pass(1);
  const [first] = script.sent;
  const handedOut = first!.at;
  const late = new Script().link(true).until(handedOut).sleep(0.7);
  late.give({ kind: "sent" });
  late.pass(1);
  assert.equal(late.sent.length, 1, "the first gap is above 1 s");
  late.pass(0.101);
  assert.equal(late.sent.length, 2);
  assert.ok(elapsedOf(late.last) > 100 && elapsedOf(late.last) < 112, `${elapsedOf(late.last)}`);
  late.give({ kind: "sent" });
  const waiting = late.client.wakeAt();
  late.give({ kind: "sent" });
  assert.equal(late.client.wakeAt(), waiting);
});

test("[D6T-1] every message goes to All_DHCP_Relay_Agents_and_Servers, even when the server offers unicast or asks for multicast", () => {
  const unicast = { kind: "unknown", code: 12, data: new Uint8Array(16).fill(0xfe) } as const;
  const script = new Script();
  script.bind(iaPd(HOME), unicast).pass(80);
  script.answer("reply", { kind: "status-code", status: 5, message: "UseMulticast" }).pass(20);
  assert.deepEqual(new Set(script.sent.map(({ to }) => to)), new Set([ALL_DHCP_SERVERS]));
  assert.equal(script.of("renew").length, 2);
});

test("[D6T-19] [D6T-18] the option request asks for resolvers, domains, SIP, time, excluded prefix and SOL_MAX_RT, and never for a refresh time", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(140);
  assert.deepEqual(new Set(script.sent.map(({ kind }) => kind)), new Set(["solicit", "request", "renew", "rebind"]));
  for (const sent of script.sent) assert.deepEqual(requestedOptions(sent), [23, 24, 21, 22, 31, 56, 67, 82]);
});

test("[D6E-5] Solicit and Request accept Reconfigure", () => {
  const script = new Script();
  script.bind(iaPd(HOME));
  for (const sent of script.sent) assert.ok(optionOf(sent.message, "reconfigure-accept"), sent.kind);
});

test("[D6P-2] the hint is the unspecified prefix of the configured length, with times 0", () => {
  const script = new Script({ prefixHint: 60 }).link(true).pass(1);
  const ia = optionOf(script.last.message, "ia-pd");
  assert.deepEqual(ia, {
    kind: "ia-pd",
    iaid: 1,
    t1: 0,
    t2: 0,
    options: [{ kind: "ia-prefix", prefix: "::/60", preferred: 0, valid: 0, options: [] }],
  });
});

test("[D6P-3] a prefix of any length is accepted, longer or shorter than the hint", () => {
  for (const length of ["48", "56", "60", "62", "63", "64", "80"]) {
    const script = new Script();
    script.bind(iaPd(`2605:59c8:1200::/${length}` as never));
    assert.deepEqual(script.prefixes, [`2605:59c8:1200::/${length}`]);
    assert.equal(script.fact.state, "bound");
  }
});

test("[D6T-4] Advertises are collected for the first timeout, then the server with the highest preference gets the Request", () => {
  const script = new Script().link(true).pass(1);
  script.answer("advertise", iaPd(HOME), preference(10));
  script.answer("advertise", serverId(OTHER_SERVER), iaPd(ELSEWHERE), preference(200));
  assert.equal(script.of("request").length, 0);
  script.pass(1.1);
  const [request] = script.of("request");
  assert.ok(request && request.at - script.sent[0]!.at > 1);
  assert.equal(optionOf(request.message, "server-id")?.duid, OTHER_SERVER);
  assert.deepEqual(namedPrefixes(request.message), [ELSEWHERE]);
});

test("[D6T-4] preference 255 ends the wait", () => {
  const script = new Script().link(true).pass(0.9);
  script.answer("advertise", iaPd(HOME), preference(200));
  script.answer("advertise", serverId(OTHER_SERVER), iaPd(ELSEWHERE), preference(255));
  assert.equal(optionOf(script.last.message, "server-id")?.duid, OTHER_SERVER);
  assert.equal(script.fact.state, "requesting");
});

test("[D6T-4] after the first timeout the first Advertise is taken at once", () => {
  const script = new Script().link(true).pass(10);
  script.answer("advertise", iaPd(HOME));
  assert.equal(script.last.kind, "request");
  assert.equal(script.last.at, script.now);
});

test("a server that offers a prefix wins over one of higher preference that offers only an address", () => {
  const script = new Script({ requestAddress: "always" }).link(true).pass(1);
  script.answer("advertise", serverId(OTHER_SERVER), iaNa(ADDRESS), preference(200));
  script.answer("advertise", iaPd(HOME), preference(0)).pass(1.1);
  assert.equal(optionOf(script.last.message, "server-id")?.duid, SERVER);
});

test("[D6T-5] a mute server gets exactly 10 Requests, 1 to 30 s apart with one transaction id; then Solicit begins again", () => {
  const script = new Script().link(true).pass(1);
  script.answer("advertise", iaPd(HOME)).pass(400);
  const requests = script.of("request");
  assert.equal(requests.length, 10);
  assert.equal(new Set(requests.map(({ message }) => message.transactionId)).size, 1);
  assert.ok(gaps(requests).every((gap) => gap >= 0.9 && gap <= 33));
  assert.ok(about(gaps(requests).slice(5), [30, 30, 30, 30]));
  assert.equal(script.last.kind, "solicit");
  assert.notEqual(script.last.message.transactionId, script.sent[0]!.message.transactionId);
});

test("[D6T-5] after 10 Requests the next server that made an offer is asked", () => {
  const script = new Script().link(true).pass(1);
  script.answer("advertise", iaPd(HOME), preference(9));
  script.answer("advertise", serverId(OTHER_SERVER), iaPd(ELSEWHERE)).pass(300);
  const servers = script.of("request").map(({ message }) => optionOf(message, "server-id")?.duid);
  assert.deepEqual(new Set(servers.slice(0, 10)), new Set([SERVER]));
  assert.deepEqual(new Set(servers.slice(10)), new Set([OTHER_SERVER]));
});

test("[D6T-2] without Rapid Commit a Reply to a Solicit is discarded; with it the Reply binds, and an Advertise still works", () => {
  const plain = new Script().link(true).pass(1);
  plain.answer("reply", iaPd(HOME), { kind: "rapid-commit" });
  assert.deepEqual(plain.prefixes, []);
  assert.equal(optionOf(plain.sent[0]!.message, "rapid-commit"), undefined);

  const rapid = new Script({ rapidCommit: true }).link(true).pass(1);
  assert.ok(optionOf(rapid.sent[0]!.message, "rapid-commit"));
  rapid.answer("reply", iaPd(HOME));
  assert.deepEqual(rapid.prefixes, []);
  rapid.answer("reply", iaPd(HOME), { kind: "rapid-commit" });
  assert.deepEqual(rapid.prefixes, [HOME]);

  const slow = new Script({ rapidCommit: true });
  slow.bind(iaPd(HOME));
  assert.deepEqual(slow.prefixes, [HOME]);
});

test("[D6P-10] IA_PD is used when IA_NA failed or is missing, and IA_NA when IA_PD failed", () => {
  const combinations = [
    { reply: [iaPd(HOME), iaNaWith([status("NoAddrsAvail")])], prefixes: [HOME], addresses: [] },
    { reply: [iaPd(HOME)], prefixes: [HOME], addresses: [] },
    { reply: [iaPdWith([status("NoPrefixAvail")]), iaNa(ADDRESS)], prefixes: [], addresses: [ADDRESS] },
    { reply: [iaPd(HOME), iaNa(ADDRESS)], prefixes: [HOME], addresses: [ADDRESS] },
  ];
  for (const { reply, prefixes, addresses } of combinations) {
    const script = new Script({ requestAddress: "always" });
    script.bind(...reply);
    assert.deepEqual(script.prefixes, prefixes);
    assert.deepEqual(
      script.fact.addresses.map(({ address }) => address),
      addresses,
    );
    assert.equal(script.fact.state, "bound");
  }
});

test("several IA_PDs of our own are asked for together and used together", () => {
  const script = new Script({ furtherIaidPrefixes: [7] });
  script.bind(iaPd(HOME), iaPd(ELSEWHERE, { iaid: 7 }));
  assert.deepEqual(script.prefixes, [HOME, ELSEWHERE]);
  assert.deepEqual(
    script.fact.delegated.map(({ iaid }) => iaid),
    [1, 7],
  );
});

test("a Reply from a global address and another source port is accepted", () => {
  const script = new Script().link(true).pass(1);
  const from = ip6("2605:59c8::1");
  script.hear(answerTo(script.last.message, "advertise", iaPd(HOME)), from, ip6("fe80::2"), 32768).pass(1.1);
  script.hear(answerTo(script.last.message, "reply", iaPd(HOME)), from, ip6("fe80::2"), 32768);
  assert.deepEqual(script.prefixes, [HOME]);
  assert.equal(script.fact.serverAddress, from);
});

test("[D6P-1] server DUIDs of any type and of 130 octets are accepted and used as they are", () => {
  for (const duid of [OTHER_SERVER, `0004${"0a".repeat(16)}`, `0063${"ff".repeat(128)}`]) {
    const script = new Script();
    script.bind(serverId(duid as never), iaPd(HOME));
    assert.equal(script.fact.serverDuid, duid);
    script.pass(76);
    assert.equal(optionOf(script.last.message, "server-id")?.duid, duid);
  }
});
