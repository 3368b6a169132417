/** The names of the home: its own zone, the way back, and what is never asked for outside, with BIND as the provider's resolver. */
// Needs: named, dnssec-signzone, delv
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { prefix } from "../../src/addr/prefix.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { giveIpv4 } from "../../src/lab/static-ipv4.ts";
import { EMPTY_ZONES } from "../../src/machines/dns-served-zones.ts";
import { comeAnew } from "../fixtures/host-identity.ts";
import { type Named, startNamed } from "../fixtures/named.ts";
import { skipWithout } from "./home.ts";

const SERVER = "192.168.1.1";
const [DELEGATED, OTHER] = ["2605:59c8:12", "2605:59c8:77"];

const macOf = async (home: Home, host: string): Promise<string> =>
  (await home.host(host).exec("cat", "/sys/class/net/eth0/address")).trim();

/** A home in which the owner has named both hosts; the camera makes addresses from its MAC address, the laptop opaque ones. */
async function namedHome(temporary: boolean): Promise<{ readonly home: Home; readonly named: Named }> {
  const home = await createHome();
  await comeAnew(home, "camera", { identifiers: "eui64", temporary: false });
  await comeAnew(home, "laptop", { identifiers: "opaque", temporary });
  const [laptop, camera] = await Promise.all(["laptop", "camera"].map((host) => macOf(home, host)));
  const config = home.config({
    wan: { ipv4: "dhcp" },
    dns: { enabled: true },
    device: { laptop: { mac: laptop! }, camera: { mac: camera! } },
  });
  await home.startSkylan(`${config}\n[ula]\nprefix = "auto"\n`);
  const named = await startNamed(home);
  await giveIpv4(home);
  await home.until(async () => (await short(home, "ns.example.org", "AAAA")).length > 0, { within: 20_000, what: "the forwarder answers" });
  return { home, named };
}

/** What dig prints, a record a line. */
async function short(home: Home, ...question: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await home.laptop.attempt("dig", `@${SERVER}`, "+tries=1", "+timeout=3", "+short", ...question);
  return stdout.split("\n").filter((line) => line !== "" && !line.startsWith(";"));
}

async function whole(home: Home, ...question: readonly string[]): Promise<string> {
  return (await home.laptop.attempt("dig", `@${SERVER}`, "+tries=1", "+timeout=3", ...question)).stdout;
}

/** Waits until a name has addresses that begin so, and no others. */
async function untilNamed(home: Home, name: string, ...beginnings: readonly string[]): Promise<readonly string[]> {
  const right = async (): Promise<readonly string[] | undefined> => {
    const found = await short(home, `${name}.home.arpa`, "AAAA");
    const fit = beginnings.every((beginning) => found.some((each) => each.startsWith(beginning)));
    return fit && found.length === beginnings.length ? found : undefined;
  };
  const dump = async (): Promise<string> =>
    [await short(home, `${name}.home.arpa`, "AAAA"), JSON.stringify(await home.skylan.devices())].join("\n");
  return (await home.until(right, { within: 40_000, what: `${name} has ${beginnings.join(" and ")} alone`, dump }))!;
}

