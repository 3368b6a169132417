import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ip6, ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { after, milliseconds, seconds } from "../addr/time.ts";
import type { NdpOption } from "../wire/ndp.ts";
import { LINK, pio, s, settled, WAN_PREFIX, Wan } from "./ra-client.fixture.ts";

test("[WRA-7] a duplicate address is given up at once and replaced after a second, three times", () => {
  const wan = settled({ options: [pio(7200, 3600)] });
  const tried = new Set<Ip6>();
  for (let tries = 0; tries <= 3; tries++) {
    const { address } = wan.fact.addresses[0]!;
    assert.ok(!tried.has(address));
    tried.add(address);
    wan.handle({ kind: "duplicate", address }).handle({ kind: "duplicate", address });
    assert.equal(wan.fact.addresses.length, 0);
    wan.pass(milliseconds(999));
    assert.equal(wan.fact.addresses.length, 0);
    wan.pass(milliseconds(1));
    assert.equal(wan.fact.addresses.length, tries < 3 ? 1 : 0);
  }
  assert.deepEqual(
    wan.notes.filter(({ event }) => event === "ra-client.duplicate").map(({ level }) => level),
    ["warning", "warning", "warning", "error"],
  );
  wan.hear({ options: [pio(7200, 3600)] }).pass(seconds(58));
  assert.equal(wan.fact.addresses.length, 0, "no advertisement makes a fifth identifier");
  wan.pass(seconds(1));
  assert.equal(wan.fact.addresses[0]!.address, [...tried][0], "when the attack is over, the first address is the right one again");
});

test("[WRA-7] a duplicate keeps its lifetimes, and a foreign address is none of ours", () => {
  const wan = settled({ options: [pio(7200, 3600)] });
  const { address, validUntil, preferredUntil } = wan.fact.addresses[0]!;
  wan.handle({ kind: "duplicate", address: ip6("2605:59c8:1200::1") });
  assert.equal(wan.fact.addresses[0]!.address, address);
  wan.handle({ kind: "duplicate", address }).pass(seconds(1));
  const [next] = wan.fact.addresses;
  assert.deepEqual([next!.validUntil, next!.preferredUntil, next!.prefix], [validUntil, preferredUntil, WAN_PREFIX]);
});

test("a temporary address that is taken gets three other identifiers too, and does not touch the stable one", () => {
  const wan = new Wan({ temporaryAddresses: true }).handle(LINK).hear({ options: [pio(7200, 3600)] });
  const [stable] = wan.fact.addresses;
  const temporary = () => wan.fact.addresses.filter((own) => own.temporary);
  const tried = new Set<Ip6>();
  for (let tries = 0; tries <= 3; tries++) {
    const { address } = temporary()[0]!;
    tried.add(address);
    wan.handle({ kind: "duplicate", address });
    assert.deepEqual(temporary(), []);
    wan.pass(seconds(1));
  }
  assert.equal(tried.size, 4);
  assert.deepEqual(wan.fact.addresses, [stable]);
  wan.pass(seconds(59));
  assert.equal(temporary().length, 1);
});

test("[WRA-8] after a restart the address of a prefix is the same, also when the first choice was taken; on another prefix it is another", () => {
  const wan = settled({ options: [pio(7200, 3600)] });
  wan.handle({ kind: "duplicate", address: wan.fact.addresses[0]!.address }).pass(seconds(1));
  const { address } = wan.fact.addresses[0]!;
  const again = wan.restarted().handle(LINK);
  assert.equal(again.fact.addresses[0]!.address, address);
  again.hear({ options: [pio(7200, 3600)] });
  assert.deepEqual(
    again.fact.addresses.map((own) => own.address),
    [address],
  );
  const fresh = settled({ options: [pio(7200, 3600), { ...pio(300, 150), prefix: prefix("2605:59c8:3400::/64") } as NdpOption] });
  const [first, second] = fresh.fact.addresses.map((own) => own.address.split(":").slice(-4).join(":"));
  assert.notEqual(first, second);
});

test("a restart keeps all that was known, and asks again", () => {
  const options: readonly NdpOption[] = [
    pio(0xffffffff, 3600),
    { kind: "mtu", mtu: 1400 },
    { kind: "rdnss", addresses: [ip6("2606:4700:4700::1111")], lifetime: s(600) },
    { kind: "dnssl", domains: ["home.arpa"], lifetime: s(600) },
    { kind: "route-information", prefix: prefix("2620:119::/32"), preference: "high", lifetime: s(600) },
  ];
  const wan = settled({ options, reachableTime: 30_000, retransTimer: 500, managed: true });
  const again = wan.restarted().handle(LINK);
  assert.deepEqual(again.fact, { ...wan.fact, heard: false });
  again.pass(seconds(1));
  assert.equal(again.solicitations.length, 1);
});

test("the deadlines of a snapshot are moved to the clock of this boot", () => {
  const wan = settled({ options: [pio(300, 150)] });
  const shift = seconds(-900);
  const again = wan.restarted({}, shift).handle(LINK);
  assert.equal(again.fact.addresses[0]!.validUntil, after(wan.fact.addresses[0]!.validUntil, shift));
  again.pass(seconds(300));
  assert.deepEqual(again.fact.addresses, []);
});

test("what was known on another interface, or in no form that is understood, is not known", () => {
  const wan = settled({ options: [pio(300, 150)] });
  assert.deepEqual(wan.restarted({ interfaceName: "wan1" }).handle(LINK).fact.routers, []);
  for (const snapshot of [null, 7, "x", [], {}, { interface: "wan0", routers: [{ address: "x" }] }]) {
    const fresh = new Wan({ saved: { snapshot, shift: milliseconds(0) } }).handle(LINK);
    assert.deepEqual([fresh.fact.heard, fresh.fact.routers, fresh.fact.addresses], [false, [], []]);
  }
});

test("a temporary address that was saved goes when they are not wanted any more", () => {
  const wan = new Wan({ temporaryAddresses: true }).handle(LINK).hear({ options: [pio(7200, 3600)] });
  assert.equal(wan.fact.addresses.length, 2);
  const again = wan.restarted({ temporaryAddresses: false }).handle(LINK);
  assert.deepEqual(
    again.fact.addresses.map((own) => own.temporary),
    [false],
  );
});
