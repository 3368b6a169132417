/** The kernel layer against the real kernel: each test makes network namespaces of its own, which end with it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { type TestContext, test } from "node:test";
import { ALL_DHCP_SERVERS, ALL_NODES, ALL_ROUTERS, ip6, ip6FromBigInt } from "../../src/addr/ip.ts";
import { DEFAULT_ROUTE, prefix } from "../../src/addr/prefix.ts";
import { after, type Instant, NEVER, seconds } from "../../src/addr/time.ts";
import type { Change } from "../../src/diff/change.ts";
import { diff } from "../../src/diff/diff.ts";
import { apply } from "../../src/kernel/apply.ts";
import { bootNow } from "../../src/kernel/clock.ts";
import { KernelEvents } from "../../src/kernel/events.ts";
import { closeHandles, type Handles, openHandles } from "../../src/kernel/handles.ts";
import type { Datagram } from "../../src/kernel/ipv6-socket.ts";
import { KernelError } from "../../src/kernel/kernel-error.ts";
import { NETLINK_ROUTE, type NetlinkNews, subscribe } from "../../src/kernel/netlink-socket.ts";
import { openNftables, runProgram } from "../../src/kernel/nftables.ts";
import { observe } from "../../src/kernel/observe.ts";
import { NDP_AND_DHCPV6 } from "../../src/kernel/packet-filter.ts";
import { type Frame, openPacketSocket } from "../../src/kernel/packet-socket.ts";
import { openRawIcmpv6 } from "../../src/kernel/raw-icmpv6.ts";
import { createNamespace, type NetworkNamespace } from "../../src/kernel/setns.ts";
import { readSysctl, writeSysctl } from "../../src/kernel/sysctl.ts";
import { openUdp } from "../../src/kernel/udp-socket.ts";
import type { AddressState, KernelState, Observed, Ruleset, UnicastRoute } from "../../src/plan/kernel-state.ts";
import { RTNLGRP_IPV6_IFADDR } from "../../src/wire/rtnetlink.ts";

const WANTED = { interfaces: ["wan", "lan"], sysctls: ["net/ipv6/conf/all/forwarding", "net/ipv6/conf/wan/accept_ra"] };

test("what was applied is what is observed, and applying it twice changes nothing", async (t) => {
  const home = await makeHome(t);
  const desired = homeState(bootNow());
  home.namespace.run(() => {
    const changes = diff(desired, home.look(), bootNow());
    apply(changes, home.handles);
    assert.deepEqual(diff(desired, home.look(), bootNow()), []);
    apply(changes, home.handles);
    assert.deepEqual(diff(desired, home.look(), bootNow()), []);
  });
});

test("[REN-8] whatever step a crash comes after, the next run mends it", async (t) => {
  const home = await makeHome(t);
  const [before, then] = [homeState(bootNow()), movedState(bootNow())];
  home.namespace.run(() => {
    home.reach(before);
    const steps = diff(then, home.look(), bootNow()).length;
    assert.ok(steps >= 7, `${steps} steps`);
    for (let done = 0; done <= steps; done++) {
      home.reach(before);
      apply(diff(then, home.look(), bootNow()).slice(0, done), home.handles);
      home.reach(then);
      assert.deepEqual(diff(then, home.look(), bootNow()), [], `crash after step ${done}`);
    }
  });
});

test("renewed lifetimes are written in place, and everything of ours can be taken away again", async (t) => {
  const home = await makeHome(t);
  const now = bootNow();
  home.namespace.run(() => {
    home.reach(homeState(now));
    const later = homeState(after(now, seconds(500)));
    assert.deepEqual([...new Set(home.reach(later).map((change) => change.kind))].toSorted(), ["address-update", "route-update"]);
    assert.deepEqual(diff(later, home.look(), bootNow()), []);
    const nothing: KernelState = {
      up: [],
      addresses: [],
      routes: [],
      sysctls: { "net/ipv6/conf/all/forwarding": "0" },
      ruleset: undefined,
    };
    home.reach(nothing);
    const { addresses, routes, ruleset } = home.look();
    assert.deepEqual({ addresses, routes, ruleset }, { addresses: [], routes: [], ruleset: undefined });
    assert.doesNotMatch(shell("ip -6 route; nft list tables"), /proto 93|skylan/);
  });
});

test("a default route changes its preference, its end and its MTU, whatever it was before", async (t) => {
  const home = await makeHome(t);
  const now = bootNow();
  const variants = [NEVER, after(now, seconds(100)), after(now, seconds(900))].flatMap((until) =>
    (["high", "low"] as const).flatMap((preference) =>
      [undefined, 1280, 1400].map((mtu): UnicastRoute => ({ ...uplink(until), preference, ...(mtu !== undefined && { mtu }) })),
    ),
  );
  const empty: KernelState = { up: [], addresses: [], routes: [], sysctls: {}, ruleset: undefined };
  home.namespace.run(() => {
    for (const from of variants) {
      for (const to of variants) {
        home.reach({ ...empty, routes: [from] });
        home.reach({ ...empty, routes: [to] });
        assert.deepEqual(diff({ ...empty, routes: [to] }, home.look(), bootNow()), [], `${JSON.stringify(from)} -> ${JSON.stringify(to)}`);
      }
    }
  });
});

test("foreign addresses and routes are neither seen nor touched, even one like ours", async (t) => {
  const home = await makeHome(t);
  home.namespace.run(() => {
    shell("ip -6 addr add 2605:59c8:1200::77/64 dev lan nodad");
    shell("ip -6 route add default via fe80::99 dev wan metric 1024 proto static");
    const before = home.look();
    assert.deepEqual([before.addresses, before.routes], [[], []]);
    home.reach(homeState(bootNow()));
    home.reach({ up: [], addresses: [], routes: [], sysctls: {}, ruleset: undefined });
    const left = shell("ip -6 addr show dev lan; ip -6 route");
    assert.match(left, /2605:59c8:1200::77\/64/);
    assert.match(left, /default via fe80::99 dev wan proto static metric 1024/);
  });
});

test("news of what another hand changes arrives, our own changes make none", async (t) => {
  const home = await makeHome(t);
  let news = 0;
  const events = home.namespace.run(() => new KernelEvents(() => news++, home.handles));
  t.after(() => events.close());
  const route = uplink(NEVER);
  home.namespace.run(() => apply([{ kind: "route-add", route }], home.handles));
  await sleep(50);
  assert.equal(news, 0);
  for (const command of ["ip -6 route flush proto 93", "nft add table inet other", "ip link set lan mtu 1400"]) {
    news = 0;
    home.namespace.run(() => shell(command));
    await until(() => news > 0, `news after: ${command}`);
  }
});

test("the cable of the other side makes carrier come and go", async (t) => {
  const home = await makeHome(t);
  const carrier = () => home.namespace.run(() => home.look().links.find((link) => link.name === "wan")?.carrier);
  assert.equal(carrier(), true);
  home.peer.run(() => shell("ip link set wan-peer down"));
  assert.equal(carrier(), false);
  home.peer.run(() => shell("ip link set wan-peer up"));
  await until(() => carrier() === true, "carrier");
});

test("an address that somebody else has is reported once, though the kernel deletes it at once", async (t) => {
  const home = await makeHome(t);
  home.peer.run(() => shell("ip -6 addr add 2605:59c8:77::1/64 dev wan-peer nodad"));
  home.namespace.run(() => writeSysctl("net/ipv6/conf/wan/accept_dad", "1"));
  const duplicates: Observed["duplicates"][number][] = [];
  const events = home.namespace.run(
    () => new KernelEvents(() => duplicates.push(...home.namespace.run(() => home.look()).duplicates), home.handles),
  );
  t.after(() => events.close());
  const now = bootNow();
  const address: AddressState = { ...lanAddress(now), interface: "wan", address: ip6("2605:59c8:77::1") };
  home.namespace.run(() => apply([{ kind: "address-add", address }], home.handles));
  await until(() => duplicates.length > 0, "the report");
  await sleep(100);
  assert.deepEqual(duplicates, [{ interface: "wan", address: address.address }]);
});

test("[ROB-6] when 10,000 announcements of addresses overflow, that is told, and the next look shows the right state", async (t) => {
  const home = await makeHome(t);
  const news: NetlinkNews["kind"][] = [];
  const socket = home.namespace.run(() => subscribe(NETLINK_ROUTE, [RTNLGRP_IPV6_IFADDR], ({ kind }) => news.push(kind)));
  t.after(() => socket.close());
  const now = bootNow();
  const addresses = Array.from({ length: 20 }, (_, index): AddressState => ({ ...lanAddress(now), address: host(index + 1) }));
  const changes = addresses.map((address): Change => ({ kind: "address-update", address, from: address }));
  const kept = { ...homeState(now), addresses: addresses.slice(0, 3) };
  home.namespace.run(() => {
    for (let round = 0; round < 500; round++) apply(changes, home.handles);
    home.reach(kept);
  });
  await until(() => news.includes("lost"), "the overflow");
  home.namespace.run(() => assert.deepEqual(diff(kept, home.look(), bootNow()), []));
});

test("[ROB-6] an interface that is renamed, removed and made anew with another MAC address is followed", async (t) => {
  const home = await makeHome(t);
  const desired = homeState(bootNow());
  home.namespace.run(() => {
    home.reach(desired);
    shell("ip link set lan down; ip link set lan name other; ip link set other up");
    home.reach(desired);
    assert.ok(home.look().addresses.every((address) => address.interface !== "other"));
    shell("ip link del other");
    home.reach(desired);
    shell("ip link add lan address 02:00:00:00:00:77 type veth peer name lan-peer2; ip link set lan-peer2 up");
    home.reach(desired);
    assert.equal(home.look().links.find((link) => link.name === "lan")?.mac, "02:00:00:00:00:77");
    assert.deepEqual(diff(desired, home.look(), bootNow()), []);
  });
});

test("rules are replaced in one transaction, and when elements of a set are the only difference counters live on", async (t) => {
  const home = await makeHome(t);
  home.namespace.run(() => {
    const first = rules(["2605:59c8:1200::"]);
    home.reach({ ...homeState(bootNow()), ruleset: first });
    const handles = () => shell("nft -a list chain inet skylan forward").match(/handle \d+/g);
    const before = handles();
    const second = rules(["2605:59c8:3400::", "fd00:1::"]);
    apply([{ kind: "ruleset", from: first, to: second }], home.handles);
    assert.deepEqual(
      diff({ ...homeState(bootNow()), ruleset: second }, home.look(), bootNow()).filter(({ kind }) => kind === "ruleset"),
      [],
    );
    assert.deepEqual(handles(), before);
    const broken = [...second, { rule: { family: "inet", table: "skylan", chain: "nowhere", expr: [{ accept: null }] } }];
    assert.throws(() => apply([{ kind: "ruleset", from: second, to: broken }], home.handles), KernelError);
    assert.deepEqual(handles(), before);
  });
});

test("a rule set that another hand has changed is seen and put right", async (t) => {
  const home = await makeHome(t);
  const desired = homeState(bootNow());
  home.namespace.run(() => {
    home.reach(desired);
    for (const meddling of ["nft flush chain inet skylan forward", "nft delete table inet skylan", "nft flush ruleset"]) {
      shell(meddling);
      assert.deepEqual(
        home.reach(desired).map(({ kind }) => kind),
        ["ruleset"],
        meddling,
      );
      assert.deepEqual(diff(desired, home.look(), bootNow()), []);
    }
  });
});

test("where libnftables is missing the nft program does the same", async (t) => {
  const home = await makeHome(t);
  const table = { table: { family: "inet", name: "other" } };
  home.namespace.run(() => {
    const list = [{ list: { table: table.table } }];
    runProgram([{ add: table }], "make a table");
    assert.deepEqual(runProgram(list, "list it"), openNftables().run(list, "list it"));
    assert.throws(() => runProgram([{ delete: { table: { family: "inet", name: "none" } } }], "delete it"), hasErrno("ENOENT"));
  });
});

test("raw ICMPv6 brings source, destination and hop limit, the chosen types alone, and nothing from another interface", async (t) => {
  const home = await makeHome(t);
  const heard: Datagram[] = [];
  const receive = (datagrams: readonly Datagram[]) => heard.push(...datagrams);
  const ours = home.namespace.run(() => openRawIcmpv6({ interface: "wan", types: [134], groups: [ALL_NODES], receive }));
  const theirs = home.peer.run(() => openRawIcmpv6({ interface: "wan-peer", types: [133], groups: [ALL_ROUTERS], receive }));
  const elsewhere = home.peer.run(() => openRawIcmpv6({ interface: "lan-peer", types: [], groups: [], receive }));
  t.after(() => [ours, theirs, elsewhere].forEach((socket) => socket.close()));
  const advertisement = Uint8Array.of(134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0);
  assert.equal(elsewhere.send(ALL_NODES, advertisement), undefined);
  assert.equal(theirs.send(ALL_NODES, Uint8Array.of(133, 0, 0, 0, 0, 0, 0, 0)), undefined);
  assert.equal(theirs.send(ALL_NODES, advertisement), undefined);
  assert.equal(theirs.sendAll(Array.from({ length: 100 }, () => ({ to: home.linkLocal("wan"), bytes: advertisement }))), 0);
  await until(() => heard.length >= 101, "101 advertisements");
  const from = home.peer.run(() => linkLocalOf("wan-peer"));
  const seen = heard.map(({ from, to, hopLimit, sourcePort }) => ({ from, to, hopLimit, sourcePort }));
  assert.deepEqual(seen[0], { from, to: ALL_NODES, hopLimit: 255, sourcePort: 0 });
  assert.deepEqual(seen[100], { from, to: home.linkLocal("wan"), hopLimit: 255, sourcePort: 0 });
  assert.deepEqual([...heard[0]!.bytes.subarray(4)], [...advertisement.subarray(4)]);
  assert.notEqual((heard[0]!.bytes[2]! << 8) | heard[0]!.bytes[3]!, 0, "the kernel fills the checksum in");
  assert.equal(heard.length, 101);
});

test("an advertisement that came in fragments is not heard", async (t) => {
  const home = await makeHome(t);
  const heard: Datagram[] = [];
  const ours = home.namespace.run(() =>
    openRawIcmpv6({ interface: "wan", types: [134], groups: [], receive: (some) => heard.push(...some) }),
  );
  const theirs = home.peer.run(() => openRawIcmpv6({ interface: "wan-peer", types: [], groups: [], receive: () => undefined }));
  t.after(() => [ours, theirs].forEach((socket) => socket.close()));
  const advertisement = (length: number) => Uint8Array.from({ length }, (_, index) => (index === 0 ? 134 : 0));
  assert.equal(theirs.send(home.linkLocal("wan"), advertisement(4000)), undefined);
  assert.equal(theirs.send(home.linkLocal("wan"), advertisement(1000)), undefined);
  await until(() => heard.length > 0, "the whole one");
  assert.deepEqual(
    heard.map(({ bytes }) => bytes.length),
    [1000],
  );
});

test("UDP hears a server group on its interface and port, and the answer comes back to the client's port", async (t) => {
  const home = await makeHome(t);
  const [asked, answered]: Datagram[][] = [[], []];
  const client = home.namespace.run(() => openUdp({ interface: "wan", port: 546, receive: (some) => answered!.push(...some) }));
  const server = home.peer.run(() =>
    openUdp({ interface: "wan-peer", port: 547, groups: [ALL_DHCP_SERVERS], receive: (some) => asked!.push(...some) }),
  );
  t.after(() => [client, server].forEach((socket) => socket.close()));
  assert.equal(client.send(ALL_DHCP_SERVERS, 547, Uint8Array.of(1, 2, 3)), undefined);
  await until(() => asked!.length > 0, "the question");
  const { from, to, sourcePort, bytes } = asked![0]!;
  assert.deepEqual([from, to, sourcePort, ...bytes], [home.linkLocal("wan"), ALL_DHCP_SERVERS, 546, 1, 2, 3]);
  const long = Uint8Array.from({ length: 4000 }, (_, index) => index);
  assert.equal(server.send(from, sourcePort, long), undefined);
  await until(() => answered!.length > 0, "the answer");
  assert.deepEqual(answered![0]!.bytes, long);
  home.namespace.run(() => {
    assert.throws(() => openUdp({ interface: "wan", port: 546, receive: () => undefined }), hasErrno("EADDRINUSE"));
    openUdp({ interface: "lan", port: 546, receive: () => undefined }).close();
  });
});

test("a packet socket sees Neighbour Discovery and DHCPv6 both ways, with time stamps, and nothing else", async (t) => {
  const home = await makeHome(t);
  const frames: Frame[] = [];
  const capture = home.namespace.run(() =>
    openPacketSocket({ interface: "wan", filter: NDP_AND_DHCPV6, receive: (some) => frames.push(...some) }),
  );
  const client = home.namespace.run(() => openUdp({ interface: "wan", port: 546, receive: () => undefined }));
  const other = home.namespace.run(() => openUdp({ interface: "wan", port: 5000, receive: () => undefined }));
  const router = home.peer.run(() => openRawIcmpv6({ interface: "wan-peer", types: [], groups: [], receive: () => undefined }));
  t.after(() => [capture, client, other, router].forEach((socket) => socket.close()));
  const start = BigInt(Date.now()) * 1_000_000n;
  other.send(ALL_NODES, 5000, Uint8Array.of(9));
  client.send(ALL_DHCP_SERVERS, 547, Uint8Array.of(11));
  router.send(ALL_NODES, Uint8Array.of(128, 0, 0, 0, 0, 0, 0, 0));
  router.send(ALL_NODES, Uint8Array.of(134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  await until(() => frames.some(({ bytes }) => bytes[54] === 134), "the advertisement");
  const kinds = frames
    .map(({ sent, bytes }) => [sent, bytes[20], bytes[20] === 58 ? bytes[54] : bytes[57]])
    .filter(([, , type]) => type !== 135 && type !== 136);
  assert.deepEqual(kinds, [
    [true, 17, 547 & 0xff],
    [false, 58, 134],
  ]);
  assert.ok(frames.every(({ at }) => at > start - 1_000_000_000n && at < start + 10_000_000_000n));
});

test("refusals say what was tried, why it failed, and which error it is", async (t) => {
  const home = await makeHome(t);
  const now = bootNow();
  const receive = () => undefined;
  const says = (action: () => unknown, message: RegExp) =>
    assert.throws(() => home.namespace.run(action), { name: "KernelError", message });
  says(
    () => openRawIcmpv6({ interface: "nix", types: [], groups: [], receive }),
    /^cannot open a raw ICMPv6 socket on nix: there is no such interface \(ENODEV\)$/,
  );
  says(
    () => apply([{ kind: "link-up", interface: "nix" }], home.handles),
    /take the interface nix up: there is no such interface \(ENODEV\)/,
  );
  says(
    () => apply([{ kind: "address-add", address: { ...lanAddress(now), prefixLength: 129 } }], home.handles),
    /add the address 2605:59c8:1200::1\/129 on lan: .*Invalid prefix length \(EINVAL\)/,
  );
  says(
    () => apply([{ kind: "sysctl", path: "net/ipv6/conf/all/forwarding", from: "0", to: "maybe" }], home.handles),
    /set the switch net\/ipv6\/conf\/all\/forwarding to maybe: .*\(EINVAL\)/,
  );
  const script = `import("${import.meta.resolve("../../src/kernel/raw-icmpv6.ts")}").then(({openRawIcmpv6}) => {
    process.setgid(65534); process.setuid(65534);
    try { openRawIcmpv6({interface: "wan", types: [], groups: [], receive: () => {}}); } catch (error) { console.log(error.message); }
  })`;
  const output = home.namespace.run(() => spawnSync(process.execPath, ["-e", script], { encoding: "utf8" }).stdout);
  assert.match(output, /^cannot open a raw ICMPv6 socket on wan: no permission; .*CAP_NET_RAW.* \(EPERM\)/);
});

test("a refused change does not hold up the others, but without its rules the gateway stays shut", async (t) => {
  const home = await makeHome(t);
  const now = bootNow();
  home.namespace.run(() => {
    const wrong: AddressState = { ...lanAddress(now), prefixLength: 129 };
    assert.throws(
      () =>
        apply(
          [
            { kind: "address-add", address: wrong },
            { kind: "route-add", route: uplink(NEVER) },
          ],
          home.handles,
        ),
      hasErrno("EINVAL"),
    );
    assert.equal(home.look().routes.length, 1);
    const broken: Ruleset = [{ rule: { family: "inet", table: "skylan", chain: "nowhere", expr: [] } }];
    const desired = { ...homeState(now), ruleset: broken };
    assert.throws(() => home.reach(desired), KernelError);
    assert.equal(readSysctl("net/ipv6/conf/all/forwarding"), "0");
  });
});

interface Home {
  /** The gateway's side: interfaces wan and lan. */
  readonly namespace: NetworkNamespace;
  /** The other side: wan-peer and lan-peer. */
  readonly peer: NetworkNamespace;
  readonly handles: Handles;
  look(): Observed;
  /** Makes the kernel `desired`; returns the changes. */
  reach(desired: KernelState): ReturnType<typeof diff>;
  linkLocal(name: string): ReturnType<typeof ip6>;
}

