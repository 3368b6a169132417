/** What hosts and routers on a LAN hold by DHCPv6, with the clients that people run, through a power cut and another prefix (RFC 9096 3.5). */
// Needs: dhclient, dhcpcd, dhcp6c, /lib/systemd/systemd-networkd
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Ip6 } from "../../src/addr/ip.ts";
import { prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import type { Running } from "../../src/lab/running.ts";
import { type Dhcpv6Message, optionsOf } from "../../src/wire/dhcpv6.ts";
import { startDhclient, startDhcp6c, startDhcpcd, startNetworkd } from "../fixtures/dhcpv6-clients.ts";
import { DELEGATED, leases, type LinkWatch, type Seen, watchLink } from "../fixtures/link-watch.ts";

const HOSTS = ["dhclient", "dhcpcd", "networkd", "wide"];
const OTHER_POOL = prefix("2605:59c8:7700::/40");
const OTHER = "2605:59c8:77";
/** Seconds; T1 comes after half of what is left of the former. */
const [PREFERRED, VALID] = [18, 24];

/** Every lease in a message, of both kinds. */
function leasesIn(message: Dhcpv6Message): readonly { readonly value: string; readonly preferred: number; readonly valid: number }[] {
  return [
    ...optionsOf(message, "ia-na").flatMap((ia) => optionsOf(ia, "ia-address").map((lease) => ({ ...lease, value: lease.address }))),
    ...optionsOf(message, "ia-pd").flatMap((ia) => optionsOf(ia, "ia-prefix").map((lease) => ({ ...lease, value: lease.prefix }))),
  ];
}

describe("DHCPv6 clients, a killed daemon and another prefix", () => {
  let home: Home;
  let lan: LinkWatch;
  let wan: LinkWatch;
  const clients: Running[] = [];
  /** Link-local address of each host. */
  const linkLocals = new Map<string, string>();
  /** When the new prefix was delegated, and when the LAN heard of it first: in between the daemon has learned of it. Seconds since 1970. */
  let renumberedAt = { wan: 0, lan: 0 };

  before(async () => {
    home = await createHome({
      lans: [{ name: "home", interface: "lan", hosts: HOSTS }],
      provider: {
        dhcpv6: {
          preferred: PREFERRED as Seconds,
          valid: VALID as Seconds,
          t1: 6 as Seconds,
          t2: 10 as Seconds,
          formerPrefixes: "silence",
        },
      },
    });
    [lan, wan] = [watchLink(home.gateway, "lan"), watchLink(home.host("isp"), "customer")];
    await home.startSkylan({ lan: { home: { "dhcpv6.addresses": true } } });
    await home.until(async () => (await home.status()).delegations.length > 0, { within: 30_000, what: "a prefix is delegated" });
    clients.push(
      ...(await Promise.all([
        startDhclient(home.host("dhclient"), "-N"),
        startDhcpcd(home.host("dhcpcd"), "ia_na 1"),
        startNetworkd(home.host("networkd")),
        startDhcp6c(home.host("wide")),
      ])),
    );
    for (const host of HOSTS) {
      const shown = await home.host(host).exec("ip", "-6", "addr", "show", "dev", "eth0", "scope", "link");
      linkLocals.set(host, /inet6 ([0-9a-f:]+)/.exec(shown)![1]!);
    }
  });
  after(async () => {
    for (const watch of [lan, wan]) watch?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  /** Our Replies to a host. */
  const replies = (host: string): readonly Seen<Dhcpv6Message>[] =>
    lan.messages("reply").filter(({ sent, packet }) => sent && packet.destination === linkLocals.get(host));
  /** All that was said between a host and us, for a person who wonders. */
  const conversation = (host: string): string =>
    lan.dhcpv6
      .filter(({ packet }) => [packet.source, packet.destination].includes(linkLocals.get(host) as Ip6))
      .map(
        ({ at, message }) =>
          `${(at - renumberedAt.wan).toFixed(1)} ${message.kind} ${leasesIn(message)
            .map(({ value, valid }) => `${value} ${valid}`)
            .join(", ")}`,
      )
      .join("\n");
  /** What a host has by DHCPv6: an address of length 128, or for the router behind us a prefix on its own LAN. */
  const held = async (host: string): Promise<readonly string[]> => {
    const shown = await home.host(host).exec("ip", "-6", "-o", "addr", "show", "scope", "global");
    const wanted = host === "wide" ? /inner\s+inet6 (\S+)\/64/g : /eth0\s+inet6 (\S+)\/128/g;
    return [...shown.matchAll(wanted)].map(([, address]) => address!);
  };
  const allHold = async (beginning: string): Promise<boolean> =>
    (await Promise.all(HOSTS.map(held))).every((addresses) => addresses.some((address) => address.startsWith(beginning)));

  test("[D6S-1] [LPD-1] dhclient, dhcpcd and systemd-networkd are leased an address each, wide-dhcpv6-client a /64 that is on no LAN", async () => {
    await home.until(() => allHold(DELEGATED), { within: 20_000, what: "all four hold what they were leased" });
    const { subnets, leased, delegated } = (await home.status()).lans[0]!;
    assert.ok(leased.length >= 3 && delegated.length >= 1);
    for (const { prefix: value } of delegated) assert.ok(!subnets.some((subnet) => subnet.prefix === value) && value.endsWith("/64"));
    const page = (await home.runSkylan("status")).stdout;
    assert.match(page, /delegated +2605:59c8:12\S+::\/64 +for \d+ s, via fe80::/);
    assert.match(page, /leased +2605:59c8:12/);
    const listed = (await home.runSkylan("leases")).stdout;
    for (const value of [...leased.map(({ address }) => address), ...delegated.map((each) => each.prefix)])
      assert.ok(listed.includes(value), value);
  });

  test("[REN-5] after a kill -9 and a provider that lost its leases, each client's next Reply names the old lease with 0/0 beside a new one", async () => {
    await home.skylan.kill("SIGKILL");
    await home.isp.command({ kind: "forget" });
    await home.isp.command({ kind: "renumber", pool: OTHER_POOL });
    const from = Date.now() / 1000;
    await home.startSkylan({ lan: { home: { "dhcpv6.addresses": true } } });
    await home.runSkylan("refresh");
    await home.until(() => allHold(OTHER), { within: 30_000, what: "all four hold leases of the new prefix" });
    const news = lan.dhcpv6.filter(({ sent, message }) => sent && leasesIn(message).some(({ value }) => value.startsWith(OTHER)));
    renumberedAt = { wan: leases(wan).find(({ at }) => at > from)!.at, lan: news[0]!.at };
    for (const host of HOSTS) {
      const first = replies(host).find(({ at, message }) => at > from && leasesIn(message).some(({ value }) => value.startsWith(OTHER)))!;
      const before = replies(host).findLast(({ at }) => at < from)!;
      const old = leasesIn(before.message).map(({ value }) => value);
      const told = leasesIn(first.message);
      assert.ok(old.length > 0 && old.every((value) => value.startsWith(DELEGATED)), host);
      for (const value of old) assert.deepEqual(told.find((lease) => lease.value === value)?.valid, 0, `${host}: ${value}`);
      assert.ok(
        told.filter(({ valid }) => valid > 0).every(({ value }) => value.startsWith(OTHER)),
        host,
      );
    }
  });

  test("[REN-5] all of them drop the old lease at that Reply", async () => {
    const isGone = async (host: string): Promise<boolean> => (await held(host)).every((address) => address.startsWith(OTHER));
    await home.until(async () => (await Promise.all(HOSTS.map(isGone))).every((gone) => gone), {
      within: 5000,
      what: "the old ones are gone",
    });
  });

  test("[REN-5] the withdrawal is repeated in every Reply for the valid lifetime that was told, and then ends", async () => {
    const ended = renumberedAt.lan + VALID + 1;
    const haveRenewed = (): boolean => HOSTS.every((host) => replies(host).some(({ at }) => at > ended));
    const dump = (): string => HOSTS.map((host, i) => `-- ${host}\n${conversation(host)}\n${clients[i]!.output.slice(-1500)}`).join("\n");
    await home.until(haveRenewed, { within: 60_000, what: "each has renewed after the withdrawal", dump });
    for (const host of HOSTS) {
      const former = replies(host).filter(({ at }) => at < renumberedAt.wan);
      const longest = Math.max(...former.flatMap(({ message }) => leasesIn(message).map(({ valid }) => valid)));
      const isWithdrawn = ({ message }: Seen<Dhcpv6Message>): boolean => leasesIn(message).some(({ valid }) => valid === 0);
      const during = replies(host).filter(({ at }) => at >= renumberedAt.lan && at < renumberedAt.wan + longest - 0.5);
      assert.ok(during.length > 0 && during.every(isWithdrawn), `${host}\n${conversation(host)}`);
      const afterwards = replies(host).filter(({ at }) => at > ended);
      assert.ok(!afterwards.some(isWithdrawn), `${host}\n${conversation(host)}`);
    }
  });
});
