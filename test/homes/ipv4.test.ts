/** IPv4 from the provider to a LAN host: the lease, the way out behind one address, and nothing in. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ip4 } from "../../src/addr/ip.ts";
import { prefix4 } from "../../src/addr/prefix4.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home, type HomeOptions, NET_ADDRESS_IPV4 } from "../../src/lab/home.ts";
import { giveIpv4 } from "../../src/lab/static-ipv4.ts";
import { fetchWeb, serveWeb, webUrl } from "../../src/lab/traffic.ts";
import { skipWithout } from "./home.ts";

const LAPTOP = "192.168.1.2";
const WITH_IPV4 = { wan: { ipv4: "dhcp" } };

async function ipv4Home(options: HomeOptions = {}): Promise<Home> {
  const home = await createHome(options);
  await giveIpv4(home);
  await serveWeb(home.net, 80);
  return home;
}

const RESET = `
import socket
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
raw.sendto(bytes.fromhex("1f90005000000001000000005004000000000000"), ("${NET_ADDRESS_IPV4}", 0))`;

const shown = (home: Home, what: string): Promise<string> => home.gateway.exec("ip", "-4", ...what.split(" "));

async function leasedAddress(home: Home): Promise<string> {
  const found = async (): Promise<string | undefined> => /inet ([0-9.]+)\/32/.exec(await shown(home, "addr show dev wan"))?.[1];
  return (await home.until(found, { within: 20_000, what: "the gateway has a leased address" }))!;
}

describe("IPv4", { concurrency: true }, () => {
  test("[ROB-1] a host of the LAN fetches a page over IPv4, and the internet sees the leased address", async () => {
    await using home = await ipv4Home();
    await home.startSkylan(WITH_IPV4);
    const page = await fetchWeb(home.laptop, webUrl(NET_ADDRESS_IPV4), { within: 20_000 });
    assert.match(page, /You are ::ffff:100\.64\.0\.9\./);
    const { ipv4 } = await home.status();
    assert.deepEqual([ipv4?.lease?.address, ipv4?.lease?.isShared, ipv4?.forwarding], ["100.64.0.9", true, true]);
    assert.match((await home.runSkylan("status")).stdout, /CGNAT +The provider shares its addresses/);
    assert.match(await shown(home, "route show default"), /via 100\.64\.0\.1 dev wan proto 93 src 100\.64\.0\.9/);
  });

  test("[V4C-1] from a WAN that was down the first DISCOVER leaves, and no second one is needed", {
    skip: skipWithout("tcpdump", "tshark"),
  }, async () => {
    await using home = await ipv4Home();
    const capture = await home.capture("wan");
    await home.startSkylan(WITH_IPV4);
    await leasedAddress(home);
    const types = () => capture.packets("dhcp", "dhcp.option.dhcp");
    await home.until(async () => (await types()).length >= 4, { within: 10_000, what: "the exchange is in the capture" });
    assert.deepEqual((await types()).flat(), ["1", "2", "3", "5"]);
    const [[asked], [leased]] = (await capture.packets("dhcp.option.dhcp in {1, 5}", "frame.time_epoch")) as [[string], [string]];
    assert.ok(Number(leased) - Number(asked) < 2, `${asked} to ${leased}`);
  });

  const withoutKea = skipWithout("radvd", "kea-dhcp6", "kea-dhcp4", "tcpdump", "tshark");
  test("[V4C-2] Kea's short lease is renewed with it at half of its time, by unicast", { skip: withoutKea }, async () => {
    await using home = await ipv4Home({ isp: "kea", provider: { dhcpv4: { time: 30 as Seconds } } });
    const capture = await home.capture("wan");
    await home.startSkylan(WITH_IPV4);
    const page = () => fetchWeb(home.laptop, webUrl(NET_ADDRESS_IPV4), { within: 20_000 });
    assert.match(await page(), /You are ::ffff:100\.64\.0\.\d+\./);
    const requests = () => capture.packets("dhcp.option.dhcp == 3", "frame.time_epoch", "ip.src", "ip.dst", "dhcp.id");
    await home.until(async () => (await requests()).length >= 3, { within: 40_000, what: "the lease is renewed twice" });
    const [first, second, third] = await requests();
    assert.deepEqual([first![1], second![2], third![2]], ["0.0.0.0", "100.64.0.1", "100.64.0.1"]);
    const gaps = [Number(second![0]) - Number(first![0]), Number(third![0]) - Number(second![0])];
    assert.ok(
      gaps.every((gap) => gap > 14 && gap < 17),
      gaps.join(),
    );
    const declines = await capture.packets("dhcp.option.dhcp == 4", "frame.number");
    assert.deepEqual(declines, []);
    assert.match(await page(), /Hello from net/);
  });

  test("[V4C-3] when the provider refuses the address, address, routes and translation are gone, and another comes", async () => {
    await using home = await ipv4Home();
    await home.isp.command({ kind: "dhcpv4", options: { time: 20 as Seconds } });
    await home.startSkylan(WITH_IPV4);
    assert.equal(await leasedAddress(home), "100.64.0.9");
    await home.isp.command({ kind: "dhcpv4", options: { network: prefix4("100.72.0.0/16"), router: ip4("100.72.0.1") } });
    await home.host("isp").ip("addr add 100.72.0.1/16 dev customer");
    await home.until(async () => (await shown(home, "addr show dev wan")).includes("100.72.0.9"), {
      within: 30_000,
      what: "the gateway has the other address",
    });
    assert.doesNotMatch(await shown(home, "route"), /100\.64\./);
    assert.match(await fetchWeb(home.laptop, webUrl(NET_ADDRESS_IPV4)), /You are ::ffff:100\.72\.0\.9\./);
  });

  test("[V4C-1] a restart keeps the address, and a power cut of the program takes nothing away", async () => {
    await using home = await ipv4Home();
    const skylan = await home.startSkylan(WITH_IPV4);
    const before = await leasedAddress(home);
    await skylan.kill("SIGKILL");
    assert.ok((await shown(home, "addr show dev wan")).includes(before));
    await home.isp.command({ kind: "mute", on: true, protocol: "dhcpv4" });
    await home.startSkylan(WITH_IPV4);
    assert.equal(await leasedAddress(home), before);
    assert.match(await fetchWeb(home.laptop, webUrl(NET_ADDRESS_IPV4)), /Hello from net/);
  });

  test("from the internet nothing gets in by IPv4, neither to a host nor to the gateway", async () => {
    await using home = await ipv4Home();
    await home.startSkylan(WITH_IPV4);
    await serveWeb(home.laptop, 8080);
    const address = await leasedAddress(home);
    await home.host("isp").ip(`route add 192.168.1.0/24 via ${address} dev customer`);
    await serveWeb(home.gateway, 8081);
    for (const url of [webUrl(LAPTOP, 8080), webUrl(address, 8081)]) {
      await assert.rejects(fetchWeb(home.net, url, { within: 1_000 }), /no answer within/, url);
    }
    await fetchWeb(home.gateway, webUrl(LAPTOP, 8080));
  });

  test("[NAT-3] no source of the home's own leaves untranslated, not even where conntrack can't place the packet", {
    skip: skipWithout("tcpdump", "tshark"),
  }, async () => {
    await using home = await ipv4Home();
    await home.startSkylan(WITH_IPV4);
    await fetchWeb(home.laptop, webUrl(NET_ADDRESS_IPV4), { within: 20_000 });
    const capture = await home.capture("wan");
    await home.laptop.ip("addr add 10.99.0.5/32 dev eth0\naddr add 169.254.7.7/32 dev eth0");
    for (const source of ["10.99.0.5", "169.254.7.7", LAPTOP]) {
      await home.laptop.attempt("ping", "-c", "2", "-i", "0.2", "-W", "0.5", "-I", source, NET_ADDRESS_IPV4);
    }
    await home.gateway.attempt("ping", "-c", "2", "-i", "0.2", "-W", "0.5", "-I", "192.168.1.1", NET_ADDRESS_IPV4);
    // A reset of a connection that nobody knows.
    await home.laptop.attempt("python3", "-c", RESET);
    await home.until(async () => (await capture.packets("icmp.type == 8", "ip.src")).length >= 4, { within: 10_000, what: "pings leave" });
    const sources = (await capture.packets("ip && eth.src != 00:00:5e:00:01:01", "ip.src")).map(([source]) => source);
    assert.deepEqual([...new Set(sources)], ["100.64.0.9"]);
  });

  test("[V4C-5] another device with the leased address makes the gateway decline it", {
    skip: skipWithout("tcpdump", "tshark"),
  }, async () => {
    await using home = await ipv4Home();
    const capture = await home.capture("wan");
    await home.host("isp").ip("addr add 100.64.0.9/32 dev lo");
    await home.startSkylan(WITH_IPV4);
    const declines = async () => (await capture.packets("dhcp.option.dhcp == 4", "frame.time_epoch")).length;
    await home.until(async () => (await declines()) > 0, { within: 20_000, what: "the gateway declines" });
    assert.doesNotMatch(await shown(home, "addr show dev wan"), /100\.64\.0\.9/);
  });

  test("taken out of skylan's hands, IPv4 is as it was at the next start, and stays as others then make it", async () => {
    await using home = await ipv4Home();
    const switches = ["ipv4/ip_forward", "netfilter/nf_conntrack_icmp_timeout"].map((path) => `/proc/sys/net/${path}`);
    const values = () => home.gateway.exec("cat", ...switches);
    await home.startSkylan();
    const before = await values();
    await home.skylan.stop();
    await home.startSkylan(WITH_IPV4);
    await leasedAddress(home);
    await home.until(async () => (await values()).startsWith("1\n60\n"), { within: 5000, what: "the switches are turned" });
    await home.skylan.stop();
    await home.startSkylan();
    await home.until(async () => (await values()) === before, { within: 15_000, what: "the switches are back" });
    assert.doesNotMatch((await shown(home, "addr")) + (await shown(home, "route")), /100\.64|192\.168/);
    assert.doesNotMatch(await home.gateway.exec("nft", "list", "ruleset"), /masquerade/);
    await home.until(async () => !/ip_forward|icmp_timeout/.test(await home.gateway.exec("cat", `${home.directory}/state/former.json`)), {
      within: 15_000,
      what: "they are no longer ours to put back",
    });
    await home.skylan.stop();
    await home.gateway.sysctl({ "ipv4/ip_forward": 1 });
    await home.startSkylan();
    await home.globalAddress("laptop");
    assert.match(await values(), /^1\n/);
  });

  test("`down` leaves nothing of IPv4 behind", { skip: skipWithout("nft") }, async () => {
    await using home = await ipv4Home();
    const before = await home.gateway.exec("cat", "/proc/sys/net/ipv4/ip_forward");
    await home.startSkylan(WITH_IPV4);
    await leasedAddress(home);
    const { code } = await home.runSkylan("down");
    assert.equal(code, 0);
    assert.equal(await home.gateway.exec("cat", "/proc/sys/net/ipv4/ip_forward"), before);
    assert.doesNotMatch((await shown(home, "addr")) + (await shown(home, "route")), /100\.64|192\.168/);
    assert.doesNotMatch(await home.gateway.exec("nft", "list", "ruleset"), /skylan/);
  });
});