async function makeHome(t: TestContext): Promise<Home> {
  const [namespace, peer] = [createNamespace(), createNamespace()];
  t.after(() => [namespace, peer].forEach((one) => one.close()));
  for (const one of [namespace, peer]) one.run(() => writeSysctl("net/ipv6/conf/default/accept_dad", "0"));
  namespace.run(() => {
    shell("ip link set lo up; ip link add wan type veth peer name wan-peer; ip link add lan type veth peer name lan-peer");
    shell(`ip link set wan-peer netns ${peer.path}; ip link set lan-peer netns ${peer.path}`);
    shell("ip link set wan up; ip link set lan up");
  });
  peer.run(() => shell("ip link set wan-peer up; ip link set lan-peer up"));
  const handles = namespace.run(openHandles);
  t.after(() => closeHandles(handles));
  const look = () => observe(WANTED, handles);
  const home: Home = {
    namespace,
    peer,
    handles,
    look,
    reach: (desired) => {
      const changes = diff(desired, look(), bootNow());
      apply(changes, handles);
      return changes;
    },
    linkLocal: (name) => namespace.run(() => linkLocalOf(name)),
  };
  await until(() => [namespace, peer].every((one) => one.run(() => !shell("ip -6 addr").includes("tentative"))), "link-local addresses");
  return home;
}

