import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formerResolverFromJson, formerResolverToJson, pointToUs, readResolver, restoreResolver } from "./resolver-file.ts";

function inDirectory(action: (path: string) => void): void {
  const directory = mkdtempSync("/tmp/skylan-resolver-");
  try {
    action(join(directory, "resolv.conf"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("a file, a link, or nothing: what was there is back afterwards, by way of what is saved", () => {
  const cases = [
    (path: string) => writeFileSync(path, "nameserver 192.0.2.1\n"),
    (path: string) => symlinkSync("../run/systemd/resolve/stub-resolv.conf", path),
    () => undefined,
  ];
  for (const prepare of cases) {
    inDirectory((path) => {
      prepare(path);
      const former = readResolver(path)!;
      pointToUs(path, "home.arpa");
      assert.match(readFileSync(path, "utf8"), /^# Written by skylan.*\nnameserver 127\.0\.0\.1\nnameserver ::1\nsearch home\.arpa\n/);
      assert.equal(readResolver(path), undefined);
      restoreResolver(path, formerResolverFromJson(formerResolverToJson(former))!);
      assert.deepEqual(readResolver(path), former);
      if (former.kind === "link") assert.equal(readlinkSync(path), former.target);
      if (former.kind === "none") assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined);
    });
  }
});

test("what another program has written since is left alone", () => {
  inDirectory((path) => {
    pointToUs(path, "home.arpa");
    writeFileSync(path, "nameserver 192.0.2.53\n");
    restoreResolver(path, { kind: "file", text: "old" });
    assert.equal(readFileSync(path, "utf8"), "nameserver 192.0.2.53\n");
  });
});

test("a damaged record is none", () => {
  for (const json of [undefined, null, 1, [], { kind: "file" }, { kind: "link", target: 1 }, { kind: "else" }]) {
    assert.equal(formerResolverFromJson(json), undefined);
  }
});
