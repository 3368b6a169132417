import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6, isEui64 } from "../addr/ip.ts";
import { contains, prefix, prefixLength } from "../addr/prefix.ts";
import { NEVER } from "../addr/time.ts";
import { bound, configOf, DELEGATION, delegation, factsOf, heard, inSeconds, NOW, WAN } from "../../test/fixtures/home-facts.ts";
import type { RaClientFact } from "../machines/facts.ts";
import type { Facts } from "./facts.ts";
import { isOfIpv6 } from "./kernel-state.ts";
import { plan } from "./plan.ts";
import { sysctlPaths } from "./sysctls.ts";

test("[GEN-1] nothing is forwarded until there is a delegated prefix that a LAN can use; a lease from before a restart counts", () => {
  const forwards = (facts: Partial<Facts>): boolean => plan(configOf(), factsOf(facts), NOW).forwarding;
  assert.ok(!forwards({ dhcpv6: undefined }));
  assert.ok(!forwards({ dhcpv6: bound([]) }));
  assert.ok(!forwards({ dhcpv6: bound([delegation("2605::/80")]) }));
  assert.ok(!forwards({ dhcpv6: bound([delegation(DELEGATION, { preferredUntil: NOW, validUntil: NOW })]) }));
  assert.ok(forwards({ dhcpv6: bound(undefined, { state: "verifying" }), ra: undefined }));
});

test("[SUB-1] each LAN has its own /64 of each delegation and of the ULA, and one address in each", () => {
  const config = configOf(["home", "guest"], '[ula]\nprefix = "auto"\n');
  const { addresses } = plan(config, factsOf({ dhcpv6: bound([delegation(DELEGATION), delegation("2605:59c8:3400::/56")]) }), NOW).kernel;
  const inside = (name: string, value: string) =>
    addresses.filter(isOfIpv6).filter((own) => own.interface === name && contains(prefix(value), own.address));
  for (const base of ["2605:59c8:1200:", "2605:59c8:3400:", "fd12:3456:789a:"]) {
    assert.equal(inside("eth0", `${base}:/64`).length, 1);
    assert.equal(inside("eth1", `${base}1::/64`).length, 1);
  }
  assert.equal(addresses.filter((own) => own.interface !== WAN).length, 6);
});

test("[WRA-8] the gateway's addresses on the LANs tell no MAC address, stay with their prefix, and are others in another prefix", () => {
  const identifier = (delegated: string): string => {
    const { addresses } = plan(configOf(), factsOf({ dhcpv6: bound([delegation(delegated)]) }), NOW).kernel;
    const own = addresses.filter(isOfIpv6).find((address) => address.interface === "eth0")!.address;
    assert.ok(!isEui64(own));
    return own.split(":").slice(-4).join(":");
  };
  assert.equal(identifier(DELEGATION), identifier(DELEGATION));
  assert.notEqual(identifier(DELEGATION), identifier("2605:59c8:3400::/56"));
});

test("[WRA-7] a duplicate on a LAN makes another address there and nowhere else", () => {
  const addressOn = (name: string, refused: Facts["refused"]) =>
    plan(configOf(["home", "guest"]), factsOf({ refused }), NOW).kernel.addresses.find((own) => own.interface === name)?.address;
  const once = { prefix: prefix("2605:59c8:1200::/64"), dadCounter: 1 };
  assert.notEqual(addressOn("eth0", {}), addressOn("eth0", { eth0: [once] }));
  assert.equal(addressOn("eth1", {}), addressOn("eth1", { eth0: [once] }));
  assert.equal(
    addressOn("eth0", {}),
    addressOn("eth0", { eth0: [{ ...once, prefix: prefix("2605:59c8:3400::/64") }] }),
    "of another prefix",
  );
  assert.equal(addressOn("eth0", { eth0: [{ ...once, replaceAt: inSeconds(1) }] }), undefined, "it waits for its next try");
});

