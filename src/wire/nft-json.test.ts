import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalRuleset, rulesetText } from "./nft-json.ts";

const table = { table: { family: "inet", name: "skylan" } };
const chain = { chain: { family: "inet", table: "skylan", name: "f", type: "filter", hook: "forward", prio: 0, policy: "drop" } };

test("a listing is brought to the form that was asked for: no handles, no counts, no order of the kernel's own", () => {
  const listed = [
    { metainfo: { version: "1.0.6", json_schema_version: 1 } },
    { table: { family: "inet", name: "skylan", handle: 1 } },
    { chain: { ...chain.chain, handle: 2 } },
    {
      set: { family: "inet", name: "s", table: "skylan", type: "ipv6_addr", handle: 3, flags: ["interval"], elem: ["fd00::2", "fd00::1"] },
    },
    { rule: { family: "inet", table: "skylan", chain: "f", handle: 4, expr: [{ counter: { packets: 7, bytes: 900 } }, { accept: null }] } },
  ];
  const asked = [
    table,
    { set: { name: "s", family: "inet", table: "skylan", type: "ipv6_addr", flags: "interval", elem: ["fd00::1", "fd00::2"] } },
    chain,
    { rule: { chain: "f", family: "inet", table: "skylan", expr: [{ counter: null }, { accept: null }] } },
  ];
  assert.deepEqual(canonicalRuleset(listed), canonicalRuleset(asked));
});

test("the order of rules in a chain is kept, because it means something", () => {
  const rule = (verdict: string) => ({ rule: { chain: "f", expr: [{ [verdict]: null }] } });
  assert.notEqual(rulesetText([table, chain, rule("accept"), rule("drop")]), rulesetText([table, chain, rule("drop"), rule("accept")]));
});

test("the parts of a concatenation keep their order, the elements of a set do not need one", () => {
  const match = (right: unknown) => [{ rule: { chain: "f", expr: [{ match: { op: "==", left: "x", right } }] } }];
  assert.notEqual(rulesetText(match({ concat: [1, 2] })), rulesetText(match({ concat: [2, 1] })));
  assert.equal(rulesetText(match({ set: [1, 2] })), rulesetText(match({ set: [2, 1] })));
});

test("elements that packets added to a dynamic set are no difference", () => {
  const meter = (elem: readonly string[]) => [
    { set: { name: "m", flags: ["dynamic"], type: "ipv6_addr", ...(elem.length > 0 && { elem }) } },
  ];
  assert.equal(rulesetText(meter(["fd00::1"])), rulesetText(meter([])));
});

test("a set without elements is listed without their list", () => {
  assert.equal(rulesetText([{ set: { name: "s", elem: [] } }]), rulesetText([{ set: { name: "s" } }]));
});

test("an address is the same address however it is spelt", () => {
  const bogons = (addr: string) => [{ set: { name: "bogons", type: "ipv6_addr", elem: [{ prefix: { addr, len: 96 } }] } }];
  assert.equal(rulesetText(bogons("::ffff:0.0.0.0")), rulesetText(bogons("::ffff:0:0")));
});