/** A gateway's state with every kind of thing in it. */
function homeState(now: Instant): KernelState {
  return {
    up: ["wan", "lan"],
    addresses: [lanAddress(now), { ...lanAddress(now), address: ip6("fd00:1::1"), preferredUntil: NEVER, validUntil: NEVER }],
    routes: [
      uplink(after(now, seconds(1800))),
      { kind: "unreachable", destination: prefix("2605:59c8:1200::/56"), metric: 2000 },
      { kind: "unicast", destination: prefix("2605:59c8:1200::/64"), interface: "lan", metric: 100, preference: "medium", until: NEVER },
    ],
    sysctls: { "net/ipv6/conf/all/forwarding": "1", "net/ipv6/conf/wan/accept_ra": "0" },
    ruleset: rules(["2605:59c8:1200::"]),
  };
}

/** The same home after the provider gave it another prefix. */
function movedState(now: Instant): KernelState {
  const text = JSON.stringify(homeState(now), (_key, value: unknown) => (value === NEVER ? "never" : value));
  const moved = text.replaceAll("2605:59c8:1200::", "2605:59c8:3400::");
  return JSON.parse(moved, (_key, value: unknown) => (value === "never" ? NEVER : value)) as KernelState;
}

function lanAddress(now: Instant): AddressState {
  return {
    interface: "lan",
    address: ip6("2605:59c8:1200::1"),
    prefixLength: 64,
    preferredUntil: after(now, seconds(150)),
    validUntil: after(now, seconds(300)),
  };
}

