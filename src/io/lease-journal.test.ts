import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Json } from "../addr/json.ts";
import { instant } from "../addr/time.ts";
import { type JournalOptions, LeaseJournal, readJournal } from "./lease-journal.ts";
import type { Clocks } from "./store.ts";

interface Place extends Disposable {
  readonly path: string;
  readonly problems: string[];
  readonly clock: { at: number; wall: number };
  readonly clocks: Clocks;
  open(all?: () => Iterable<Json>): LeaseJournal;
  read(clocks?: Clocks): readonly Json[];
}

function place(folder = ""): Place {
  const directory = mkdtempSync(join(tmpdir(), "skylan-journal-"));
  const path = join(directory, folder, "leases.journal");
  const problems: string[] = [];
  const clock = { at: 1000, wall: 1_700_000_000_000 };
  const clocks: Clocks = { now: () => instant(clock.at), wall: () => clock.wall, bootId: "first" };
  return {
    path,
    problems,
    clock,
    clocks,
    open: (all = () => []) =>
      new LeaseJournal({
        path,
        clocks,
        all,
        problem: (why) => problems.push(why),
        recovered: () => problems.push("recovered"),
      } satisfies JournalOptions),
    read: (as = clocks) => readJournal(path, as).entries.map(({ data }) => data),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

const appended = (journal: LeaseJournal, ...entries: readonly Json[]): Promise<void> =>
  new Promise((resolve) => journal.append(entries, resolve));

test("entries are in the file when the journal says so, in their order, those of many callers together", async () => {
  using home = place();
  assert.deepEqual(home.read(), []);
  const journal = home.open();
  await Promise.all(Array.from({ length: 100 }, (_, n) => appended(journal, { n })));
  assert.deepEqual(
    home.read(),
    Array.from({ length: 100 }, (_, n) => ({ n })),
  );
  journal.close();
});

test("a torn end costs the torn line alone, and damage in the middle the damaged lines", async () => {
  using home = place();
  const journal = home.open();
  await appended(journal, { n: 1 }, { n: 2 });
  appendFileSync(home.path, `{"n":3`);
  assert.deepEqual(home.read(), [{ n: 1 }, { n: 2 }]);
  appendFileSync(home.path, `\n\0\0\0\n{"n":4}\n`);
  assert.deepEqual(home.read(), [{ n: 1 }, { n: 2 }, { n: 4 }]);
  assert.equal(readJournal(home.path, home.clocks).damaged, 2);
  journal.close();
});

test("opening writes the file anew with what counts, and so does a file that has become long", async () => {
  using home = place();
  const journal = home.open(() => [{ kept: true }]);
  assert.deepEqual(home.read(), [{ kept: true }]);
  for (let n = 0; n < 50; n++) await appended(journal, ...Array.from({ length: 100 }, () => ({ n })));
  const lines = readFileSync(home.path, "utf8").split("\n").length;
  assert.ok(lines < 1100, `${lines} lines`);
  assert.ok(!existsSync(`${home.path}.new`));
  await appended(journal, { last: true });
  assert.deepEqual(home.read().at(-1), { last: true });
  journal.close();
});

test("Instants of another boot are moved by the wall clock, as it was set last", async () => {
  using home = place();
  const journal = home.open();
  await appended(journal, { until: 5000 });
  // The wall clock is set while the box runs.
  home.clock.wall += 3_600_000;
  await appended(journal, { until: 6000 });
  journal.close();
  const [first, second] = readJournal(home.path, home.clocks).entries;
  assert.deepEqual([first?.shift, second?.shift], [0, 0]);
  const later: Clocks = { now: () => instant(200), wall: () => home.clock.wall + 10_000, bootId: "second" };
  assert.deepEqual(
    readJournal(home.path, later).entries.map(({ shift }) => shift),
    [200 - 10_000 - 1000, 200 - 10_000 - 1000],
  );
  const without: Clocks = { now: () => instant(200), wall: () => 0, bootId: "third" };
  assert.equal(readJournal(home.path, without).entries[0]?.shift, 200 - 1000);
});

test("a file that can't be written is said once, nobody waits for it, and it is written as a whole when it can be again", async () => {
  using home = place("missing");
  const counts: Json[] = [];
  const journal = home.open(() => counts);
  assert.equal(home.problems.length, 1);
  assert.match(home.problems[0]!, /ENOENT/);
  counts.push({ n: 1 });
  await appended(journal, { n: 1 });
  mkdirSync(join(home.path, ".."));
  home.clock.at += 10_000;
  counts.push({ n: 2 });
  await appended(journal, { n: 2 });
  assert.deepEqual([home.problems.length, home.problems[1]], [2, "recovered"]);
  await appended(journal, { n: 3 });
  assert.deepEqual(home.read(), [{ n: 1 }, { n: 2 }, { n: 3 }]);
  journal.close();
});
