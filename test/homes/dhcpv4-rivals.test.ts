/** Another DHCPv4 client on the provider's link: `skylan up` names it with its remedy, before it has a lease and after, and leaves the kernel alone. */
// Needs: dhclient, dhcpcd, udhcpc, /lib/systemd/systemd-networkd
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { AS_SERVICE, ownDirectories } from "../fixtures/service.ts";

const NETWORKD = "/lib/systemd/systemd-networkd";
const TAKE_ADDRESS = `#!/bin/sh
[ "$1" != bound ] || ip addr replace $ip/10 dev $interface
`;

describe("skylan up beside another DHCPv4 client", () => {
  let home: Home;

  before(async () => {
    home = await createHome();
    await home.gateway.ip("link set wan up\nlink set lan up");
  });
  after(async () => home?.[Symbol.asyncDispose]());

  function write(name: string, text: string): string {
    const file = join(home.directory, name);
    writeFileSync(file, text, { mode: 0o755 });
    return file;
  }

  async function up(through: readonly string[] = [], options: readonly string[] = []): Promise<string> {
    const file = write("ipv4.toml", home.config({ wan: { ipv4: "dhcp" } }));
    const { code, stderr } = await home.gateway.attempt(...through, "timeout", "25", "skylan", "up", "--config", file, ...options);
    assert.equal(code, EXIT.conflict, stderr);
    assert.equal(await home.gateway.exec("nft", "list", "ruleset"), "", "nothing was touched");
    return stderr;
  }

  const isLeased = async (): Promise<boolean> => (await home.gateway.exec("ip", "-4", "addr", "show", "dev", "wan")).includes("100.64.0.");

  /** What `up` says while the client asks in vain, and once it has its lease. */
  async function refusals(...command: readonly string[]): Promise<readonly string[]> {
    await home.isp.command({ kind: "mute", on: true, protocol: "dhcpv4" });
    const rival = home.gateway.spawn(command);
    try {
      const sockets = async () => (await home.gateway.exec("cat", "/proc/net/packet", "/proc/net/udp")).match(/:0044 |\b(0003|0800) /);
      await home.until(sockets, { within: 10_000, what: `${command[0]} asks` });
      const asking = await up();
      await home.isp.command({ kind: "mute", on: false, protocol: "dhcpv4" });
      await home.until(isLeased, { within: 20_000, what: `${command[0]} has its lease` });
      return [asking, await up()];
    } finally {
      await rival.stop();
      await home.gateway.shell("ip addr flush dev wan scope global; ip -4 route flush dev wan");
    }
  }

  test("[ROB-5] dhclient, which hears all frames of its interface", async () => {
    for (const sentence of await refusals("dhclient", "-4", "-d", "wan")) {
      assert.match(sentence, /^skylan: dhclient \(pid \d+\) is a DHCPv4 client on wan;.*iface wan inet dhcp.*kill \d+/);
    }
  });

  test("[ROB-5] udhcpc, which with a lease holds no socket at all", async () => {
    for (const sentence of await refusals("udhcpc", "-f", "-i", "wan", "-s", write("take-address", TAKE_ADDRESS))) {
      assert.match(sentence, /^skylan: udhcpc \(pid \d+\) is a DHCPv4 client on wan;.*kill \d+/);
    }
  });

  test("[ROB-5] dhcpcd, which may keep its other interfaces", async () => {
    for (const sentence of await refusals("dhcpcd", "-4", "-B", "-f", write("dhcpcd.conf", "noipv6\n"), "wan")) {
      assert.match(sentence, /^skylan: dhcpcd \(pid \d+\) is a DHCPv4 client on wan;.*denyinterfaces wan/);
    }
  });

  test("[ROB-5] systemd-networkd, which may keep its other interfaces", async () => {
    await home.gateway.shell(`
      mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
      chown -R systemd-network: /run/systemd/netif
      printf '[Match]\\nName=wan\\n[Network]\\nDHCP=ipv4\\nLinkLocalAddressing=no\\nIPv6AcceptRA=no\\n' >/run/systemd/network/10-wan.network
      mount -o remount,ro /sys`);
    for (const sentence of await refusals(NETWORKD)) {
      assert.match(sentence, /^skylan: systemd-network \(pid \d+\) is a DHCPv4 client on wan;.*DHCP=no.*networkctl reload/);
    }
  });

  test("[ROB-5] one of another user, into whose processes the service may not look", async () => {
    const holds = `require("node:dgram").createSocket("udp4").bind(68, () => console.log("bound"))`;
    const rival = home.gateway.spawn([process.execPath, "-e", holds]);
    try {
      await rival.line(/^bound$/, 10_000);
      assert.match(await up(AS_SERVICE, ownDirectories(home)), /^skylan: a program of another user is a DHCPv4 client.*ss -lunp/);
    } finally {
      await rival.stop();
    }
  });

  test("but leaving is not refused: whoever has gone over to another client can tidy up", async () => {
    const skylan = await home.startSkylan({ wan: { ipv4: "dhcp" } });
    await home.until(isLeased, { within: 20_000, what: "the gateway has its lease" });
    await skylan.kill("SIGKILL");
    const rival = home.gateway.spawn(["udhcpc", "-f", "-i", "wan", "-s", write("take-address", TAKE_ADDRESS)]);
    try {
      await rival.line(/lease of/, 10_000);
      const { code, stderr } = await home.runSkylan("down");
      assert.equal(code, 0, stderr);
      assert.equal(await home.gateway.exec("nft", "list", "ruleset"), "");
    } finally {
      await rival.stop();
      await home.gateway.shell("ip addr flush dev wan scope global; ip link set wan up; ip link set lan up");
    }
  });

  test("but one on another interface only is no rival, and the WAN gets its lease", async () => {
    const other = home.gateway.spawn(["dhclient", "-4", "-d", "lan"]);
    await other.line(/DHCPDISCOVER on lan/, 10_000);
    await home.startSkylan({ wan: { ipv4: "dhcp" } });
    await home.until(isLeased, { within: 20_000, what: "the gateway has its lease" });
    await other.stop();
  });
});
