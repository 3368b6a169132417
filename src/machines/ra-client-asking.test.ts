import assert from "node:assert/strict";
import { test } from "node:test";
import { prefix } from "../addr/prefix.ts";
import { after, milliseconds, seconds } from "../addr/time.ts";
import { decodeNdp, type NdpOption } from "../wire/ndp.ts";
import { LINK, NO_CABLE, OTHER_ROUTER, pio, ROUTER, START, s, settled, Wan } from "./ra-client.fixture.ts";

test("[WRA-1] nothing is sent before the link-local address is free of duplicates, then a solicitation to all routers", () => {
  const wan = new Wan().handle({ kind: "link", up: true, mtu: 1500 }).pass(seconds(60));
  assert.equal(wan.solicitations.length, 0);
  wan.handle({ kind: "solicit" });
  assert.equal(wan.solicitations.length, 0);
  wan.handle(LINK).pass(seconds(1));
  assert.equal(wan.solicitations.length, 1);
  const { to, bytes } = wan.solicitations[0]!;
  assert.equal(to, "ff02::2");
  assert.deepEqual(decodeNdp(bytes), {
    kind: "router-solicitation",
    options: [{ kind: "source-link-layer-address", mac: "02:00:00:00:00:07" }],
  });
});

test("[WRA-2] the random delay counts from the cable: after duplicate address detection the question comes at once", () => {
  for (let seed = 0; seed < 20; seed++) {
    const wan = new Wan({ seed }).handle({ ...LINK, since: after(START, seconds(-1)) });
    assert.equal(wan.solicitations[0]?.at, START, `seed ${seed}`);
    const early = new Wan({ seed }).handle({ ...LINK, since: START }).pass(seconds(1));
    assert.ok(early.solicitations[0]!.at > START, `seed ${seed}`);
  }
});

test("[WRA-2] a silent provider is asked after 0 to 1 s, then at 4, 8, 16 s ... up to an hour, each a tenth more or less, for ever", () => {
  const firsts = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const wan = new Wan({ seed }).handle(LINK).pass(seconds(7 * 86_400));
    const first = (wan.solicitations[0]!.at - START) / 1000;
    assert.ok(first >= 0 && first <= 1, `first after ${first} s`);
    firsts.add(first);
    const { gaps } = wan;
    assert.ok(gaps[0]! >= 3.6 && gaps[0]! <= 4.4, `${gaps[0]} s`);
    for (let i = 1; i < gaps.length; i++) {
      const doubled = gaps[i]! >= 1.9 * gaps[i - 1]! && gaps[i]! <= 2.1 * gaps[i - 1]!;
      const longest = gaps[i - 1]! >= 3600 / 2.1 && gaps[i]! >= 3240 && gaps[i]! <= 3960;
      assert.ok(doubled || longest, `${gaps[i - 1]} s, then ${gaps[i]} s`);
    }
    assert.ok(gaps.length > 160 && gaps.length < 200, `${gaps.length} solicitations in a week`);
  }
  assert.ok(firsts.size > 10, "the first delay is random");
});

test("[WRA-2] an advertisement with a router lifetime ends the asking, one without does not", () => {
  const wan = new Wan().handle(LINK).pass(seconds(1));
  wan.hear({ routerLifetime: s(0) }).pass(seconds(6));
  assert.equal(wan.solicitations.length, 2);
  wan.hear({ routerLifetime: s(65_535) }).pass(seconds(40_000));
  assert.equal(wan.solicitations.length, 2);
});

test("[WRA-2] a router that speaks before the first solicitation is asked once all the same", () => {
  const wan = new Wan()
    .handle(LINK)
    .hear({ routerLifetime: s(9000) })
    .pass(seconds(3600));
  assert.equal(wan.solicitations.length, 1);
});

test("[WRA-2] no cable, no solicitation; with the cable a fresh backoff begins", () => {
  const wan = new Wan().handle(LINK).pass(seconds(600));
  wan.handle(NO_CABLE);
  wan.solicitations.length = 0;
  wan.pass(seconds(7200));
  assert.equal(wan.solicitations.length, 0);
  wan.handle(LINK).pass(seconds(1));
  assert.equal(wan.solicitations.length, 1);
  wan.pass(seconds(5));
  assert.equal(wan.solicitations.length, 2);
});

