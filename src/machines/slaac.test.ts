import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Ip6, ip6ToBigInt } from "../addr/ip.ts";
import { contains, type Prefix, prefix, subnet } from "../addr/prefix.ts";
import { seededRandom } from "../addr/random.ts";
import { after, earliest, INFINITY, type Instant, instant, milliseconds, NEVER, type Seconds, seconds } from "../addr/time.ts";
import type { PrefixInformation } from "../wire/ndp.ts";
import { type AutoAddress, advertisedPrefix, agedAddresses, agingAt, type SlaacOptions } from "./slaac.ts";

const START = instant(1_000_000);
const WAN_PREFIX = prefix("2605:59c8:1200::/64");
const HOUR = 3600;
const DAY = 86_400;
const options: SlaacOptions = {
  random: seededRandom(1),
  secret: new Uint8Array(32).fill(7),
  interfaceName: "wan0",
  temporaryAddresses: false,
};
const withTemporary: SlaacOptions = { ...options, temporaryAddresses: true };

function pio(valid: number, preferred: number, changes: Partial<PrefixInformation> = {}): PrefixInformation {
  const lifetimes = { valid: valid as Seconds, preferred: preferred as Seconds };
  return { kind: "prefix-information", prefix: WAN_PREFIX, onLink: true, autonomous: true, ...lifetimes, ...changes };
}

/** The addresses of a host that has heard this alone, at START. */
const heard = (option: PrefixInformation): readonly AutoAddress[] => advertisedPrefix([], option, options, START);

test("[WRA-5] an advertised /64 makes one address in it, with its lifetimes", () => {
  const [own, ...others] = heard(pio(300, 150));
  assert.ok(contains(WAN_PREFIX, own!.address));
  assert.deepEqual([own!.preferredUntil, own!.validUntil], [after(START, seconds(150)), after(START, seconds(300))]);
  assert.deepEqual(others, []);
  assert.equal(heard(pio(INFINITY, INFINITY))[0]!.validUntil, NEVER);
});

test("[WRA-5] no address: A clear, preferred above valid, valid 0, another length than 64", () => {
  assert.equal(heard(pio(300, 150, { autonomous: false })).length, 0);
  assert.equal(heard(pio(150, 300)).length, 0);
  assert.equal(heard(pio(150, 151)).length, 0);
  assert.equal(heard(pio(300, INFINITY)).length, 0);
  assert.equal(heard(pio(0, 0)).length, 0);
  for (const length of ["/0", "/56", "/63", "/65", "/128"]) {
    assert.equal(heard(pio(300, 150, { prefix: prefix(`2605:59c8:1200::${length}`) })).length, 0, length);
  }
  assert.equal(heard(pio(150, 150)).length, 1);
});

test("an advertisement that makes no address does not touch one either", () => {
  const before = heard(pio(300, 150));
  for (const option of [pio(9000, 8000, { autonomous: false }), pio(8000, 9000)]) {
    assert.equal(advertisedPrefix(before, option, options, after(START, seconds(10))), before);
  }
});

/** Seconds: left of the valid lifetime, advertised, and left afterwards; RFC 4862 5.5.3(e). */
const TWO_HOUR_RULE: readonly (readonly [string, number, number, number])[] = [
  ["longer is taken", 300, 301, 301],
  ["the same is the same", 300, 300, 300],
  ["a shorter one is not taken when two hours or less are left", 300, 299, 300],
  ["nor is zero", 5400, 0, 5400],
  ["with exactly two hours left nothing is cut", 7200, 0, 7200],
  ["from more it is cut to two hours", 7201, 0, 7200],
  ["from far more too", 30 * DAY, 60, 7200],
  ["two hours are two hours", 30 * DAY, 7200, 7200],
  ["above two hours it is taken as it is", 30 * DAY, 7201, 7201],
  ["also when it grows", 60, 30 * DAY, 30 * DAY],
  ["an infinite lifetime is cut to two hours", INFINITY, 0, 7200],
  ["or to what is above", INFINITY, DAY, DAY],
  ["and reached from anywhere", 60, INFINITY, INFINITY],
];

