/** DHCPv4 on the LAN with the clients that people have. */
// Needs: dhclient, dhcpcd, udhcpc, /lib/systemd/systemd-networkd, tcpdump, tshark
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHome, type Home } from "../../src/lab/home.ts";
import type { Namespace } from "../../src/lab/namespace.ts";

const WITH_IPV4 = { wan: { ipv4: "dhcp" } };

/** The address that a host has by DHCP. @throws NotInTime */
async function addressOf(home: Home, host: Namespace): Promise<string> {
  const found = async (): Promise<string | undefined> =>
    /inet ([0-9.]+)\/24/.exec(await host.exec("ip", "-4", "addr", "show", "dev", "eth0"))?.[1];
  return (await home.until(found, { within: 20_000, what: `${host.name} has an address` }))!;
}

describe("DHCPv4 on the LAN", { concurrency: true }, () => {
  test("[V4S-1] dhclient and udhcpc get addresses, with the router as their way out, and `skylan leases` lists both", async () => {
    await using home = await createHome();
    await home.startSkylan(WITH_IPV4);
    home.laptop.spawn(["dhclient", "-4", "-d", "eth0"]);
    home.camera.spawn(["udhcpc", "-f", "-i", "eth0", "-s", "/etc/udhcpc/default.script", "-x", "hostname:camera"]);
    const addresses = [await addressOf(home, home.laptop), await addressOf(home, home.camera)];
    for (const host of home.hosts) assert.match(await host.exec("ip", "-4", "route"), /default via 192\.168\.1\.1 dev eth0/);
    const { stdout } = await home.runSkylan("leases");
    for (const address of addresses) assert.match(stdout, new RegExp(`^${address} `, "m"));
    assert.match(stdout, / camera +[0-9a-f:]{17} /);
    assert.deepEqual((await home.status()).lans[0]?.dhcpv4, { leases: 2, addresses: 150 });
    const [laptop] = addresses;
    assert.match((await home.runSkylan("leases", "--flush", laptop!)).stdout, /^Forgotten:/);
    assert.equal((await home.status()).lans[0]?.dhcpv4?.leases, 1);
    const missing = await home.runSkylan("leases", "--flush", laptop!);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /no lease has the address or name 192\.168\.1\.\d+/);
  });
});
