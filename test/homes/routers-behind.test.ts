/** Routers behind this one, with the programs that they run: their prefixes, the way to them, and what becomes of both (RFC 9818). */
// Needs: dhcpcd, dhcp6c, /lib/systemd/systemd-networkd, ping
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ip6 } from "../../src/addr/ip.ts";
import { contains, covers, type Prefix, prefix, subnet, UNIQUE_LOCAL } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import type { DelegatedStatus } from "../../src/api/status.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import type { Running } from "../../src/lab/running.ts";
import { optionOf, optionsOf, STATUS, statusOf } from "../../src/wire/dhcpv6.ts";
import { startDhcp6c, startDhcpcd, startNetworkd } from "../fixtures/dhcpv6-clients.ts";
import { lanClients } from "../fixtures/lan-dhcpv6-client.ts";
import { leases, type LinkWatch, watchLink } from "../fixtures/link-watch.ts";

const ROUTERS = ["wide", "dhcpcd", "networkd"];
const LANS = [
  { name: "home", interface: "lan", hosts: ROUTERS },
  { name: "guest", interface: "lan2", hosts: ["phone"] },
];
/** Short, so that an end can be awaited. */
const LIFETIMES = { preferred: 20 as Seconds, valid: 30 as Seconds, t1: 8 as Seconds, t2: 14 as Seconds };
const ULA = "fd12:3456:789a::/48";

