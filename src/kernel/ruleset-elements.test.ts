import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ruleset } from "../plan/kernel-state.ts";
import { elementChanges } from "./ruleset-elements.ts";

const place = { family: "inet", table: "skylan" };
const rules = (elements: readonly string[], policy = "drop"): Ruleset => [
  { table: { family: "inet", name: "skylan" } },
  { set: { ...place, name: "ours", type: "ipv6_addr", ...(elements.length > 0 && { elem: elements }) } },
  { chain: { ...place, name: "forward", policy } },
];
const element = (elem: readonly string[]) => ({ element: { ...place, name: "ours", elem } });

test("elements that come are added before those that go are deleted", () => {
  assert.deepEqual(elementChanges(rules(["a", "b"]), rules(["b", "c"])), [{ add: element(["c"]) }, { delete: element(["a"]) }]);
});

test("a set may be empty before or afterwards", () => {
  assert.deepEqual(elementChanges(rules([]), rules(["a"])), [{ add: element(["a"]) }]);
  assert.deepEqual(elementChanges(rules(["a"]), rules([])), [{ delete: element(["a"]) }]);
});

test("when more than elements differ there is no shorter way", () => {
  assert.equal(elementChanges(rules(["a"]), rules(["a"], "accept")), undefined);
  assert.equal(elementChanges(rules(["a"]), rules(["a"]).slice(0, 2)), undefined);
});