test("[WRA-7] the owner is told of a LAN on which every address was taken, by its name and the last address, while that prefix is there", () => {
  const noticesOf = (refused: Facts["refused"]) =>
    plan(configOf(), factsOf({ refused }), NOW).notices.filter(({ name }) => name === "address.duplicate");
  const gaveUp = ip6("2605:59c8:1200::77");
  const given = { prefix: prefix("2605:59c8:1200::/64"), dadCounter: 3, replaceAt: inSeconds(60), gaveUp };
  const [notice, ...others] = noticesOf({ eth0: [given] });
  assert.match(notice!.text, /"home".* 2605:59c8:1200::77 /);
  assert.deepEqual(others, []);
  assert.deepEqual(noticesOf({ eth0: [{ ...given, prefix: prefix("2605:59c8:3400::/64") }] }), []);
});

test("Reachable Time and Retrans Timer of an advertisement are the WAN's within sane bounds, in steps that every kernel can show", () => {
  const timers = (ra: Partial<RaClientFact>) => {
    const { sysctls } = plan(configOf(), factsOf({ ra: heard(ra) }), NOW).kernel;
    return Object.entries(sysctls).flatMap(([path, value]) => (path.startsWith(`net/ipv6/neigh/${WAN}/`) ? [value] : []));
  };
  assert.deepEqual(timers({}), []);
  assert.deepEqual(timers({ reachableTime: 30_049, retransTimer: 1000 }), ["30000", "1000"]);
  for (const reachableTime of [1, 999, 3_600_001, 0xffff_ffff]) assert.deepEqual(timers({ reachableTime }), [], `${reachableTime}`);
  for (const retransTimer of [1, 99, 10_001, 0xffff_ffff]) assert.deepEqual(timers({ retransTimer }), [], `${retransTimer}`);
  const paths = Object.keys(plan(configOf(), factsOf({ ra: heard({ reachableTime: 5000, retransTimer: 500 }) }), NOW).kernel.sysctls);
  for (const path of paths) assert.ok(sysctlPaths(configOf()).includes(path), `the former value of ${path} is looked at`);
});

test("[SUB-4] no address of ours outlives what it comes from", () => {
  const lease = { preferredUntil: inSeconds(20), validUntil: inSeconds(40) };
  const { addresses } = plan(configOf(), factsOf({ dhcpv6: bound([delegation(DELEGATION, lease)]) }), NOW).kernel;
  const own = addresses.find((address) => address.interface === "eth0")!;
  assert.deepEqual([own.preferredUntil, own.validUntil, own.prefixLength], [lease.preferredUntil, lease.validUntil, 64]);
});

test("[D6P-17] a leased address is a /128 on the WAN with the lease's lifetimes; so is an address from advertisements", () => {
  const leased = { iaid: 1, address: ip6("2605:59c8:8000::77"), preferredUntil: inSeconds(50), validUntil: inSeconds(90) };
  const { addresses } = plan(configOf(), factsOf({ dhcpv6: bound([], { addresses: [leased] }) }), NOW).kernel;
  assert.deepEqual(addresses, [
    { interface: WAN, address: "2605:59c8:8000::1:2:3", prefixLength: 128, preferredUntil: inSeconds(300), validUntil: inSeconds(600) },
    { interface: WAN, address: leased.address, prefixLength: 128, preferredUntil: leased.preferredUntil, validUntil: leased.validUntil },
  ]);
});

test("an address that is advertised and leased is one address; one whose time is over is none", () => {
  const [own] = heard().addresses;
  const leased = [
    { iaid: 1, address: own!.address, preferredUntil: inSeconds(700), validUntil: inSeconds(900) },
    { iaid: 1, address: ip6("2605:59c8:8000::78"), preferredUntil: NOW, validUntil: NOW },
  ];
  const { addresses } = plan(configOf(), factsOf({ dhcpv6: bound([], { addresses: leased }) }), NOW).kernel;
  assert.deepEqual(
    addresses.map(({ address, validUntil }) => [address, validUntil]),
    [[own!.address, inSeconds(900)]],
  );
});

