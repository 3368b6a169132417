import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { type Duration, seconds } from "../addr/time.ts";
import type { RaClientInput } from "./ra-client.ts";
import { advertisement, LINK, NO_CABLE, OTHER_ROUTER, packet, ROUTER, s, Wan } from "./ra-client.fixture.ts";

/** Any advertisement with the lifetimes that break arithmetic, and any other input in between. */
function arbitraryStep(): fc.Arbitrary<{ readonly input: RaClientInput; readonly wait: Duration }> {
  const uint32 = fc.oneof(
    fc.constantFrom(0, 1, 7199, 7200, 7201, 0x7fffffff, 0xfffffffe, 0xffffffff),
    fc.integer({ min: 0, max: 0xffffffff }),
  );
  const somePrefix = fc.constantFrom("2605:59c8:1200::/64", "2605:59c8:3400::/64", "2605:59c8::/56", "fe80::/64", "ff00::/8", "::/0");
  const address = fc.constantFrom("2606:4700:4700::1111", "2001:4860:4860::8888", "fe80::1", "ff02::1", "::", "::1").map(ip6);
  const lifetime = uint32.map(s);
  const option = fc.oneof(
    fc.record({
      kind: fc.constant("prefix-information" as const),
      prefix: somePrefix.map(prefix),
      onLink: fc.boolean(),
      autonomous: fc.boolean(),
      valid: lifetime,
      preferred: lifetime,
    }),
    fc.record({ kind: fc.constant("mtu" as const), mtu: uint32 }),
    fc.record({ kind: fc.constant("rdnss" as const), addresses: fc.array(address, { minLength: 1, maxLength: 3 }), lifetime }),
    fc.record({
      kind: fc.constant("route-information" as const),
      prefix: somePrefix.map(prefix),
      preference: fc.constantFrom("high" as const, "low" as const),
      lifetime,
    }),
  );
  const heard = fc
    .record({
      from: fc.constantFrom(ROUTER, OTHER_ROUTER),
      routerLifetime: fc.constantFrom(0, 1, 1800, 65_535).map(s),
      reachableTime: uint32,
      retransTimer: uint32,
      options: fc.array(option, { maxLength: 4 }),
    })
    .map(({ from, ...changes }) => packet(advertisement(changes), { from }));
  const input = fc.oneof(
    { weight: 6, arbitrary: heard },
    { weight: 1, arbitrary: fc.constantFrom<RaClientInput>(LINK, NO_CABLE, { ...LINK, mtu: 1300 }, { kind: "solicit" }, { kind: "tick" }) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => packet(advertisement(), { bytes })) },
  );
  const wait = fc.oneof(fc.constantFrom(0, 1, 4, 1800, 7200), fc.integer({ min: 0, max: 90_000 })).map(seconds);
  return fc.record({ input, wait });
}

test("[WRA-5] whatever is advertised, for a second or for 136 years, no deadline is strange, and the machine sleeps in between", () => {
  fc.assert(
    fc.property(fc.array(arbitraryStep(), { maxLength: 25 }), fc.boolean(), (steps, temporaryAddresses) => {
      const wan = new Wan({ temporaryAddresses }).handle(LINK);
      for (const { input, wait } of steps) {
        wan.handle(input).pass(wait);
        const duplicate = wan.fact.addresses[0]?.address;
        if (duplicate && wait % 7 === 0) wan.handle({ kind: "duplicate", address: duplicate });
        assertSane(wan);
      }
      assert.deepEqual(wan.restarted({ temporaryAddresses }).handle({ kind: "tick" }).fact, wan.handle({ kind: "tick" }).fact);
    }),
    { numRuns: 200 },
  );
});

function assertSane({ fact, now, gaps }: Wan): void {
  for (const { preferredUntil, validUntil, prefix: own, address } of fact.addresses) {
    assert.ok(preferredUntil <= validUntil, `${address} is preferred until ${preferredUntil}, valid until ${validUntil}`);
    assert.ok(validUntil > now, `${address} has ended`);
    assert.match(own, /^2605:59c8:(12|34)00::\/64$/);
  }
  for (const list of [fact.routers, fact.routes, fact.onLink, fact.resolvers]) for (const { until } of list) assert.ok(until > now);
  assert.ok(fact.mtu === undefined || (fact.mtu >= 1280 && fact.mtu <= 1500));
  assert.ok(!gaps.some(Number.isNaN));
}
