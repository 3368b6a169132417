/** What the DHCPv6 server of a LAN says to clients that do everything wrong, and to those that do it right. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Duid, parseDuid } from "../../src/addr/duid.ts";
import { ALL_DHCP_SERVERS, type Ip6, ip6 } from "../../src/addr/ip.ts";
import { type Mac, mac } from "../../src/addr/mac.ts";
import { prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import {
  type ClientServerMessage,
  type Dhcpv6Kind,
  type Dhcpv6Option,
  encodeDhcpv6,
  type IaNa,
  type IaPd,
  OPTION_CODES,
  optionOf,
  optionsOf,
  STATUS,
  statusOf,
} from "../../src/wire/dhcpv6.ts";
import { duidOf, type LanClients, lanClients, type Question } from "../fixtures/lan-dhcpv6-client.ts";
import { watchLink } from "../fixtures/link-watch.ts";
import { mutated } from "./raw-dhcpv6.ts";
import { seededRandom } from "../../src/addr/random.ts";

const STRANGER = parseDuid("00040011223344556677889900aabbccddee")!;
const NONE = 0 as Seconds;
const ADDRESS = { preferred: NONE, valid: NONE, options: [] };

const iaNa = (...addresses: readonly string[]): IaNa => ({
  kind: "ia-na",
  iaid: 1,
  t1: NONE,
  t2: NONE,
  options: addresses.map((each) => ({ kind: "ia-address", address: ip6(each), ...ADDRESS })),
});
const iaPd = (...named: readonly string[]): IaPd => ({
  kind: "ia-pd",
  iaid: 1,
  t1: NONE,
  t2: NONE,
  options: named.map((each) => ({ kind: "ia-prefix", prefix: prefix(each), ...ADDRESS })),
});
const oro = (...codes: readonly number[]): Dhcpv6Option => ({ kind: "oro", codes });
const addressesIn = (message: ClientServerMessage) => optionsOf(message, "ia-na").flatMap((ia) => optionsOf(ia, "ia-address"));
const iaStatus = (message: ClientServerMessage): number => statusOf(optionOf(message, "ia-na")!).status;

describe("the DHCPv6 server of a LAN", () => {
  let home: Home;
  let clients: LanClients;
  let server: Duid;
  /** The gateway's own addresses on the LAN. */
  let gateway: { readonly mac: Mac; readonly linkLocal: Ip6; readonly global: Ip6 };

  before(async () => {
    home = await createHome();
    await home.startSkylan({ lan: { home: { "dhcpv6.addresses": true } } });
    await home.globalAddress("laptop");
    clients = await lanClients(home.laptop);
    server = await clients.meet();
    const [subnet] = (await home.status()).lans[0]!.subnets;
    const shown = await home.gateway.exec("ip", "-6", "-o", "addr", "show", "dev", "lan", "scope", "link");
    gateway = {
      mac: mac((await home.gateway.exec("cat", "/sys/class/net/lan/address")).trim()),
      linkLocal: ip6(/inet6 ([0-9a-f:]+)/.exec(shown)![1]!),
      global: subnet!.address,
    };
  });
  after(async () => {
    clients?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  /** Sends what must not be answered, then something that is: what has not been answered by then will not be. */
  const assertIgnored = async (wrong: readonly (readonly [what: string, kind: Dhcpv6Kind, question: Question])[]): Promise<void> => {
    const sent = wrong.map(([what, kind, question]) => [what, clients.send(kind, question)] as const);
    await clients.ask("information-request");
    for (const [what, id] of sent) assert.equal(clients.answerTo(id), undefined, what);
  };

  test("[D6S-3] 25 messages that no server may answer are discarded, and the same ones without their fault are answered", async () => {
    const [na, pd] = [{ options: [iaNa()] }, { options: [iaPd()] }];
    const wrong: (readonly [string, Dhcpv6Kind, Question])[] = [
      ["Solicit without Client Identifier", "solicit", { ...na, n: null }],
      ["Solicit with our Server Identifier", "solicit", { ...na, server }],
      ["Solicit with another's", "solicit", { ...pd, server: STRANGER }],
      ["Information-request with an IA_NA", "information-request", na],
      ["Information-request with an IA_PD", "information-request", pd],
      ["Information-request for another server", "information-request", { server: STRANGER }],
    ];
    for (const kind of ["request", "renew", "release", "decline"] as const) {
      wrong.push([`${kind} without Client Identifier`, kind, { ...na, n: null }]);
      wrong.push([`${kind} without Server Identifier`, kind, { ...na, server: null }]);
      wrong.push([`${kind} for another server`, kind, { ...na, server: STRANGER }]);
    }
    for (const kind of ["rebind", "confirm"] as const) {
      wrong.push([`${kind} with a Server Identifier`, kind, { options: [iaNa(gateway.global)], server }]);
    }
    for (const kind of ["solicit", "request", "renew", "release"] as const) {
      const to = kind === "solicit" ? gateway.global : gateway.linkLocal;
      wrong.push([`${kind} by unicast`, kind, { ...na, to, toMac: gateway.mac }]);
    }
    wrong.push(["a Reply", "reply", na]);
    assert.equal(wrong.length, 25);
    await assertIgnored(wrong);
    for (const kind of ["solicit", "request", "renew", "rebind", "decline", "release"] as const) await clients.ask(kind, na);
    await clients.ask("confirm", { options: [iaNa(gateway.global)] });
  });

  test("[D6S-4] each answer has the transaction id and both identifiers, is made anew, and T1 and T2 are the same in all associations", async () => {
    const second = { ...iaNa(), iaid: 2 };
    const seen: ClientServerMessage[] = [];
    for (const kind of ["solicit", "request", "request"] as const) {
      const answer = await clients.ask(kind, { n: 20, options: [iaNa(), second, iaPd()] });
      assert.deepEqual([optionOf(answer, "client-id")?.duid, optionOf(answer, "server-id")?.duid], [duidOf(20), server]);
      const ias = [...optionsOf(answer, "ia-na"), ...optionsOf(answer, "ia-pd")];
      const preferred = ias.flatMap((ia) =>
        [...optionsOf(ia, "ia-address"), ...optionsOf(ia, "ia-prefix")].map((lease) => lease.preferred),
      );
      const shortest = Math.min(...preferred);
      assert.equal(preferred.length, 3);
      for (const { t1, t2 } of ias) assert.deepEqual([t1, t2], [Math.floor(shortest / 2), Math.floor(shortest * 0.8)]);
      seen.push(answer);
    }
    assert.notEqual(seen[1]!.transactionId, seen[2]!.transactionId);
    const left = (message: ClientServerMessage): number => addressesIn(message)[0]!.valid;
    await home.until(async () => left(await clients.ask("renew", { n: 20, options: [iaNa()] })) !== left(seen[2]!), {
      within: 10_000,
      what: "lifetimes have moved on",
    });
  });

  test("[D6S-6] Confirm, foreign addresses, lost bindings and declined addresses are answered as RFC 8415 has it", async () => {
    const given = addressesIn(await clients.ask("request", { n: 30, options: [iaNa()] }))[0]!.address;
    const foreign = "2605:59c8:9900::1";
    const confirm = async (...addresses: string[]) =>
      statusOf(await clients.ask("confirm", { n: 30, options: [iaNa(...addresses)] })).status;
    assert.equal(await confirm(given), STATUS.Success);
    assert.equal(await confirm(given, foreign), STATUS.NotOnLink);
    await assertIgnored([
      ["Confirm without an address", "confirm", { n: 30, options: [iaNa()] }],
      ["Confirm without an association", "confirm", { n: 30 }],
    ]);
    assert.equal(iaStatus(await clients.ask("request", { n: 30, options: [iaNa(foreign)] })), STATUS.NotOnLink);
    const renewed = addressesIn(await clients.ask("renew", { n: 31, options: [iaNa(foreign)] }));
    assert.ok(
      renewed.some(({ valid }) => valid > 0),
      "who is unknown is leased another",
    );
    assert.equal(renewed.find(({ address }) => address === foreign)?.valid, 0);
    const declined = await clients.ask("decline", { n: 30, options: [iaNa(given)] });
    assert.equal(statusOf(declined).status, STATUS.Success);
    const other = addressesIn(await clients.ask("request", { n: 30, options: [iaNa()] }))[0]!.address;
    assert.notEqual(other, given);
    const released = await clients.ask("release", { n: 39, options: [iaNa(given)] });
    assert.deepEqual([statusOf(released).status, iaStatus(released)], [STATUS.Success, STATUS.NoBinding]);
  });

  test("[D6S-7] an Information-request without Client Identifier is answered, with the refresh time when it is asked for", async () => {
    const refresh = OPTION_CODES["information-refresh-time"];
    const reply = await clients.ask("information-request", { n: null, options: [oro(refresh, OPTION_CODES["dns-servers"])] });
    assert.ok(optionOf(reply, "information-refresh-time")!.time >= 600);
    assert.equal(optionOf(reply, "client-id"), undefined);
    assert.ok(optionOf(reply, "dns-servers")!.addresses.length > 0);
    assert.equal(optionOf(await clients.ask("information-request"), "information-refresh-time"), undefined);
  });

  test("[D6S-10] a host registers the address that it made itself, from that address alone, and is shown by its name", async () => {
    const own = (await home.addresses("laptop")).find(({ state }) => state === "preferred")!.address as Ip6;
    const address: Dhcpv6Option = { kind: "ia-address", address: own, preferred: 100 as Seconds, valid: 200 as Seconds, options: [] };
    const name: Dhcpv6Option = { kind: "client-fqdn", flags: 0, labels: ["Phone"], whole: false };
    const enabled = await clients.ask("information-request", { options: [oro(OPTION_CODES["addr-reg-enable"])] });
    assert.ok(optionOf(enabled, "addr-reg-enable"));
    const other: Dhcpv6Option = { ...address, address: ip6("2605:59c8:9900::1") };
    await assertIgnored([
      ["from the link-local address", "addr-reg-inform", { n: 40, options: [address] }],
      ["from another address", "addr-reg-inform", { n: 40, options: [other], from: own }],
      ["of another link", "addr-reg-inform", { n: 40, options: [other], from: ip6("2605:59c8:9900::1") }],
      ["by unicast", "addr-reg-inform", { n: 40, options: [address], from: own, to: gateway.linkLocal, toMac: gateway.mac }],
      ["without a Client Identifier", "addr-reg-inform", { n: null, options: [address], from: own }],
    ]);
    const id = clients.send("addr-reg-inform", { n: 40, options: [address, name], from: own });
    const answered = await home.until(() => clients.answerTo(id), { within: 5000, what: "the registration is answered" });
    assert.deepEqual([answered.message.kind, answered.packet.destination], ["addr-reg-reply", own]);
    assert.deepEqual(optionOf(answered.message, "ia-address"), address);
    const { leased } = (await home.status()).lans[0]!;
    assert.ok(leased.some((each) => each.address === own && each.registered && each.hostname === "phone"));
  });

  test("[D6S-8] [FW-2] the WAN is served by nobody: not by multicast and not by unicast, whatever is asked", async () => {
    using wan = await lanClients(home.host("isp"), "customer");
    using watch = watchLink(home.host("isp"), "customer");
    const shown = await home.gateway.exec("ip", "-6", "-o", "addr", "show", "dev", "wan");
    const toMac = mac((await home.gateway.exec("cat", "/sys/class/net/wan/address")).trim());
    const own = [...shown.matchAll(/inet6 ([0-9a-f:]+)/g)].map(([, address]) => ip6(address!));
    wan.server = server;
    for (const kind of ["solicit", "request", "information-request", "rebind", "confirm"] as const) {
      wan.send(kind, { options: kind === "information-request" ? [] : [iaNa(gateway.global), iaPd()] });
      for (const to of [...own, gateway.global, ALL_DHCP_SERVERS]) wan.send(kind, { to, toMac });
    }
    await clients.ask("information-request");
    assert.deepEqual(
      watch.dhcpv6.filter(({ sent, message }) => !sent && ["advertise", "reply"].includes(message.kind)),
      [],
    );
    assert.doesNotMatch(await home.gateway.exec("ss", "-Hlun6", "sport = :547"), /%wan|\*:547\s/);
  });

  test("[D6S-11] a thousand clients are served, ten thousand invented ones and octets at random are survived, and who has a lease keeps it", async () => {
    const first = addressesIn(await clients.ask("request", { n: 50, options: [iaNa()] }))[0]!.address;
    const memory = async (): Promise<number> =>
      Number(/VmRSS:\s+(\d+)/.exec(await home.gateway.exec("cat", `/proc/${home.skylan.pid}/status`))![1]);
    const ask = async (from: number, count: number): Promise<readonly (ClientServerMessage | undefined)[]> => {
      const ids: number[] = [];
      for (let n = from; n < from + count; n += 50) {
        for (let i = 0; i < 50; i++) ids.push(clients.send("request", { n: n + i, options: [iaNa()] }));
        // Not faster than the server reads: this is about its tables, not about the kernel's queue.
        await clients.ask("information-request");
      }
      return ids.map((id) => clients.answerTo(id)?.message);
    };
    const thousand = await ask(1000, 1000);
    const addresses = thousand.flatMap((message) => (message ? addressesIn(message).map(({ address }) => address) : []));
    assert.ok(new Set(addresses).size > 990, `${addresses.length} of a thousand clients have an address`);
    const before = await memory();
    const flood = await ask(10_000, 10_000);
    assert.ok(
      flood.some((message) => message && iaStatus(message) === STATUS.NoAddrsAvail),
      "at last there is no room",
    );
    const random = seededRandom(1);
    const whole = encodeDhcpv6({
      kind: "request",
      transactionId: 1,
      options: [{ kind: "client-id", duid: duidOf(7) }, iaNa(first), iaPd()],
    });
    for (let i = 0; i < 500; i++) clients.sendBytes(mutated(whole, random));
    const renewed = addressesIn(await clients.ask("renew", { n: 50, options: [iaNa(first)] }));
    assert.deepEqual(
      renewed.map(({ address, valid }) => [address, valid > 0]),
      [[first, true]],
    );
    assert.ok((await home.status()).lans[0]!.leased.filter(({ registered }) => !registered).length <= 2048);
    assert.ok((await memory()) - before < 60_000, `${before} kB before, ${await memory()} kB after`);
  });
});

test("[D6S-6] without a prefix there is no address: NoAddrsAvail in the association, and Confirm is not judged", async () => {
  await using home = await createHome({ isp: "none" });
  await home.startSkylan({ lan: { home: { "dhcpv6.addresses": true } } });
  using clients = await lanClients(home.laptop);
  await clients.meet();
  const advertise = await clients.ask("solicit", { options: [iaNa()] });
  assert.equal(iaStatus(advertise), STATUS.NoAddrsAvail);
  const id = clients.send("confirm", { options: [iaNa("2605:59c8:1200::1")] });
  await clients.ask("information-request");
  assert.equal(clients.answerTo(id), undefined);
});