test("[D6P-18] where the provider gives no address, the LAN's address in the delegation serves", () => {
  const { kernel, forwarding } = plan(configOf(), factsOf({ ra: heard({ addresses: [], onLink: [] }) }), NOW);
  assert.ok(forwarding);
  assert.deepEqual(
    kernel.addresses.filter(isOfIpv6).map((own) => [own.interface, contains(DELEGATION, own.address)]),
    [["eth0", true]],
  );
});

test("[D6P-3] whatever the length, LANs are served in configured order and the owner hears which ones are left out", () => {
  const config = configOf(["home", "guest", "iot"]);
  for (const [length, served] of [
    [48, 3],
    [56, 3],
    [60, 3],
    [62, 3],
    [63, 2],
    [64, 1],
  ] as const) {
    const { notices, advertisements } = plan(config, factsOf({ dhcpv6: bound([delegation(`2605:59c8:1200::/${length}`)]) }), NOW);
    assert.deepEqual(
      Object.values(advertisements).map((lan) => lan.prefixes.length),
      [0, 1, 2].map((place) => (place < served ? 1 : 0)),
    );
    const left = ["home", "guest", "iot"].slice(served);
    assert.deepEqual(
      notices.map(({ name, text }) => [name, left.every((lan) => text.includes(`"${lan}"`))]),
      left.length > 0 ? [["delegation.too-small", true]] : [],
    );
  }
});

test("[D6P-5] a prefix longer than /64 makes no LAN and no advertised prefix, is told to the owner, and the other one works", () => {
  for (const length of [65, 80, 128]) {
    const delegated = [delegation(`2605:59c8:ff00::/${length}`), delegation(DELEGATION)];
    const { notices, advertisements, forwarding } = plan(configOf(), factsOf({ dhcpv6: bound(delegated) }), NOW);
    assert.deepEqual(
      advertisements["eth0"]!.prefixes.map((own) => own.prefix),
      ["2605:59c8:1200::/64"],
    );
    assert.deepEqual(
      advertisements["eth0"]!.routes.map(({ destination }) => destination),
      [DELEGATION],
    );
    assert.deepEqual(
      notices.map(({ name }) => name),
      ["delegation.too-long"],
    );
    assert.ok(forwarding);
  }
});

test("[D6P-14] of two delegations at once each LAN has one /64, the one that ends with its shorter life", () => {
  const old = delegation("2605:59c8:3400::/56", { preferredUntil: NOW, validUntil: inSeconds(60) });
  const { advertisements } = plan(configOf(["home", "guest"]), factsOf({ dhcpv6: bound([old, delegation(DELEGATION)]) }), NOW);
  assert.deepEqual(
    advertisements["eth1"]!.prefixes.map(({ prefix: value, preferredUntil, validUntil }) => [value, preferredUntil, validUntil]),
    [
      ["2605:59c8:3400:1::/64", NOW, inSeconds(60)],
      ["2605:59c8:1200:1::/64", inSeconds(150), inSeconds(300)],
    ],
  );
});

test("a prefix that is delegated twice counts once, with the longer life and what either excludes", () => {
  const kept = delegation(DELEGATION, { excluded: prefix("2605:59c8:1200::/64") });
  const longer = delegation(DELEGATION, { preferredUntil: inSeconds(500), validUntil: inSeconds(900) });
  const { advertisements } = plan(configOf(), factsOf({ dhcpv6: bound([kept, longer]) }), NOW);
  assert.deepEqual(
    advertisements["eth0"]!.prefixes.map(({ prefix: value, validUntil }) => [value, validUntil]),
    [["2605:59c8:1200:1::/64", inSeconds(900)]],
  );
});

test("where two delegations overlap, a LAN has the common /64 once, with the longer life", () => {
  const inner = delegation("2605:59c8:1200::/60", { preferredUntil: inSeconds(500), validUntil: inSeconds(900) });
  const { advertisements } = plan(configOf(), factsOf({ dhcpv6: bound([delegation(DELEGATION), inner]) }), NOW);
  assert.deepEqual(
    advertisements["eth0"]!.prefixes.map(({ prefix: value, validUntil }) => [value, validUntil]),
    [["2605:59c8:1200::/64", inSeconds(900)]],
  );
});

