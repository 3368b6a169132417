import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6FromBigInt } from "../addr/ip.ts";
import { covers, overlaps, type Prefix, prefix, prefixAddress, prefixLength, prefixOf, subnet, subnetCount } from "../addr/prefix.ts";
import type { LanConfig } from "../config/config.ts";
import {
  isNumberable,
  lanPrefix,
  numberLans,
  rememberNumbers,
  type SubnetMemory,
  subnetMemoryFromJson,
  type SubnetPool,
} from "./subnets.ts";

const D56 = prefix("2605:59c8:1200::/56");
const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
const D60 = prefix("2605:59c8:1200::/60");

test("new LANs get the first free numbers in the order of the config", () => {
  assert.deepEqual(numbersOf(number([pool(D56)], ["home", "guest", "iot"])), [{ home: 0, guest: 1, iot: 2 }]);
});

test("the owner's number comes first, and the others step aside", () => {
  const lans = [lan("home"), lan("guest", 0), lan("iot", 0x42)];
  assert.deepEqual(numbersOf(number([pool(D56)], lans)), [{ home: 1, guest: 0, iot: 0x42 }]);
});

test("LANs keep their numbers when others come, go and change places", () => {
  const first = number([pool(D56)], ["a", "b", "c"]);
  const shuffled = number([pool(D56)], ["new", "c", "a"], first.memory);
  assert.deepEqual(numbersOf(shuffled), [{ c: 2, a: 0, new: 3 }], "the new one takes no number of a LAN that may come back");
  assert.deepEqual(numbersOf(number([pool(D56)], ["b", "new", "c", "a"], shuffled.memory)), [{ b: 1, new: 3, c: 2, a: 0 }]);
});

test("the numbers hold in another prefix, and over a time without any", () => {
  const { memory } = number([pool(D56)], ["a", "b"]);
  const gone = number([], ["b", "a"], memory);
  assert.deepEqual(gone.memory, memory);
  assert.deepEqual(numbersOf(number([pool(prefix("2a00:1:2:300::/56"))], ["b", "a"], gone.memory)), [{ a: 0, b: 1 }]);
});

test("a number that does not fit is replaced in the smaller prefix only, and is back in the larger one", () => {
  const lans = [lan("home"), lan("guest", 0x42)];
  const large = number([pool(D56)], lans);
  const small = number([pool(D60)], lans, large.memory);
  assert.deepEqual(numbersOf(small), [{ home: 0, guest: 1 }]);
  assert.deepEqual(numbersOf(number([pool(D56)], lans, small.memory)), [{ home: 0, guest: 0x42 }]);
});

test("the replacement is as sticky as the number itself", () => {
  const small = number([pool(D60)], [lan("home"), lan("guest", 0x42)]);
  const later = number([pool(D60)], [lan("iot"), lan("other", 0x43), lan("guest", 0x42), lan("home")], small.memory);
  const [numbers] = numbersOf(later);
  assert.equal(numbers!["home"], 0);
  assert.equal(numbers!["guest"], 1);
});

test("when there are too few, the LANs that stand first in the config get them", () => {
  const { memory } = number([pool(D56)], ["home", "guest", "iot"]);
  for (const [length, served] of [
    [62, 3],
    [63, 2],
    [64, 1],
    [65, 0],
    [80, 0],
    [128, 0],
  ] as const) {
    const [numbers] = numbersOf(number([pool(prefixOf(prefixAddress(D56), length))], ["iot", "guest", "home"], memory));
    assert.deepEqual(Object.keys(numbers!).toSorted(), ["iot", "guest", "home"].slice(0, served).toSorted(), `/${length}`);
  }
});

test("an excluded part of any length is on no LAN", () => {
  assert.deepEqual(numbersOf(number([pool(D56, prefix("2605:59c8:1200::/64"))], ["a", "b"])), [{ a: 1, b: 2 }]);
  assert.deepEqual(numbersOf(number([pool(D56, prefix("2605:59c8:1200::/63"))], ["a", "b"])), [{ a: 2, b: 3 }]);
  assert.deepEqual(numbersOf(number([pool(D56, prefix("2605:59c8:1200:1::/64"))], ["a", "b"])), [{ a: 0, b: 2 }]);
  assert.deepEqual(numbersOf(number([pool(D56, prefix("2605:59c8:1200::ff/128"))], ["a"])), [{ a: 1 }]);
  assert.deepEqual(numbersOf(number([pool(prefix("2605:59c8:1200::/63"), prefix("2605:59c8:1200::/64"))], ["a", "b"])), [{ a: 1 }]);
  assert.deepEqual(numbersOf(number([pool(prefix("2000::/16"), prefix("2000::/17"))], ["a"])), [{}], "more than anybody needs is excluded");
});

