/** What the router lets pass between the home and the internet, and what it must not: with the daemon, real hosts and captures of both links. */
// Needs: ping, tcpdump, tshark
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import type { Capture } from "../../src/lab/capture.ts";
import type { CommandResult, Namespace } from "../../src/lab/namespace.ts";
import { DELEGATED } from "../fixtures/link-watch.ts";

/** Sends `size` octets over TCP and waits until the other end has counted them. */
const UPLOAD = (address: string, size: number): string => `
const { createConnection } = require("node:net");
const connection = createConnection({ host: ${JSON.stringify(address)}, port: 7100 }, () => connection.end(Buffer.alloc(${size})));
connection.on("data", (text) => console.log(String(text))).on("error", (error) => { throw error; });`;
const COUNT = `
require("node:net").createServer({ allowHalfOpen: true }, (connection) => {
  let count = 0;
  connection.on("data", (bytes) => (count += bytes.length)).on("end", () => connection.end(String(count)));
}).listen(7100, "::", () => console.log("listening"));`;

const ping = (host: Namespace, to: string, ...options: readonly string[]): Promise<CommandResult> =>
  host.attempt("ping", "-6", "-c", "1", "-W", "2", ...options, to);

async function linkLocal(host: Namespace, name: string): Promise<string> {
  return /inet6 (fe80::[0-9a-f:]+)/.exec(await host.exec("ip", "-6", "addr", "show", "dev", name))![1]!;
}

test("[GEN-1] nothing is forwarded in either direction before the Reply, however much both sides try", async () => {
  await using home = await createHome();
  await home.isp.command({ kind: "mute", on: true, protocol: "dhcpv6" });
  await home.gateway.ip("link set wan up\nlink set lan up");
  await sleep(2500);
  const [lanSide, wanSide] = [await linkLocal(home.gateway, "lan"), await linkLocal(home.gateway, "wan")];
  // Both sides know the way as if everything were there already; this is what the provider will delegate first.
  const laptop = `${DELEGATED}00::5`;
  await home.laptop.ip(`addr add ${laptop}/64 dev eth0 nodad\nroute add default via ${lanSide} dev eth0 metric 1`);
  await home.host("isp").ip(`route add ${laptop}/128 via ${wanSide} dev customer`);
  const [lan, wan] = [await home.capture("lan"), await home.capture("wan")];
  const pings = [
    home.laptop.spawn(["ping", "-6", "-i", "0.2", "-I", laptop, NET_ADDRESS]),
    home.net.spawn(["ping", "-6", "-i", "0.2", laptop]),
  ];
  await home.startSkylan();
  await sleep(4000);
  assert.equal((await home.status()).forwarding, false);
  await home.isp.command({ kind: "mute", on: false, protocol: "dhcpv6" });
  await home.until(() => pings[0]!.output.includes("bytes from"), { within: 20_000, what: "the laptop reaches the internet" });
  await Promise.all(pings.map((each) => each.stop()));
  const time = async (capture: Capture, filter: string): Promise<number[]> =>
    (await capture.packets(filter, "frame.time_epoch")).map(([at]) => Number(at));
  const [reply] = await time(wan, "dhcpv6.msgtype == 7 && dhcpv6.iaprefix.pref_addr");
  const tried = await time(lan, `icmpv6.type == 128 && ipv6.src == ${laptop}`);
  assert.ok(tried.filter((at) => at < reply!).length > 10, "the laptop did try before");
  assert.ok((await time(wan, `icmpv6.type == 128 && ipv6.dst == ${laptop}`)).filter((at) => at < reply!).length > 10, "the internet too");
  const outwards = await time(wan, `icmpv6.type in {128, 129} && ipv6.src == ${laptop}`);
  const inwards = await time(lan, `icmpv6.type in {128, 129} && ipv6.src == ${NET_ADDRESS}`);
  assert.ok(outwards.length > 0, "then it passes");
  assert.ok(Math.min(...outwards, ...inwards) > reply!, "and not before the Reply");
});

