/** DHCPv4 on the LAN with the clients that people have: leases, a killed daemon, a squatter, two LANs, and another server in the way. */
// Needs: dhclient, dhcpcd, udhcpc, /lib/systemd/systemd-networkd, dnsmasq, tcpdump, tshark
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Leases } from "../../src/api/status.ts";
import type { Capture } from "../../src/lab/capture.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { startDhclient, startDhcpcd, startNetworkd, startUdhcpc } from "../fixtures/dhcpv4-clients.ts";

const WITH_IPV4 = { wan: { ipv4: "dhcp" } };
const HOSTS = ["dhclient", "dhcpcd", "udhcpc", "networkd"];
const [DISCOVER, REQUEST, ACK, NAK, RELEASE] = ["1", "3", "5", "6", "7"];

/** The address that a host has on its LAN; undefined while it has none. */
async function heldBy(home: Home, host: string): Promise<string | undefined> {
  return /inet ([0-9.]+)\/24/.exec(await home.host(host).exec("ip", "-4", "addr", "show", "dev", "eth0"))?.[1];
}

/** The same, once it has one. @throws NotInTime */
async function addressOf(home: Home, host: string): Promise<string> {
  return (await home.until(() => heldBy(home, host), { within: 30_000, what: `${host} has an address` }))!;
}

async function leases(home: Home): Promise<Leases["ipv4"]> {
  return (JSON.parse((await home.runSkylan("leases", "--json")).stdout) as Leases).ipv4;
}

/** Type, client and own address of each message so far. */
async function messages(capture: Capture): Promise<readonly (readonly [string, string, string])[]> {
  const seen = await capture.packets("dhcp", "dhcp.option.dhcp", "dhcp.hw.mac_addr", "dhcp.ip.client");
  return seen.map(([type = "", mac = "", own = ""]) => [type, first(mac), own]);
}

/** tshark tells the hardware address twice: as the message's own, and as a client identifier. */
const first = (text: string): string => text.split(",")[0]!;

const macOf = async (home: Home, host: string): Promise<string> =>
  (await home.host(host).exec("cat", "/sys/class/net/eth0/address")).trim();