describe("names of the home", { concurrency: true }, () => {
  test("[DNS-10] [DNS-11] [DNS-12] the home's zone and what is served locally are answered with authority, and upstream hears none of it but the DS of home.arpa", async () => {
    const { home, named } = await namedHome(false);
    await using _ = home;
    const zones = ["home.arpa", "resolver.arpa", ...EMPTY_ZONES];
    for (const zone of zones) {
      const soa = await whole(home, zone, "SOA");
      assert.match(soa, /status: NOERROR/, zone);
      assert.match(soa, /flags: qr aa/, zone);
      assert.match(soa, /nobody\.invalid\./, zone);
      if (zone !== "home.arpa") assert.match(soa, /\s10800\s+IN\s+SOA/, zone);
      assert.equal((await short(home, zone, "NS")).length, 1, zone);
    }
    for (const name of ["nobody.home.arpa", "a.b.home.arpa", "9.9.9.10.in-addr.arpa", "x.invalid", "x.test", "x.onion", "printer.local"]) {
      assert.match(await whole(home, name), /status: NXDOMAIN/, name);
    }
    assert.deepEqual(await short(home, "localhost", "A"), ["127.0.0.1"]);
    assert.deepEqual(await short(home, "x.localhost", "AAAA"), ["::1"]);
    await whole(home, "home.arpa", "DS");
    const heard = (): readonly string[] => named.asked().filter((question) => !/example\.org/.test(question));
    assert.deepEqual(heard(), []);
    await whole(home, "home.arpa", "DS", "+dnssec");
    await home.until(() => heard().length > 0, { within: 5_000, what: "the DS of home.arpa is asked for" });
    assert.deepEqual([...new Set(heard())], ["home.arpa IN DS"]);
  });

  test("[DNS-13] [DNS-14] a name has its stable addresses alone, and each leads back to it", async () => {
    const { home } = await namedHome(true);
    await using _ = home;
    const camera = await untilNamed(home, "camera", DELEGATED, "fd");
    await home.camera.attempt("ping", "-c", "1", "-W", "1", SERVER);
    const hasIpv4 = async (): Promise<boolean> => (await short(home, "camera.home.arpa", "A")).join() === "192.168.1.3";
    await home.until(hasIpv4, { within: 10_000, what: "the camera's IPv4 address is known" });
    for (const address of [...camera, "192.168.1.3"]) assert.deepEqual(await short(home, "-x", address), ["camera.home.arpa."], address);
    assert.deepEqual(await short(home, "router.home.arpa", "A"), [SERVER]);
    const ttls = [...(await whole(home, "camera.home.arpa", "AAAA")).matchAll(/^camera\S+\s+(\d+)\s+IN\s+AAAA/gm)].map(([, ttl]) =>
      Number(ttl),
    );
    assert.ok(ttls.length === 2 && ttls.every((ttl) => ttl > 0 && ttl <= 30), String(ttls));
    // The laptop has a temporary address beside each of its own, and nobody can tell yet which is which.
    assert.deepEqual(await short(home, "laptop.home.arpa", "AAAA"), []);
    const temporary = (await home.addresses("laptop")).filter((each) => each.temporary).map(({ address }) => address);
    assert.equal(temporary.length, 2);
  });

  test("[DNS-13] what a host calls itself in DHCPv4 is its name for IPv4 and IPv6", {
    skip: skipWithout("udhcpc"),
  }, async () => {
    await using home = await createHome();
    await comeAnew(home, "camera", { identifiers: "eui64", temporary: false });
    await home.startSkylan({ wan: { ipv4: "dhcp" }, dns: { enabled: true } });
    for (const host of home.hosts)
      host.spawn(["udhcpc", "-f", "-i", "eth0", "-s", "/etc/udhcpc/default.script", "-x", `hostname:${host.name}`]);
    const found = async (): Promise<boolean> => (await short(home, "camera.home.arpa", "A")).length === 1;
    await home.until(found, { within: 30_000, what: "the camera has its name" });
    const addresses = [...(await short(home, "camera.home.arpa", "A")), ...(await untilNamed(home, "camera", DELEGATED))];
    for (const address of addresses) assert.deepEqual(await short(home, "-x", address), ["camera.home.arpa."], address);
    const { stdout } = await home.runSkylan("devices");
    assert.match(stdout, /^camera +home +here +shows its MAC/m);
  });

  test("[DNS-14] after a renumbering each name has its new addresses, and no answer names an old one", async () => {
    const { home } = await namedHome(false);
    await using _ = home;
    await Promise.all([untilNamed(home, "camera", DELEGATED, "fd"), untilNamed(home, "laptop", DELEGATED, "fd")]);
    await home.isp.command({ kind: "renumber", pool: prefix("2605:59c8:7700::/40") });
    await home.runSkylan("refresh");
    const [camera, laptop] = await Promise.all([untilNamed(home, "camera", OTHER, "fd"), untilNamed(home, "laptop", OTHER, "fd")]);
    for (const [host, addresses] of [
      ["camera", camera],
      ["laptop", laptop],
    ] as const) {
      const own = async (): Promise<boolean> => {
        const has = (await home.addresses(host)).map(({ address }) => address);
        return addresses.every((address) => has.includes(address));
      };
      await home.until(own, { within: 10_000, what: `${host} has what its name says` });
      for (const address of addresses) assert.deepEqual(await short(home, "-x", address), [`${host}.home.arpa.`]);
    }
  });
});
