import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuid } from "../addr/duid.ts";
import { ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { PAGE_WIDTH } from "./page-layout.ts";
import { spanWords } from "./span-words.ts";
import type { Status } from "./status.ts";
import { formatStatus } from "./status-words.ts";

const router = ip6("fe80::200:5eff:fe00:101");
const at = "2026-11-23T22:16:02.000Z";

const online: Status = {
  version: "0.1.0",
  at,
  uptime: 11_520,
  devices: { present: 0, known: 0 },
  wan: {
    interface: "eth8",
    carrier: true,
    linkLocal: ip6("fe80::5a1e:22ff:fe03:401"),
    provider: "Starlink",
    routers: [{ address: router, preference: "medium", left: 1780 }],
    flags: { managed: false, other: true },
    addresses: [
      { address: ip6("2605:59c8:10:1:8d2c:41a7:90e3:77f2"), origin: "slaac", state: "ready", preferred: 133, valid: 283 },
      { address: ip6("2605:59c8:10:1::99"), origin: "leased", state: "tentative", preferred: 133, valid: 283 },
    ],
    mtu: 1500,
    resolvers: [ip6("2606:4700:4700::1111"), ip6("2001:4860:4860::8888")],
    searchDomains: [],
  },
  dhcpv6: {
    state: "bound",
    duid: parseDuid("00046f1d2c3b4a5968778695a4b3c2d1e0ff")!,
    serverDuid: parseDuid("000100012a3b4c5d00005e000101")!,
    serverAddress: router,
    renewIn: 58,
    rebindIn: 103,
  },
  delegations: [{ prefix: prefix("2605:59c8:1200::/56"), preferred: 133, valid: 283 }],
  prefixHistory: [
    { prefix: prefix("2605:59c8:1200::/56"), since: "2026-11-22T17:40:10.000Z" },
    { prefix: prefix("2605:59c8:1100::/56"), since: "2026-11-02T08:13:00.000Z", until: "2026-11-22T17:40:10.000Z" },
  ],
  lans: [
    {
      name: "home",
      interface: "eth0",
      carrier: true,
      subnets: [{ prefix: prefix("2605:59c8:1200::/64"), address: ip6("2605:59c8:1200::1"), preferred: 133, valid: 283 }],
      withdrawing: [{ prefix: prefix("2605:59c8:1100::/64"), left: 4800 }],
      defaultRouter: true,
      resolvers: [ip6("2606:4700:4700::1111")],
      open: ["tcp/8080", "udp/5000-5010"],
      otherRouters: [{ address: ip6("fe80::bad"), claim: "default router for 2 h 30 min, high preference" }],
      dhcpv6Servers: [],
      delegated: [],
      leased: [],
    },
  ],
  routes: [
    { destination: prefix("::/0"), kind: "unicast", via: router, interface: "eth8", metric: 512, left: 1780 },
    { destination: prefix("2605:59c8:1200::/64"), kind: "unicast", interface: "eth0", metric: 256, left: null },
    { destination: prefix("2605:59c8:1200::/56"), kind: "unreachable", metric: 1024, left: null },
  ],
  forwarding: true,
  gatewayOpen: ["tcp/22"],
  problems: [],
  events: [
    {
      at: "2026-11-23T22:15:00.000Z",
      level: "info",
      source: "dhcpv6-client",
      event: "dhcpv6.renewed",
      text: "2605:59c8:1200::/56 renewed.",
    },
    { at: "2026-11-22T17:40:10.000Z", level: "warning", source: "dhcpv6-client", event: "dhcpv6.bound", text: "Another prefix." },
  ],
};

const offline: Status = {
  version: "0.1.0",
  at,
  uptime: 4,
  devices: { present: 0, known: 0 },
  wan: { interface: "eth8", carrier: true, routers: [], addresses: [], resolvers: [], searchDomains: [] },
  dhcpv6: { state: "soliciting", duid: online.dhcpv6.duid, refusal: "NoPrefixAvail: pool is empty" },
  delegations: [],
  prefixHistory: [],
  lans: [
    {
      name: "home",
      interface: "eth0",
      carrier: false,
      subnets: [],
      withdrawing: [],
      defaultRouter: false,
      resolvers: [],
      open: [],
      otherRouters: [],
      dhcpv6Servers: [],
      delegated: [],
      leased: [],
    },
  ],
  routes: [],
  forwarding: false,
  gatewayOpen: [],
  problems: [
    {
      name: "firewall.foreign-drop",
      text: "Table ip6 filter, chain FORWARD drops what the home sends: reject with icmp6-adm-prohibited.",
      remedy: "Delete that rule: ip6tables -D FORWARD -j REJECT --reject-with icmp6-adm-prohibited",
    },
  ],
  events: [],
};

const page = (status: Status) => formatStatus(status, { color: false, timeZone: "UTC" });
const lineAfter = (text: string, start: string) => text.split("\n").find((line) => line.trimStart().startsWith(start));

const ONLINE = `skylan 0.1.0  running for 3 h 12 min
Online: packets pass between the home and the internet.

INTERNET  eth8, Starlink
  router        fe80::200:5eff:fe00:101             for 29 min 40 s
  address       2605:59c8:10:1:8d2c:41a7:90e3:77f2  preferred 2 min 13 s, valid 4 min 43 s
  leased        2605:59c8:10:1::99                  preferred 2 min 13 s, valid 4 min 43 s,
                being checked
  link-local    fe80::5a1e:22ff:fe03:401
  resolver      2606:4700:4700::1111
                2001:4860:4860::8888
  advertised    M=0 O=1, MTU 1500

PREFIX  2605:59c8:1200::/56
  delegated     2605:59c8:1200::/56  preferred 2 min 13 s, valid 4 min 43 s
  lease         bound, renew in 58 s, rebind in 1 min 43 s
  server        fe80::200:5eff:fe00:101
  server DUID   000100012a3b4c5d00005e000101
  our DUID      00046f1d2c3b4a5968778695a4b3c2d1e0ff
  history       2605:59c8:1200::/56  since 2026-11-22 17:40
                2605:59c8:1100::/56  2026-11-02 08:13 to 2026-11-22 17:40

LAN home  eth0
  subnet        2605:59c8:1200::/64  preferred 2 min 13 s, valid 4 min 43 s
  withdrawing   2605:59c8:1100::/64  for 1 h 20 min
  gateway       2605:59c8:1200::1
  resolver      2606:4700:4700::1111
  open          tcp/8080, udp/5000-5010
  hosts are     offered the way to the internet
  other router  fe80::bad            default router for 2 h 30 min, high preference

THIS BOX
  open          tcp/22

ROUTES
  ::/0                 via fe80::200:5eff:fe00:101 on eth8  29 min 40 s
  2605:59c8:1200::/64  on eth0
  2605:59c8:1200::/56  refused

LATELY
  22:15:00          2605:59c8:1200::/56 renewed.
  2026-11-22 17:40  Another prefix.`;

test("the status of a home that is online reads like this", () => {
  assert.equal(page(online), ONLINE);
});

const OFFLINE = `skylan 0.1.0  running for 4 s
Offline: the provider refuses a prefix: NoPrefixAvail: pool is empty

! Table ip6 filter, chain FORWARD drops what the home sends: reject with icmp6-adm-prohibited.
  → Delete that rule: ip6tables -D FORWARD -j REJECT --reject-with icmp6-adm-prohibited
  firewall.foreign-drop

INTERNET  eth8

PREFIX  none
  lease         soliciting, refused: NoPrefixAvail: pool is empty
  our DUID      00046f1d2c3b4a5968778695a4b3c2d1e0ff

LAN home  eth0, no cable
  hosts are     not offered a way to the internet`;

test("the status of a home without a prefix says why, and how to repair what is wrong", () => {
  assert.equal(page(offline), OFFLINE);
});

test("the first sentence names what is missing, the nearest cause first", () => {
  const sentence = (status: Partial<Status>) => page({ ...offline, ...status }).split("\n")[1];
  assert.match(sentence({ wan: { ...offline.wan, carrier: false } })!, /^Offline: there is no cable in eth8/);
  assert.match(sentence({})!, /^Offline: the provider refuses a prefix: NoPrefixAvail/);
  assert.match(sentence({ dhcpv6: { state: "soliciting", duid: online.dhcpv6.duid } })!, /has not delegated a prefix yet/);
  assert.match(sentence({ delegations: online.delegations })!, /no router of the provider/);
  assert.equal(
    sentence({ ipv4: { state: "bound", forwarding: true, forwards: [] } }),
    "Online by IPv4 alone: no IPv6 prefix: NoPrefixAvail: pool is empty.",
  );
  assert.match(sentence({ delegations: online.delegations, wan: online.wan })!, /^Not ready yet/);
  assert.match(sentence({ delegations: online.delegations, forwarding: true })!, /router is silent/);
});

test("lifetimes count down in the two largest units that matter", () => {
  const words = [0, 1, 59, 60, 61, 133, 3600, 3659, 3661, 86_399, 90_000, 4_294_967_294].map((seconds) => spanWords(seconds));
  assert.deepEqual(words, [
    "0 s",
    "1 s",
    "59 s",
    "1 min",
    "1 min 1 s",
    "2 min 13 s",
    "1 h",
    "1 h",
    "1 h 1 min",
    "23 h 59 min",
    "1 d 1 h",
    "49710 d 6 h",
  ]);
  assert.equal(spanWords(null), "for ever");
});

test("a deprecated prefix is called so, and one without end is valid for ever", () => {
  const delegated = (preferred: number | null, valid: number | null) =>
    lineAfter(page({ ...online, delegations: [{ prefix: prefix("2605:59c8:1200::/56"), preferred, valid }] }), "delegated");
  assert.match(delegated(0, 60)!, /deprecated, valid 1 min$/);
  assert.match(delegated(null, null)!, /valid for ever$/);
  assert.match(delegated(60, null)!, /preferred 1 min, valid for ever$/);
});

test("no line is wider than the page, whatever is told", () => {
  const long = ip6("2605:59c8:aaaa:bbbb:cccc:dddd:eeee:ffff");
  const tale = "words and more words that a server may send, ".repeat(20);
  const [lan] = online.lans;
  const wide = page({
    ...online,
    forwarding: false,
    delegations: [],
    dhcpv6: { ...online.dhcpv6, refusal: tale },
    wan: {
      ...online.wan,
      addresses: [{ address: long, origin: "temporary", state: "duplicate", preferred: 86_400 * 700 + 3599, valid: 86_400 * 800 + 82_800 }],
    },
    lans: [{ ...lan!, otherRouters: [{ address: long, claim: tale }] }],
    routes: [{ destination: prefix(`${long}/128`), kind: "unicast", via: long, interface: "enp0s31f6np123", metric: 1, left: 82_800 }],
    problems: [{ name: "x", text: tale, remedy: tale }],
    events: [{ at, level: "error", source: "x", event: "x", text: tale }],
  });
  for (const line of wide.split("\n")) assert.ok(line.length <= PAGE_WIDTH, `${line.length}: ${line}`);
});

const ESCAPE = "\x1b";

test("colours add escape sequences and nothing else", () => {
  for (const status of [online, offline]) {
    const coloured = formatStatus(status, { color: true, timeZone: "UTC" });
    assert.ok(coloured.includes(`${ESCAPE}[`));
    assert.equal(coloured.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, "g"), ""), page(status));
  }
});

test("what a server says can not command the terminal", () => {
  const refusal = "full\x1b[2J\u009b31m\r\n\u202eevil";
  assert.match(page({ ...offline, dhcpv6: { ...offline.dhcpv6, refusal } }), /refused: full \[2J 31m {3}evil\n/);
});
