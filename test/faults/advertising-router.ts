import type { Fault } from "./fault.ts";

export const faults: readonly Fault[] = [
  {
    row: "RA-4",
    breaks: "solicitations are answered without a delay",
    file: "src/machines/ra-schedule.ts",
    find: "milliseconds(uniform(this.#random, 0, this.#maxDelay))",
    replace: "milliseconds(0)",
    test: {
      file: "src/machines/ra-server-timing.test.ts",
      name: "a solicitation is answered by unicast within a random time below 500 ms",
    },
  },
  {
    row: "RA-8",
    breaks: "the valid lifetime is not capped at 5400 s",
    file: "src/machines/ra-build.ts",
    find: "const valid = atMost(validUntil, now, limits.valid);",
    replace: "const valid = remaining(now, validUntil);",
    test: { file: "src/machines/ra-server.test.ts", name: "lifetimes are the rest of the lease, at most 2700 and 5400 s" },
  },
  {
    row: "RA-10",
    breaks: "the Router Lifetime does not depend on a default router",
    file: "src/machines/ra-build.ts",
    find: "routerLifetime: defaultRouter ? limits.router : NO_TIME,",
    replace: "routerLifetime: defaultRouter ? limits.router : limits.router,",
    test: { file: "src/machines/ra-server.test.ts", name: "without a route to the internet the Router Lifetime is 0" },
  },
  {
    row: "RA-11",
    breaks: "a change waits for the next unsolicited advertisement",
    file: "src/machines/ra-schedule.ts",
    find: "this.#multicastAt = earliest(this.#multicastAt, this.#permitted(now)) ?? NEVER;",
    replace: "this.#multicastAt = earliest(this.#multicastAt, after(this.#permitted(now), this.#interval.max)) ?? NEVER;",
    test: { file: "src/machines/ra-server-timing.test.ts", name: "the loss of the default router is advertised at once" },
  },
  {
    row: "REN-1",
    breaks: "nothing is saved before it is advertised",
    file: "src/machines/ra-server.ts",
    find: 'if (this.#prefixes.promise(built.prefixes)) outputs.push({ kind: "save" });',
    replace: "this.#prefixes.promise(built.prefixes);",
    test: { file: "src/machines/ra-server-withdrawal.test.ts", name: "what is advertised is saved before it is sent" },
  },
  {
    row: "GEN-12",
    breaks: "our own advertisement that comes back is taken for another router's",
    file: "src/machines/ra-server.ts",
    find: "if (packet.from === this.#link?.linkLocal) return;",
    replace: "",
    test: { file: "src/machines/other-routers.test.ts", name: "our own advertisement that comes back is no other router" },
  },
];