test("of two prefixes each LAN gets the same number where it can", () => {
  const pools = [pool(D56, prefix("2605:59c8:1200::/64")), pool(prefix("fd00:1:2::/48"))];
  assert.deepEqual(numbersOf(number(pools, ["a", "b"])), [
    { a: 1, b: 2 },
    { a: 1, b: 2 },
  ]);
});

test("a memory survives its way through JSON, and what is none is refused", () => {
  const { memory } = number([pool(D56)], ["a", "b"]);
  assert.deepEqual(subnetMemoryFromJson(JSON.parse(JSON.stringify(memory))), memory);
  for (const wrong of [
    null,
    [],
    5,
    { a: 1 },
    { a: { last: -1, in: {} } },
    { a: { last: 0.5, in: {} } },
    { a: { last: 0 } },
    { a: { last: 0, in: { x: "1" } } },
  ]) {
    assert.equal(subnetMemoryFromJson(wrong), undefined, JSON.stringify(wrong));
  }
});

test("a memory stays small, whatever prefixes and LANs pass by", () => {
  let memory: SubnetMemory = {};
  for (let i = 0; i < 400; i++) memory = number([pool(subnet(prefix("2000::/16"), 56, i))], ["home", `lan${i}`], memory).memory;
  assert.ok(Object.keys(memory).length <= 258);
  assert.ok(Object.keys(memory["home"]!.in).length <= 8);
});

test("[SUB-1] in prefixes of any length, with any exclusion, any LANs and any past, no two LANs share a /64 and nothing excluded is used", () => {
  fc.assert(
    fc.property(fc.array(anyPool(), { maxLength: 4 }), anyLans(), anyMemory(), (pools, lans, memory) => {
      const owners = new Map<Prefix, string>();
      for (const [i, numbers] of numberLans(pools, lans, memory).entries()) {
        for (const [name, value] of numbers) {
          const lanSubnet = lanPrefix(pools[i]!, value);
          assert.ok(covers(pools[i]!.prefix, lanSubnet) && prefixLength(lanSubnet) === 64);
          assert.ok(!pools[i]!.excluded || !overlaps(pools[i]!.excluded!, lanSubnet));
          assert.equal(owners.get(lanSubnet) ?? name, name);
          owners.set(lanSubnet, name);
        }
      }
    }),
  );
});

test("in one prefix every /64 that can be used is used before a LAN goes without", () => {
  fc.assert(
    fc.property(anyPool(), anyLans(), anyMemory(), (one, lans, memory) => {
      fc.pre(isNumberable(one.prefix) && prefixLength(one.prefix) >= 58);
      const count = subnetCount(one.prefix, 64);
      const free = Array.from({ length: count }, (_, i) => lanPrefix(one, i)).filter(
        (each) => !one.excluded || !overlaps(one.excluded, each),
      ).length;
      const [numbers] = numberLans([one], lans, memory);
      assert.deepEqual(
        [...numbers!.keys()].toSorted(),
        lans
          .slice(0, free)
          .map(({ name }) => name)
          .toSorted(),
      );
    }),
  );
});

test("[SUB-2] with room for all, whatever LANs come, go and move, those that stay keep their numbers", () => {
  fc.assert(
    fc.property(fc.constantFrom(48, 52, 56), anyNames(), anyNames(), anyMemory(), (length, before, after, memory) => {
      const pools = [pool(prefixOf(prefixAddress(D56), length))];
      const first = number(pools, before, memory);
      const [had] = numbersOf(first);
      const [has] = numbersOf(number(pools, after, first.memory));
      for (const name of after) if (before.includes(name)) assert.equal(has![name], had![name], name);
    }),
  );
});

