import assert from "node:assert/strict";
import { test } from "node:test";
import { contains, prefix, prefixLength } from "../addr/prefix.ts";
import { milliseconds, type Seconds, seconds } from "../addr/time.ts";
import { STARLINK } from "../lab/provider-profile.ts";
import { decodeDhcpv6 } from "../wire/dhcpv6.ts";
import { createSimHome, SETTLING, type SimHome, TWO_LANS } from "./home.ts";
import { mend, passNight, restart } from "./night.ts";

function delegated(home: SimHome): string[] {
  return (home.gateway.loop?.view().facts.dhcpv6?.delegated ?? []).map((held) => held.prefix);
}

function started(seed: number): SimHome {
  const home = createSimHome({ seed });
  home.gateway.start();
  home.pass(SETTLING);
  return home;
}

/** Every host has one preferred address, and it is of the delegation. */
function assertServed(home: SimHome): void {
  const [held] = delegated(home);
  assert.ok(held, "a prefix is delegated");
  for (const [link, host] of home.hosts) {
    assert.equal(host.preferred().length, 1, `${link}: ${host.preferred().join(", ")}`);
    assert.ok(contains(prefix(held), host.preferred()[0]!), `${host.preferred()[0]} in ${held}`);
    assert.ok(host.hasDefaultRouter(), `${link} has a default router`);
  }
}

test("a Starlink home comes up: a /56, two numbered LANs, hosts with an address and a way out", () => {
  const home = started(1);
  assert.equal(prefixLength(prefix(delegated(home)[0]!)), 56);
  assertServed(home);
  assert.deepEqual(home.invariants.violations, []);
});

test("[RA-3] with 150/300 s leases and 20 % loss on the LAN no host loses its address in an hour", () => {
  const home = started(2);
  for (const lan of home.lans.values()) lan.loss = 0.2;
  for (let second = 0; second < 3600; second++) {
    home.pass(seconds(1));
    for (const host of home.hosts.values()) assert.equal(host.preferred().length, 1, `after ${second} s`);
  }
  assert.deepEqual(home.invariants.violations, []);
});

test("[REN-10] an outage shorter than the valid lifetime does not renumber the LAN", () => {
  const home = started(3);
  const before = delegated(home);
  home.wan.setCarrier(false);
  home.pass(seconds(60));
  home.wan.setCarrier(true);
  home.pass(seconds(20));
  assert.deepEqual(delegated(home), before);
  assertServed(home);
});

const OUTAGES: Readonly<Record<string, (home: SimHome, out: boolean) => void>> = {
  "without a cable": (home, out) => home.wan.setCarrier(!out),
  "in which the provider says nothing": (home, out) => home.provider.command({ kind: "mute", on: out }),
};
for (const [what, switchOff] of Object.entries(OUTAGES)) {
  for (const span of [10, 60, 290, 310, 3600, 7 * 3600]) {
    test(`[ROB-2] ${span} s ${what} heal within 5 s of the provider's first sign of life, with the same prefix`, () => {
      const home = started(span);
      const before = delegated(home);
      switchOff(home, true);
      home.pass(seconds(span));
      let signs = 0;
      home.wan.tap((from) => void (from === STARLINK.linkLocal && signs++));
      switchOff(home, false);
      for (let tenths = 0; signs === 0; tenths++) {
        assert.ok(tenths < 6000, "no sign of life in ten minutes");
        home.pass(milliseconds(100));
      }
      home.pass(seconds(5));
      assert.deepEqual(delegated(home), before);
      assert.ok(home.gateway.loop!.view().facts.dhcpv6!.delegated.every(({ validUntil }) => validUntil > home.simulation.now));
      home.pass(seconds(5));
      assertServed(home);
      assert.deepEqual(home.invariants.violations, []);
    });
  }
}

test("a cable that was out between two looks at the kernel leads to a Rebind as well", () => {
  const home = started(8);
  const sent: string[] = [];
  home.wan.tap((_from, frame) => {
    if (frame.protocol === "dhcpv6") sent.push(decodeDhcpv6(frame.packet.bytes).kind);
  });
  const { kernel } = home.gateway;
  kernel.setCarrier("wan0", false);
  kernel.setCarrier("wan0", true);
  home.gateway.handle({ kind: "kernel" });
  home.pass(seconds(5));
  assert.deepEqual(sent, ["rebind", "reply"]);
});