test("[SUB-3] when the delegation shrinks, LANs that do not fit are numbered anew or left out, and the refused rest and the advertised route follow", () => {
  const config = configOf(["home", "guest", "iot"], "subnet = 200\n");
  const step = (length: number, facts: Facts) => {
    const desired = plan(config, { ...facts, dhcpv6: bound([delegation(`2605:59c8:1200::/${length}`)]) }, NOW);
    const lans = Object.values(desired.advertisements).map((lan) => lan.prefixes.map((own) => own.prefix).join());
    const refused = desired.kernel.routes.filter((route) => route.kind === "unreachable").map(({ destination }) => destination);
    return { lans, refused, routes: desired.advertisements["eth0"]!.routes, facts: { ...facts, subnets: desired.subnets } };
  };
  const large = step(56, factsOf());
  assert.deepEqual(large.lans, ["2605:59c8:1200::/64", "2605:59c8:1200:1::/64", "2605:59c8:1200:c8::/64"]);
  const small = step(60, large.facts);
  assert.deepEqual(small.lans, ["2605:59c8:1200::/64", "2605:59c8:1200:1::/64", "2605:59c8:1200:2::/64"]);
  assert.deepEqual(small.refused, ["fc00::/7", "2605:59c8:1200::/60"]);
  assert.deepEqual(
    small.routes.map(({ destination }) => destination),
    ["2605:59c8:1200::/60"],
  );
  const single = step(64, small.facts);
  assert.deepEqual(single.lans, ["2605:59c8:1200::/64", "", ""]);
  assert.deepEqual(step(56, single.facts).lans, large.lans);
});

test("[SUB-8] of a single /64 one LAN is numbered, the owner is told, and nothing is translated", () => {
  const { kernel, notices } = plan(configOf(["home", "guest"]), factsOf({ dhcpv6: bound([delegation("2605:59c8:1200::/64")]) }), NOW);
  assert.deepEqual(
    notices.map(({ name }) => name),
    ["delegation.too-small"],
  );
  assert.doesNotMatch(JSON.stringify(kernel.ruleset), /"(snat|dnat|masquerade|redirect)"/);
});

test("a delegation that is no address space of the internet is told and not used", () => {
  for (const strange of ["fd00:1::/56", "fe80::/64", "ff0e::/56", "::/64"]) {
    const { notices, forwarding, kernel } = plan(configOf(), factsOf({ dhcpv6: bound([delegation(strange)]) }), NOW);
    assert.deepEqual([notices.map(({ name }) => name), forwarding], [["delegation.not-global"], false], strange);
    assert.ok(kernel.addresses.every((own) => own.interface === WAN));
  }
});

test("[GEN-11] [GEN-12] the kernel obeys no advertisement by itself, neither on the WAN nor on a LAN", () => {
  const { sysctls } = plan(configOf(["home", "guest"]), factsOf(), NOW).kernel;
  for (const name of [WAN, "eth0", "eth1"]) {
    for (const key of ["accept_ra", "autoconf", "accept_redirects"]) assert.equal(sysctls[`net/ipv6/conf/${name}/${key}`], "0");
    assert.equal(sysctls[`net/ipv6/conf/${name}/forwarding`], "1");
  }
});

test("[ROB-12] entries are made from unsolicited advertisements of neighbours on the LANs, not on the WAN", () => {
  const { sysctls } = plan(configOf(), factsOf(), NOW).kernel;
  assert.equal(sysctls["net/ipv6/conf/eth0/accept_untracked_na"], "1");
  assert.equal(sysctls[`net/ipv6/conf/${WAN}/accept_untracked_na`], undefined);
});

