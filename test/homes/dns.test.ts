/** Names for the home, with BIND as the provider's resolver and real clients. */
// Needs: named, dnssec-signzone, delv, kdig, openssl
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import type { DnsStatus } from "../../src/api/dns-status.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import { giveIpv4 } from "../../src/lab/static-ipv4.ts";
import { type Named, RESOLVER_IPV4, RESOLVERS, startNamed, TLS_NAME } from "../fixtures/named.ts";
import { onlineHome } from "./home.ts";

const DNS = { wan: { ipv4: "dhcp" }, dns: { enabled: true } };
const IPV4 = "192.168.1.1";

/** A home whose laptop resolves a name by what it was told to ask; returns that resolver too. */
async function resolvingHome(config: object = DNS): Promise<{ readonly home: Home; readonly named: Named; readonly server: string }> {
  const home = await onlineHome({}, config);
  const named = await startNamed(home);
  await giveIpv4(home);
  const server = `${(await home.status()).lans[0]!.resolvers[0]}%eth0`;
  await home.until(async () => (await dig(home, server, "ns.example.org", "AAAA")).includes("NOERROR"), {
    within: 20_000,
    what: "the forwarder answers",
  });
  return { home, named, server };
}

async function dig(home: Home, server: string, ...options: readonly string[]): Promise<string> {
  const { stdout } = await home.laptop.attempt("dig", `@${server}`, "+tries=1", "+timeout=5", ...options);
  return stdout;
}

const dnsStatus = async (home: Home): Promise<DnsStatus> => JSON.parse((await home.runSkylan("dns", "--json")).stdout) as DnsStatus;
const ttlOf = (answer: string): number => Number(/^[^;\s]\S*\s+(\d+)\s+IN/m.exec(answer)?.[1]);

