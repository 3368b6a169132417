import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_NODES, ip6, UNSPECIFIED } from "../addr/ip.ts";
import { type Mac, mac } from "../addr/mac.ts";
import { seededRandom, uniform } from "../addr/random.ts";
import { after, milliseconds, NEVER, seconds } from "../addr/time.ts";
import { encodeNdp, ndpOptionOf, ndpOptionsOf } from "../wire/ndp.ts";
import {
  A,
  advertisement,
  gaps,
  HOST,
  HOST_MAC,
  Lan,
  leased,
  live,
  prefixesIn,
  ROUTER,
  ROUTER_MAC,
  serving,
  START,
  ULA,
} from "./ra-server-fixture.ts";

test("[RA-1] nothing is sent before the link is up and its link-local address is usable, nor after the link is gone", () => {
  const lan = new Lan().advertise(advertisement([leased(A, START)])).give({ kind: "link", up: true, mac: ROUTER_MAC });
  assert.equal(lan.pass(seconds(60)).sent.length, 0);
  lan.linkUp();
  assert.equal(lan.sent.length, 1);
  lan.give({ kind: "link", up: false });
  lan.solicit();
  assert.equal(lan.pass(seconds(200)).sent.length, 1);
});

test("[RA-11] the loss of the default router is advertised at once, or when 3 s have passed since the last advertisement", () => {
  const lan = serving([leased(A, START)]).pass(seconds(4));
  const lost = lan.now;
  lan.advertise(advertisement([leased(A, START)], { defaultRouter: false }));
  assert.deepEqual([lan.last.at, lan.last.ra.routerLifetime], [lost, 0]);
  lan.pass(seconds(1)).advertise(advertisement([leased(A, START)]));
  assert.equal(lan.last.ra.routerLifetime, 0, "too early for another one");
  lan.pass(seconds(2));
  assert.deepEqual([lan.last.at, lan.last.ra.routerLifetime], [after(lost, seconds(3)), 2700]);
});

test("[RA-5] [RA-11] a provider that alternates between 0 and 1800 s each second causes one advertisement in 3 s at most", () => {
  const lan = serving([leased(A, START)]);
  for (let i = 0; i < 120; i++) lan.advertise(advertisement([leased(A, START)], { defaultRouter: i % 2 === 1 })).pass(seconds(1));
  assert.ok(lan.multicasts.length > 30);
  assert.ok(gaps(lan.multicasts).every((gap) => gap >= 3000));
  assert.ok(lan.multicasts.every(({ ra }) => prefixesIn(ra).length === 1));
});

test("[RA-5] [RA-11] the 3 s count from when an advertisement has left, not from when it was meant to", () => {
  const lan = serving([leased(A, START)]).pass(seconds(20));
  lan.advertise(advertisement([leased(A, START)], { defaultRouter: false }));
  lan.now = after(lan.now, milliseconds(700));
  const left = lan.now;
  lan.give({ kind: "sent" }).advertise(advertisement([leased(A, START)]));
  assert.equal(lan.last.ra.routerLifetime, 0, "too early for another one");
  lan.pass(seconds(4));
  assert.deepEqual([lan.last.at, lan.last.ra.routerLifetime], [after(left, seconds(3)), 2700]);
});

test("[RA-2] unsolicited advertisements follow each other after 100..300 s, the first three after at most 16 s", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]).pass(seconds(50_000));
  const [first, second, ...rest] = gaps(lan.multicasts);
  assert.ok(first! <= 16_000 && second! <= 16_000);
  assert.ok(rest.length > 150 && rest.every((gap) => gap >= 100_000 && gap <= 300_000));
});

test("[RA-3] with 150/300 s an advertisement comes at each renewal at once and otherwise at least each 20 s", () => {
  const lan = serving([leased(A, START)]);
  for (let renewal = 0; renewal < 48; renewal++) {
    lan.pass(seconds(75)).advertise(advertisement([leased(A, lan.now)]));
    assert.ok(lan.last.at === lan.now || lan.pass(seconds(3)).last.at > after(lan.now, seconds(-3)));
    assert.ok(lan.last.ra.options.some((option) => option.kind === "prefix-information" && option.valid >= 297));
  }
  assert.ok(Math.max(...gaps(lan.multicasts)) <= 20_000);
  const longestPromise = lan.multicasts.every(({ ra }) => ndpOptionsOf(ra, "prefix-information").every(({ valid }) => valid >= 150));
  assert.ok(longestPromise, "the lease is renewed down to the advertisement");
});

test("[RA-3] 20 % loss on the LAN for an hour of 150/300 s leases deprecates no host's address in 50 seeded hours", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const lan = new Lan({ random: seededRandom(seed) }).linkUp().advertise(advertisement([leased(A, START)]));
    for (let renewal = 0; renewal < 47; renewal++) lan.pass(seconds(75)).advertise(advertisement([leased(A, lan.now)]));
    const loss = seededRandom(seed + 1000);
    let preferredUntil = NEVER;
    for (const { at, ra } of lan.multicasts) {
      assert.ok(at < preferredUntil, `seed ${seed}: the address is deprecated`);
      if (preferredUntil !== NEVER && uniform(loss, 0, 1) < 0.2) continue;
      preferredUntil = after(at, seconds(ndpOptionOf(ra, "prefix-information")!.preferred));
    }
  }
});