test("[REN-1] [REN-3] a provider that hands over another prefix renumbers every host within one advertisement", () => {
  const home = started(4);
  const before = [...home.hosts.values()].map((host) => host.preferred()[0]);
  home.provider.command({ kind: "renumber", pool: prefix("2605:59c8:7700::/40") });
  home.pass(seconds(90));
  assertServed(home);
  const now = [...home.hosts.values()].map((host) => host.preferred()[0]);
  for (const address of before) assert.ok(!now.includes(address));
  assert.deepEqual(home.invariants.violations, []);
});

test("[ROB-4] a restart keeps the prefix, and hosts notice nothing", () => {
  const home = started(5);
  const before = delegated(home);
  restart(home, seconds(3));
  home.pass(seconds(30));
  assert.deepEqual(delegated(home), before);
  assertServed(home);
  assert.deepEqual(home.invariants.violations, []);
});

test("[ROB-3] when only the router's lifetime ends, hosts lose the way out and keep their addresses", () => {
  const home = started(6);
  home.provider.command({ kind: "router-lifetime", lifetime: 0 as Seconds });
  home.pass(seconds(10));
  for (const host of home.hosts.values()) {
    assert.equal(host.preferred().length, 1);
    assert.ok(!host.hasDefaultRouter());
  }
  assert.deepEqual(home.invariants.violations, []);
});

test("[RA-11] [ROB-3] while the router advertises itself but does not answer, hosts lose the way out once and keep their addresses", () => {
  const home = started(9);
  home.gateway.kernel.unreachable.push({ interface: "wan0", address: STARLINK.linkLocal });
  home.gateway.handle({ kind: "kernel" });
  home.pass(seconds(4));
  for (let minute = 0; minute < 30; minute++) {
    for (const host of home.hosts.values()) assert.deepEqual([host.preferred().length, host.hasDefaultRouter()], [1, false], `${minute}`);
    const routers = home.gateway.loop!.view().facts.ra!.routers;
    assert.equal(routers.length, 1, "it goes on advertising itself");
    home.pass(seconds(60));
  }
  assert.deepEqual(home.invariants.violations, []);
});

const seed = Number(process.env["SKYLAN_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
for (let night = 0; night < 8; night++) {
  test(`a night of outages (SKYLAN_SEED=${seed}, night ${night}) breaks no rule, and in the morning everything is well`, () => {
    const home = started(seed + night);
    const story = passNight(home, seconds(8 * 3600));
    assert.deepEqual(home.invariants.violations, [], story.join("\n"));
    mend(home);
    home.pass(seconds(1200));
    if (!home.gateway.loop) home.gateway.start();
    home.pass(seconds(7200));
    assertServed(home);
    assert.deepEqual(home.invariants.violations, [], story.join("\n"));
  });
}

test("[REN-8] a process that dies after any step of a renumbering does no harm: the next one ends what it began", () => {
  let [steps, died] = [0, true];
  for (; died && steps < 200; steps++) {
    const home = started(7);
    home.gateway.dieAfter(steps);
    home.provider.command({ kind: "renumber", pool: prefix("2605:59c8:7700::/40") });
    home.pass(seconds(80));
    died = home.gateway.loop === undefined;
    home.gateway.dieAfter(Number.POSITIVE_INFINITY);
    if (died) home.gateway.start();
    home.pass(seconds(90));
    assertServed(home);
    assert.deepEqual(home.invariants.violations, [], `dead after ${steps} steps`);
  }
  assert.ok(steps > 15, `only ${steps} steps`);
});

test("[WRA-7] a device that claims every address of a LAN is probed four times and then left alone, and costs nobody the way out", () => {
  const home = createSimHome({ seed: 8, config: `${TWO_LANS}[ula]\nprefix = "auto"\n` });
  const claimed = new Map<string, number>();
  home.gateway.kernel.isTaken = (link, address) => {
    if (link === "lan0") claimed.set(address, (claimed.get(address) ?? 0) + 1);
    return link === "lan0";
  };
  home.gateway.start();
  home.pass(seconds(55));
  // Of the delegation and of the ULA: Linux deletes the former by itself, and shows the latter as refused until we do.
  assert.deepEqual(
    [...claimed.values()],
    Array.from({ length: 8 }, () => 1),
  );
  const problems = () => (home.gateway.loop?.view().desired?.notices ?? []).map(({ name }) => name);
  assert.deepEqual(problems(), ["address.duplicate", "address.duplicate"]);
  for (const host of home.hosts.values()) assert.deepEqual([host.preferred().length, host.hasDefaultRouter()], [2, true]);
  home.gateway.kernel.isTaken = () => false;
  home.pass(seconds(65));
  const own = home.gateway.kernel.observe({ sysctls: [] }).addresses.filter((address) => address.interface === "lan0");
  assert.deepEqual([own.length, problems()], [2, []]);
});
