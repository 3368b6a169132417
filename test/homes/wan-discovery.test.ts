/** Router Discovery on the WAN with real routers: Debian's radvd and Kea, and a provider that says nothing. */
// Needs: radvd, kea-dhcp6
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import { Namespace } from "../../src/lab/namespace.ts";
import type { Running } from "../../src/lab/running.ts";
import { gaps, JITTER, type LinkWatch, watchLink } from "../fixtures/link-watch.ts";

/** Starts radvd on an interface of a host; `settings` stand in the interface's block. */
async function startRadvd(home: Home, host: Namespace, interfaceName: string, settings: string): Promise<Running> {
  const file = join(home.directory, `radvd-${host.name}.conf`);
  writeFileSync(file, `interface ${interfaceName} { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; ${settings} };\n`);
  const radvd = host.spawn(["radvd", "-n", "-m", "stderr", "-C", file, "-p", join(home.directory, `radvd-${host.name}.pid`)]);
  await radvd.line(/version .* started/, 10_000);
  return radvd;
}

/** A second router of the provider on the customer's link. */
async function secondRouter(home: Home): Promise<Namespace> {
  const router = await Namespace.create("second");
  await home.host("cables").ip(`
    link add wan-second type veth peer name customer netns ${router.pid}
    link set wan-second master wan up`);
  await router.sysctl({ "ipv6/conf/customer/accept_dad": 0, "ipv6/conf/all/forwarding": 1 });
  await router.ip("link set customer up");
  return router;
}

const defaultRoutes = async (home: Home): Promise<string> => home.gateway.exec("ip", "-6", "route", "show", "default");
const solicits = (wan: LinkWatch) => wan.messages("solicit").filter(({ sent }) => !sent);
const kindsOf = ({ message }: ReturnType<typeof solicits>[number]): readonly string[] =>
  "transactionId" in message ? message.options.map(({ kind }) => kind).filter((kind) => kind === "ia-na" || kind === "ia-pd") : [];

