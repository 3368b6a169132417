import assert from "node:assert/strict";
import { test } from "node:test";
import { formatConfig } from "./skylan-process.ts";

test("five lines make the config of a home", () => {
  const config = formatConfig(
    { wan: { interface: "wan" }, lan: { home: { interface: "lan" } } },
    { lan: { home: { open: ["tcp/8080"] } } },
  );
  assert.equal(config, '[wan]\ninterface = "wan"\n[lan.home]\ninterface = "lan"\nopen = ["tcp/8080"]\n');
});

test("later layers win, and values before the first table stand first", () => {
  const config = formatConfig(
    { wan: { interface: "wan", prefix_hint: 56 } },
    { wan: { prefix_hint: 60 }, top: { ula: "auto" }, gateway: { open: ["tcp/22"] } },
  );
  assert.equal(config, 'ula = "auto"\n[wan]\ninterface = "wan"\nprefix_hint = 60\n[gateway]\nopen = ["tcp/22"]\n');
});