test("[WRA-5] the two-hour rule: nobody ends an address at once with one packet", () => {
  for (const [what, left, advertised, expected] of TWO_HOUR_RULE) {
    const [own] = advertisedPrefix(heard(pio(left, 0)), pio(advertised, 0), options, START);
    assert.equal(own!.validUntil, expected === INFINITY ? NEVER : after(START, seconds(expected)), what);
  }
});

test("[WRA-5] 5400 -> 0: the address stays valid and is deprecated at once; the preferred lifetime always follows", () => {
  const now = after(START, seconds(60));
  const [own] = advertisedPrefix(heard(pio(5400, 2700)), pio(0, 0), options, now);
  assert.deepEqual([own!.preferredUntil, own!.validUntil], [now, after(START, seconds(5400))]);
  const [again] = advertisedPrefix([own!], pio(9000, 30), options, now);
  assert.equal(again!.preferredUntil, after(now, seconds(30)));
  assert.equal(again!.address, own!.address);
});

test("[WRA-5] whatever is advertised, preferred does not exceed valid, and valid is cut to two hours at most", () => {
  const lifetime = fc.oneof(fc.constantFrom(0, 1, 7199, 7200, 7201, 0xfffffffe, 0xffffffff), fc.integer({ min: 0, max: 0xffffffff }));
  const step = fc.tuple(lifetime, lifetime, fc.integer({ min: 0, max: 20_000 }));
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      let now = START;
      let own = heard(pio(9000, 100));
      for (const [valid, preferred, wait] of steps) {
        const before = own[0]!.validUntil;
        own = advertisedPrefix(own, pio(valid, preferred), options, now);
        const [{ preferredUntil, validUntil }] = own as [AutoAddress];
        assert.ok(preferredUntil <= validUntil);
        assert.ok(validUntil >= Math.min(before, after(now, seconds(7200))));
        now = Math.min(after(now, seconds(wait)), validUntil) as Instant;
      }
    }),
  );
});

test("an address ends with its valid lifetime", () => {
  const own = heard(pio(300, 150));
  assert.equal(agedAddresses(own, options, after(START, milliseconds(299_999))).length, 1);
  assert.equal(agedAddresses(own, options, after(START, seconds(300))).length, 0);
});

test("a storm of prefixes leaves sixteen, the first of them untouched; the last one heard has its address", () => {
  const first = heard(pio(300, 150));
  const wild = (i: number): Prefix => subnet(prefix("2605:59c8::/48"), 64, i);
  let own = first;
  for (let i = 1; i <= 40; i++) own = advertisedPrefix(own, pio(INFINITY, INFINITY, { prefix: wild(i) }), options, START);
  assert.equal(own.length, 16);
  assert.deepEqual(own[0], first[0]);
  assert.equal(own.at(-1)!.prefix, wild(40));
});

/** A host with temporary addresses that hears `option` every hour, and all addresses it ever had. */
class Host {
  now = START;
  own: readonly AutoAddress[] = [];
  readonly seen = new Map<Ip6, AutoAddress>();
  readonly #options: SlaacOptions;

  constructor(seed = 1) {
    this.#options = { ...withTemporary, random: seededRandom(seed) };
  }