function uplink(until: Instant): UnicastRoute {
  const gateway = ip6("fe80::200:5eff:fe00:101");
  return { kind: "unicast", destination: DEFAULT_ROUTE, interface: "wan", gateway, metric: 512, preference: "medium", until };
}

function rules(prefixes: readonly string[]): Ruleset {
  const place = { family: "inet", table: "skylan" };
  const elem = prefixes.map((addr) => ({ prefix: { addr, len: 56 } }));
  const states = {
    set: [
      ["established", { accept: null }],
      ["related", { accept: null }],
      ["invalid", { drop: null }],
    ],
  };
  const source = { match: { op: "==", left: { payload: { protocol: "ip6", field: "saddr" } }, right: "@ours" } };
  return [
    { table: { family: "inet", name: "skylan" } },
    { set: { ...place, name: "ours", type: "ipv6_addr", flags: ["interval"], elem } },
    { chain: { ...place, name: "forward", type: "filter", hook: "forward", prio: 0, policy: "drop" } },
    { rule: { ...place, chain: "forward", expr: [{ vmap: { key: { ct: { key: "state" } }, data: states } }] } },
    { rule: { ...place, chain: "forward", expr: [source, { counter: null }, { accept: null }] } },
  ];
}

function host(number: number): ReturnType<typeof ip6> {
  return ip6FromBigInt(0x260559c8120000000000000000000000n + BigInt(number));
}

function linkLocalOf(name: string): ReturnType<typeof ip6> {
  return ip6(/inet6 (fe80::[0-9a-f:]+)/.exec(shell(`ip -6 addr show dev ${name}`))![1]!);
}

function shell(command: string): string {
  const { status, stdout, stderr } = spawnSync("sh", ["-ec", command], { encoding: "utf8" });
  assert.equal(status, 0, `${command}: ${stderr}`);
  return stdout;
}

function hasErrno(errno: string): (error: unknown) => boolean {
  return (error) => error instanceof KernelError && error.errno === errno;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `waited 5 s for ${what}`);
    await sleep(10);
  }
}
