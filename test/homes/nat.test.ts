/** One IPv4 address for the home: what RFC 4787, 5382 and 5508 want of its translation, forwarded ports, and who else may use the box's ways. */
// Needs: conntrack
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ip4 } from "../../src/addr/ip.ts";
import { prefix4 } from "../../src/addr/prefix4.ts";
import { createHome, type Home, type HomeOptions, NET_ADDRESS, NET_ADDRESS_IPV4 } from "../../src/lab/home.ts";
import type { Namespace } from "../../src/lab/namespace.ts";
import type { Running } from "../../src/lab/running.ts";
import { nodeCommand } from "../../src/lab/script-path.ts";
import { giveIpv4 } from "../../src/lab/static-ipv4.ts";
import { fetchWeb, serveWeb, webUrl } from "../../src/lab/traffic.ts";
import { skipWithout } from "./home.ts";

const [LAPTOP, CAMERA] = ["192.168.1.2", "192.168.1.3"];
const OTHER_NET_ADDRESS = "198.18.0.81";
/** No address that is shared or private. */
const PUBLIC = { provider: { dhcpv4: { network: prefix4("198.19.0.0/24"), router: ip4("198.19.0.1") } } };
const PUBLIC_ADDRESS = "198.19.0.9";
const CGNAT_ADDRESS = "100.64.0.9";

/** Answers each datagram with the address and port from which it came, as a STUN server does. */
const REFLECT = `
import socket, selectors, sys
chosen = selectors.DefaultSelector()
for port in sys.argv[1:]:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, 8, 1)
    s.bind(("0.0.0.0", int(port)))
    chosen.register(s, selectors.EVENT_READ)
print("reflecting", flush=True)
while True:
    for key, _ in chosen.select():
        data, info, _, who = key.fileobj.recvmsg(2048, 64)
        local = info[0][2][4:8]
        key.fileobj.sendmsg([("%s:%d" % who).encode()], [(0, 8, bytes(4) + local + bytes(4))], 0, who)`;

/** Sends from one port to each "address:port", and prints what each says. */
const ASK = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.bind(("0.0.0.0", int(sys.argv[1])))
for place in sys.argv[2:]:
    host, port = place.split(":")
    s.sendto(b"who am I?", (host, int(port)))
    data, who = s.recvfrom(2048)
    assert who == (host, int(port)), who
    print(data.decode(), flush=True)`;

async function natHome(options: HomeOptions, config = "", gateway: readonly string[] = []): Promise<Home> {
  const home = await createHome(options);
  await giveIpv4(home);
  await home.net.ip(`addr add ${OTHER_NET_ADDRESS}/24 dev eth0`);
  if (options === PUBLIC) await home.host("isp").ip("addr add 198.19.0.1/24 dev customer");
  await home.startSkylan(home.config({ wan: { ipv4: "dhcp" }, ...(gateway.length > 0 && { gateway: { open: gateway } }) }) + config);
  const leased = async (): Promise<boolean> => /inet [0-9.]+\/32/.test(await home.gateway.exec("ip", "-4", "addr", "show", "dev", "wan"));
  await home.until(leased, { within: 20_000, what: "the gateway has a lease" });
  return home;
}

async function ask(host: Namespace, port: number, ...places: readonly string[]): Promise<readonly string[]> {
  return (await host.exec("python3", "-c", ASK, String(port), ...places)).trim().split("\n");
}

const refused = (host: Namespace, url: string): Promise<void> =>
  assert.rejects(fetchWeb(host, url, { within: 700 }), /no answer|ECONN|EHOST/, url);

describe("the translation of IPv4", { concurrency: true }, () => {
  test("[NAT-1] one socket has one port for all the world, its own; two with the same port are told apart where they meet", async () => {
    await using home = await natHome({});
    await home.net.spawn(["python3", "-c", REFLECT, "3478", "3479"]).line(/^reflecting$/, 10_000);
    const places = [`${NET_ADDRESS_IPV4}:3478`, `${NET_ADDRESS_IPV4}:3479`, `${OTHER_NET_ADDRESS}:3478`];
    const mapped = await ask(home.laptop, 5000, ...places);
    assert.deepEqual(
      mapped,
      places.map(() => `${CGNAT_ADDRESS}:5000`),
    );
    const [other, ...rest] = await ask(home.camera, 5000, ...places);
    assert.match(other!, /^100\.64\.0\.9:\d+$/);
    assert.notEqual(other, mapped[0]);
    assert.deepEqual(rest, [other, other], "and that one too has one port for all the world");
    assert.deepEqual(await ask(home.laptop, 5000, ...places), mapped, "nobody has taken the first one's");
    assert.deepEqual(await ask(home.camera, 6000, places[0]!), [`${CGNAT_ADDRESS}:6000`]);
  });

  test("[NAT-1] an idle UDP mapping lives for 5 min, an idle TCP connection for more than 2 h 4 min", async () => {
    await using home = await natHome({});
    await home.net.spawn(["python3", "-c", REFLECT, "3478"]).line(/^reflecting$/, 10_000);
    await serveWeb(home.net, 8080);
    await ask(home.laptop, 5000, `${NET_ADDRESS_IPV4}:3478`);
    const holding = home.laptop.spawn([
      "python3",
      "-c",
      `import socket, time; s = socket.create_connection(("${NET_ADDRESS_IPV4}", 8080)); print("open", flush=True); time.sleep(60)`,
    ]);
    await holding.line(/^open$/, 10_000);
    await home.laptop.attempt("ping", "-c", "1", "-W", "1", NET_ADDRESS_IPV4);
    const left = async (protocol: string): Promise<number> => {
      const line = (await home.gateway.exec("conntrack", "-L", "-p", protocol, "-s", LAPTOP)).split("\n")[0]!;
      return Number(/^\S+ +\d+ (\d+)/.exec(line)?.[1]);
    };
    const [udp, tcp, icmp] = [await left("udp"), await left("tcp"), await left("icmp")];
    assert.ok(udp > 290 && udp <= 300, `UDP ${udp}`);
    assert.ok(tcp >= 7440, `TCP ${tcp}`);
    assert.ok(icmp > 50 && icmp <= 60, `ICMP ${icmp}`);
    const transitory = ["syn_sent", "syn_recv", "fin_wait", "close_wait", "last_ack", "time_wait"];
    const timers = await home.gateway.exec(
      "cat",
      ...transitory.map((state) => `/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_${state}`),
    );
    assert.ok(
      timers
        .trim()
        .split("\n")
        .every((value) => Number(value) >= 240),
      timers,
    );
    assert.equal((await home.runSkylan("down")).code, 0);
    assert.notEqual(await home.gateway.exec("cat", "/proc/sys/net/netfilter/nf_conntrack_icmp_timeout"), "60\n", "put back");
  });

  test("[NAT-1] an ICMP error reaches the device that it is about, and ends no mapping", async () => {
    await using home = await natHome({});
    const reflector = home.net.spawn(["python3", "-c", REFLECT, "3478"]);
    await reflector.line(/^reflecting$/, 10_000);
    const talk = home.laptop.spawn(
      [
        "python3",
        "-uc",
        `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 5000))