  hear(option: PrefixInformation): this {
    this.own = advertisedPrefix(this.own, option, this.#options, this.now);
    return this.#age();
  }

  pass(span: number): this {
    const end = after(this.now, seconds(span));
    for (;;) {
      const next = earliest(...agingAt(this.own).filter((at) => at !== undefined && at > this.now));
      if (next === undefined || next > end) break;
      this.now = next;
      this.#age();
    }
    this.now = end;
    return this.#age();
  }

  /** Hears the same every hour. */
  live(hours: number, option: PrefixInformation): this {
    for (let i = 0; i < hours; i++) this.hear(option).pass(HOUR);
    return this;
  }

  get temporary(): readonly AutoAddress[] {
    return this.own.filter((own) => own.limits);
  }

  get preferred(): readonly AutoAddress[] {
    return this.temporary.filter((own) => own.preferredUntil > this.now);
  }

  #age(): this {
    this.own = agedAddresses(this.own, this.#options, this.now);
    for (const own of this.own) this.seen.set(own.address, own);
    return this;
  }
}

test("temporary addresses exist only when they are wanted, one beside each stable address", () => {
  assert.equal(agedAddresses(heard(pio(DAY, DAY)), options, START).length, 1);
  const host = new Host().hear(pio(DAY, DAY)).hear(pio(DAY, DAY, { prefix: prefix("2605:59c8:3400::/64") }));
  assert.deepEqual(
    host.temporary.map((own) => own.prefix),
    [WAN_PREFIX, "2605:59c8:3400::/64"],
  );
  assert.ok(host.temporary.every((own) => contains(own.prefix, own.address)));
});

test("a temporary address is preferred for 14.4 to 24 hours and valid for two days, whatever the advertisements promise", () => {
  const spans = new Set<number>();
  for (let seed = 0; seed < 30; seed++) {
    const host = new Host(seed).hear(pio(INFINITY, INFINITY));
    const [{ preferredUntil, validUntil }] = host.temporary as [AutoAddress];
    const hours = (preferredUntil - START) / 3_600_000;
    assert.ok(hours > 14.4 && hours <= 24, `${hours} h`);
    spans.add(hours);
    assert.equal(validUntil, after(START, seconds(2 * DAY)));
    const [later] = host.pass(HOUR).hear(pio(INFINITY, INFINITY)).temporary;
    assert.deepEqual([later!.preferredUntil, later!.validUntil], [preferredUntil, validUntil]);
  }
  assert.ok(spans.size > 20, "DESYNC_FACTOR is random");
});

test("a temporary address never outlives its stable one", () => {
  const host = new Host().hear(pio(300, 150));
  const [own] = host.temporary;
  assert.deepEqual([own!.preferredUntil, own!.validUntil], [after(START, seconds(150)), after(START, seconds(300))]);
  host.hear(pio(300, 0));
  assert.equal(host.temporary[0]!.preferredUntil, START);
  assert.deepEqual(host.pass(300).own, []);
});

test("the successor comes five seconds before the preferred lifetime ends; there is always one to use, and never more than four are kept", () => {
  const host = new Host();
  for (let hour = 0; hour < 14 * 24; hour++) {
    host.live(1, pio(DAY, DAY));
    assert.ok(host.preferred.length >= 1, `none after ${hour} h`);
    assert.ok(host.temporary.length <= 4, `${host.temporary.length} after ${hour} h`);
  }
  const all = [...host.seen.values()].filter((own) => own.limits);
  assert.ok(all.length >= 14 && all.length <= 24, `${all.length} in two weeks`);
  const madeAt = (own: AutoAddress) => own.limits!.validUntil - 2 * DAY * 1000;
  for (const [i, own] of all.slice(1).entries()) assert.equal(madeAt(own), all[i]!.limits!.preferredUntil - 5000);
});

test("a stable address that is deprecated makes no temporary one, and makes one again when it is preferred again", () => {
  const host = new Host().hear(pio(DAY, 5));
  assert.equal(host.temporary.length, 0);
  host.hear(pio(DAY, 6));
  assert.equal(host.temporary.length, 1);
  host.hear(pio(DAY, 0)).pass(20 * HOUR);
  assert.equal(host.preferred.length, 0);
  host.pass(HOUR).hear(pio(2 * DAY, DAY));
  assert.equal(host.preferred.length, 1);
});

test("temporary identifiers have nothing in common with the stable one or with each other", () => {
  const host = new Host().live(24 * 7, pio(DAY, DAY));
  const iids = [...host.seen.keys()].map((address) => ip6ToBigInt(address) & 0xffff_ffff_ffff_ffffn);
  assert.equal(new Set(iids.map((iid) => iid >> 48n)).size, iids.length);
});

test("sixteen prefixes with temporary addresses come to their ends, and nothing is left", () => {
  const prefixes: readonly Prefix[] = Array.from({ length: 16 }, (_, i) => subnet(prefix("2605:59c8::/48"), 64, i));
  const host = new Host();
  for (const name of prefixes) host.hear(pio(DAY, HOUR, { prefix: name }));
  host.pass(DAY + 1);
  assert.deepEqual(host.own, []);
});
