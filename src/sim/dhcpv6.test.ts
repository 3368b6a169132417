/** The DHCPv6 server of the LANs in a home in virtual time: routers behind the gateway, through renumberings, restarts and nights of outages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contains, covers, prefix } from "../addr/prefix.ts";
import { milliseconds, seconds } from "../addr/time.ts";
import { createSimHome, SETTLING, type SimHome, TWO_LANS } from "./home.ts";
import { mend, passNight, restart } from "./night.ts";

const CONFIG = `${TWO_LANS}
[lan.guest.dhcpv6]
addresses = true
`;

function started(seed: number): SimHome {
  const home = createSimHome({ seed, config: CONFIG, routersBehind: true });
  home.gateway.start();
  home.pass(SETTLING);
  return home;
}

const held = (home: SimHome): string => home.gateway.loop?.view().facts.dhcpv6?.delegated[0]?.prefix ?? "";

/** Each router has one prefix of what the provider delegates, those of the guests an address too, and there is a route to each. */
function assertServed(home: SimHome): void {
  const range = prefix(held(home));
  const routes = home.gateway.kernel.observe({ sysctls: [] }).routes;
  for (const [i, router] of home.routersBehind.entries()) {
    const [own, ...more] = router.delegated.map((each) => each.prefix);
    assert.ok(
      own && covers(range, own) && more.length === 0,
      `router ${i} has ${router.delegated.map((each) => each.prefix).join(", ")} of ${range}`,
    );
    assert.ok(
      routes.some((route) => route.kind === "unicast" && route.destination === own && route.gateway !== undefined),
      `a route to ${own}`,
    );
    if (i >= 2)
      assert.ok(router.addresses.every(({ address }) => contains(range, address)) && router.addresses.length === 1, `router ${i}`);
  }
  assert.equal(new Set(home.routersBehind.map((router) => router.delegated[0]!.prefix)).size, home.routersBehind.length);
}

test("[LPD-1] [LPD-2] routers behind have a prefix each when the home is up, and keep it for an hour", () => {
  const home = started(1);
  assertServed(home);
  const before = home.routersBehind.map((router) => router.delegated[0]!.prefix);
  home.pass(seconds(3600));
  assertServed(home);
  assert.deepEqual(
    home.routersBehind.map((router) => router.delegated[0]!.prefix),
    before,
  );
  assert.deepEqual(home.invariants.violations, []);
});

test("[REN-5] another prefix reaches every router within half of a preferred lifetime, and the old one is taken back", () => {
  const home = started(2);
  home.provider.command({ kind: "renumber", pool: prefix("2605:59c8:7700::/40") });
  home.pass(seconds(75 + 75 + 5));
  assertServed(home);
  assert.ok(home.routersBehind.every((router) => router.delegated[0]!.prefix.startsWith("2605:59c8:77")));
  assert.deepEqual(home.invariants.violations, []);
});

test("[LPD-5] a daemon that dies at any step of a lease neither forgets nor doubles it", () => {
  for (let steps = 0; steps < 12; steps++) {
    const home = createSimHome({ seed: 40 + steps, config: CONFIG, routersBehind: true });
    home.gateway.start();
    home.pass(seconds(2));
    home.gateway.dieAfter(steps);
    home.pass(seconds(20));
    restart(home, milliseconds(0));
    home.pass(seconds(240));
    assertServed(home);
    assert.deepEqual(home.invariants.violations, [], `after ${steps} steps`);
  }
});

const seed = Number(process.env["SKYLAN_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
for (let night = 0; night < 2; night++) {
  test(`a night of outages with routers behind (SKYLAN_SEED=${seed}, night ${night}) breaks no rule, and in the morning each is served`, () => {
    const home = started(seed + night);
    const story = passNight(home, seconds(2 * 3600));
    assert.deepEqual(home.invariants.violations, [], story.join("\n"));
    mend(home);
    if (!home.gateway.loop) home.gateway.start();
    home.pass(seconds(3600));
    assertServed(home);
    assert.deepEqual(home.invariants.violations, [], story.join("\n"));
  });
}
