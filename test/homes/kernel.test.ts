/** Looking at the real kernel and changing it: each test makes network namespaces of its own, which end with it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Ip4, ip4, ip6 } from "../../src/addr/ip.ts";
import { DEFAULT_ROUTE4, prefix4 } from "../../src/addr/prefix4.ts";
import { after, NEVER, seconds } from "../../src/addr/time.ts";
import type { Change } from "../../src/diff/change.ts";
import { diff } from "../../src/diff/diff.ts";
import { apply } from "../../src/kernel/apply.ts";
import { bootNow } from "../../src/kernel/clock.ts";
import { KernelEvents } from "../../src/kernel/events.ts";
import { KernelError } from "../../src/kernel/kernel-error.ts";
import { NETLINK_ROUTE, type NetlinkNews, subscribe } from "../../src/kernel/netlink-socket.ts";
import { openNftables, runProgram } from "../../src/kernel/nftables.ts";
import { openRawIcmpv6 } from "../../src/kernel/raw-icmpv6.ts";
import { readSysctl, writeSysctl } from "../../src/kernel/sysctl.ts";
import type { AddressState, KernelState, Observed, Ruleset, UnicastRoute } from "../../src/plan/kernel-state.ts";
import { RTNLGRP_IPV6_IFADDR } from "../../src/wire/rtnetlink.ts";
import { hasErrno, homeState, host, lanAddress, makeHome, movedState, rules, shell, until, uplink } from "../fixtures/bare-home.ts";

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

test("IPv4 addresses and routes are reached, changed and taken away again, and a route goes with the address that it speaks from", async (t) => {
  const home = await makeHome(t);
  const empty: KernelState = { up: [], addresses: [], routes: [], sysctls: {}, ruleset: undefined };
  const leased = (address: Ip4, mtu: number, span: number): KernelState => {
    const fixed = { kind: "unicast", interface: "wan", preference: "medium", until: NEVER, source: address } as const;
    const end = after(bootNow(), seconds(span));
    return {
      ...empty,
      addresses: [{ interface: "wan", address, prefixLength: 32, preferredUntil: end, validUntil: end }],
      routes: [
        { ...fixed, destination: DEFAULT_ROUTE4, gateway: ip4("100.127.255.254"), metric: 500, mtu },
        { ...fixed, destination: prefix4("192.168.100.1/32"), metric: 250 },
        { kind: "unreachable", destination: prefix4("10.0.0.0/8"), metric: 65_536 },
      ],
    };
  };
  const settled = (state: KernelState): void => {
    home.reach(state);
    assert.deepEqual(diff(state, home.look(), bootNow()), []);
  };
  home.namespace.run(() => {
    settled(leased(ip4("100.64.0.9"), 1500, 300));
    assert.match(shell("ip -4 route"), /default via 100.127.255.254 dev wan proto 93 src 100.64.0.9 metric 500 onlink mtu 1500/);
    settled(leased(ip4("100.64.0.9"), 1400, 900));
    settled(leased(ip4("100.64.7.7"), 1400, 900));
    shell("ip -4 addr flush dev wan");
    assert.equal(shell("ip -4 route show dev wan"), "");
    settled(leased(ip4("100.64.7.7"), 1400, 900));
    settled(empty);
    assert.doesNotMatch(shell("ip -4 route; ip -4 addr show dev wan"), /proto 93/);
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
  const events = home.namespace.run(() => new KernelEvents(() => news++, undefined, home.handles));
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

test("who looks at the kernel hears of neighbours only after the turn in which it looks", async (t) => {
  const home = await makeHome(t);
  const heard: string[] = [];
  const events = home.namespace.run(
    () =>
      new KernelEvents(
        () => undefined,
        (news) => heard.push(...news.map(({ address }) => address)),
        home.handles,
      ),
  );
  t.after(() => events.close());
  home.namespace.run(() => {
    shell("ip neigh add 2605:59c8:77::9 lladdr 02:00:00:00:00:09 dev wan nud reachable");
    home.look();
    assert.deepEqual(heard, [], "not in the middle of the look");
  });
  await until(() => heard.includes("2605:59c8:77::9"), "the neighbour");
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
    () => new KernelEvents(() => duplicates.push(...home.namespace.run(() => home.look()).duplicates), undefined, home.handles),
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
    const maybe: Change = { kind: "sysctl", path: "net/ipv6/conf/all/forwarding", from: "0", to: "maybe" };
    const rule: Change = { kind: "ruleset", from: undefined, to: rules([]) };
    assert.throws(() => apply([maybe, rule, { kind: "route-delete", route: uplink(NEVER) }], home.handles), hasErrno("EINVAL"));
    assert.equal(home.look().routes.length, 0);
    const broken: Ruleset = [{ rule: { family: "inet", table: "skylan", chain: "nowhere", expr: [] } }];
    const desired = { ...homeState(now), ruleset: broken };
    assert.throws(() => home.reach(desired), KernelError);
    assert.equal(readSysctl("net/ipv6/conf/all/forwarding"), "0");
  });
});