test("[WRA-12] the MTU of the provider's advertisement is the MTU of the WAN; a hop limit that would cut us off is not taken", () => {
  const of = (ra: Parameters<typeof heard>[0]) => plan(configOf(), factsOf({ ra: heard(ra) }), NOW).kernel.sysctls;
  assert.equal(of({ mtu: 1400 })[`net/ipv6/conf/${WAN}/mtu`], "1400");
  assert.equal(of({})[`net/ipv6/conf/${WAN}/mtu`], undefined);
  assert.equal(of({ hopLimit: 64 })[`net/ipv6/conf/${WAN}/hop_limit`], "64");
  assert.equal(of({ hopLimit: 1 })[`net/ipv6/conf/${WAN}/hop_limit`], undefined);
});

test("[FW-4] [FW-5] flows are remembered as long as RFC 6092 wants", () => {
  const { sysctls } = plan(configOf(), factsOf(), NOW).kernel;
  const timer = (name: string): number => Number(sysctls[`net/netfilter/nf_conntrack_${name}`]);
  assert.ok(timer("udp_timeout") >= 120 && timer("udp_timeout_stream") >= 300);
  for (const state of ["syn_sent", "syn_recv", "fin_wait", "close_wait", "last_ack", "time_wait"])
    assert.ok(timer(`tcp_timeout_${state}`) >= 240, state);
  assert.ok(timer("sctp_timeout_established") >= 7440);
});

test("[ROB-3] [REN-10] before the lease ends, time alone changes nothing but what is past", () => {
  const facts = factsOf({ ra: heard({ routers: [] }) });
  const early = plan(configOf(), facts, NOW);
  const late = plan(configOf(), facts, inSeconds(299));
  assert.deepEqual(late.advertisements, early.advertisements);
  assert.deepEqual(late.kernel, early.kernel);
});

test("whatever is delegated, no lifetime is longer than its lease and every plan is complete", () => {
  const lifetime = fc.oneof(
    fc.nat(10_000).map((count) => inSeconds(count)),
    fc.constant(NEVER),
  );
  const anyDelegation = fc.record(
    { top: fc.nat(0xffff), length: fc.integer({ min: 1, max: 128 }), preferredUntil: lifetime, validUntil: lifetime },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(anyDelegation, { maxLength: 12 }), fc.nat(6), fc.boolean(), (delegations, count, ula) => {
      const delegated = delegations.map(({ top, length, ...life }) => delegation(`${top.toString(16)}:59c8:1200::/${length}`, life));
      const names = ["a", "b", "c", "d", "e", "f"].slice(0, Math.max(1, count));
      const { kernel, advertisements } = plan(
        configOf(names, ula ? '[ula]\nprefix = "auto"\n' : ""),
        factsOf({ dhcpv6: bound(delegated) }),
        NOW,
      );
      const longest = (own: string): number =>
        Math.max(...delegated.filter((each) => contains(each.prefix, ip6(own))).map((each) => each.validUntil));
      for (const { address, validUntil, interface: name } of kernel.addresses) {
        if (name !== WAN && !address.startsWith("fd12")) assert.ok(validUntil <= longest(address));
      }
      for (const { prefixes, routes } of Object.values(advertisements)) {
        for (const own of prefixes) assert.ok(prefixLength(own.prefix) === 64 && own.validUntil > NOW);
        assert.ok(routes.length <= 17);
      }
      assert.equal(Object.keys(advertisements).length, names.length);
    }),
  );
});

test("[RA-19] frames that a LAN's bridge switches are not the firewall's affair, whatever is in them; what is routed is", () => {
  const { ruleset = [] } = plan(configOf(["home"]), factsOf(), NOW).kernel;
  const rules = ruleset.map((object) => JSON.stringify(object)).filter((text) => text.includes('"chain":"forward"'));
  const switched = rules.findIndex((text) => text.includes("switched, not routed"));
  assert.ok(switched > 0 && rules[switched]!.includes('{"op":"!=","left":{"payload":{"protocol":"ether","field":"daddr"}}'));
  assert.ok(
    rules.slice(0, switched).every((text) => !text.includes('"drop":null')),
    "nothing is dropped before",
  );
});