describe("forwarding", () => {
  let home: Home;
  let lan: Capture;
  let wan: Capture;
  let laptop: string;
  let unique: string;
  let delegation: string;

  before(async () => {
    home = await createHome();
    [lan, wan] = [await home.capture("lan"), await home.capture("wan")];
    await home.startSkylan(`${home.config()}[ula]\nprefix = "auto"\n`);
    laptop = await home.globalAddress("laptop");
    await home.until(async () => (await ping(home.laptop, NET_ADDRESS)).code === 0, {
      within: 10_000,
      what: "the laptop reaches the internet",
    });
    unique = await home.until(async () => (await home.addresses("laptop")).find(({ address }) => address.startsWith("fd"))?.address, {
      within: 10_000,
      what: "the laptop has a unique local address",
    });
    delegation = (await home.status()).delegations[0]!.prefix.split("::/")[0]!;
    assert.ok(delegation.startsWith(DELEGATED.slice(0, 9)));
  });
  after(async () => home?.[Symbol.asyncDispose]());

  /** How many packets of a capture match; asked after what was sent has had time to get there. */
  const count = async (capture: Capture, filter: string): Promise<number> => (await capture.packets(filter, "frame.number")).length;
  /** A /64 of the delegation that is on no LAN: in a /56 the last two digits of the fourth group are ours. */
  const unassigned = (): string => {
    const groups = delegation.split(":");
    const fourth = (Number.parseInt(groups[3] ?? "0", 16) + 0xee).toString(16);
    return `${groups.slice(0, 3).join(":")}:${fourth}::1`;
  };

  test("[GEN-2] what is delegated but on no LAN is unreachable from inside and outside, and never bounced", async () => {
    const to = unassigned();
    for (const host of [home.laptop, home.host("isp")]) {
      const { code, stdout } = await ping(host, to);
      assert.notEqual(code, 0);
      assert.match(stdout, /Destination unreachable: No route/, `${host.name} is told`);
    }
    const request = `icmpv6.type == 128 && ipv6.dst == ${to}`;
    assert.equal(await count(wan, `${request} && !icmpv6.type == 1`), 1, "only the provider's own request is on the WAN");
    assert.equal(await count(wan, `${request} && ipv6.src == ${laptop}`), 0);
  });

  test("[GEN-5] a source that this router does not advertise stays in the home, and no error about it leaves either", async () => {
    const stranger = "2605:59c8:ff00::5";
    await home.laptop.ip(`addr add ${stranger}/64 dev eth0 nodad`);
    await ping(home.laptop, NET_ADDRESS, "-I", stranger);
    await home.laptop.ip(`addr del ${stranger}/64 dev eth0`);
    assert.equal(await count(wan, `ipv6.addr == ${stranger}`), 0, "nothing of it is on the WAN, no error either");
  });

  test("[GEN-7] unique local addresses do not cross the WAN, as source or destination, and the sender is told", async () => {
    const [lanLocal, foreign] = [await linkLocal(home.gateway, "wan"), "fd99::1"];
    await ping(home.laptop, NET_ADDRESS, "-I", unique);
    assert.match((await ping(home.laptop, foreign)).stdout, /Destination unreachable/);
    await home.host("isp").ip(`route add ${unique}/128 via ${lanLocal} dev customer\naddr add ${foreign}/64 dev customer nodad`);
    assert.notEqual((await ping(home.host("isp"), unique)).code, 0);
    await home.host("isp").ip(`addr del ${foreign}/64 dev customer`);
    assert.ok((await count(lan, `icmpv6.type == 1 && ipv6.dst == ${unique}`)) > 0, "the sender with the unique local source is told");
    const mac = (await home.gateway.exec("cat", "/sys/class/net/wan/address")).trim();
    const onWan = `ipv6.addr == ${unique} || ipv6.addr == ${foreign}`;
    assert.equal(await count(wan, `eth.src == ${mac} && (${onWan}) && !(icmpv6.type in {1, 135, 136})`), 0);
    assert.equal(await count(lan, `icmpv6.type == 128 && ipv6.dst == ${unique} && !(ipv6.src == fe80::/10) && !(ipv6.src == fc00::/7)`), 0);
  });

  for (const mtu of [1400, 1280]) {
    test(`[GEN-8] with a WAN of MTU ${mtu}, Packet Too Big reaches the host and a TCP transfer gets through`, async () => {
      await home.host("isp").ip(`link set customer mtu ${mtu}`);
      await home.gateway.ip(`link set wan mtu ${mtu}`);
      await home.laptop.exec("ip", "-6", "route", "flush", "cache");
      const { stdout } = await ping(home.laptop, NET_ADDRESS, "-M", "do", "-s", "1452");
      assert.match(stdout, new RegExp(`Packet too big: mtu=${mtu}`));
      const server = home.net.spawn([process.execPath, "-e", COUNT]);
      await server.line(/listening/, 10_000);
      assert.equal(await home.camera.exec(process.execPath, "-e", UPLOAD(NET_ADDRESS, 300_000)), "300000\n");
      await server.stop();
      await home.camera.exec("ip", "-6", "route", "flush", "cache");
      assert.ok((await count(lan, `icmpv6.type == 2 && icmpv6.mtu == ${mtu}`)) > 1, "nothing but ICMPv6 told the hosts");
      assert.equal(await count(wan, "tcp.flags.syn == 1 && tcp.options.mss_val < 1400"), 0, "segments were not clamped");
    });
  }

  test("[GEN-6] all this time the WAN heard nothing from us but discovery, DHCPv6 and what the hosts sent", async () => {
    const mac = (await home.gateway.exec("cat", "/sys/class/net/wan/address")).trim();
    const expected = "(icmpv6.type in {1, 2, 3, 128, 129, 133, 135, 136, 143} || dhcpv6 || tcp)";
    assert.deepEqual(await wan.packets(`eth.src == ${mac} && !${expected}`, "frame.number", "_ws.col.Protocol", "_ws.col.Info"), []);
    assert.equal(await count(wan, `eth.src == ${mac} && (udp.port == 521 || tcp.port == 179 || ipv6.nxt == 89)`), 0);
  });
});