test("[RA-4] a solicitation is answered by unicast within a random time below 500 ms", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]).pass(seconds(40));
  const delays = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const asked = lan.now;
    const count = lan.sent.length;
    lan.solicit().pass(milliseconds(499.999));
    const answers = lan.sent.slice(count).filter(({ to }) => to === HOST);
    assert.equal(answers.length, 1);
    delays.add(answers[0]!.at - asked);
  }
  assert.ok(Math.min(...delays) < 50 && Math.max(...delays) > 450 && delays.size > 150);
});

test("[RA-4] a solicitation without link-layer address or without source is answered to all nodes", () => {
  for (const from of [HOST, UNSPECIFIED]) {
    const lan = serving([live(ULA, NEVER, NEVER)]).pass(seconds(40));
    const asked = lan.now;
    lan.solicit(from, []).pass(milliseconds(3500));
    assert.equal(lan.last.to, ALL_NODES);
    assert.ok(lan.last.at >= asked);
  }
});

test("with a delay of 0 the answer is in the same turn", () => {
  const lan = new Lan({ maxRaDelay: milliseconds(0) }).linkUp().advertise(advertisement([leased(A, START)]));
  lan.solicit();
  assert.deepEqual([lan.last.to, lan.last.at], [HOST, START]);
});

test("[RA-6] an invalid solicitation is ignored", () => {
  const good = encodeNdp({ kind: "router-solicitation", options: [{ kind: "source-link-layer-address", mac: HOST_MAC }] });
  const changed = (at: number, value: number): Uint8Array => good.with(at, value);
  const lan = new Lan({ maxRaDelay: milliseconds(0) })
    .linkUp()
    .advertise(advertisement([live(ULA, NEVER, NEVER)]))
    .pass(seconds(40));
  const count = lan.sent.length;
  lan.hear(HOST, good, 254);
  lan.hear(HOST, changed(1, 1));
  lan.hear(HOST, changed(9, 0));
  lan.hear(HOST, changed(9, 2));
  for (let length = 0; length < 8; length++) lan.hear(HOST, good.slice(0, length));
  lan.hear(UNSPECIFIED, good);
  assert.equal(lan.sent.length, count);
  lan.hear(HOST, good);
  assert.equal(lan.sent.length, count + 1);
});

test("[RA-5] a flood of solicitations without source address causes one multicast in 3 s", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]);
  for (let i = 0; i < 3000; i++) lan.solicit(UNSPECIFIED, []).pass(milliseconds(10));
  assert.ok(lan.multicasts.length >= 8);
  assert.ok(gaps(lan.multicasts).every((gap) => gap >= 3000));
});

test("[RA-5] a flood from invented sources is answered at a bounded rate, and multicasts keep their distance", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]);
  for (let i = 0; i < 20_000; i++) lan.solicit(ip6(`fe80::1:${(i % 65536).toString(16)}`)).pass(milliseconds(1));
  const unicasts = lan.sent.length - lan.multicasts.length;
  assert.ok(unicasts <= 64 * 2 * 20 * 2, `${unicasts} answers in 20 s`);
  assert.ok(gaps(lan.multicasts).every((gap) => gap >= 3000));
});

test("a changed link-layer address is announced at once", () => {
  const lan = serving([live(ULA, NEVER, NEVER)]).pass(seconds(50));
  const other: Mac = mac("02:00:00:00:00:02");
  lan.give({ kind: "link", up: true, linkLocal: ROUTER, mac: other });
  assert.deepEqual([lan.last.at, ndpOptionOf(lan.last.ra, "source-link-layer-address")?.mac], [lan.now, other]);
});

test("[RA-11] [RA-5] news that has to wait for its multicast is told at once to each node that is known, twice between two multicasts at most", () => {
  const lan = serving([leased(A, START)]).pass(seconds(20));
  const change = (defaultRouter: boolean): Lan => lan.advertise(advertisement([leased(A, START)], { defaultRouter }));
  change(false);
  assert.deepEqual([lan.last.ra.routerLifetime, lan.early.length], [0, 0], "by multicast, which is permitted");
  for (let i = 0; i < 10; i++) change(i % 2 === 0).pass(milliseconds(200));
  assert.deepEqual(
    lan.early.map(({ ra }) => ra.routerLifetime),
    [2700, 0],
  );
  lan.pass(seconds(1));
  assert.equal(lan.last.ra.routerLifetime, 0, "the multicast follows");
  change(true);
  assert.equal(lan.early.length, 3);
});

test("[RA-16] the last words go to all nodes alone", () => {
  const lan = serving([leased(A, START)]).pass(seconds(20));
  lan.advertise(advertisement([leased(A, START)], { defaultRouter: false })).give({ kind: "stop" });
  const before = lan.multicasts.length;
  assert.deepEqual([lan.pass(seconds(60)).multicasts.length - before, lan.early.length], [3, 0]);
});
