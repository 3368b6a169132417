/** A machine without a program skips the test files that need it, and says so. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { namedNeeds, whyNot } from "../scripts/test-needs.ts";

const ROOT = join(import.meta.dirname, "..");

test("what a test file names is looked for", () => {
  assert.equal(whyNot("// Needs: sh, /, nothing-of-this-name, /no/such/file, python:no_such_module\nimport x;"), MISSING);
  assert.deepEqual(namedNeeds("import x;\n"), []);
});

const MISSING = "nothing-of-this-name and /no/such/file and python:no_such_module not installed";

test("the set-up installs whatever a test file needs", () => {
  const setup = readFileSync(join(ROOT, "scripts/setup.sh"), "utf8");
  const files = globSync("test/{homes,scripted,long}/*.test.ts", { cwd: ROOT });
  const named = new Set(files.flatMap((file) => namedNeeds(readFileSync(join(ROOT, file), "utf8"))));
  assert.ok(named.size > 8);
  for (const need of named) assert.match(setup, new RegExp(`^\\S+ ${need}$`, "m"), need);
});
