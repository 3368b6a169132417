import assert from "node:assert/strict";
import { test } from "node:test";
import { legacyTableProblems, newProblems } from "./problems.ts";

test("a problem is logged as an error with its remedy when it begins, and again when its text changes", () => {
  const small = { name: "delegation.too-small", text: 'The delegated /63 has no /64 left for LAN "iot".', remedy: "Ask for more." };
  const smaller = { ...small, text: 'The delegated /64 has no /64 left for LAN "home", "iot".' };
  const note = { kind: "note", level: "error", event: "delegation.too-small", text: `${small.text} Remedy: Ask for more.` };
  assert.deepEqual(newProblems([], [small]), [note]);
  assert.deepEqual(newProblems([small], [small]), []);
  assert.deepEqual(newProblems([small], [smaller]), [{ ...note, text: `${smaller.text} Remedy: Ask for more.` }]);
  assert.deepEqual(newProblems([smaller], []), []);
});

test("tables of the old ip6tables are one problem that names them and says how to look; without them there is none", () => {
  const [problem, ...others] = legacyTableProblems(["filter", "nat"]);
  assert.deepEqual([problem!.name, others], ["firewall.legacy-tables", []]);
  assert.match(problem!.text, /\(filter, nat\)/);
  assert.match(problem!.remedy, /ip6tables-legacy -S/);
  assert.deepEqual(legacyTableProblems([]), []);
});