describe("names by a forwarder", () => {
  let home: Home;
  let named: Named;
  let server: string;
  before(async () => {
    ({ home, named, server } = await resolvingHome());
  });
  after(() => home[Symbol.asyncDispose]());

  test("[DNS-1] UDP and TCP are answered at the address in the RA and at those of the LAN, and on the loopback of the box itself", async () => {
    assert.match(server, /^fe80::/);
    const global = (await home.status()).lans[0]!.subnets[0]!.address;
    for (const at of [server, global, IPV4]) {
      assert.equal((await dig(home, at, "+short", "www.example.org", "AAAA")).trim(), NET_ADDRESS, at);
      assert.equal((await dig(home, at, "+short", "+tcp", "www.example.org", "AAAA")).trim(), NET_ADDRESS, `${at} by TCP`);
    }
    for (const at of ["127.0.0.1", "::1"]) {
      assert.equal((await home.gateway.exec("dig", `@${at}`, "+short", "www.example.org", "AAAA")).trim(), NET_ADDRESS, at);
    }
  });

  test("[DNS-1] nothing answers on the WAN, at none of the box's addresses", async () => {
    const { wan, ipv4, lans } = await home.status();
    const addresses = [wan.addresses[0]!.address, lans[0]!.subnets[0]!.address, ipv4!.lease!.address, `${wan.linkLocal}%customer`];
    for (const at of addresses) {
      for (const transport of ["+notcp", "+tcp"]) {
        const { code } = await home.host("isp").attempt("dig", `@${at}`, transport, "+tries=1", "+timeout=1", "www.example.org");
        assert.notEqual(code, 0, `${at} ${transport}`);
      }
    }
    const { stdout } = await home.gateway.attempt("ss", "-Hlnu", "sport = 53");
    const bound = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/)[3]!);
    assert.deepEqual(bound.toSorted(), ["*%lan:53", "[::1]%lo:53", "[::ffff:127.0.0.1]%lo:53"], stdout);
  });

  test("[DNS-1] several questions on one TCP connection are all answered", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `host${i}.example.org`);
    const { stdout } = await home.laptop.attempt(
      "kdig",
      `@${IPV4}`,
      "+tcp",
      "+keepopen",
      "+short",
      ...names.flatMap((name) => [name, "AAAA"]),
    );
    assert.equal(stdout.trim().split("\n").length, names.length, stdout);
  });

  test("[DNS-5] a type that nobody knows passes unchanged", async () => {
    const answer = await dig(home, server, "+short", "strange.example.org", "TYPE65280");
    assert.equal(answer.trim(), "\\# 4 01020304");
  });

  test("[DNS-5] [DNS-18] a validating stub behind us validates, by UDP and by TCP, and sees the case that it wrote", async () => {
    for (const transport of ["+notcp", "+tcp"]) {
      const { stdout } = await home.laptop.attempt(
        "delv",
        `@${IPV4}`,
        transport,
        "-a",
        named.anchors,
        "+root=example.org",
        "wWw.example.org",
        "AAAA",
      );
      assert.match(stdout, /; fully validated/, stdout);
    }
    assert.match(await dig(home, server, "wWw.eXample.org", "AAAA"), /^wWw\.eXample\.org\.\s/m);
  });

  test("[DNS-3] an answer of 4 kB comes by TCP from the resolver, and is cut with TC for a client by UDP", async () => {
    const whole = await dig(home, server, "+short", "long.example.org", "TXT");
    assert.match(whole, /15x{250}/);
    const cut = await dig(home, server, "+ignore", "long.example.org", "TXT");
    assert.match(cut, /flags: qr tc rd ra; QUERY: 1, ANSWER: 0/);
  });

  test("[DNS-4] the client's own size is honoured, options are ignored, later versions refused", async () => {
    assert.match(await dig(home, server, "+noedns", "+ignore", "long.example.org", "TXT"), /flags: qr tc/);
    assert.doesNotMatch(await dig(home, server, "+noedns", "www.example.org", "AAAA"), /EDNS/);
    assert.match(await dig(home, server, "+ednsopt=65001:0102", "+nsid", "www.example.org", "AAAA"), /NOERROR[^]*udp: 1232/);
    assert.match(await dig(home, server, "+edns=1", "+noednsneg", "www.example.org", "AAAA"), /BADVERS/);
  });

  test("[DNS-6] an update is refused, and so is a transfer", async () => {
    const script = join(home.directory, "update");
    writeFileSync(script, `server ${IPV4}\nzone example.org\nupdate add evil.example.org 60 A 198.18.0.1\nsend\n`);
    const { stderr } = await home.laptop.attempt("nsupdate", script);
    assert.match(stderr, /REFUSED/);
    assert.match(await dig(home, server, "example.org", "AXFR"), /Transfer failed|REFUSED/);
  });

  test("[DNS-7] TTLs count down, what does not exist is kept by its SOA, and nothing is asked for below it", async () => {
    const first = ttlOf(await dig(home, server, "host500.example.org", "AAAA"));
    assert.equal(first, 300);
    await home.until(async () => ttlOf(await dig(home, server, "host500.example.org", "AAAA")) < 300, {
      within: 5000,
      what: "the TTL is less",
    });
    assert.match(await dig(home, server, "gone.example.org", "AAAA"), /NXDOMAIN[^]*example\.org\.\s+60\s+IN\s+SOA/);
    assert.match(await dig(home, server, "gone.example.org", "AAAA"), /NXDOMAIN/);
    assert.match(await dig(home, server, "+noedns", "below.gone.example.org", "AAAA"), /NXDOMAIN/);
    const asked = named.asked().filter((question) => question.includes("gone.example.org"));
    assert.deepEqual([...new Set(asked)], ["gone.example.org IN AAAA"]);
  });

  test("[DNS-16] names of the internet that point into the home are refused", async () => {
    assert.match(await dig(home, server, "inside.example.org", "A"), /REFUSED/);
    assert.match(await dig(home, server, "inside.example.org", "AAAA"), /REFUSED/);
    assert.match((await home.runSkylan("status")).stdout, /inside\.example\.org points to/);
  });

  test("the box itself resolves by us, and after `down` as it did before", async () => {
    await home.gateway.exec("getent", "ahostsv6", "www.example.org");
    assert.match(await home.gateway.exec("cat", "/etc/resolv.conf"), /^nameserver 127\.0\.0\.1$/m);
    await using other = await onlineHome({}, DNS);
    const written = async (): Promise<boolean> => (await other.gateway.exec("cat", "/etc/resolv.conf")).includes("127.0.0.1");
    await other.until(written, { within: 10_000, what: "the box asks itself" });
    await other.runSkylan("down");
    assert.equal(await other.gateway.exec("cat", "/etc/resolv.conf"), "");
  });

  test("the kernel lists the rules for names as they were meant: nothing is left to change", async () => {
    assert.match((await home.runSkylan("plan")).stdout, /^Nothing to change\.$/m);
  });

  test("skylan dns shows whom it asks and what it has kept, and forgets it when told to", async () => {
    const { stdout } = await home.runSkylan("dns");
    for (const word of ["listens on", "ASKS", RESOLVERS[0], "CACHE", "hits"]) assert.ok(stdout.includes(word), stdout);
    const before = await dnsStatus(home);
    assert.ok(before.cache.entries > 0 && before.cache.hits > 0);
    await home.runSkylan("dns", "--flush");
    assert.equal((await dnsStatus(home)).cache.entries, 0);
  });

  test("[RA-14] the resolver's address survives a renumbering: names resolve all through it", async () => {
    const answers = home.laptop.spawn([
      "sh",
      "-c",
      `i=0; while [ $i -lt 60 ]; do i=$((i + 1)); dig @${server} +short +tries=1 +timeout=2 host$i.example.org AAAA || echo lost; sleep 0.1; done; echo end`,
    ]);
    await home.isp.command({ kind: "renumber", pool: prefix("2605:59c8:7700::/40") });
    await answers.line(/^end$/m, 30_000);
    const lines = answers.output.trim().split("\n").slice(0, -1);
    assert.equal(lines.filter((line) => line.startsWith("2a0d:7f00:1::")).length, 60, answers.output);
    assert.equal(`${(await home.status()).lans[0]!.resolvers[0]}%eth0`, server);
  });
});

