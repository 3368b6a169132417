import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALL_NODES, ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { after, instant, milliseconds, NEVER, seconds } from "../addr/time.ts";
import { ndpOptionOf, ndpOptionsOf } from "../wire/ndp.ts";
import type { AdvertisedPrefix } from "./facts.ts";
import { A, advertisement, B, gaps, HOST, Lan, leased, live, prefixesIn, type Sent, serving, START, ULA } from "./ra-server-fixture.ts";

test("[RA-16] leaving sends up to three advertisements with Router Lifetime 0 and all prefixes withdrawn, and then nothing any more", () => {
  const lan = serving([leased(A, START)], { resolvers: [ip6("fe80::1")] }).pass(seconds(60));
  const count = lan.sent.length;
  lan.give({ kind: "stop" }).pass(seconds(30));
  const final = lan.sent.slice(count);
  assert.equal(final.length, 3);
  for (const { to, ra } of final) {
    assert.deepEqual([to, ra.routerLifetime, prefixesIn(ra)], [ALL_NODES, 0, [`${A} 0/0`]]);
    assert.equal(ndpOptionOf(ra, "rdnss")?.lifetime, 0);
  }
  assert.equal(lan.wakeAt, undefined);
  lan
    .advertise(advertisement([leased(A, lan.now)]))
    .solicit()
    .pass(seconds(1000));
  assert.equal(lan.sent.length, count + 3);
});

test("[RA-16] a server that is started only to leave withdraws what earlier runs advertised", () => {
  const before = serving([leased(A, START)]).pass(seconds(10));
  const lan = new Lan({}, { snapshot: before.disk, shift: seconds(0) }, before.now).linkUp().give({ kind: "stop" }).pass(seconds(30));
  assert.deepEqual(
    lan.sent.map(({ ra }) => [ra.routerLifetime, ...prefixesIn(ra)]),
    Array(3).fill([0, `${A} 0/0`]),
  );
  assert.equal(lan.wakeAt, undefined);
});

test("[REN-2] when another prefix is delegated one advertisement announces it and withdraws the old one, for as long as that was valid", () => {
  const lan = serving([leased(A, START)]).pass(seconds(60));
  const changed = lan.now;
  lan.advertise(advertisement([leased(B, changed)]));
  assert.deepEqual([lan.last.at, prefixesIn(lan.last.ra)], [changed, [`${B} 150/300`, `${A} 0/0`]]);
  assert.deepEqual(
    ndpOptionsOf(lan.last.ra, "prefix-information").map(({ onLink, autonomous }) => [onLink, autonomous]),
    [
      [true, true],
      [true, true],
    ],
  );
  assert.deepEqual(lan.fact?.withdrawing, [{ prefix: A, until: after(changed, seconds(300)) }]);
  for (let i = 0; i < 4; i++) lan.pass(seconds(74)).advertise(advertisement([leased(B, lan.now)]));
  const during = lan.sent.filter(({ at }) => at >= changed);
  assert.ok(
    during.every(({ ra }) => prefixesIn(ra).includes(`${A} 0/0`)),
    "in every advertisement",
  );
  lan
    .pass(seconds(10))
    .advertise(advertisement([leased(B, lan.now)]))
    .pass(seconds(20));
  assert.deepEqual(lan.fact?.withdrawing, []);
  assert.equal(prefixesIn(lan.last.ra).length, 1);
});

test("[REN-2] a prefix with a long lease is withdrawn for 5400 s, whether the unicast or the multicast is heard", () => {
  const lan = serving([live(A, NEVER, NEVER)]).pass(seconds(60));
  lan.advertise(advertisement([]));
  assert.deepEqual(lan.fact?.withdrawing, [{ prefix: A, until: after(lan.now, seconds(5400)) }]);
  lan.solicit().pass(seconds(1));
  const unicast = lan.sent.findLast(({ to }) => to === HOST)!;
  assert.deepEqual(prefixesIn(unicast.ra), [`${A} 0/0`]);
});

test("[REN-4] a prefix that comes back while it is withdrawn is live again, and never both", () => {
  const lan = serving([leased(A, START)]).pass(seconds(20));
  lan.advertise(advertisement([leased(B, lan.now)])).pass(seconds(20));
  lan.advertise(advertisement([leased(A, lan.now)])).pass(seconds(4));
  assert.deepEqual(
    prefixesIn(lan.last.ra).map((text) => text.replace(/\d+\/\d+$/, "")),
    [`${A} `, `${B} `],
  );
  for (const { ra } of lan.sent) {
    const names = ndpOptionsOf(ra, "prefix-information").map((option) => option.prefix);
    assert.equal(new Set(names).size, names.length);
  }
  assert.deepEqual(
    lan.fact?.withdrawing.map((each) => each.prefix),
    [B],
  );
});