s.connect(("${NET_ADDRESS_IPV4}", 3478))
s.settimeout(20)
s.send(b"hello")
print("mapped", s.recv(100).decode())
input()
s.send(b"is anybody there?")
try:
    s.recv(100)
except ConnectionRefusedError:
    print("refused")
print("heard", s.recv(100).decode())`,
      ],
      { writable: true },
    );
    await talk.line(/^mapped 100\.64\.0\.9:5000$/, 10_000);
    await reflector.stop("SIGKILL");
    talk.write("\n");
    await talk.line(/^refused$/, 10_000);
    // From the other side, to a mapping that must still be there.
    await home.net.exec(
      "python3",
      "-c",
      `import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("${NET_ADDRESS_IPV4}", 3478)); s.sendto(b"back again", ("${CGNAT_ADDRESS}", 5000))`,
    );
    await talk.line(/^heard back again$/, 10_000);
  });

  const wideNet = skipWithout("tcpdump", "tshark");
  test("[NAT-2] IPv6 keeps its source on the way out, whatever IPv4 does", { skip: wideNet }, async () => {
    await using home = await natHome({});
    const address = await home.globalAddress("laptop");
    const capture = await home.capture("wan");
    await serveWeb(home.net, 80);
    assert.match(await fetchWeb(home.laptop, webUrl(NET_ADDRESS), { within: 10_000 }), new RegExp(`You are ${address}\\.`));
    const sources = await capture.packets("tcp && ipv6 && eth.src != 00:00:5e:00:01:01", "ipv6.src");
    assert.deepEqual([...new Set(sources.flat())], [address]);
    const table = await home.gateway.exec("nft", "list", "table", "inet", "skylan");
    const translating = table.split("\n").filter((line) => /masquerade|snat|dnat to/.test(line));
    assert.ok(translating.length > 0 && translating.every((line) => /ip [sd]addr/.test(line)), translating.join("\n"));
  });
});

describe("forwarded ports", () => {
  let home: Home;
  const FORWARDS = `
