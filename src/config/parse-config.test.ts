import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { parseConfig } from "./parse-config.ts";

const WAN = `[wan]\ninterface = "eth8"\n`;
const FIVE_LINES = `[wan]\ninterface = "eth8"\n\n[lan.home]\ninterface = "eth0"\n`;

function problemsOf(text: string): readonly ConfigProblem[] {
  try {
    parseConfig(text, "skylan.toml");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}

/** "line:column text" of each problem. */
const told = (text: string): readonly string[] => problemsOf(text).map((problem) => `${problem.line}:${problem.column} ${problem.text}`);

test("five lines are a config, with every default filled in", () => {
  assert.deepEqual(parseConfig(FIVE_LINES, "skylan.toml"), {
    wan: { interface: "eth8", prefixHint: 56, requestAddress: "auto", temporaryAddresses: false, rapidCommit: false, ipv4: "off" },
    lans: [
      {
        name: "home",
        interface: "eth0",
        open: [],
        advertise: { maxInterval: 300, minInterval: 100, otherInformation: true, searchDomains: [] },
        dhcpv6: { addresses: false, delegatedLength: 64 },
      },
    ],
    devices: [],
    gateway: { open: [] },
    forwards: [],
    dns: { enabled: false, zone: "home.arpa", rebindExceptions: [], forwardedZones: [] },
    ula: "off",
  });
});

test("every key is understood", () => {
  const config = parseConfig(
    `[wan]
interface = "eth8"
prefix_hint = 60
request_address = "never"
temporary_addresses = true
rapid_commit = true
ipv4 = "dhcp"

[lan.home]
interface = "br-lan"
ipv4 = "10.7.0.1/16"
subnet = 7
open = ["tcp/22", "udp/5000-5010"]

[lan.home.advertise]
max_interval = 60
other_information = false
resolvers = ["FD00::53"]
search_domains = ["home.arpa"]
mtu = 1400
pref64 = "64:ff9b::/96"
captive_portal = "https://portal.example/api"

[lan.home.dhcp]
pool = "10.7.1.0-10.7.1.255"
lease = 600

[device.printer]
mac = "B8-27-EB-12-34-56"
client_id = "FF:01:02"
duid = "00:03:00:01:b8:27:eb:12:34:56"
ipv4 = "10.7.0.10"

[lan.home.dhcpv6]
addresses = true
delegated_length = 60

[gateway]
open = ["tcp/22"]

[ula]
prefix = "fd12:3456:789a::/48"
`,
    "skylan.toml",
  );
  assert.deepEqual(config, {
    wan: { interface: "eth8", prefixHint: 60, requestAddress: "never", temporaryAddresses: true, rapidCommit: true, ipv4: "dhcp" },
    lans: [
      {
        name: "home",
        interface: "br-lan",
        subnet: 7,
        ipv4: { address: "10.7.0.1", network: "10.7.0.0/16" },
        dhcp: { pool: { first: "10.7.1.0", last: "10.7.1.255" }, lease: 600 },
        open: [
          { protocol: "tcp", from: 22, to: 22 },
          { protocol: "udp", from: 5000, to: 5010 },
        ],
        advertise: {
          maxInterval: 60,
          minInterval: 20,
          otherInformation: false,
          resolvers: ["fd00::53"],
          searchDomains: ["home.arpa"],
          mtu: 1400,
          pref64: "64:ff9b::/96",
          captivePortal: "https://portal.example/api",
        },
        dhcpv6: { addresses: true, delegatedLength: 60 },
      },
    ],
    devices: [{ name: "printer", mac: "b8:27:eb:12:34:56", clientId: "ff0102", duid: "00030001b827eb123456", ipv4: "10.7.0.10" }],
    gateway: { open: [{ protocol: "tcp", from: 22, to: 22 }] },
    forwards: [],
    dns: { enabled: false, zone: "home.arpa", rebindExceptions: [], forwardedZones: [] },
    ula: "fd12:3456:789a::/48",
  });
});

test("LANs keep the order of the file, also when their names look like numbers", () => {
  const names = ["9", "zebra", "1", "apple"];
  const text = WAN + names.map((name, i) => `[lan.${name}]\ninterface = "lan${i}"\n`).join("");
  assert.deepEqual(
    parseConfig(text, "skylan.toml").lans.map((lan) => lan.name),
    names,
  );
});

test("advertisement intervals stay within 4 to 1800 s, and the shortest within three quarters of the longest", () => {
  const withIntervals = (lines: string) => told(`${FIVE_LINES}[lan.home.advertise]\n${lines}`);
  assert.deepEqual(withIntervals("max_interval = 3"), ["7:16 max_interval must be a whole number of seconds from 4 to 1800, not 3"]);
  assert.deepEqual(withIntervals("max_interval = 1801"), ["7:16 max_interval must be a whole number of seconds from 4 to 1800, not 1801"]);
  assert.deepEqual(withIntervals("min_interval = 2"), ["7:16 min_interval must be a whole number of seconds from 3 to 1350, not 2"]);
  assert.deepEqual(withIntervals("max_interval = 4\nmin_interval = 3"), []);
  assert.deepEqual(withIntervals("max_interval = 100\nmin_interval = 76"), [
    "8:16 min_interval must be at most three quarters of max_interval, 75, not 76",
  ]);
  assert.deepEqual(withIntervals("min_interval = 226"), ["7:16 min_interval must be at most three quarters of max_interval, 225, not 226"]);
});

test("whatever the longest interval is, the default of the shortest is legal", () => {
  for (let max = 4; max <= 1800; max++) {
    const { advertise } = parseConfig(`${FIVE_LINES}advertise = { max_interval = ${max} }`, "skylan.toml").lans[0]!;
    assert.ok(advertise.minInterval >= 3 && advertise.minInterval <= 0.75 * max, `${max}`);
  }
});

test("all problems are told at once, in the order of the file, each with its place and what would be right", () => {
  const text = `[wan]\ninterface = 8\nprefix_hint = 47\n[lan.home]\ninterface = "eth/0"\nsubnet = -1\nopen = ["tcp/22", "tcp/0", "sctp/9", "udp/20-10"]\n`;
  const opening = `each element must be a protocol and a port or a range of ports, such as "tcp/22" or "udp/5000-5010"`;
  const name = `interface must be the name of a network interface (1 to 15 characters, without "/", ":" and spaces)`;
  assert.deepEqual(told(text), [
    `2:13 ${name}, not 8`,
    "3:15 prefix_hint must be a whole number from 48 to 64, not 47",
    `5:13 ${name}, not "eth/0"`,
    "6:10 subnet must be a whole number from 0 to 65535, not -1",
    `7:19 ${opening}, not "tcp/0"`,
    `7:28 ${opening}, not "sctp/9"`,
    `7:38 ${opening}, not "udp/20-10"`,
  ]);
});

test("the message names the file and shows the line with a caret below the place", () => {
  assert.throws(() => parseConfig(`${WAN}\n[lan.home]\n\tinterface = "eth0"\n\tsubnett = 1\n`, "/etc/skylan.toml"), {
    name: "ConfigError",
    message: `/etc/skylan.toml:6:2: [lan.home] has no key "subnett"; did you mean "subnet"?\n  6 | \tsubnett = 1\n    | \t^^^^^^^`,
  });
});

test("an unknown key is told with the key that was meant, or with all keys when none is near", () => {
  assert.deepEqual(told(`${FIVE_LINES}[lan.home.advertise]\nmax-interval = 5`), [
    '7:1 [lan.home.advertise] has no key "max-interval"; did you mean "max_interval"?',
  ]);
  assert.deepEqual(told(`${FIVE_LINES}[gateway]\nports = []`), ['7:1 [gateway] has no key "ports"; it may hold open']);
  assert.deepEqual(told(`${FIVE_LINES}[ntp]\n`), [
    '6:2 a config has no key "ntp"; it may hold wan, lan, device, gateway, forward, dns, ula',
  ]);
  assert.deepEqual(told(`prefix = 1\n${FIVE_LINES}`), [
    '1:1 a config has no key "prefix"; it may hold wan, lan, device, gateway, forward, dns, ula',
  ]);
});

test("an interface has one place only", () => {
  assert.deepEqual(told(`${WAN}[lan.a]\ninterface = "eth8"\n`), [
    '4:13 "eth8" is the interface of [wan] already; each of them needs one of its own',
  ]);
  assert.deepEqual(told(`${WAN}[lan.a]\ninterface = "eth0"\n[lan.b]\ninterface = "eth0"\n`), [
    '6:13 "eth0" is the interface of [lan.a] already; each of them needs one of its own',
  ]);
});

test("two LANs cannot have one subnet number", () => {
  assert.deepEqual(told(`${WAN}[lan.a]\ninterface = "eth0"\nsubnet = 4\n[lan.b]\ninterface = "eth1"\nsubnet = 4\n`), [
    "8:10 subnet 4 belongs to [lan.a] already; write another number, or none",
  ]);
});

test("what is missing is named with an example", () => {
  assert.deepEqual(told(""), [
    '0:0 the table [wan] is missing; it needs interface = "eth0"',
    '0:0 the table [lan.home] is missing; it needs interface = "eth0"',
  ]);
  assert.deepEqual(told(`${WAN}[lan.home]\n`), ['3:2 [lan.home] needs the key "interface", such as interface = "eth0"']);
  assert.deepEqual(told(`${WAN}[lan]\n`), ['3:2 there is no LAN; write [lan.home] with interface = "eth0"']);
});

test("lists, dates and values in place of tables are refused where they stand", () => {
  assert.deepEqual(told(`${WAN}lan = 5\n`).length, 2);
  assert.deepEqual(told(`${WAN}[[lan.home]]\ninterface = "eth0"\n`), ["3:3 home must be one table, not a list"]);
  assert.deepEqual(told(`${WAN}[lan.home]\ninterface = 2001-01-01\n`).length, 1);
  assert.deepEqual(told(`${FIVE_LINES}open = "tcp/22"`), [
    '6:8 open must be a list of openings, such as ["tcp/22", "udp/5000-5010"], not "tcp/22"',
  ]);
});

test("a name of a LAN is a word", () => {
  for (const name of ['"a b"', "_x", "constructor", '"__proto__"', '""', "a".repeat(33)]) {
    assert.match(told(`${WAN}[lan.${name}]\ninterface = "eth0"\n`).join(), /^3:2 ".*" can't be the name of a LAN/, name);
  }
});

test("the ULA prefix is off, automatic, or the owner's own /48 below fd00::/8", () => {
  const ula = (value: string) => `${FIVE_LINES}[ula]\nprefix = "${value}"`;
  assert.equal(parseConfig(ula("auto"), "").ula, "auto");
  assert.equal(parseConfig(ula("off"), "").ula, "off");
  assert.equal(parseConfig(ula("fd00:1:2::/48"), "").ula, "fd00:1:2::/48");
  for (const wrong of ["fd00::/64", "fc00::/48", "2605::/48", "on", "fd00::"]) assert.equal(told(ula(wrong)).length, 1, wrong);
});

test("LANs have IPv4 where the WAN has it: their own network, a free one, or none", () => {
  const text = (wan: string, home: string) =>
    `[wan]\ninterface = "eth8"\n${wan}\n[lan.home]\ninterface = "eth0"\n${home}\n[lan.guest]\ninterface = "eth1"\n`;
  const networks = (wan: string, home: string) => parseConfig(text(wan, home), "").lans.map((lan) => lan.ipv4?.network);
  assert.deepEqual(networks('ipv4 = "dhcp"', ""), ["192.168.1.0/24", "192.168.2.0/24"]);
  assert.deepEqual(networks('ipv4 = "dhcp"', 'ipv4 = "192.168.1.9/23"'), ["192.168.0.0/23", "192.168.2.0/24"]);
  assert.deepEqual(networks('ipv4 = "dhcp"', 'ipv4 = "off"'), [undefined, "192.168.1.0/24"]);
  assert.deepEqual(networks("", ""), [undefined, undefined]);
  assert.match(told(text("", 'ipv4 = "10.0.0.1/24"')).join(), /^6:8 an IPv4 network needs a way out; write ipv4 = "dhcp" in \[wan\]/);
  assert.match(told(text('ipv4 = "dhcp"', 'ipv4 = "8.8.8.8/24"')).join(), /^6:8 ipv4 must be "off", or an address in a private network/);
});

test("networks of LANs that share addresses are refused where the second one stands", () => {
  const lans = '[lan.a]\ninterface = "eth0"\nipv4 = "10.0.0.1/8"\n[lan.b]\ninterface = "eth1"\nipv4 = "10.9.0.1/24"\n';
  assert.deepEqual(told(`[wan]\ninterface = "eth8"\nipv4 = "dhcp"\n${lans}`), [
    "9:8 10.9.0.0/24 overlaps 10.0.0.0/8 of [lan.a]; write another network, or none",
  ]);
});

test("a NAT64 prefix has one of the six lengths", () => {
  const pref64 = (value: string) => told(`${FIVE_LINES}advertise = { pref64 = "${value}" }`);
  for (const length of [32, 40, 48, 56, 64, 96]) assert.deepEqual(pref64(`2a00::/${length}`), []);
  for (const wrong of ["2a00::/95", "2a00::/128", "64:ff9b::", "10.0.0.0/8"]) assert.equal(pref64(wrong).length, 1, wrong);
});

test("a captive portal's URI is https and has at most 255 octets; without the key there is none", () => {
  const portal = (value: string) => told(`${FIVE_LINES}advertise = { captive_portal = "${value}" }`);
  const start = "https://portal.example/";
  assert.deepEqual(portal(start.padEnd(255, "x")), []);
  for (const wrong of [start.padEnd(256, "x"), "http://portal.example/", "https://", "https://a b/"])
    assert.equal(portal(wrong).length, 1, wrong);
  assert.equal("captivePortal" in parseConfig(FIVE_LINES, "").lans[0]!.advertise, false);
});

test("resolvers and search domains are addresses and domain names", () => {
  const advertise = (line: string) => told(`${FIVE_LINES}[lan.home.advertise]\n${line}`);
  assert.deepEqual(advertise('resolvers = ["2606:4700::1", "fe80::1"]\nsearch_domains = ["home.arpa", "a.b.c."]'), []);
  for (const wrong of ["1.1.1.1", "ff02::fb", "::", "one.one"]) assert.equal(advertise(`resolvers = ["${wrong}"]`).length, 1, wrong);
  for (const wrong of ["", ".", "a..b", "-a", "a b", "x".repeat(64)])
    assert.equal(advertise(`search_domains = ["${wrong}"]`).length, 1, wrong);
});

test("a file that is no TOML is told with its first wrong place", () => {
  assert.deepEqual(told(`${WAN}[lan.home]\ninterface = "eth0" x`), ["4:20 this is no TOML: must be a newline"]);
  assert.equal(problemsOf("[wan").length, 1);
});

test("any text gives a config or a ConfigError whose places lie in the file", () => {
  const word = fc.constantFrom(
    "[wan]",
    "[lan.a]",
    "[lan.b.advertise]",
    "interface",
    "open",
    "subnet",
    "=",
    '"eth0"',
    "5",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "\t",
    '"',
    "#",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), (words) => {
      const text = words.join(" ");
      const lines = text.split("\n");
      for (const { line, column } of problemsOf(text)) assert.ok(line <= lines.length && column <= (lines[line - 1]?.length ?? 0) + 2);
    }),
  );
});
