/** What `skylan up` refuses: one sentence that says what to do, an exit code that a script understands, and a kernel that is as it was. */
// Needs: dbus-daemon, dhcp6c, dhcpcd, NetworkManager, radvd, /lib/systemd/systemd-networkd
import assert from "node:assert/strict";
import { existsSync, globSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import type { Running } from "../../src/lab/running.ts";
import { type BoxState, boxState } from "../fixtures/box-state.ts";
import { startNetworkManager } from "../fixtures/network-manager.ts";
import { startNetworkd } from "../fixtures/networkd.ts";
import { AS_SERVICE, otherUserIsRefused, ownDirectories } from "../fixtures/service.ts";
import { onlineHome, skipWithout } from "./home.ts";

const SILENT_RADVD = "interface lan { AdvSendAdvert on; UnicastOnly on; prefix fd12:3456:789a::/64 {}; };\n";
const DHCP6C = "interface wan { send ia-pd 0; };\nid-assoc pd 0 { };\n";

const withoutLegacyTables = existsSync("/proc/net/ip6_tables_names") ? skipWithout("python3") : "this kernel has no ip6_tables";
const MAKE_LEGACY_TABLE = `
import ctypes, socket
raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
name, size = ctypes.create_string_buffer(b"filter", 84), ctypes.c_uint32(84)
assert ctypes.CDLL(None).getsockopt(raw.fileno(), socket.IPPROTO_IPV6, 64, name, ctypes.byref(size)) == 0
`;

describe("skylan up refuses", () => {
  let home: Home;
  let untouched: BoxState;

  before(async () => {
    home = await createHome({ isp: "none" });
    await home.gateway.ip("link set wan up\nlink set lan up");
    await home.until(async () => !(await home.gateway.exec("ip", "-6", "addr")).includes("tentative"), {
      within: 10_000,
      what: "the gateway's link-local addresses are ready",
    });
    untouched = await boxState(home.gateway);
  });
  after(async () => home?.[Symbol.asyncDispose]());

  interface Case {
    readonly config?: string;
    /** Before `skylan`. */
    readonly through?: readonly string[];
    readonly options?: readonly string[];
  }

  function write(name: string, text: string): string {
    const file = join(home.directory, name);
    writeFileSync(file, text);
    return file;
  }

  /** Runs `skylan up`, which must end by itself, and returns its one sentence. */
  async function refusal(exitCode: number, { config = home.config(), through = [], options = [] }: Case): Promise<string> {
    const file = write("refused.toml", config);
    const { code, stdout, stderr } = await home.gateway.attempt(...through, "timeout", "15", "skylan", "up", "--config", file, ...options);
    assert.equal(code, exitCode, stderr + stdout);
    assert.equal(stdout, "", "nothing is announced");
    assert.match(stderr, /^skylan: (?!.*this is a bug)/, "a sentence");
    assert.doesNotMatch(stderr, /^ +at /m, "no stack");
    assert.deepEqual(await boxState(home.gateway), untouched, "the kernel is as it was");
    return stderr;
  }

  async function besides(rival: Running, isReady: () => Promise<unknown>): Promise<string> {
    try {
      await home.until(isReady, { within: 10_000, what: "the rival is up" });
      untouched = await boxState(home.gateway);
      return await refusal(EXIT.conflict, {});
    } finally {
      await rival.stop();
    }
  }

  const listens = (what: string, table: string) => () => home.gateway.exec("grep", what, table);

  test("an interface that does not exist, and names those that do", async () => {
    const sentence = await refusal(EXIT.unavailable, { config: home.config().replace('"wan"', '"eth8"') });
    assert.match(sentence, /^skylan: there is no interface eth8.*this box has .*wan/);
  });

  test("to plan with an interface that does not exist, as `up` would", async () => {
    const file = write("planned.toml", home.config().replace('"wan"', '"eth8"'));
    const { code, stdout, stderr } = await home.gateway.attempt("skylan", "plan", "--config", file);
    assert.deepEqual([code, stdout], [EXIT.unavailable, ""]);
    assert.match(stderr, /^skylan: there is no interface eth8/);
  });

  test("a config that is wrong, with the line and what was probably meant", async () => {
    const sentence = await refusal(EXIT.config, { config: home.config().replace("interface =", "interfaec =") });
    assert.match(sentence, /refused\.toml:2:1: \[wan\] has no key "interfaec"; did you mean "interface"\?\n/);
  });

  test("a config that is no TOML", async () => {
    assert.match(await refusal(EXIT.config, { config: "[wan\n" }), /refused\.toml:\d+:\d+: this is no TOML/);
  });

  test("a config file that does not exist", async () => {
    const sentence = await refusal(EXIT.config, { options: ["--config", "/nonexistent/skylan.toml"] });
    assert.match(sentence, /\/nonexistent\/skylan\.toml: there is no such file/);
  });

  test("to run without the right to change the network", async () => {
    const through = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
    assert.match(await refusal(EXIT.permission, { through }), /root|CAP_NET_ADMIN/);
  });

  test("where neither the library of nftables nor its program is installed", async () => {
    const hidden = [...globSync("/usr/lib/*/libnftables.so.1"), ...globSync("/usr/sbin/nft")];
    assert.equal(hidden.length, 2);
    const hide = hidden.map((path) => `mount --bind /dev/null ${path}`).join(" && ");
    const sentence = await refusal(EXIT.unavailable, { through: ["unshare", "--mount", "sh", "-c", `${hide} && exec "$@"`, "sh"] });
    assert.match(sentence, /neither libnftables\.so\.1 nor the program nft is installed \(apt install nftables\)/);
  });

  test("a state directory on a full disk", async () => {
    const full = join(home.directory, "full");
    mkdirSync(full);
    await home.gateway.shell(
      `mount -t tmpfs -o size=16k tmpfs ${full}\ndd if=/dev/zero of=${full}/fill bs=1k count=64 2>/dev/null || true`,
    );
    assert.match(await refusal(EXIT.state, { options: ["--state-dir", full] }), /the disk is full/);
    assert.equal(await home.gateway.exec("ls", full), "fill\n", "nothing half-written lies around");
  });

  test("a state directory that is a file", async () => {
    assert.match(await refusal(EXIT.state, { options: ["--state-dir", write("no-folder", "")] }), /choose another place with --state-dir/);
  });

  test("[ROB-5] another DHCPv6 client: dhcp6c", async () => {
    const rival = home.gateway.spawn(["dhcp6c", "-f", "-c", write("dhcp6c.conf", DHCP6C), "wan"]);
    const sentence = await besides(rival, listens(":0222 ", "/proc/net/udp6"));
    assert.match(sentence, /dhcp6c \(pid \d+\) is a DHCPv6 client.*systemctl disable --now dhcp6c, or kill \d+/);
  });

  test("[ROB-5] another DHCPv6 client: dhcpcd (case 26)", async () => {
    const rival = home.gateway.spawn(["dhcpcd", "-6", "-B", "-f", write("dhcpcd.conf", "noipv6rs\nia_pd 1\n"), "wan"]);
    assert.match(await besides(rival, listens(":0222 ", "/proc/net/udp6")), /dhcpcd \(pid \d+\) is a DHCPv6 client/);
  });

  test("[ROB-5] another DHCPv6 client: systemd-networkd (case 26)", async () => {
    const rival = await startNetworkd(home.gateway, "wan", "[Network]\nDHCP=ipv6\n[DHCPv6]\nWithoutRA=solicit\n");
    const sentence = await besides(rival, listens(":0222 ", "/proc/net/udp6"));
    assert.match(sentence, /systemd-network \(pid \d+\) is a DHCPv6 client.*DHCP=no.*networkctl reload/);
  });

  test("[ROB-5] another DHCPv6 client: NetworkManager (case 26)", async () => {
    const rival = await startNetworkManager(home.gateway, "wan", { ipv6: "dhcp" });
    const sentence = await besides(rival, listens(":0222 ", "/proc/net/udp6"));
    assert.match(sentence, /NetworkManager \(pid \d+\) is a DHCPv6 client.*nmcli device set INTERFACE managed no/);
  });

  test("[ROB-5] another DHCPv6 server, where skylan serves the LANs", async () => {
    const holds = `require("node:dgram").createSocket("udp6").bind(547)`;
    const rival = home.gateway.spawn([process.execPath, "-e", holds]);
    assert.match(await besides(rival, listens(":0223 ", "/proc/net/udp6")), /\(pid \d+\) is a DHCPv6 server \(UDP port 547\)/);
  });

  test("[ROB-5] another DHCPv6 client, also where skylan is a service that may not look into the processes of root", {
    skip: otherUserIsRefused(),
  }, async () => {
    const file = write("service.toml", home.config());
    const holds = `require("node:dgram").createSocket("udp6").bind(546, () => console.log("bound"))`;
    const rival = home.gateway.spawn([process.execPath, "-e", holds]);
    await rival.line(/^bound$/, 10_000);
    const { code, stderr } = await home.gateway.attempt(...AS_SERVICE, "skylan", "up", "--config", file, ...ownDirectories(home));
    await rival.stop();
    assert.equal(code, EXIT.conflict, stderr);
    assert.match(stderr, /^skylan: a program of another user is a DHCPv6 client/);
    assert.deepEqual(await boxState(home.gateway), untouched, "the kernel is as it was");
  });

  test("[ROB-5] another router advertisement daemon: radvd (case 26)", async () => {
    const file = write("radvd.conf", SILENT_RADVD);
    const rival = home.gateway.spawn(["radvd", "-n", "-C", file, "-p", join(home.directory, "radvd.pid"), "-m", "stderr"]);
    const sentence = await besides(rival, listens(":003A ", "/proc/net/raw6"));
    assert.match(sentence, /radvd \(pid \d+\) handles Router Advertisements/);
  });

  test("a second skylan at the same run directory", async () => {
    const first = await home.startSkylan();
    untouched = await boxState(home.gateway);
    assert.match(await refusal(EXIT.conflict, {}), /skylan already runs here/);
    await first.stop();
  });
});

describe("skylan up goes on", () => {
  test("without a saved state that is damaged: it is kept aside, and named", async () => {
    await using home = await createHome();
    const state = join(home.directory, "state");
    mkdirSync(state);
    writeFileSync(join(state, "dhcpv6-client.json"), '{"version":1,"bootId":');
    await home.startSkylan();
    await home.globalAddress("laptop");
    assert.ok(readdirSync(state).includes("dhcpv6-client.json.damaged"));
    const { events } = await home.status();
    assert.ok(events.some(({ event, text }) => event === "state.damaged" && text.includes("dhcpv6-client.json.damaged")));
  });

  test("[ROB-5] with a foreign rule that refuses what it lets through: named by up and by status, until it is gone", async () => {
    await using home = await createHome();
    await home.gateway.shell(`nft -f - <<'END'
table ip6 filter {
  chain FORWARD { type filter hook forward priority 0; policy accept; reject with icmpv6 admin-prohibited; }
}
END`);
    const skylan = await home.startSkylan();
    await skylan.process.line(/table ip6 filter refuses packets.*Remedy: .*nft flush chain ip6 filter FORWARD/, 5000);
    const problems = async () => (await home.status()).problems.filter(({ name }) => name === "firewall.foreign-forward");
    assert.equal((await problems()).length, 1);
    await home.gateway.exec("nft", "delete", "table", "ip6", "filter");
    assert.deepEqual(await problems(), []);
    await home.gateway.exec(
      "nft",
      "add table ip6 filter; add chain ip6 filter FORWARD { type filter hook forward priority 0; policy drop; }",
    );
    assert.match((await problems())[0]!.text, /policy drop/);
  });

  test("[ROB-5] with a radvd that comes later: status names it, until it is gone (case 26)", async () => {
    await using home = await onlineHome();
    const named = async () => (await home.status()).problems.filter(({ name }) => name === "rival").map(({ text }) => text);
    assert.deepEqual(await named(), []);
    const file = join(home.directory, "radvd.conf");
    writeFileSync(file, SILENT_RADVD);
    const radvd = home.gateway.spawn(["radvd", "-n", "-C", file, "-p", join(home.directory, "radvd.pid"), "-m", "stderr"]);
    const texts = await home.until(async () => ((await named()).length > 0 ? named() : undefined), {
      within: 10_000,
      what: "status names it",
    });
    assert.match(texts.join("\n"), /^radvd \(pid \d+\) handles Router Advertisements/);
    await radvd.stop();
    await home.until(async () => (await named()).length === 0, { within: 5000, what: "status forgets it" });
  });

  test("with tables of the old ip6tables, which nft does not list: status says so", { skip: withoutLegacyTables }, async () => {
    await using home = await createHome({ isp: "none" });
    await home.startSkylan();
    const names = async () => (await home.status()).problems.map(({ name }) => name);
    assert.deepEqual(await names(), []);
    // Whoever asks for a table makes it, as ip6tables-legacy does: IP6T_SO_GET_INFO is 64.
    await home.gateway.exec("python3", "-c", MAKE_LEGACY_TABLE);
    assert.deepEqual(await names(), ["firewall.legacy-tables"]);
  });
});
