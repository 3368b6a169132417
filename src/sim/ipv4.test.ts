import assert from "node:assert/strict";
import { test } from "node:test";
import { isIp4 } from "../addr/ip.ts";
import { contains4, DEFAULT_ROUTE4, SHARED_ADDRESSES } from "../addr/prefix4.ts";
import { type Seconds, seconds } from "../addr/time.ts";
import { createSimHome, SETTLING, type SimHome, TWO_LANS } from "./home.ts";
import { mend, passNight } from "./night.ts";

const WITH_IPV4 = TWO_LANS.replace('"wan0"\n', '"wan0"\nipv4 = "dhcp"\n');

function started(seed: number): SimHome {
  const home = createSimHome({ seed, config: WITH_IPV4 });
  home.gateway.start();
  home.pass(SETTLING);
  return home;
}

const leasedAddress = ({ gateway }: SimHome) => gateway.loop?.view().facts.dhcpv4?.lease?.address;

/** A lease out of the real network, in the kernel, with a way out and a translation. */
function assertOnline(home: SimHome, story: readonly string[] = []): void {
  const address = leasedAddress(home);
  assert.ok(address && contains4(SHARED_ADDRESSES, address), `${address}\n${story.join("\n")}`);
  const { addresses, routes, ruleset } = home.gateway.kernel.holds();
  assert.deepEqual(
    addresses.filter((own) => isIp4(own.address) && own.interface === "wan0").map((own) => own.address),
    [address],
  );
  assert.ok(routes.some(({ destination }) => destination === DEFAULT_ROUTE4));
  assert.match(JSON.stringify(ruleset), /masquerade/);
  assert.deepEqual(home.invariants.violations, [], story.join("\n"));
}

test("a home with IPv4 comes up with a lease, a way out and a translation", () => {
  assertOnline(started(1));
});

for (const span of [60, 290, 310, 3600]) {
  test(`[ROB-2] [V4C-3] ${span} s without a word of DHCPv4: the lease ends when it must, and 70 s after the provider's return all is well`, () => {
    const home = started(span);
    home.provider.command({ kind: "mute", on: true, protocol: "dhcpv4" });
    home.pass(seconds(span));
    if (span > 300) assert.equal(leasedAddress(home), undefined);
    home.provider.command({ kind: "mute", on: false, protocol: "dhcpv4" });
    home.pass(seconds(70));
    assertOnline(home);
  });
}

test("a cable that comes back finds the lease verified, or replaced, within a second", () => {
  for (const time of [30, 300]) {
    const home = started(time);
    home.provider.command({ kind: "dhcpv4", options: { time: time as Seconds } });
    home.wan.setCarrier(false);
    home.pass(seconds(500));
    home.wan.setCarrier(true);
    home.pass(seconds(1));
    assertOnline(home);
  }
});

test("a kernel that can't translate has all the rest, says so, and is asked again", () => {
  const home = createSimHome({ seed: 11, config: WITH_IPV4 });
  const { kernel } = home.gateway;
  kernel.canTranslate = false;
  home.gateway.start();
  home.pass(SETTLING);
  const notices = () => home.gateway.loop!.view().desired!.notices.map(({ name }) => name);
  assert.deepEqual(notices(), ["ipv4.untranslated"]);
  assert.equal(home.hosts.get("lan0")!.preferred().length, 1, "IPv6 is there");
  assert.match(JSON.stringify(kernel.holds().ruleset), /from_wan/);
  assert.deepEqual(
    home.gateway.notes.filter(({ note }) => note.event === "kernel.refused"),
    [],
  );
  kernel.canTranslate = true;
  home.pass(seconds(75));
  assert.deepEqual(notices(), []);
  assertOnline(home);
});

const seed = Number(process.env["SKYLAN_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
for (let night = 0; night < 2; night++) {
  test(`a night of outages with IPv4 (SKYLAN_SEED=${seed}, night ${night}) breaks no rule, and in the morning everything is well`, () => {
    const home = started(seed + night);
    const story = passNight(home, seconds(5 * 3600));
    assert.deepEqual(home.invariants.violations, [], story.join("\n"));
    mend(home);
    home.pass(seconds(1200));
    if (!home.gateway.loop) home.gateway.start();
    home.pass(seconds(1200));
    assertOnline(home, story);
  });
}