[[forward]]
port = "tcp/8080"
to = "${LAPTOP}"
[[forward]]
port = "tcp/8443"
to = "tv"
to_port = 443
source = "${NET_ADDRESS_IPV4}"
[[forward]]
port = "udp/5000-5010"
to = "${LAPTOP}"
[device.tv]
mac = "02:00:00:00:00:03"
ipv4 = "${CAMERA}"
`;

  before(async () => {
    home = await natHome(PUBLIC, FORWARDS);
    await Promise.all([serveWeb(home.laptop, 8080), serveWeb(home.camera, 443, 8080), serveWeb(home.gateway, 22)]);
  });
  after(async () => home?.[Symbol.asyncDispose]());

  test("[V4C-8] with a public address the internet reaches the device, which sees who calls, and nothing else", async () => {
    const page = await fetchWeb(home.net, webUrl(PUBLIC_ADDRESS, 8080));
    assert.match(page, new RegExp(`Hello from laptop, port 8080\\. You are ::ffff:${NET_ADDRESS_IPV4}\\.`));
    assert.match(await fetchWeb(home.net, webUrl(PUBLIC_ADDRESS, 8443)), /Hello from camera, port 443/);
    await refused(home.net, webUrl(PUBLIC_ADDRESS, 443));
    await refused(home.net, webUrl(PUBLIC_ADDRESS, 22));
    await home.laptop.spawn(["python3", "-c", REFLECT, "5007"]).line(/^reflecting$/, 10_000);
    assert.deepEqual(await ask(home.net, 7000, `${PUBLIC_ADDRESS}:5007`), [`${NET_ADDRESS_IPV4}:7000`]);
    assert.deepEqual((await home.status()).problems, []);
  });

  test("a forward for one source is closed to others", async () => {
    await home.host("net").ip(`route replace 198.19.0.0/24 via 198.18.0.1 src ${OTHER_NET_ADDRESS}`);
    await refused(home.net, webUrl(PUBLIC_ADDRESS, 8443));
    assert.match(await fetchWeb(home.net, webUrl(PUBLIC_ADDRESS, 8080)), new RegExp(OTHER_NET_ADDRESS));
    await home.host("net").ip("route del 198.19.0.0/24");
  });

  test("[NAT-1] a device reaches another one, and itself, by the provider's address, and is seen as the provider's address", async () => {
    for (const host of [home.camera, home.laptop]) {
      const page = await fetchWeb(host, webUrl(PUBLIC_ADDRESS, 8080));
      assert.match(page, new RegExp(`Hello from laptop, port 8080\\. You are ::ffff:${PUBLIC_ADDRESS}\\.`), host.name);
    }
    await home.laptop.spawn(["python3", "-c", REFLECT, "5005"]).line(/^reflecting$/, 10_000);
    assert.deepEqual(await ask(home.camera, 7000, `${PUBLIC_ADDRESS}:5005`), [`${PUBLIC_ADDRESS}:7000`]);
    assert.match(await fetchWeb(home.camera, webUrl(LAPTOP, 8080)), new RegExp(CAMERA), "directly it is seen as itself");
  });

  test("[V4C-8] the dish, or a modem, is reached from the home at its own address", async () => {
    await home.host("isp").ip("addr add 192.168.100.1/32 dev customer");
    await serveWeb(home.host("isp"), 9201);
    assert.match(await fetchWeb(home.laptop, webUrl("192.168.100.1", 9201)), new RegExp(`You are ::ffff:${PUBLIC_ADDRESS}\\.`));
  });
});

test("[V4C-8] where the provider shares its address, plan and status say that forwards can't work, and what does", async () => {
  await using home = await natHome({}, `[[forward]]\nport = "tcp/8080"\nto = "${LAPTOP}"\n`);
  const problem = (await home.status()).problems.find(({ name }) => name === "ipv4.forwards-unreachable");
  assert.match(problem!.text, /tcp\/8080.*100\.64\.0\.9.*CGNAT/);
  assert.match(problem!.remedy, /IPv6.*open = \["tcp\/8080"\] in \[lan\.home\]/);
  assert.match((await home.runSkylan("status")).stdout, /forwards +tcp\/8080 to 192\.168\.1\.2/);
  const { stdout } = await home.runSkylan("plan", "--config", `${home.directory}/skylan.toml`);
  assert.match(stdout, /! Nobody on the internet can reach.*Remedy: .*IPv6/);
  assert.match(stdout, /Nothing to change/, "the rules are listed as they were written");
  // Within the provider's network it works all the same.
  await serveWeb(home.laptop, 8080);
  assert.match(await fetchWeb(home.camera, webUrl(CGNAT_ADDRESS, 8080)), /Hello from laptop/);
  await home.host("isp").ip("addr add 192.168.100.1/32 dev customer");
  await serveWeb(home.host("isp"), 9201);
  assert.match(await fetchWeb(home.laptop, webUrl("192.168.100.1", 9201)), /You are ::ffff:100\.64\.0\.9\./);
});

describe("a container beside skylan, with rules as Docker makes them", () => {
  let home: Home;
  let server: Running | undefined;
  const CONTAINER = "172.17.0.2";
  const inContainer = (...command: readonly string[]): readonly string[] => ["ip", "netns", "exec", "container", ...command];
  const fetched = async (url: string): Promise<string> => {
    const script = `import urllib.request; print(urllib.request.urlopen("${url}", timeout=3).read().decode())`;
    return (await home.gateway.attempt(...inContainer("python3", "-c", script))).stdout;
  };

  before(async () => {
    home = await natHome({}, "", ["tcp/8082"]);
    await home.gateway.shell(`
      mkdir -p /run/netns
      ip link add docker0 type bridge
      ip addr add 172.17.0.1/16 dev docker0
      ip netns add container
      ip link add veth0 type veth peer name eth0 netns container
      ip link set veth0 master docker0 up
      ip link set docker0 up
      ip -n container link set eth0 up
      ip -n container addr add ${CONTAINER}/16 dev eth0
      ip -n container route add default via 172.17.0.1
      nft -f - <<'END'