describe("DHCPv4 on the LAN", { concurrency: true }, () => {
  test("[V4S-1] [V4S-2] dhclient, dhcpcd, udhcpc and systemd-networkd get, renew and give back addresses; after a kill -9 each has the same one", async () => {
    await using home = await createHome({ lans: [{ name: "home", interface: "lan", hosts: HOSTS }] });
    await home.startSkylan(WITH_IPV4);
    const capture = await home.capture("lan");
    const dhclient = await startDhclient(home.host("dhclient"));
    const udhcpc = await startUdhcpc(home.host("udhcpc"), "-x", "hostname:cellar");
    await Promise.all([startDhcpcd(home.host("dhcpcd")), startNetworkd(home.host("networkd"))]);
    const addresses = new Map(await Promise.all(HOSTS.map(async (host) => [host, await addressOf(home, host)] as const)));
    assert.equal(new Set(addresses.values()).size, 4);
    for (const host of HOSTS) {
      const route = async () => (await home.host(host).exec("ip", "-4", "route")).includes("default via 192.168.1.1 dev eth0");
      await home.until(route, { within: 10_000, what: `${host} has a way out` });
      assert.match(addresses.get(host)!, /^192\.168\.1\.(1\d\d|2[0-4]\d)$/);
    }
    const listed = await leases(home);
    assert.deepEqual(new Set(listed.map(({ address }) => address)), new Set(addresses.values()));
    assert.deepEqual(listed.find(({ address }) => address === addresses.get("udhcpc"))?.name, "cellar");
    assert.deepEqual(listed.find(({ address }) => address === addresses.get("dhcpcd"))?.name, "attic");

    await home.skylan.kill("SIGKILL");
    await home.startSkylan(WITH_IPV4);
    const kept = await leases(home);
    assert.deepEqual(new Set(kept.map(({ address }) => address)), new Set(addresses.values()));

    // RENEW, by unicast to the server that has forgotten nothing.
    const cellar = await macOf(home, "udhcpc");
    udhcpc.kill("SIGUSR1");
    const renewed = async () =>
      (await messages(capture)).some(([type, mac, own]) => type === ACK && mac === cellar && own === addresses.get("udhcpc"));
    await home.until(renewed, { within: 10_000, what: "udhcpc's lease is renewed" });
    // INIT-REBOOT: dhclient comes back with what it remembers.
    const study = await macOf(home, "dhclient");
    await dhclient.stop("SIGKILL");
    const before = (await messages(capture)).length;
    await startDhclient(home.host("dhclient"));
    const rebooted = async () => (await messages(capture)).slice(before).filter(([, mac]) => mac === study);
    await home.until(async () => (await rebooted()).some(([type]) => type === ACK), { within: 20_000, what: "dhclient is back" });
    assert.deepEqual(
      (await rebooted()).slice(0, 2).map(([type]) => type),
      [REQUEST, ACK],
    );
    // REBIND, and a NAK for nobody in all this.
    const attic = await macOf(home, "dhcpcd");
    const heard = (await messages(capture)).length;
    await home.host("dhcpcd").exec("dhcpcd", "-n", "eth0");
    const rebound = async () => (await messages(capture)).slice(heard).some(([type, mac]) => type === ACK && mac === attic);
    await home.until(rebound, { within: 20_000, what: "dhcpcd's lease is extended" });
    assert.ok(!(await messages(capture)).some(([type]) => type === NAK));
    for (const host of HOSTS) assert.equal(await addressOf(home, host), addresses.get(host));

    udhcpc.kill("SIGUSR2");
    await home.host("dhcpcd").attempt("dhcpcd", "-k", "eth0");
    const released = async () => new Set((await messages(capture)).filter(([type]) => type === RELEASE).map(([, mac]) => mac));
    await home.until(async () => (await released()).size === 2, { within: 10_000, what: "two have given their addresses back" });
    const left = (await leases(home)).map(({ address }) => address as string);
    assert.deepEqual(new Set(left), new Set([addresses.get("dhclient"), addresses.get("networkd")]));
    // A client that knows nothing any more gets what it had.
    udhcpc.kill("SIGUSR1");
    assert.equal(await addressOf(home, "udhcpc"), addresses.get("udhcpc"));
  });

  test("[V4S-2] no lease that was acknowledged is lost by a kill -9 under load, and none is given twice", async () => {
    await using home = await createHome({ lans: [{ name: "home", interface: "lan", hosts: ["laptop"] }] });
    const config = { ...WITH_IPV4, lan: { home: { ipv4: "10.7.0.1/16" } } };
    await home.startSkylan(config);
    const crowd = home.laptop.spawn(["python3", "-u", "-c", CROWD]);
    await crowd.line(/^150 /, 30_000);
    await home.skylan.kill("SIGKILL");
    await crowd.stop("SIGKILL");
    const told = crowd.output.matchAll(/^\d+ (\S+) (\S+)$/gm);
    const promised = new Map(Array.from(told, ([, mac, address]) => [mac!, address!]));
    assert.ok(promised.size >= 150, `${promised.size} leases`);
    assert.equal(new Set(promised.values()).size, promised.size);
    await home.startSkylan(config);
    const kept = new Map((await leases(home)).map(({ mac, address }) => [mac as string, address as string]));
    for (const [mac, address] of promised) assert.equal(kept.get(mac), address, mac);
  });

  test("[V4S-4] an address that another device has taken without asking is not offered", async () => {
    await using home = await createHome();
    await home.camera.ip("addr add 192.168.1.120/24 dev eth0");
    await home.startSkylan(WITH_IPV4);
    const capture = await home.capture("lan");
    await startUdhcpc(home.laptop, "-r", "192.168.1.120");
    const address = await addressOf(home, "laptop");
    assert.notEqual(address, "192.168.1.120");
    const offers = (await capture.packets("dhcp.option.dhcp == 2", "dhcp.ip.your")).flat();
    assert.deepEqual(new Set(offers), new Set([address]));
    const asked = await capture.packets(
      "arp.opcode == 1 && arp.src.proto_ipv4 == 0.0.0.0 && arp.dst.proto_ipv4 == 192.168.1.120",
      "arp.src.hw_mac",
    );
    assert.deepEqual(asked[0], [(await home.gateway.exec("cat", "/sys/class/net/lan/address")).trim()]);
    assert.match(home.skylan.process.output, /uses 192\.168\.1\.120, which it has not got from us/);
  });

  test("[V4S-1] two LANs have networks and leases of their own, and a device that changes over is told so at once", async () => {
    const lans = [
      { name: "home", interface: "lan", hosts: ["laptop"] },
      { name: "guest", interface: "guest", hosts: ["phone"] },
    ];
    await using home = await createHome({ lans });
    const hardware = await macOf(home, "phone");
    await home.startSkylan({ ...WITH_IPV4, device: { phone: { mac: hardware, ipv4: "192.168.2.10" } } });
    const capture = await home.capture("guest");
    await startUdhcpc(home.laptop);
    await startUdhcpc(home.host("phone"));
    assert.match(await addressOf(home, "laptop"), /^192\.168\.1\./);
    assert.equal(await addressOf(home, "phone"), "192.168.2.10");
    assert.deepEqual(
      (await leases(home)).map(({ lan, name }) => [lan, name]),
      [
        ["home", undefined],
        ["guest", "phone"],
      ],
    );
    const { lans: shown } = await home.status();
    assert.deepEqual(
      shown.map(({ dhcpv4 }) => dhcpv4),
      [
        { leases: 1, addresses: 150 },
        { leases: 1, addresses: 150 },
      ],
    );
    // dhclient remembers the other LAN's address.
    await home.host("phone").shell(`cat >/run/dhclient.leases <<'END'
lease { interface "eth0"; fixed-address 192.168.1.77; option subnet-mask 255.255.255.0; option dhcp-server-identifier 192.168.1.1;
  renew 5 2037/01/01 00:00:00; rebind 5 2037/01/01 00:00:00; expire 5 2037/01/01 00:00:00; }
END`);
    await startDhclient(home.host("phone"));
    const seen = async () => (await messages(capture)).map(([type]) => type);
    await home.until(async () => (await seen()).join("").includes(`${REQUEST}${NAK}${DISCOVER}`), {
      within: 15_000,
      what: "dhclient is refused and begins anew",
    });
  });

  test("another DHCP server on the box is named with the way to stop it, and when it is gone, devices are served", async () => {
    await using home = await createHome();
    await home.gateway.ip("link set lan up\naddr add 192.168.1.1/24 dev lan");
    const options = ["--port=0", "--interface=lan", "--bind-dynamic", "--user=root", "--pid-file="];
    const range = ["--dhcp-range=192.168.1.50,192.168.1.60,1h", "--dhcp-leasefile=/run/dnsmasq.leases"];
    const rival = home.gateway.spawn(["dnsmasq", "-k", "-C", "/dev/null", ...options, ...range]);
    await home.until(async () => (await home.gateway.exec("cat", "/proc/net/udp")).includes(":0043 "), {
      within: 10_000,
      what: "dnsmasq listens",
    });
    await home.startSkylan(WITH_IPV4);
    const problem = (await home.status()).problems.find(({ name }) => name === "dhcpv4.rival");
    assert.match(problem?.text ?? "", new RegExp(`^dnsmasq \\(pid ${rival.pid}\\) is a DHCP server on this box already \\(UDP port 67\\)`));
    assert.match(problem?.remedy ?? "", /systemctl disable --now dnsmasq, or kill \d+; or write dhcp\.enabled = false/);
    await rival.stop();
    await home.until(async () => !(await home.status()).problems.some(({ name }) => name === "dhcpv4.rival"), {
      within: 20_000,
      what: "the problem is gone",
    });
    await startUdhcpc(home.laptop);
    assert.match(await addressOf(home, "laptop"), /^192\.168\.1\.(1\d\d|2[0-4]\d)$/);
  });

  test("on a full disk devices still get addresses, it is said, and with room again the leases are written", async () => {
    await using home = await createHome();
    const config = { ...WITH_IPV4, lan: { home: { ipv4: "10.7.0.1/16" } } };
    await home.gateway.shell(`mkdir -p ${home.directory}/state && mount -t tmpfs -o size=512k tmpfs ${home.directory}/state`);
    await home.startSkylan(config);
    await home.until(async () => (await home.status()).ipv4?.lease !== undefined, {
      within: 20_000,
      what: "the provider leases an address",
    });
    await home.gateway.shell(`dd if=/dev/zero of=${home.directory}/state/full bs=1k 2>/dev/null || true`);
    const crowd = home.laptop.spawn(["python3", "-u", "-c", CROWD]);
    await home.skylan.process.line(/Leases can't be written \(ENOSPC.*given from memory, and a restart would forget them/, 20_000);
    await crowd.line(/^300 /, 30_000);
    await crowd.stop("SIGKILL");
    await home.gateway.shell(`rm ${home.directory}/state/full`);
    // The next lease after five seconds finds the room.
    const camera = await startUdhcpc(home.camera);
    const address = (await home.until(async () => /inet (10\.7\.\d+\.\d+)/.exec(await home.camera.exec("ip", "-4", "addr"))?.[1], {
      within: 20_000,
      what: "the camera has an address",
    }))!;
    await home.until(() => camera.kill("SIGUSR1") ?? home.skylan.process.output.includes("Leases are on disk again"), {
      within: 20_000,
      every: 1_000,
      what: "leases are written again",
    });
    await home.skylan.kill("SIGKILL");
    await home.startSkylan(config);
    const kept = new Set((await leases(home)).map((lease) => lease.address as string));
    assert.ok(kept.has(address));
    assert.ok(kept.size >= 300, `${kept.size} leases`);
  });

  test("[D6S-11] a pool run dry is told with what helps; who was flushed makes room for another", async () => {
    await using home = await createHome();
    await home.startSkylan({ ...WITH_IPV4, lan: { home: { "dhcp.pool": "192.168.1.100-192.168.1.100" } } });
    await startUdhcpc(home.laptop);
    assert.equal(await addressOf(home, "laptop"), "192.168.1.100");
    await startUdhcpc(home.camera);
    const told = () =>
      /All 1 addresses from 192\.168\.1\.100 to 192\.168\.1\.100 are in use: a new device gets none\. Make the pool larger/;
    await home.until(() => told().test(home.skylan.process.output), { within: 15_000, what: "the empty pool is told" });
    assert.equal(await heldBy(home, "camera"), undefined);
    // It would answer the probe, and keep the address by that.
    await home.laptop.ip("addr flush dev eth0");
    assert.match((await home.runSkylan("leases", "--flush", "192.168.1.100")).stdout, /^Forgotten:\n[^]*192\.168\.1\.100/);
    const missing = await home.runSkylan("leases", "--flush", "nobody");
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /no lease has the address or name nobody/);
    await home.until(() => heldBy(home, "camera"), { within: 30_000, what: "the camera has an address" });
  });
});

