/** Each LAN gets a /64 of whatever the provider delegates: three LANs, every length, both providers, LANs that come and go. */
// Needs: ping
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ip6 } from "../../src/addr/ip.ts";
import { contains, covers, prefix } from "../../src/addr/prefix.ts";
import type { LanStatus, Status } from "../../src/api/status.ts";
import { createHome, type Home, type HomeOptions } from "../../src/lab/home.ts";
import { skipWithout } from "./home.ts";

const LANS = [
  { name: "home", interface: "lan1", hosts: ["one"] },
  { name: "guest", interface: "lan2", hosts: ["two"] },
  { name: "things", interface: "lan3", hosts: ["three"] },
];
const ULA = '[ula]\nprefix = "auto"\n';
const withoutKea = skipWithout("radvd", "kea-dhcp6");

const threeLans = (options: HomeOptions): Promise<Home> => createHome({ ...options, lans: LANS });
const lanTable = ({ name, interface: link }: (typeof LANS)[number]): string => `[lan.${name}]\ninterface = "${link}"\n`;
const config = (...lans: readonly number[]): string => `[wan]\ninterface = "wan"\n${lans.map((i) => lanTable(LANS[i]!)).join("")}${ULA}`;

function subnetsWithin(lan: LanStatus, range: string): readonly string[] {
  return lan.subnets.map((subnet) => subnet.prefix).filter((value) => covers(prefix(range), prefix(value)));
}

/** The status when a prefix of this length is held. */
function holding(home: Home, length: number): Promise<Status> {
  const held = async (): Promise<Status | false> => {
    const status = await home.status();
    return status.delegations.some((delegation) => delegation.prefix.endsWith(`/${length}`)) && status;
  };
  return home.until(held, { within: 15_000, what: `a /${length} is held` });
}

/** Every LAN that can have a /64 of the delegation has one of its own, in the order of the config, and its host has an address in it. */
async function assertServed(home: Home, status: Status, length: number): Promise<void> {
  const delegated = status.delegations.find((delegation) => delegation.prefix.endsWith(`/${length}`))!.prefix;
  const subnets = status.lans.map((lan) => subnetsWithin(lan, delegated));
  const room = Math.min(3, 2 ** (64 - length));
  assert.deepEqual(
    subnets.map((own) => own.length),
    LANS.map((_, i) => (i < room ? 1 : 0)),
    `LANs in a /${length}`,
  );
  assert.equal(new Set(subnets.flat()).size, room, "no two share one");
  for (const [i, [own]] of subnets.entries()) {
    if (own === undefined) continue;
    const host = LANS[i]!.hosts[0]!;
    const hasAddress = async (): Promise<boolean> =>
      (await home.addresses(host)).some(({ address, state }) => state === "preferred" && contains(prefix(own), ip6(address)));
    await home.until(hasAddress, { within: 15_000, what: `${host} has an address in ${own}` });
  }
  const left = status.problems.find(({ name }) => name === "delegation.too-small");
  assert.equal(left !== undefined, room < 3);
  if (left) for (const lan of LANS.slice(room)) assert.ok(left.text.includes(`"${lan.name}"`), left.text);
  const routes = await home.gateway.exec("ip", "-6", "route", "show", "type", "unreachable");
  assert.ok(length === 64 || routes.includes(`unreachable ${delegated}`), `the rest of ${delegated} is refused`);
}

