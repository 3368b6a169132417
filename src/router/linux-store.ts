/** The two places of durable state on Linux: the state directory (survives a power cut) and the run directory (survives a restart of the program). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../addr/json.ts";
import type { Config } from "../config/config.ts";
import { type Clocks, Store } from "../io/store.ts";
import { systemRandom } from "../io/system-random.ts";
import { bootNow } from "../kernel/clock.ts";
import type { Journal } from "./journal.ts";
import { seatNames } from "./machines.ts";
import { type Past, recallPast } from "./past.ts";
import type { Durability } from "./world.ts";

export interface Directories {
  readonly stateDir: string;
  readonly runDir: string;
}

/** The machine's clocks. */
function linuxClocks(): Clocks {
  return { now: bootNow, wall: () => Date.now(), bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim() };
}

export interface Stores {
  readonly clocks: Clocks;
  /** Where a file lies that survives a power cut and is not a snapshot. */
  pathOf(name: string): string;
  save(name: string, snapshot: Json, durability: Durability): void;
  recall(config: Config, journal: Journal): Past;
  load(name: string, journal: Journal): Json | undefined;
  /** Forgets what `down` has put back. */
  forget(names: readonly string[]): void;
}

/** Both stores, proved writable. @throws StoreError */
export function openStores({ stateDir, runDir }: Directories): Stores {
  const clocks = linuxClocks();
  const disk = new Store(stateDir, clocks);
  const boot = new Store(runDir, clocks);
  disk.prove();
  boot.prove();
  const save: Stores["save"] = (name, snapshot, durability) => (durability === "disk" ? disk : boot).save(name, snapshot);
  const loadFrom = (store: Store, name: string, journal: Journal) =>
    store.load(name, (keptAs, why) =>
      journal.record("state", {
        kind: "note",
        level: "warning",
        event: "state.damaged",
        text: `the saved ${name} is damaged (${why}); it is kept as ${keptAs} and skylan goes on without it`,
      }),
    );
  return {
    clocks,
    pathOf: (name) => join(stateDir, name),
    save,
    recall: (config, journal) =>
      recallPast((name) => loadFrom(boot, name, journal) ?? loadFrom(disk, name, journal), seatNames(config), systemRandom, save),
    load: (name, journal) => loadFrom(disk, name, journal)?.snapshot,
    forget: (names) => {
      for (const name of names) {
        disk.remove(name);
        boot.remove(name);
      }
    },
  };
}

/** The past as it lies there, for looking only: nothing is written, moved or created. */
export function peekPast(config: Config, { stateDir, runDir }: Directories): Past {
  const clocks = linuxClocks();
  const [disk, boot] = [new Store(stateDir, clocks), new Store(runDir, clocks)];
  return recallPast(
    (name) => boot.peek(name) ?? disk.peek(name),
    seatNames(config),
    systemRandom,
    () => undefined,
  );
}