describe("resolvers that fail", { concurrency: true }, () => {
  test("[DNS-9] a resolver that has fallen silent is left within 2 s, and then costs nothing", async () => {
    const { home, server } = await resolvingHome();
    await using _home = home;
    const used = (await dnsStatus(home)).upstreams.toSorted((a, b) => (a.latency ?? 1e9) - (b.latency ?? 1e9))[0]!.name;
    await silence(home, used);
    for (let i = 0; i < 10; i++) {
      const answer = await dig(home, server, "+timeout=2", `host${i}.example.org`, "AAAA");
      assert.match(answer, /NOERROR/, `question ${i}`);
    }
    const { upstreams } = await dnsStatus(home);
    assert.equal(upstreams.find(({ name }) => name === used)?.state, "silent");
  });

  test("[DNS-8] without any resolver an answer whose time is over serves, with a TTL of 30 s", async () => {
    const { home, named, server } = await resolvingHome();
    await using _home = home;
    assert.match(await dig(home, server, "brief.example.org", "AAAA"), /NOERROR/);
    await Promise.all([...RESOLVERS, "1.1.1.1"].map((address) => silence(home, address)));
    const stale = async (): Promise<boolean> => ttlOf(await dig(home, server, "brief.example.org", "AAAA")) === 30;
    await home.until(stale, { within: 15_000, what: "a stale answer" });
    await named.process.stop();
  });

  test("[DNS-9] resolvers by IPv4 serve when those by IPv6 are lost", async () => {
    const { home, named, server } = await resolvingHome();
    await using _home = home;
    await Promise.all(RESOLVERS.map((address) => silence(home, address)));
    assert.match(await dig(home, server, "+timeout=3", "www.example.org", "A"), /NOERROR/);
    assert.ok(named.asked().includes("www.example.org IN A"));
  });

  test("resolvers by TLS and by HTTPS are asked over one connection; a certificate for another name is none", async () => {
    await using home = await createHome();
    const named = await startNamed(home);
    await giveIpv4(home);
    const trust = { NODE_EXTRA_CA_CERTS: named.certificate };
    const upstreams = [`tls://${RESOLVER_IPV4}#${TLS_NAME}`, `https://${TLS_NAME}/dns-query#${RESOLVER_IPV4}`];
    for (const [index, upstream] of upstreams.entries()) {
      await home.startSkylan({ wan: { ipv4: "dhcp" }, dns: { enabled: true, upstreams: [upstream] } }, trust);
      const resolves = async (): Promise<boolean> => (await dig(home, IPV4, "+short", "ns.example.org", "AAAA")).includes("1111");
      await home.until(resolves, { within: 20_000, what: `${upstream} answers` });
      const names = Array.from({ length: 10 }, (_, i) => `host${i + 10 * index}.example.org`);
      const answers = await Promise.all(names.map((name) => dig(home, IPV4, "+short", name, "AAAA")));
      for (const answer of answers) assert.match(answer, /^2a0d:7f00:1::/, upstream);
      assert.match(await dig(home, IPV4, "+short", "long.example.org", "TXT"), /15x{250}/);
      const { stdout } = await home.gateway.attempt("ss", "-Hnt", "dst", RESOLVER_IPV4);
      assert.equal(stdout.trim().split("\n").length, 1, stdout);
      await home.skylan.stop();
    }
    await home.startSkylan({ wan: { ipv4: "dhcp" }, dns: { enabled: true, upstreams: [`tls://${RESOLVER_IPV4}#dns.other.org`] } }, trust);
    await home.until(async () => (await home.status()).ipv4?.forwarding, { within: 20_000, what: "IPv4 is there" });
    assert.match(await dig(home, IPV4, "+timeout=8", "www.example.org", "AAAA"), /SERVFAIL/);
  });

  test("[D6P-18] without an address on the WAN the router asks from one of its delegation, and names resolve", async () => {
    await using home = await createHome({ provider: { advertising: { preferred: 0 as Seconds, valid: 0 as Seconds } } });
    const named = await startNamed(home);
    await home.startSkylan(DNS);
    await home.globalAddress("laptop");
    const server = `${(await home.status()).lans[0]!.resolvers[0]}%eth0`;
    const resolves = async (): Promise<boolean> => (await dig(home, server, "+short", "www.example.org", "AAAA")).trim() === NET_ADDRESS;
    await home.until(resolves, { within: 15_000, what: "a name resolves" });
    const { wan, lans } = await home.status();
    assert.deepEqual(wan.addresses, []);
    assert.match(named.process.output, new RegExp(`${lans[0]!.subnets[0]!.address}#\\d+ \\(www\\.example\\.org\\)`));
  });

  test("a question that comes while skylan is being restarted is answered at a client's first repetition", async () => {
    const { home, server } = await resolvingHome();
    await using _home = home;
    const { pid } = home.skylan;
    await home.skylan.stop();
    const answers = [server, IPV4].map((at) => dig(home, at, "+tries=3", "www.example.org", "AAAA"));
    await sleep(3000);
    assert.notEqual((await home.startSkylan(DNS)).pid, pid);
    for (const answer of await Promise.all(answers)) assert.match(answer, /NOERROR/);
  });
});

/** Packets to an address of the provider are lost. */
async function silence(home: Home, address: string): Promise<void> {
  const family = address.includes(":") ? "ip6" : "ip";
  await home
    .host("isp")
    .exec(
      "nft",
      `add table inet silence; add chain inet silence input { type filter hook input priority 0; }; add rule inet silence input ${family} daddr ${address} drop`,
    );
}
