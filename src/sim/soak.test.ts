/** A home at work for hours in virtual time: what it holds does not grow with them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { seconds } from "../addr/time.ts";
import { createSimHome, SETTLING, type SimHome } from "./home.ts";

/** Octets of live objects; the garbage is collected before. */
function liveMemory(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

/** Addresses, routes, rules and switches, and what the disk has. */
function holdings({ gateway }: SimHome): readonly number[] {
  const { observed, facts } = gateway.loop!.view();
  const { addresses, routes, ruleset, sysctls } = observed!;
  return [addresses.length, routes.length, ruleset!.length, Object.keys(sysctls).length, JSON.stringify(Object.keys(facts)).length];
}

test("[ROB-9] two more hours of leases of 150/300 s leave no address, route or rule behind, and no memory", () => {
  const home = createSimHome({ seed: 9 });
  home.gateway.start();
  home.pass(SETTLING);
  home.pass(seconds(3600));
  const [before, memory] = [holdings(home), liveMemory()];
  home.pass(seconds(2 * 3600));
  assert.deepEqual(holdings(home), before);
  // The simulator itself remembers every note.
  assert.ok(liveMemory() < memory + 500_000, `${memory} octets, then ${liveMemory()}`);
  assert.deepEqual(home.invariants.violations, []);
});
