/** What the router keeps: who it is, what it found, and which prefixes it had. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { prefix } from "../addr/prefix.ts";
import { seededRandom } from "../addr/random.ts";
import { formerFromJson, formerToJson, NOTHING_FORMER, recordFormer } from "./former.ts";
import { createIdentity, identityFromJson, identityToJson } from "./identity.ts";
import { continueHistory, historyFromJson, historyToJson } from "./prefix-history.ts";

test("[D6P-1] [SUB-5] an identity survives being written down, and another box makes another one", () => {
  const identity = createIdentity(seededRandom(1));
  assert.deepEqual(identityFromJson(JSON.parse(JSON.stringify(identityToJson(identity)))), identity);
  assert.match(identity.duid, /^0004/);
  assert.match(identity.ula, /^fd[0-9a-f]{2}:.*\/48$/);
  const other = createIdentity(seededRandom(2));
  assert.notEqual(other.duid, identity.duid);
  assert.notEqual(other.ula, identity.ula);
});

test("a record that is no identity is none", () => {
  const good = identityToJson(createIdentity(seededRandom(1))) as Record<string, never>;
  for (const change of [{ duid: "" }, { ula: "x" }, { iaidPrefix: -1 }, { secret: [1, 2] }, { secret: new Array(32).fill(256) }]) {
    assert.equal(identityFromJson({ ...good, ...change } as never), undefined, JSON.stringify(change));
  }
  for (const json of [null, 1, "x", []]) assert.equal(identityFromJson(json), undefined);
});

test("only the value before our first change counts as former", () => {
  const first = recordFormer(NOTHING_FORMER, [
    { kind: "sysctl", path: "a", from: "0", to: "1" },
    { kind: "sysctl", path: "unknown", from: undefined, to: "1" },
    { kind: "link-up", interface: "eth0" },
  ]);
  assert.deepEqual(first, { sysctls: { a: "0" }, down: ["eth0"] });
  assert.equal(recordFormer(first, [{ kind: "sysctl", path: "a", from: "5", to: "1" }]), first);
  assert.deepEqual(formerFromJson(formerToJson(first)), first);
  for (const json of [null, [], {}, { sysctls: { a: 1 }, down: [] }, { sysctls: {}, down: [1] }]) {
    assert.equal(formerFromJson(json as never), undefined);
  }
});

test("the history tells when each prefix came and went", () => {
  const [a, b] = [prefix("2605:1::/56"), prefix("2605:2::/56")];
  const one = continueHistory([], [a], "T1");
  const both = continueHistory(one, [a, b], "T2");
  const second = continueHistory(both, [b], "T3");
  assert.deepEqual(second, [
    { prefix: b, since: "T2" },
    { prefix: a, since: "T1", until: "T3" },
  ]);
  assert.equal(continueHistory(second, [b], "T4"), second);
  assert.deepEqual(historyFromJson(historyToJson(second)), second);
  assert.deepEqual(historyFromJson([null, { prefix: "x", since: "T" }, { prefix: a }] as never), []);
});
