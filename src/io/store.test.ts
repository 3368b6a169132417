import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { instant, NEVER } from "../addr/time.ts";
import { type Clocks, Store, StoreError } from "./store.ts";

const unexpected = (keptAs: string) => assert.fail(`reported as damaged: ${keptAs}`);

const scratches: string[] = [];
after(() => scratches.forEach((directory) => rmSync(directory, { recursive: true, force: true })));

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "skylan-store-"));
  scratches.push(directory);
  return directory;
}

function openStore(directory: string, boot: { id: string; now: number; wall: number }): Store {
  const store = new Store(directory, clocks(boot));
  store.prove();
  return store;
}

function clocks(boot: { id: string; now: number; wall: number }): Clocks {
  return { bootId: boot.id, now: () => instant(boot.now), wall: () => boot.wall };
}

test("a snapshot comes back as it was, and its Instants need no shift in the same boot", () => {
  const directory = scratch();
  const store = openStore(directory, { id: "a", now: 5000, wall: 1_000_000 });
  store.save("dhcpv6-client", { renewAt: NEVER, validUntil: 305_000 });
  assert.deepEqual(store.load("dhcpv6-client", unexpected), {
    snapshot: { renewAt: NEVER, validUntil: 305_000 },
    shift: 0,
    sameBoot: true,
  });
});

test("after a reboot the shift is what the wall clock says has passed", () => {
  const directory = scratch();
  openStore(directory, { id: "a", now: 500_000, wall: 1_000_000 }).save("lease", { validUntil: 800_000 });
  const saved = openStore(directory, { id: "b", now: 10_000, wall: 1_060_000 }).load("lease", unexpected);
  // 300 s were left at the save and 60 s have passed: 240 s are left of an Instant that is now 10 s.
  assert.equal(800_000 + saved!.shift, 250_000);
  assert.equal(saved!.sameBoot, false);
});

test("[ROB-7] a wall clock that boots in 1970 counts as no time passed", () => {
  const directory = scratch();
  openStore(directory, { id: "a", now: 500_000, wall: 1_790_000_000_000 }).save("lease", { validUntil: 800_000 });
  const saved = openStore(directory, { id: "b", now: 10_000, wall: 12_000 }).load("lease", unexpected);
  assert.equal(800_000 + saved!.shift, 310_000);
});

test("a damaged file is kept aside, reported, and never trusted", () => {
  for (const text of ["", "{", "[]", "null", '{"version":1}', '{"version":99,"bootId":"a","savedAt":0,"savedWall":0,"data":{}}']) {
    const directory = scratch();
    const store = openStore(directory, { id: "a", now: 0, wall: 0 });
    writeFileSync(join(directory, "lease.json"), text);
    const reports: string[] = [];
    assert.equal(
      store.load("lease", (keptAs) => reports.push(keptAs)),
      undefined,
    );
    assert.equal(reports.length, 1);
    assert.equal(readFileSync(reports[0]!, "utf8"), text);
    assert.equal(store.load("lease", unexpected), undefined);
  }
});

test("[D6P-20] a power cut between write and rename leaves the version before", () => {
  const directory = scratch();
  const store = openStore(directory, { id: "a", now: 0, wall: 0 });
  store.save("lease", { generation: 1 });
  writeFileSync(join(directory, "lease.json.new"), '{"version":1,"bo');
  assert.deepEqual(store.load("lease", unexpected)!.snapshot, { generation: 1 });
  store.save("lease", { generation: 2 });
  assert.deepEqual(store.load("lease", unexpected)!.snapshot, { generation: 2 });
  assert.deepEqual(readdirSync(directory), ["lease.json"]);
});

test("state is readable by its owner alone", () => {
  const directory = scratch();
  const store = openStore(join(directory, "state"), { id: "a", now: 0, wall: 0 });
  store.save("secret", "x");
  assert.equal(statSync(join(directory, "state")).mode & 0o777, 0o700);
  assert.equal(statSync(join(directory, "state", "secret.json")).mode & 0o777, 0o600);
});

test("a place that can't hold state is refused at once, with the remedy", () => {
  const directory = scratch();
  writeFileSync(join(directory, "file"), "");
  assert.throws(
    () => openStore(join(directory, "file", "state"), { id: "a", now: 0, wall: 0 }),
    (error) => error instanceof StoreError && /--state-dir/.test(error.message),
  );
});