table ip docker {
  chain publish { type nat hook prerouting priority dstnat; fib daddr type local tcp dport { 8081, 8082 } dnat to ${CONTAINER}:8000; }
  chain hide { type nat hook postrouting priority srcnat; ip saddr 172.17.0.0/16 oifname != "docker0" masquerade; }
}
END`);
    await serveWeb(home.net, 80);
    server = home.gateway.spawn(inContainer(...nodeCommand("web-server", "container", "8000")));
    await server.line(/^listening on 8000$/, 30_000);
  });
  after(async () => {
    // In a namespace of its own it does not end with the gateway.
    await server?.stop();
    await home?.[Symbol.asyncDispose]();
  });

  test("it reaches the internet behind the leased address, and devices reach what it publishes", async () => {
    assert.match(await fetched(webUrl(NET_ADDRESS_IPV4)), /You are ::ffff:100\.64\.0\.9/);
    assert.match(await fetchWeb(home.laptop, webUrl("192.168.1.1", 8081)), /Hello from container/);
    assert.match(await fetchWeb(home.laptop, webUrl(CONTAINER, 8000)), /Hello from container/);
  });

  test("the internet reaches what the owner has opened on the gateway, and nothing else that it publishes", async () => {
    assert.match(await fetchWeb(home.net, webUrl(CGNAT_ADDRESS, 8082)), /Hello from container/);
    await refused(home.net, webUrl(CGNAT_ADDRESS, 8081));
  });

  test("[NAT-3] what nobody translates does not leave", { skip: skipWithout("tcpdump", "tshark") }, async () => {
    const capture = await home.capture("wan");
    await home.gateway.exec("nft", "delete", "chain", "ip", "docker", "hide");
    assert.equal(await fetched(webUrl(NET_ADDRESS_IPV4)), "");
    await home.gateway.attempt("ping", "-c", "1", "-W", "1", NET_ADDRESS_IPV4);
    await home.until(async () => (await capture.packets("icmp.type == 8", "ip.src")).length > 0, { within: 10_000, what: "a ping leaves" });
    assert.deepEqual(await capture.packets("ip.src == 172.17.0.0/16", "ip.src"), []);
  });

  test("[ROB-5] that Docker drops what it does not know is named with commands that help", async () => {
    await home.gateway.exec("nft", "add chain ip docker FORWARD { type filter hook forward priority 0; policy drop; }");
    await refused(home.laptop, webUrl(NET_ADDRESS_IPV4));
    const problem = async () => (await home.status()).problems.find(({ name }) => name === "firewall.foreign-forward");
    const found = await problem();
    assert.match(found!.text, /table ip docker refuses packets.*by IPv4/);
    for (const command of /\((nft insert .*?)\), or/.exec(found!.remedy)![1]!.split("; ")) {
      await home.gateway.exec(...command.split(" ").slice(0, 3), command.split(" ").slice(3).join(" "));
    }
    assert.match(await fetchWeb(home.laptop, webUrl(NET_ADDRESS_IPV4)), /You are ::ffff:100\.64\.0\.9/);
    assert.equal(await problem(), undefined);
  });
});