test("[REN-1] what is advertised is saved before it is sent", () => {
  const lan = serving([leased(A, START)]);
  assert.equal(lan.saved[0]?.before, 0);
  assert.match(JSON.stringify(lan.disk), /2605:59c8:1200::\/64/);
  lan.pass(seconds(30));
  const count = lan.sent.length;
  lan.advertise(advertisement([leased(A, START), leased(B, lan.now)])).pass(seconds(3));
  assert.ok(lan.sent.length > count);
  assert.ok(lan.saved.some(({ snapshot, before }) => before === count && JSON.stringify(snapshot).includes(B)));
});

test("[REN-1] [REN-2] after a reboot that returns with another prefix the first advertisement withdraws the old one", () => {
  const before = serving([leased(A, START)]).pass(seconds(100));
  const booted = instant(20_000);
  const lan = new Lan({}, { snapshot: before.disk, shift: milliseconds(booted - before.now) }, booted);
  lan.linkUp().advertise(advertisement([leased(B, booted)]));
  assert.deepEqual(prefixesIn(lan.sent[0]!.ra), [`${B} 150/300`, `${A} 0/0`]);
  assert.deepEqual(
    lan.fact?.withdrawing.map((each) => each.prefix),
    [A],
  );
});

test("[REN-1] after a restart with the same lease nothing is withdrawn, and the distance of 3 s is kept", () => {
  const before = serving([leased(A, START)]).pass(seconds(10));
  const lan = new Lan({}, { snapshot: before.disk, shift: seconds(0) }, before.now);
  lan.linkUp().advertise(advertisement([leased(A, START)]));
  assert.equal(lan.sent.length, 0);
  lan.pass(seconds(4));
  assert.deepEqual([lan.sent[0]!.at, prefixesIn(lan.sent[0]!.ra)], [after(before.now, seconds(3)), [`${A} 137/287`]]);
  assert.deepEqual(lan.fact?.withdrawing, []);
});

test("a day of renewals writes the snapshot a few times only", () => {
  const lan = serving([leased(A, START)]);
  for (let renewal = 0; renewal < 1152; renewal++) lan.pass(seconds(75)).advertise(advertisement([leased(A, lan.now)]));
  assert.ok(lan.saved.length <= 6, `${lan.saved.length} writes`);
});

test("[REN-9] thirty new prefixes in five minutes keep the rate, the size and the memory bounded", () => {
  const lan = serving([leased(A, START)]);
  for (let i = 0; i < 300; i++)
    lan.advertise(advertisement([leased(prefix(`2605:59c8:${(i % 30) + 4000}::/64`), lan.now)])).pass(seconds(1));
  const bursts = [...new Map(lan.multicasts.map((sent) => [sent.at, sent])).values()];
  assert.ok(gaps(bursts).every((gap) => gap >= 3000));
  assert.ok(lan.sent.every(({ size }) => size <= 1460));
  assert.ok(lan.fact!.withdrawing.length <= 32);
});

test("no history of leases, floods and restarts advertises a live prefix that is not held, or withdraws one that is", () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 400_000 }),
    names: fc.subarray([A, B, ULA]),
    event: fc.constantFrom("advertise" as const, "solicit" as const, "restart" as const, "reboot" as const, "flap" as const),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let lan = new Lan().linkUp();
      let held: readonly AdvertisedPrefix[] = [];
      const lookAt = ({ at, ra }: Sent): void => {
        for (const option of ndpOptionsOf(ra, "prefix-information")) {
          const lease = held.find((each) => each.prefix === option.prefix);
          assert.ok(option.valid === 0 || (lease && at + option.valid * 1000 <= lease.validUntil + 1e-6), "a live prefix is held");
          assert.ok(!lease || lease.validUntil - at < 1000 || option.valid > 0, "a held prefix is live");
        }
      };
      for (const { wait, names, event } of steps) {
        const count = lan.sent.length;
        lan.pass(milliseconds(wait));
        lan.sent.slice(count).forEach(lookAt);
        if (event === "restart" || event === "reboot") {
          lan = new Lan({}, { snapshot: lan.disk, shift: milliseconds(event === "reboot" ? 1 : 0) }, lan.now).linkUp();
          lan.advertise(advertisement(held));
        }
        if (event === "flap") lan.give({ kind: "link", up: false }).linkUp();
        const seen = lan.sent.length;
        if (event === "advertise") {
          held = names.map((name) => leased(name, lan.now));
          lan.advertise(advertisement(held));
        }
        if (event === "solicit") lan.solicit();
        lan.sent.slice(seen).forEach(lookAt);
      }
    }),
  );
});
