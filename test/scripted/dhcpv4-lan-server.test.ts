/** The DHCPv4 server of the LAN, asked in every way that RFC 2131 allows and in some that it does not; and the WAN, where nobody is served. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { BROADCAST4, ip4, UNSPECIFIED4 } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import type { Leases } from "../../src/api/status.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { client } from "../../src/machines/dhcpv4-server.fixture.ts";
import { type Dhcpv4Option, optionOf } from "../../src/wire/dhcpv4.ts";
import { BROADCAST } from "../../src/wire/ethernet.ts";
import { ScriptedClients } from "./scripted-dhcpv4-clients.ts";

const ROUTER = ip4("192.168.1.1");
const LAPTOP = ip4("192.168.1.2");
const ID = Uint8Array.of(0, 255, 7, 7);
const withId: readonly Dhcpv4Option[] = [{ kind: "client-id", id: ID }];
const requested = (address: string): Dhcpv4Option => ({ kind: "requested-address", address: ip4(address) });
const toUs: Dhcpv4Option = { kind: "server-id", address: ROUTER };
const RESERVED = client(0xeeeeee);

describe("the DHCPv4 server of a LAN", () => {
  let home: Home;
  let clients: ScriptedClients;
  let laptopMac = mac("00:00:00:00:00:00");
  let gatewayMac = mac("00:00:00:00:00:00");

  const config = {
    wan: { ipv4: "dhcp" },
    lan: { home: { "dhcp.pool": "192.168.1.100-192.168.1.219" } },
    device: { tv: { mac: RESERVED, ipv4: "192.168.1.150" } },
  };

  before(async () => {
    home = await createHome();
    await home.laptop.ip(`addr add ${LAPTOP}/24 dev eth0`);
    laptopMac = mac((await home.laptop.exec("cat", "/sys/class/net/eth0/address")).trim());
    gatewayMac = mac((await home.gateway.exec("cat", "/sys/class/net/lan/address")).trim());
    await home.startSkylan(config);
    clients = new ScriptedClients(home.laptop);
  });
  after(async () => {
    clients?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  const leases = async (): Promise<Leases["ipv4"]> => (JSON.parse((await home.runSkylan("leases", "--json")).stdout) as Leases).ipv4;

  test("[V4S-1] [V4S-3] OFFER and ACK go to the hardware address of who has none yet, to all when that is wished, and to the address of who renews", async () => {
    const quiet = await clients.lease(client(1));
    assert.deepEqual([quiet.type, quiet.toMac, quiet.to, quiet.port, quiet.from], ["ack", client(1), quiet.message.yiaddr, 68, ROUTER]);
    const loud = await clients.lease(client(2), { broadcast: true });
    assert.deepEqual([loud.type, loud.toMac, loud.to, loud.message.broadcast], ["ack", BROADCAST, BROADCAST4, true]);
    await home.laptop.ip(`addr add ${quiet.message.yiaddr}/32 dev eth0`);
    const from = quiet.message.yiaddr;
    const renewed = await clients.ask("request", client(1), { ciaddr: from, from, to: ROUTER, toMac: gatewayMac });
    assert.deepEqual([renewed.type, renewed.to, renewed.message.ciaddr, renewed.toMac], ["ack", from, from, laptopMac]);
    const rebound = await clients.ask("request", client(1), { ciaddr: from, from });
    assert.deepEqual([rebound.type, rebound.to], ["ack", from]);
    await home.laptop.ip(`addr del ${from}/32 dev eth0`);
  });

  test("[V4S-1] INIT-REBOOT: a stranger hears nothing, whoever has an address of another network a NAK to all, the right one an ACK", async () => {
    assert.deepEqual(await clients.unanswered("request", client(3), { options: [requested("192.168.1.170")] }), []);
    const refused = await clients.ask("request", client(3), { options: [requested("10.1.2.3")] });
    assert.deepEqual([refused.type, refused.toMac, refused.to, refused.message.yiaddr], ["nak", BROADCAST, BROADCAST4, UNSPECIFIED4]);
    const leased = await clients.lease(client(4));
    const again = await clients.ask("request", client(4), { options: [requested(leased.message.yiaddr)] });
    assert.deepEqual([again.type, again.message.yiaddr], ["ack", leased.message.yiaddr]);
  });

  test("[V4S-1] INFORM gets what there is to know, without lease time and without an address", async () => {
    const wishes: Dhcpv4Option = { kind: "parameter-list", codes: [1, 3, 6, 51, 58, 59] };
    const told = await clients.ask("inform", laptopMac, { ciaddr: LAPTOP, from: LAPTOP, options: [wishes] });
    assert.deepEqual([told.type, told.to, told.message.yiaddr], ["ack", LAPTOP, UNSPECIFIED4]);
    assert.deepEqual(
      told.message.options.map(({ kind }) => kind).filter((kind) => kind.endsWith("-time")),
      [],
    );
    assert.deepEqual(optionOf(told.message, "routers")?.addresses, [ROUTER]);
  });

  test("[V4S-1] RELEASE frees the address, and DECLINE sets it aside", async () => {
    const first = (await clients.lease(client(5))).message.yiaddr;
    clients.send("release", client(5), { ciaddr: first, options: [toUs] });
    assert.equal((await clients.lease(client(6), { options: [requested(first)] })).message.yiaddr, first);
    clients.send("decline", client(6), { options: [toUs, requested(first)] });
    assert.notEqual((await clients.lease(client(6), { options: [requested(first)] })).message.yiaddr, first);
    assert.ok(!(await leases()).some(({ address }) => address === first));
  });

  test("[V4S-2] the client identifier comes back as it was sent, and only then; it is who the device is", async () => {
    const idOf = ({ message }: Awaited<ReturnType<ScriptedClients["ask"]>>) => optionOf(message, "client-id")?.id;
    const offer = await clients.ask("discover", client(7), { options: withId });
    const ack = await clients.lease(client(7), { options: withId });
    const nak = await clients.ask("request", client(7), { options: [...withId, requested("10.9.9.9")] });
    assert.deepEqual(
      [offer, ack, nak].map(({ type }) => type),
      ["offer", "ack", "nak"],
    );
    for (const answer of [offer, ack, nak]) assert.deepEqual(idOf(answer), ID);
    assert.equal((await clients.lease(client(8), { options: withId })).message.yiaddr, ack.message.yiaddr);
    const plain = await clients.lease(client(8));
    assert.notEqual(plain.message.yiaddr, ack.message.yiaddr);
    assert.deepEqual(
      [idOf(plain), idOf(await clients.ask("request", client(8), { options: [requested("10.9.9.9")] }))],
      [undefined, undefined],
    );
  });

  test("[V4S-3] a relay gets the answers at its own address, and what it has added; a NAK asks it to tell all", async () => {
    const circuit: Dhcpv4Option = { kind: "unknown", code: 82, data: Uint8Array.of(1, 2, 3, 4) };
    const relayed = { giaddr: LAPTOP, from: LAPTOP, to: ROUTER, toMac: gatewayMac };
    const offer = await clients.ask("discover", client(9), { ...relayed, options: [circuit] });
    assert.deepEqual([offer.type, offer.to, offer.port, offer.toMac], ["offer", LAPTOP, 67, laptopMac]);
    assert.deepEqual(offer.message.options.at(-1), circuit);
    const nak = await clients.ask("request", client(9), { ...relayed, options: [requested("10.1.2.3")] });
    assert.deepEqual([nak.type, nak.to, nak.message.broadcast], ["nak", LAPTOP, true]);
    assert.deepEqual(await clients.unanswered("discover", client(9), { ...relayed, giaddr: ip4("172.16.0.1") }), []);
  });

  test("[V4S-5] names are clean in the list of leases, and nobody has one that speaks for all", async () => {
    const hostName = (text: string): Dhcpv4Option => ({ kind: "host-name", text });
    const fqdn = (...labels: readonly string[]): Dhcpv4Option => ({ kind: "client-fqdn", flags: 4, labels });
    const wanted: readonly (readonly [Dhcpv4Option, string | undefined])[] = [
      [hostName("Anna's_Laptop"), "annas-laptop"],
      [hostName("www.example.com"), "www"],
      [fqdn("phone", "home", "arpa"), "phone"],
      [fqdn("evil.example", "com"), undefined],
      ...["localhost", "wpad", "ISATAP", "tv", "", "a\u0000b"].map((text) => [hostName(text), undefined] as const),
    ];
    const acks = await Promise.all(wanted.map(([option], number) => clients.lease(client(20 + number), { options: [option] })));
    const listed = await leases();
    const names = acks.map(({ message }) => listed.find(({ address }) => address === message.yiaddr)?.name);
    assert.deepEqual(
      names,
      wanted.map(([, name]) => name),
    );
  });

  test("[D6S-8] on the WAN nobody is served, neither by broadcast nor by the gateway's address", async () => {
    using outside = new ScriptedClients(home.host("isp"), "customer");
    await home.until(async () => (await home.status()).ipv4?.lease !== undefined, {
      within: 20_000,
      what: "there is a lease of the provider",
    });
    const wan = mac((await home.gateway.exec("cat", "/sys/class/net/wan/address")).trim());
    assert.deepEqual(await outside.unanswered("discover", client(40)), []);
    assert.deepEqual(await outside.unanswered("inform", client(40), { ciaddr: LAPTOP, from: LAPTOP, to: ROUTER, toMac: wan }), []);
    assert.deepEqual(await outside.unanswered("request", client(40), { options: [requested("10.1.2.3")] }), []);
    assert.equal((await clients.ask("discover", client(40))).type, "offer");
  });

  test("[D6S-11] ten thousand invented devices and malformed options: known and reserved devices are served all the while, and it is said", async () => {
    const known = await clients.lease(client(50));
    const residentSize = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${home.skylan.pid}/status`, "utf8"))![1]);
    const before = residentSize();
    for (let number = 0; number < 10_000; number++) {
      const broken = (bytes: Uint8Array): Uint8Array =>
        number % 4 === 0 ? bytes.map((octet, at) => (at > 240 ? (octet * 7 + number) & 255 : octet)) : bytes;
      clients.send("discover", client(1000 + number), { bytes: broken });
      // They take what they are offered.
      if (number % 100 !== 0) continue;
      for (const { type, message } of clients.answers.slice(-100)) {
        if (type === "offer") clients.send("request", message.chaddr, { options: [toUs, requested(message.yiaddr)] });
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal((await clients.ask("request", client(50), { options: [requested(known.message.yiaddr)] })).type, "ack");
    assert.equal((await clients.lease(RESERVED)).message.yiaddr, "192.168.1.150");
    await home.until(() => home.skylan.process.output.includes("119 addresses from 192.168.1.100 to 192.168.1.219 are in use"), {
      within: 20_000,
      what: "the empty pool is told",
    });
    assert.ok((await leases()).length <= 122);
    assert.ok(residentSize() - before < 100_000, `${residentSize() - before} kB more`);
    assert.ok(home.skylan.process.output.split("\n").filter((line) => line.includes("dhcpv4-server")).length < 40);
  });
});