describe("router discovery", { concurrency: 4 }, () => {
  test("[WRA-2] a silent provider is asked after at most a second, then after 4 s, doubling", async () => {
    await using home = await createHome({ isp: "none" });
    using wan = watchLink(home.host("isp"), "customer");
    await home.startSkylan();
    const asked = () => wan.ndp.filter(({ sent, message }) => !sent && message.kind === "router-solicitation");
    await home.until(() => asked().length >= 4, { within: 60_000, what: "four solicitations have come", every: 200 });
    const between = gaps(asked());
    for (const [i, expected] of [4, 8, 16].entries()) {
      // Ten percent of chance at each step, and what a busy machine adds.
      const [least, most] = [expected * 0.9 ** (i + 1), expected * 1.1 ** (i + 1)];
      assert.ok(between[i]! >= least - JITTER && between[i]! <= most + 1, `${between.join(", ")} s`);
    }
  });

  test("[WRA-4] two routers are kept by their preference, and the way out moves when one stops", async () => {
    await using home = await createHome({ isp: "none" });
    await using second = await secondRouter(home);
    await startRadvd(home, home.host("isp"), "customer", "AdvDefaultLifetime 60; AdvDefaultPreference low;");
    const better = await startRadvd(home, second, "customer", "AdvDefaultLifetime 60; AdvDefaultPreference high;");
    await home.startSkylan();
    const one = "fe80::200:5eff:fe00:101";
    const two = /inet6 (fe80::\S+)\/64/.exec(await second.exec("ip", "-6", "addr", "show", "dev", "customer"))![1]!;
    await home.until(async () => (await home.status()).wan.routers.length === 2, { within: 20_000, what: "both routers are known" });
    const preferences = (await home.status()).wan.routers.map(({ address, preference }) => `${address} ${preference}`);
    assert.deepEqual(preferences.toSorted(), [`${one} low`, `${two} high`].toSorted());
    const via = async (): Promise<string> => /via (\S+)/.exec(await home.gateway.exec("ip", "-6", "route", "get", NET_ADDRESS))![1]!;
    assert.equal((await defaultRoutes(home)).trim().split("\n").length, 2);
    assert.equal(await via(), two);
    await better.stop("SIGTERM");
    await home.until(async () => (await via()) === one, { within: 6000, what: "the other router has taken over" });
    assert.doesNotMatch(await defaultRoutes(home), new RegExp(two));
  });

  test("[WRA-9] M=1 asks for an address and a prefix, all else for a prefix, and an Information-request alone is never all", async () => {
    await using home = await createHome({ isp: "none" });
    using wan = watchLink(home.host("isp"), "customer");
    for (const [managed, other] of [
      ["off", "on"],
      ["off", "off"],
      ["on", "off"],
      ["on", "on"],
    ] as const) {
      const flags = `AdvManagedFlag ${managed}; AdvOtherConfigFlag ${other};`;
      const radvd = await startRadvd(home, home.host("isp"), "customer", `AdvDefaultLifetime 60; ${flags}`);
      for (const directory of ["state", "run"]) rmSync(join(home.directory, directory), { recursive: true, force: true });
      const from = Date.now() / 1000;
      await home.startSkylan();
      const wanted = managed === "on" ? ["ia-na", "ia-pd"] : ["ia-pd"];
      const told = async (): Promise<boolean> => {
        const { flags: heard } = (await home.status()).wan;
        return heard?.managed === (managed === "on") && heard.other === (other === "on");
      };
      await home.until(told, { within: 15_000, what: `the flags of "${flags}" are heard` });
      const heardAt = Date.now() / 1000;
      const asked = await home.until(() => solicits(wan).find((each) => each.at > heardAt), { within: 15_000, what: "a Solicit follows" });
      assert.deepEqual(kindsOf(asked).toSorted(), wanted, flags);
      for (const each of solicits(wan).filter(({ at }) => at > from)) assert.ok(kindsOf(each).includes("ia-pd"));
      assert.equal(wan.messages("information-request").filter(({ at }) => at > from).length, 0, flags);
      await home.skylan.kill("SIGKILL");
      await radvd.stop();
    }
  });

  test("[WRA-10] without any advertisement a prefix is asked for, and got from Kea, all the same", async () => {
    await using home = await createHome({ isp: "kea" });
    using wan = watchLink(home.host("isp"), "customer");
    process.kill(Number(readFileSync(join(home.directory, "isp/radvd.pid"), "utf8")), "SIGKILL");
    await home.startSkylan();
    await home.until(async () => (await home.status()).delegations.length === 1, { within: 30_000, what: "a prefix is delegated" });
    assert.equal((await home.status()).wan.flags, undefined);
    assert.deepEqual(kindsOf(solicits(wan)[0]!), ["ia-pd"]);
    for (const gap of gaps(solicits(wan))) assert.ok(gap > 1 - JITTER, `${gap} s`);
    await home.globalAddress("laptop");
    assert.equal(await home.laptop.exec("ip", "-6", "route", "show", "default"), "", "but nobody is offered a way out");
  });

  test("[WRA-13] resolvers and domains of the provider's router are known while they live, and passed on; lifetime 0 removes them", async () => {
    await using home = await createHome({ isp: "none" });
    const names = (lifetime: number): string =>
      `RDNSS 2605:59c8:1::53 { AdvRDNSSLifetime ${lifetime}; }; DNSSL provider.example { AdvDNSSLLifetime ${lifetime}; };`;
    const known = async (): Promise<string> => {
      const { resolvers, searchDomains } = (await home.status()).wan;
      return [...resolvers, ...searchDomains].join(" ");
    };
    const isp = home.host("isp");
    const first = await startRadvd(home, isp, "customer", `AdvDefaultLifetime 60; ${names(600)}`);
    await home.startSkylan();
    await home.until(async () => (await known()) === "2605:59c8:1::53 provider.example", { within: 15_000, what: "both are known" });
    assert.deepEqual((await home.status()).lans[0]!.resolvers, ["2605:59c8:1::53"]);
    await first.stop("SIGKILL");
    const second = await startRadvd(home, isp, "customer", `AdvDefaultLifetime 60; ${names(0)}`);
    await home.until(async () => (await known()) === "", { within: 10_000, what: "lifetime 0 has removed them" });
    await second.stop("SIGKILL");
    const third = await startRadvd(home, isp, "customer", `AdvDefaultLifetime 60; ${names(8)}`);
    await home.until(async () => (await known()) !== "", { within: 10_000, what: "they are back" });
    await third.stop("SIGKILL");
    await home.until(async () => (await known()) === "", { within: 12_000, what: "their lifetime has ended" });
  });

  test("[RA-19] a stub router on a LAN that the gateway bridges reaches the hosts with its advertisements", async () => {
    const lans = [
      { name: "home", interface: "lan", hosts: ["laptop"] },
      { name: "stub", interface: "lan2", hosts: ["thread"] },
    ];
    await using home = await createHome({ lans });
    await home.gateway.ip(`
      link add br0 type bridge
      link set lan master br0 up
      link set lan2 master br0 up
      link set br0 up`);
    await home.laptop.sysctl({ "ipv6/conf/eth0/accept_ra_rt_info_max_plen": 64 });
    await home.startSkylan('[wan]\ninterface = "wan"\n[lan.home]\ninterface = "br0"\n');
    await home.globalAddress("laptop");
    const stub = home.host("thread");
    await stub.sysctl({ "ipv6/conf/all/forwarding": 1 });
    await startRadvd(home, stub, "eth0", "AdvDefaultLifetime 0; route fd00:7:7:7::/64 { AdvRouteLifetime 600; };");
    const learned = async (): Promise<boolean> => (await home.laptop.exec("ip", "-6", "route")).includes("fd00:7:7:7::/64 via fe80::");
    await home.until(learned, { within: 15_000, what: "the laptop knows the way to the stub network" });
    const wayOut = async (): Promise<boolean> => /default via fe80::/.test(await home.laptop.exec("ip", "-6", "route", "show", "default"));
    await home.until(wayOut, { within: 15_000, what: "the laptop has its way out through skylan" });
  });

  test("where temporary addresses are wanted the gateway's own traffic comes from one, also after a restart and when all were taken away", async () => {
    await using home = await createHome();
    const config = { wan: { temporary_addresses: true } };
    await home.startSkylan(config);
    const comesFromIt = async (): Promise<boolean> => {
      const { addresses } = (await home.status()).wan;
      const own = addresses.find(({ origin, state }) => origin === "temporary" && state === "ready");
      const { stdout } = await home.gateway.attempt("ip", "-6", "route", "get", NET_ADDRESS);
      return own !== undefined && addresses.some(({ origin }) => origin === "slaac") && stdout.includes(` src ${own.address} `);
    };
    await home.until(comesFromIt, { within: 20_000, what: "its traffic comes from a temporary address" });
    await home.skylan.stop();
    await home.startSkylan(config);
    await home.until(comesFromIt, { within: 10_000, what: "it does after a restart" });
    await home.gateway.exec("ip", "-6", "addr", "flush", "dev", "wan", "scope", "global");
    await home.until(comesFromIt, { within: 20_000, what: "it does when both addresses have been made anew" });
  });
});