describe("subnets", { concurrency: 3 }, () => {
  for (const length of [48, 60, 62, 63, 64]) {
    const row = length === 64 ? " [SUB-8]" : "";
    test(`[D6P-3] [SUB-1]${row} Kea delegates a /${length} where a /56 is asked for, to three LANs`, { skip: withoutKea }, async () => {
      await using home = await threeLans({ isp: "kea", delegatedLength: length });
      await home.startSkylan(config(0, 1, 2));
      const status = await holding(home, length);
      await assertServed(home, status, length);
      const unique = status.lans.flatMap((lan) => subnetsWithin(lan, "fd00::/8"));
      assert.equal(new Set(unique).size, 3, "each LAN has its /64 of the ULA in any case");
      assert.doesNotMatch(await home.gateway.exec("nft", "list", "ruleset"), /masquerade|snat|dnat/, "no NAT66");
    });
  }

  test("[SUB-3] [D6P-3] the delegation shrinks to a /62, to a /64 and grows to a /56 again: LANs, null route and withdrawals follow", async () => {
    await using home = await threeLans({});
    await home.startSkylan(config(0, 1, 2));
    await assertServed(home, await holding(home, 56), 56);
    for (const length of [62, 64, 56]) {
      const before = await home.status();
      await home.isp.command({ kind: "length", length });
      await home.runSkylan("refresh");
      const status = await home.until(
        async () => {
          const now = await home.status();
          return (
            now.delegations.length > 0 && now.delegations.every((each) => each.prefix.endsWith(`/${length}`) || each.preferred === 0) && now
          );
        },
        { within: 15_000, what: `only a /${length} is in use` },
      );
      await assertServed(home, status, length);
      for (const [i, lan] of status.lans.entries()) {
        const kept = new Set(lan.subnets.map((subnet) => subnet.prefix));
        const lost = before.lans[i]!.subnets.map((subnet) => subnet.prefix).filter((each) => !kept.has(each));
        for (const each of lost)
          assert.ok(
            lan.withdrawing.some((old) => old.prefix === each),
            `${each} is withdrawn from ${lan.name}`,
          );
      }
    }
  });

  test("[SUB-2] [SUB-5] LANs keep their numbers over restarts, and when others come, go and change places; so does the ULA, until the state is lost", async () => {
    await using home = await threeLans({});
    const numbers = async (...lans: readonly number[]): Promise<ReadonlyMap<string, readonly string[]>> => {
      const { process } = await home.startSkylan(config(...lans));
      const status = await holding(home, 56);
      await process.stop();
      return new Map(status.lans.map((lan) => [lan.name, lan.subnets.map((subnet) => subnet.prefix).toSorted()]));
    };
    const first = await numbers(0, 1, 2);
    assert.equal(first.get("home")!.length, 2);
    for (const lans of [[0, 1, 2], [2], [2, 0, 1], [1, 2, 0]]) {
      for (const [name, subnets] of await numbers(...lans)) assert.deepEqual(subnets, first.get(name), `${name} of ${lans}`);
    }
    const unique = (all: ReadonlyMap<string, readonly string[]>): string => all.get("home")!.find((each) => each.startsWith("fd"))!;
    await home.runSkylan("down");
    await home.gateway.exec("rm", "-r", `${home.directory}/state`, `${home.directory}/run`);
    const fresh = unique(await numbers(0, 1, 2));
    assert.notEqual(fresh.slice(0, 14), unique(first).slice(0, 14), "a box without memory makes another Global ID");
  });

  test("[SUB-5] the ULA is off where it is not wanted, and the owner's where it is given", async () => {
    await using home = await threeLans({ isp: "none" });
    const unique = async (ula: string): Promise<readonly string[]> => {
      const { process } = await home.startSkylan(config(0, 1, 2).replace('"auto"', `"${ula}"`));
      const { lans } = await home.status();
      await process.stop();
      return lans.flatMap((lan) => subnetsWithin(lan, "fd00::/8"));
    };
    assert.deepEqual(await unique("off"), []);
    const own = await unique("fd12:3456:789a::/48");
    assert.equal(own.length, 3);
    assert.ok(own.every((each) => covers(prefix("fd12:3456:789a::/48"), prefix(each))));
  });

  test("[SUB-7] with two delegations both have their null route, and an answer leaves with the source that was asked", async () => {
    await using home = await createHome();
    await home.startSkylan();
    const first = await home.globalAddress("laptop");
    await home.isp.command({ kind: "dhcpv6", options: { formerPrefixes: "silence" } });
    await home.isp.command({ kind: "renumber", pool: prefix("2605:59c8:7700::/40") });
    await home.runSkylan("refresh");
    const { delegations } = await home.until(
      async () => {
        const status = await home.status();
        return status.delegations.length === 2 && status;
      },
      { within: 15_000, what: "two delegations are held" },
    );
    const second = await home.until(
      async () =>
        (await home.addresses("laptop")).find(({ address, state }) => address.startsWith("2605:59c8:77") && state === "preferred")?.address,
      {
        within: 15_000,
        what: "the laptop has an address of the second",
      },
    );
    const routes = await home.gateway.exec("ip", "-6", "route", "show", "type", "unreachable");
    for (const delegation of delegations) assert.ok(routes.includes(`unreachable ${delegation.prefix}`), delegation.prefix);
    const wan = /inet6 (fe80::[0-9a-f:]+)/.exec(await home.gateway.exec("ip", "-6", "addr", "show", "dev", "wan"))![1]!;
    for (const address of [first, second]) {
      await home.host("isp").ip(`route replace ${address}/128 via ${wan} dev customer`);
      assert.equal((await home.net.attempt("ping", "-6", "-c", "1", "-W", "2", address)).code, 0, `an answer comes from ${address}`);
    }
  });
});