test("[SUB-2] planning again changes nothing, whatever the prefixes and the past", () => {
  fc.assert(
    fc.property(anyPools(), anyLans(), anyMemory(), (pools, lans, memory) => {
      const first = number(pools, lans, memory);
      const second = number(pools, lans, first.memory);
      assert.deepEqual(second, first);
      assert.equal(JSON.stringify(second.memory), JSON.stringify(first.memory));
    }),
  );
});

/** No prefix twice: the plan makes one of such. */
function anyPools(): fc.Arbitrary<SubnetPool[]> {
  return fc.uniqueArray(anyPool(), { maxLength: 3, selector: (each) => each.prefix });
}

function lan(name: string, subnetNumber?: number): LanConfig {
  const advertise = { maxInterval: 300, minInterval: 100, otherInformation: true, searchDomains: [] };
  return {
    name,
    interface: name,
    ...(subnetNumber !== undefined && { subnet: subnetNumber }),
    open: [],
    advertise,
    dhcpv6: { addresses: false },
  };
}

function pool(value: Prefix, excluded?: Prefix): SubnetPool {
  return { prefix: value, ...(excluded && { excluded }) };
}

function number(pools: readonly SubnetPool[], names: readonly (string | LanConfig)[], memory: SubnetMemory = {}) {
  const lans = names.map((each) => (typeof each === "string" ? lan(each) : each));
  const numbered = numberLans(pools, lans, memory);
  return { numbered, memory: rememberNumbers(pools, numbered, memory) };
}

const numbersOf = ({ numbered }: ReturnType<typeof number>) => numbered.map((numbers) => Object.fromEntries(numbers));

function anyNames(): fc.Arbitrary<string[]> {
  return fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 12 });
}

/** No two LANs have the same number of the owner's: the config does not permit it. */
function anyLans(): fc.Arbitrary<LanConfig[]> {
  const wish = fc.option(fc.nat(300), { nil: undefined });
  return fc.tuple(anyNames(), fc.array(wish, { minLength: 12, maxLength: 12 })).map(([names, wishes]) => {
    return names.map((name, i) => lan(name, wishes.indexOf(wishes[i]) === i ? wishes[i] : undefined));
  });
}

/** Prefixes of 1 to 128 bits, near each other so that they often overlap, with or without an excluded part. */
function anyPool(): fc.Arbitrary<SubnetPool> {
  const near = fc
    .tuple(fc.constantFrom(0x2605n, 0x2606n), fc.nat(15), fc.nat(15))
    .map(([top, high, low]) => ip6FromBigInt((top << 112n) | (BigInt(high) << 72n) | (BigInt(low) << 64n)));
  return fc
    .tuple(near, fc.integer({ min: 1, max: 128 }), fc.option(fc.tuple(fc.integer({ min: 1, max: 128 }), near)))
    .map(([address, length, exclusion]) => {
      const value = prefixOf(address, length);
      if (!exclusion || length === 128) return pool(value);
      const [more, inside] = exclusion;
      const excluded = prefixOf(inside, Math.min(128, length + more));
      return covers(value, excluded) ? pool(value, excluded) : pool(value, prefixOf(prefixAddress(value), Math.min(128, length + more)));
    });
}

function anyMemory(): fc.Arbitrary<SubnetMemory> {
  const entry = fc.record(
    { last: fc.nat(300), in: fc.dictionary(fc.constantFrom(D56, D60), fc.nat(300), { noNullPrototype: true }) },
    { noNullPrototype: true },
  );
  return fc.dictionary(fc.constantFrom(...NAMES, "x", "y", "z"), entry, { noNullPrototype: true });
}

test("[LPD-1] a LAN that comes later leaves alone what is delegated to routers behind, as long as there is something else", () => {
  const pools = [pool(prefix("2605:59c8:1200::/62"))];
  const delegated = [prefix("2605:59c8:1200:1::/64"), prefix("2605:59c8:1200:2::/64")];
  const [one] = numberLans(pools, [lan("home")], {});
  const memory = rememberNumbers(pools, [one!], {});
  const lans = ["home", "guest", "things"].map((name) => lan(name));
  assert.deepEqual(Object.fromEntries(numberLans(pools, lans.slice(0, 2), memory, delegated)[0]!), { home: 0, guest: 3 });
  assert.deepEqual(Object.fromEntries(numberLans(pools, lans, memory, delegated)[0]!), { home: 0, guest: 3, things: 1 });
});