/** Many devices, each from DISCOVER to ACK, as fast as answers come; says which has got its lease. */
const CROWD = `
import socket, struct, os, select
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
s.bind(("eth0", 0))
def ip_sum(h):
    t = sum(struct.unpack("!10H", h)); t = (t >> 16) + (t & 0xffff); return ~(t + (t >> 16)) & 0xffff
def send(mac, options):
    bootp = struct.pack("!BBBBIHH", 1, 1, 6, 0, int.from_bytes(mac[2:], "big"), 0, 0) + bytes(16) + mac + bytes(10 + 192) + bytes.fromhex("63825363") + options + b"\\xff"
    udp = struct.pack("!HHHH", 68, 67, 8 + len(bootp), 0) + bootp
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + bytes(4) + b"\\xff" * 4
    head = head[:10] + struct.pack("!H", ip_sum(head)) + head[12:]
    s.send(b"\\xff" * 6 + mac + b"\\x08\\x00" + head + udp)
macs = [b"\\x02\\x07\\x00\\x00" + n.to_bytes(2, "big") for n in range(400)]
done = set()
while True:
    # What gets lost in the crush is asked for again.
    if not select.select([s], [], [], 0.3)[0]:
        for mac in [m for m in macs if m not in done][:100]: send(mac, b"\\x35\\x01\\x01")
        continue
    f = s.recv(2048)
    if len(f) < 282 or f[23] != 17 or f[34:36] != b"\\x00\\x43": continue
    m = f[42:]; mac = m[28:34]; t = m[242]
    if t == 2: send(mac, b"\\x35\\x01\\x03\\x36\\x04" + m[245:249] + b"\\x32\\x04" + m[16:20])
    if t == 5 and mac not in done:
        done.add(mac); print(len(done), mac.hex(":"), ".".join(map(str, m[16:20])))
`;
