import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../config/parse-config.ts";
import { awaitedWords } from "./awaited-words.ts";

const config = parseConfig(
  '[wan]\ninterface = "wan"\n[lan.home]\ninterface = "lan"\n[lan.guests]\ninterface = "lan2"\nsubnet = 5\n',
  "x.toml",
);

test("before a first delegation the plan says of each LAN what it will get; with one the changes themselves say it", () => {
  assert.deepEqual(awaitedWords(config, { forwarding: false }), [
    "LAN home gets a /64 when the provider delegates a prefix.",
    "LAN guests gets the /64 number 5 when the provider delegates a prefix.",
  ]);
  assert.deepEqual(awaitedWords(config, { forwarding: true }), []);
});
