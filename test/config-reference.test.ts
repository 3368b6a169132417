import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfig } from "../src/config/parse-config.ts";
import { configJsonSchema, configReference } from "../src/config/reference.ts";

const docs = join(import.meta.dirname, "../docs");
const read = (name: string): string => readFileSync(join(docs, name), "utf8");

test("docs/config.md and docs/config.schema.json say what the schema says (npm run config-reference writes them)", () => {
  assert.equal(read("config.md"), configReference());
  assert.equal(read("config.schema.json"), configJsonSchema());
});

test("every example of the reference page is a config", () => {
  const examples = [...read("config.md").matchAll(/```toml\n(.*?)```/gs)].map(([, text]) => text!);
  assert.equal(examples.length, 2);
  for (const example of examples) assert.ok(parseConfig(example, "docs/config.md").lans.length > 0);
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
}

const isTable = (node: Schema | undefined): boolean => node?.properties !== undefined || node?.additionalProperties !== undefined;

test("the reference page has a line for every key that the JSON Schema knows", () => {
  const keys = (node: unknown): string[] => {
    if (typeof node !== "object" || node === null) return [];
    const { properties = {}, additionalProperties, items } = node as Schema;
    const own = Object.entries(properties).flatMap(([key, inner]) => [
      ...(isTable(inner) || isTable(inner.items) ? [] : [key]),
      ...keys(inner),
    ]);
    return [...own, ...keys(additionalProperties), ...keys(items)];
  };
  const known = keys(JSON.parse(configJsonSchema()));
  assert.ok(known.length >= 18, `${known.length} keys`);
  for (const key of known) assert.ok(read("config.md").includes(`| \`${key}\` |`), key);
});
