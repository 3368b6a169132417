import type { Fault } from "./fault.ts";

export const faults: readonly Fault[] = [
  {
    row: "RA-5",
    breaks: "multicasts keep 2 s of distance instead of 3",
    file: "src/machines/ra-schedule.ts",
    find: "export const MIN_DELAY_BETWEEN_RAS = seconds(3);",
    replace: "export const MIN_DELAY_BETWEEN_RAS = seconds(2);",
    test: { file: "src/machines/ra-schedule.test.ts", name: "a change within 3 s of an advertisement waits for the rest of the 3 s" },
  },
  {
    row: "RA-5",
    breaks: "the distance counts from when an advertisement was meant to leave",
    file: "src/machines/ra-schedule.ts",
    find: "    this.#lastMulticast = now;\n    this.#multicastAt = Math.max(",
    replace: "    this.#multicastAt = Math.max(",
    test: { file: "src/machines/ra-server-timing.test.ts", name: "the 3 s count from when an advertisement has left" },
  },
  {
    row: "RA-3",
    breaks: "the interval is not shortened by the lifetimes",
    file: "src/machines/ra-schedule.ts",
    find: "const max = Math.max(LEAST.max, Math.min(owner.max, wholeSeconds(shortest * MAX_SHARE)));",
    replace: "const max = Math.max(LEAST.max, Math.min(owner.max, wholeSeconds(Math.max(shortest, 2700_000) * MAX_SHARE)));",
    test: { file: "src/machines/ra-schedule.test.ts", name: "lifetimes of 150 s shorten the interval" },
  },
  {
    row: "REN-2",
    breaks: "a stale prefix is forgotten at once instead of being withdrawn",
    file: "src/machines/stale-prefixes.ts",
    find: "if (told.heldUntil <= now) {",
    replace: "if (told.heldUntil > now) {",
    test: { file: "src/machines/stale-prefixes.test.ts", name: "a prefix that is no longer advertised is stale for the valid lifetime" },
  },
];