test("news of a link that stays as it was starts nothing", () => {
  const wan = settled({ routerLifetime: s(9000) });
  wan
    .handle(LINK)
    .handle({ ...LINK, mtu: 1400 })
    .pass(seconds(60));
  assert.equal(wan.solicitations.length, 0);
});

test("a router that is silent for three quarters of its lifetime is asked, and when it is gone too, the asking goes on", () => {
  const wan = settled({ routerLifetime: s(1800) });
  wan.pass(seconds(1349));
  assert.equal(wan.solicitations.length, 0);
  wan.pass(seconds(2));
  assert.equal(wan.solicitations.length, 1);
  assert.deepEqual(wan.routers, [ROUTER]);
  wan.pass(seconds(448));
  assert.deepEqual(wan.routers, [ROUTER]);
  assert.ok(!wan.events.includes("ra-client.router-lost"));
  wan.pass(seconds(1));
  assert.deepEqual(wan.routers, []);
  assert.ok(wan.events.includes("ra-client.router-lost"));
  const asked = wan.solicitations.length;
  wan.pass(seconds(3 * 3600));
  assert.ok(wan.solicitations.length > asked);
  wan.hear();
  assert.deepEqual(wan.routers, [ROUTER]);
});

test("the loss of the last router starts the asking at once when it was noticed late", () => {
  const wan = settled({ routerLifetime: s(10) });
  wan.now = after(wan.now, seconds(3600));
  wan.handle({ kind: "tick" });
  assert.equal(wan.solicitations.length, 1);
  assert.deepEqual(wan.routers, []);
});

test("a router with a lifetime of one second is not asked more often than every four", () => {
  const wan = settled({ routerLifetime: s(1) });
  for (let i = 0; i < 600; i++) wan.pass(milliseconds(1100)).hear({ routerLifetime: s(1) });
  assert.ok(wan.solicitations.length > 50 && wan.solicitations.length <= 660 / 4);
  assert.ok(Math.min(...wan.gaps) >= 4, `${Math.min(...wan.gaps)} s`);
});

test("a router that takes itself back is asked after four seconds; when it alternates each three seconds, never", () => {
  const wan = settled();
  for (let i = 0; i < 100; i++) {
    wan.hear({ routerLifetime: s(0) }).pass(seconds(3));
    wan.hear({ routerLifetime: s(1800) }).pass(seconds(3));
  }
  assert.equal(wan.solicitations.length, 0);
  const gone = wan.hear({ routerLifetime: s(0) }).now;
  wan.pass(seconds(5));
  assert.deepEqual(
    wan.solicitations.map(({ at }) => at),
    [after(gone, seconds(4))],
  );
});

test("a router that can't be reached stays known and is asked for; others are not touched, and its address stays ours", () => {
  const far = prefix("2620:119::/32");
  const route: NdpOption = { kind: "route-information", prefix: far, preference: "high", lifetime: s(600) };
  const wan = settled({ options: [pio(300, 150), route] }).pass(seconds(10));
  wan.hear({ options: [route] }, OTHER_ROUTER).handle({ kind: "unreachable", router: ROUTER });
  assert.deepEqual([wan.routers, wan.fact.unreachable], [[ROUTER, OTHER_ROUTER], [ROUTER]]);
  assert.equal(wan.fact.addresses.length, 1, "the address is ours, whoever told its prefix");
  assert.equal(wan.solicitations.length, 1);
  assert.ok(wan.events.includes("ra-client.router-unreachable"));
  const { said } = wan;
  wan.handle({ kind: "unreachable", router: ROUTER });
  assert.equal(wan.said, said, "what is known already is no news");
});

test("the owner can have the router asked at once", () => {
  const wan = settled();
  wan.handle({ kind: "solicit" });
  assert.equal(wan.solicitations.length, 1);
  wan.hear().pass(seconds(60));
  assert.equal(wan.solicitations.length, 1);
});