describe("routers behind", () => {
  let home: Home;
  let lan: LinkWatch;
  let wan: LinkWatch;
  const running = new Map<string, Running>();
  const linkLocals = new Map<string, string>();
  /** The address of the wide router on its own LAN. */
  let inner = "";

  before(async () => {
    home = await createHome({ lans: LANS, provider: { dhcpv6: LIFETIMES } });
    [lan, wan] = [watchLink(home.gateway, "lan"), watchLink(home.host("isp"), "customer")];
    await home.startSkylan({ top: { "ula.prefix": ULA } });
    await home.until(async () => (await home.status()).forwarding, { within: 30_000, what: "packets pass" });
    running.set("wide", await startDhcp6c(home.host("wide")));
    running.set("dhcpcd", await startDhcpcd(home.host("dhcpcd"), "ia_pd 1/::/60"));
    running.set("networkd", await startNetworkd(home.host("networkd"), "DHCPv6Client=always"));
    for (const host of ROUTERS) {
      const shown = await home.host(host).exec("ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link");
      linkLocals.set(host, /inet6 ([0-9a-f:]+)/.exec(shown)![1]!);
    }
  });
  after(async () => {
    for (const watch of [lan, wan]) watch?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  const delegatedTo = async (host: string): Promise<readonly DelegatedStatus[]> =>
    (await home.status()).lans[0]!.delegated.filter(({ via }) => via === linkLocals.get(host));
  const globalOf = async (host: string): Promise<Prefix | undefined> =>
    (await delegatedTo(host)).find((each) => !covers(UNIQUE_LOCAL, each.prefix) && !each.withdrawn)?.prefix;
  const routes = (): Promise<string> => home.gateway.exec("ip", "-6", "route", "show", "proto", "93");
  const routeTo = async (value: Prefix): Promise<string | undefined> => (await routes()).split("\n").find((line) => line.startsWith(value));
  const reaches = async (from: string, to: string, ...options: readonly string[]): Promise<boolean> =>
    / 1 received/.test((await home.host(from).attempt("ping", "-6", "-c", "1", "-W", "1", ...options, to)).stdout);

  test("[LPD-1] wide-dhcpv6-client, dhcpcd and systemd-networkd get a /64 each, also who asks for a /60, and no LAN has it", async () => {
    await home.until(async () => (await Promise.all(ROUTERS.map(globalOf))).every((value) => value), {
      within: 20_000,
      what: "all three have a prefix",
    });
    const given = (await Promise.all(ROUTERS.map(globalOf))) as Prefix[];
    const { lans, delegations } = await home.status();
    assert.equal(new Set(given).size, 3);
    for (const value of given) {
      assert.match(value, /::\/64$/);
      assert.ok(delegations.some((each) => covers(each.prefix, value)));
      assert.ok(!lans.some(({ subnets }) => subnets.some((subnet) => subnet.prefix === value)), `${value} is on no LAN`);
    }
    assert.match(running.get("networkd")!.output, new RegExp(`delegated prefix ${given[2]}`));
    assert.match(running.get("dhcpcd")!.output, new RegExp(`delegated prefix ${given[1]}`));
  });

  test("[LPD-2] [LPD-3] each prefix is routed to its router's link-local address; the internet and the other LAN reach it, and it reaches them", async () => {
    const value = (await globalOf("wide"))!;
    for (const host of ROUTERS) {
      const route = await routeTo((await globalOf(host))!);
      assert.match(route ?? "", new RegExp(`via ${linkLocals.get(host)} dev lan .*expires \\d+sec`));
    }
    const addresses = async (): Promise<readonly string[]> => {
      const shown = await home.host("wide").exec("ip", "-6", "-o", "addr", "show", "dev", "inner", "scope", "global", "-tentative");
      return [...shown.matchAll(/inet6 ([0-9a-f:]+)/g)].map(([, address]) => address!);
    };
    inner = await home.until(async () => (await addresses()).find((address) => contains(value, ip6(address))), {
      within: 10_000,
      what: "the router has an address on its LAN",
    });
    for (const host of ["net", "phone"]) {
      await home.until(() => reaches(host, inner), { within: 10_000, what: `${host} reaches the router's LAN` });
    }
    assert.ok(await reaches("wide", NET_ADDRESS, "-I", inner), "and hears the answers from there");
  });

  test("[LPD-3] what is delegated to nobody is refused, as a source and as a destination", async () => {
    const [delegation] = (await home.status()).delegations;
    const taken = (await routes()).split("\n").map((line) => line.split(" ")[0]!);
    const free = Array.from({ length: 16 }, (_, i) => subnet(delegation!.prefix, 64, 64 + i)).find((value) => !taken.includes(value));
    const stray = (free ?? "").replace("::/64", "::77");
    assert.ok(free, "there is one");
    assert.equal(await reaches("net", stray), false);
    assert.match((await home.host("phone").attempt("ping", "-6", "-c", "1", "-W", "2", stray)).stdout, /unreachable|No route/i);
    await home.host("wide").ip(`addr add ${stray}/128 dev inner nodad`);
    const { stdout } = await home.host("wide").attempt("ping", "-6", "-c", "1", "-W", "2", "-I", stray, NET_ADDRESS);
    assert.match(stdout, / 0 received/);
  });

  test("[LPD-4] [D6S-5] on the wire no lifetime is longer than the provider's, the global prefix comes first, and the unique local one does not keep it away", () => {
    let seen = 0;
    for (const { at, sent, message } of lan.messages("reply")) {
      if (!sent) continue;
      for (const ia of optionsOf(message, "ia-pd")) {
        const [global, local, ...more] = optionsOf(ia, "ia-prefix").filter(({ valid }) => valid > 0);
        const lease = leases(wan).findLast((each) => each.at < at)!;
        const passed = at - lease.at;
        assert.ok(global && local && more.length === 0);
        assert.ok(!covers(UNIQUE_LOCAL, global.prefix) && covers(prefix(ULA), local.prefix));
        assert.ok(global.valid <= lease.valid - passed + 0.1 && global.preferred <= lease.preferred - passed + 0.1, `${global.valid} s`);
        assert.deepEqual([local.preferred, local.valid], [2700, 5400]);
        seen++;
      }
    }
    assert.ok(seen >= 3);
  });

  test("[LPD-2] the route of a router that is gone ends with its lease", async () => {
    const value = (await globalOf("dhcpcd"))!;
    await running.get("dhcpcd")!.stop("SIGKILL");
    await home.until(async () => (await routeTo(value)) === undefined, {
      within: (LIFETIMES.valid + 10) * 1000,
      what: "the route is gone",
    });
    const left = async (): Promise<boolean> => (await delegatedTo("dhcpcd")).every((each) => each.prefix !== value || each.withdrawn);
    await home.until(left, { within: 10_000, what: "and so is the lease" });
  });

  test("[LPD-5] a daemon that was killed and whose routes are lost has them back when it is up, while provider and routers are silent", async () => {
    const value = (await globalOf("wide"))!;
    await home.isp.command({ kind: "mute", on: true });
    await home.skylan.kill("SIGKILL");
    await home.gateway.exec("ip", "-6", "route", "flush", "proto", "93");
    await home.startSkylan({ top: { "ula.prefix": ULA } });
    await home.until(async () => (await routeTo(value)) !== undefined, { within: 2000, what: "the route is there again" });
    await home.isp.command({ kind: "mute", on: false });
  });

  test("[LPD-2] a Release takes the route away at once", async () => {
    const value = (await home.until(() => globalOf("wide"), { within: 20_000, what: "the router has its prefix" }))!;
    assert.ok(await routeTo(value));
    await running.get("wide")!.stop("SIGTERM");
    await home.until(async () => (await routeTo(value)) === undefined, { within: 5000, what: "the route is gone" });
    assert.equal(await globalOf("wide"), undefined);
  });
});

test("[LPD-1] of a /60 with one LAN fifteen routers get a /64 each, two more NoPrefixAvail, and the owner reads of it", async () => {
  await using home = await createHome({ delegatedLength: 60 });
  await home.startSkylan();
  await home.until(async () => (await home.status()).forwarding, { within: 30_000, what: "packets pass" });
  using clients = await lanClients(home.laptop);
  await clients.meet();
  const given: string[] = [];
  for (let n = 1; n <= 17; n++) {
    const ia = { kind: "ia-pd", iaid: 1, t1: 0 as Seconds, t2: 0 as Seconds, options: [] } as const;
    const [answered] = optionsOf(await clients.ask("request", { n, options: [ia] }), "ia-pd");
    const lease = optionOf(answered!, "ia-prefix");
    if (lease) given.push(lease.prefix);
    else assert.equal(statusOf(answered!).status, STATUS.NoPrefixAvail);
  }
  assert.equal(new Set(given).size, 15);
  assert.ok((await home.status()).events.some(({ level, text }) => level === "error" && text.includes("No prefix is left")));
});
