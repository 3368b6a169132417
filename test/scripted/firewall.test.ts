/** The planned rules, addresses and routes on the real kernel, against packets that no honest host sends. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Ip6, ip6 } from "../../src/addr/ip.ts";
import { prefix } from "../../src/addr/prefix.ts";
import { after, seconds } from "../../src/addr/time.ts";
import { bootNow } from "../../src/kernel/clock.ts";
import { fragmentHeader } from "../../src/wire/ipv6.ts";
import { bound, delegation, ROUTER, WAN } from "../fixtures/home-facts.ts";
import { FirewallHome, GUEST, LAPTOP, LOCAL, NET, openedHome, STRAY, words } from "./firewall-home.ts";
import { ESP, errorAbout, icmpv6, packet, paddedOptions, ping, routingHeader0, tcp, udp } from "./packets.ts";

const OUT = { from: LAPTOP, to: NET };
const IN = { from: NET, to: LAPTOP };
/** An address of the delegation on no LAN. */
const UNASSIGNED = ip6("2605:59c8:1200:77::1");
const BOGONS = ["::1", "::2", "::ffff:1.2.3.4", "100::1", "2001:10::1", "2001:db8::1", "3fff::1", "fd99::1", "fec0::1"].map(ip6);

test("[GEN-1] before there is a prefix nothing passes in either direction, established flows included", async (t) => {
  const home = homeOf(t);
  assert.deepEqual(words(await home.send("eth0", udp(OUT, 53))), [`${WAN} udp`]);
  home.reach({ dhcpv6: bound([]) });
  for (const message of [udp(OUT, 53), ping(OUT), tcp(OUT, 80)]) assert.ok(!(await crosses(home, "eth0", message)));
  for (const message of [udp(IN, 40_000, 53), ping(IN), tcp(IN, 8080)]) assert.ok(!(await crosses(home, WAN, message)));
});

test("[GEN-2] a packet to a part of the delegation that is on no LAN is answered and goes nowhere, from inside and from outside", async (t) => {
  const home = homeOf(t);
  assert.deepEqual(words(await home.send("eth0", ping({ from: LAPTOP, to: UNASSIGNED }))), ["eth0 icmpv6 1/0"]);
  assert.deepEqual(words(await home.send(WAN, ping({ from: NET, to: UNASSIGNED }))), [`${WAN} icmpv6 1/0`]);
});

test("[GEN-3] a link-local source is answered with 1/2 and does not leave its link; a link-local destination does not either", async (t) => {
  const home = homeOf(t);
  assert.deepEqual(words(await home.send("eth0", ping({ from: ip6("fe80::99"), to: NET }))), ["eth0 icmpv6 1/2"]);
  assert.ok(!(await crosses(home, WAN, ping({ from: ip6("fe80::99"), to: LAPTOP }))));
  assert.ok(!(await crosses(home, "eth0", ping({ from: LAPTOP, to: ip6("fe80::98") }))));
});

test("[GEN-4] a source that is not of this LAN is answered with 1/5 on the LAN and not forwarded", async (t) => {
  const home = homeOf(t);
  for (const from of [NET, GUEST, UNASSIGNED, STRAY]) {
    const seen = await home.send("eth0", ping({ from, to: NET }));
    assert.ok(
      seen.every(({ link }) => link !== WAN),
      `${from} ${words(seen).join()}`,
    );
  }
  home.reach({ lans: { eth0: { withdrawing: [{ prefix: prefix("2605:59c8:ff00::/64"), until: inAMinute() }], otherRouters: [] } } });
  assert.deepEqual(words(await home.send("eth0", udp({ from: STRAY, to: NET }, 53))), ["eth0 icmpv6 1/5"]);
  assert.deepEqual(words(await home.send("eth0", udp({ from: STRAY, to: GUEST }, 53))), ["eth0 icmpv6 1/5"], "nor to another LAN");
});

test("[GEN-4] when the prefix changes, a flow that is already established is refused with 1/5 too", async (t) => {
  const home = homeOf(t);
  assert.deepEqual(words(await home.send("eth0", udp(OUT, 53))), [`${WAN} udp`]);
  assert.deepEqual(words(await home.send(WAN, udp(IN, 40_000, 53))), ["eth0 udp"]);
  const life = { preferredUntil: inAMinute(), validUntil: inAMinute() };
  home.reach({
    dhcpv6: bound([delegation("2605:59c8:3400::/56", life)]),
    lans: { eth0: { withdrawing: [{ prefix: prefix("2605:59c8:1200::/64"), until: inAMinute() }], otherRouters: [] } },
  });
  assert.deepEqual(words(await home.send("eth0", udp(OUT, 53))), ["eth0 icmpv6 1/5"]);
});

test("[GEN-5] [FW-12] no forged source leaves or enters: our own prefixes from outside, and addresses that no packet of the internet has", async (t) => {
  const home = homeOf(t);
  for (const from of [...BOGONS, ip6("ff0e::1")]) assert.ok(!(await crosses(home, "eth0", udp({ from, to: NET }, 53))), from);
  for (const from of [...BOGONS, ip6("ff0e::1"), LAPTOP, GUEST, UNASSIGNED]) {
    assert.ok(!(await crosses(home, WAN, tcp({ from, to: LAPTOP }, 8080))), `${from} to an opened port`);
    assert.ok(!(await crosses(home, WAN, ping({ from, to: LAPTOP }))), `${from} by ping`);
  }
  for (const to of BOGONS) assert.ok(!(await crosses(home, "eth0", udp({ from: LAPTOP, to }, 53))), to);
});

test("[GEN-5] a forged source of a LAN from outside does not get into an established flow between two LANs", async (t) => {
  const home = homeOf(t);
  assert.deepEqual(words(await home.send("eth0", udp({ from: LAPTOP, to: GUEST }, 2000))), ["eth1 udp"]);
  assert.deepEqual(words(await home.send("eth1", udp({ from: GUEST, to: LAPTOP }, 40_000, 2000))), ["eth0 udp"]);
  assert.ok(!(await crosses(home, WAN, udp({ from: GUEST, to: LAPTOP }, 40_000, 2000))));
});

test("[GEN-7] unique local addresses never cross the WAN, as source or destination, and the sender is told", async (t) => {
  const home = homeOf(t);
  assert.deepEqual(words(await home.send("eth0", ping({ from: LOCAL, to: NET }))), ["eth0 icmpv6 1/5"]);
  assert.deepEqual(words(await home.send("eth0", ping({ from: LAPTOP, to: ip6("fd99::1") }))), ["eth0 icmpv6 1/0"]);
  assert.ok(!(await crosses(home, WAN, ping({ from: NET, to: LOCAL }))));
  assert.ok(!(await crosses(home, WAN, ping({ from: LOCAL, to: LAPTOP }))));
});

test("[GEN-9] extension headers, fragments, AH and ESP pass outwards; routing header 0 does not", async (t) => {
  const home = homeOf(t);
  const authentication = { protocol: 51, content: new Uint8Array(22) };
  const fragment = fragmentHeader({ offset: 0, more: false, identification: 7 });
  for (const extensions of [[paddedOptions(60)], [paddedOptions(0)], [authentication], [fragment]]) {
    assert.ok(await crosses(home, "eth0", udp({ ...OUT, extensions }, 53)), `header ${extensions[0]!.protocol}`);
  }
  assert.ok(await crosses(home, "eth0", packet(OUT, ESP, new Uint8Array(40))));
  assert.ok(!(await crosses(home, "eth0", udp({ ...OUT, extensions: [routingHeader0(NET)] }, 53))));
  assert.ok(!(await crosses(home, WAN, tcp({ ...IN, extensions: [routingHeader0(LAPTOP)] }, 8080))));
});

test("[GEN-8] [WRA-12] what is longer than the MTU of the provider's advertisement is answered with Packet Too Big", async (t) => {
  const home = homeOf(t);
  assert.deepEqual(words(await home.send("eth0", udp(OUT, 53, 40_000, 1400))), [`${WAN} udp`]);
  home.reach({ ra: home.living({ mtu: 1400 }) });
  const [answer, ...others] = await home.send("eth0", udp(OUT, 53, 40_000, 1400));
  assert.deepEqual([words([answer!]), others], [["eth0 icmpv6 2/0"], []]);
  assert.equal(new DataView(answer!.packet.payload.buffer, answer!.packet.payload.byteOffset).getUint32(4), 1400);
  assert.deepEqual(words(await home.send("eth0", udp(OUT, 53, 40_000, 1400 - 48))), [`${WAN} udp`]);
});

test("[GEN-10] the hop limit is counted down, its end is told, and no error is sent about an error or to nobody", async (t) => {
  const home = homeOf(t);
  const [passed] = await home.send("eth0", udp(OUT, 53));
  assert.equal(passed!.packet.hopLimit, 63);
  assert.deepEqual(words(await home.send("eth0", udp({ ...OUT, hopLimit: 1 }, 53))), ["eth0 icmpv6 3/0"]);
  assert.deepEqual(await home.send("eth0", errorAbout({ ...OUT, hopLimit: 1 }, 1, udp(IN, 53))), []);
  assert.deepEqual(await home.send("eth0", udp({ from: ip6("::"), to: NET, hopLimit: 1 }, 53)), []);
  assert.deepEqual(await home.send("eth0", udp({ from: LAPTOP, to: ip6("ff0e::1"), hopLimit: 1 }, 53)), []);
});

test("[GEN-10] a flood of errors does not keep a Packet Too Big from being sent", async (t) => {
  const home = homeOf(t);
  home.reach({ ra: home.living({ mtu: 1400 }) });
  home.limitErrors();
  for (let i = 0; i < 200; i++) home.fire("eth0", ping({ from: LAPTOP, to: UNASSIGNED }));
  assert.ok((await home.send("eth0", ping({ from: LAPTOP, to: UNASSIGNED }))).length <= 201, "drained");
  assert.deepEqual(await home.send("eth0", ping({ from: LAPTOP, to: UNASSIGNED })), [], "the errors are limited");
  assert.deepEqual(words(await home.send("eth0", udp(OUT, 53, 40_000, 1400))), ["eth0 icmpv6 2/0"]);
});

test("from outside only what was opened gets in, to the devices of that LAN and to the box itself", async (t) => {
  const home = homeOf(t);
  for (const port of [8079, 8081, 22, 443]) assert.deepEqual(await home.send(WAN, tcp(IN, port)), [], `${port}`);
  assert.deepEqual(words(await home.send(WAN, tcp(IN, 8080))), ["eth0 tcp"]);
  for (const [port, passes] of [
    [4999, false],
    [5000, true],
    [5010, true],
    [5011, false],
  ] as const) {
    assert.equal(await crosses(home, WAN, udp(IN, port)), passes, `${port}`);
  }
  assert.deepEqual(await home.send(WAN, tcp({ from: NET, to: GUEST }, 8080)), [], "another LAN");
  for (const to of [home.addressOn(WAN), home.addressOn("eth0")]) {
    assert.deepEqual(words(await home.send(WAN, tcp({ from: NET, to }, 22))), [`${WAN} tcp`], "answered by the box");
    for (const port of [53, 80, 443, 547, 8080]) {
      assert.deepEqual(await home.send(WAN, tcp({ from: NET, to }, port)), [], `${to} ${port}`);
      assert.deepEqual(await home.send(WAN, udp({ from: NET, to }, port)), [], `${to} ${port}`);
    }
  }
});

test("answers come in, and between the LANs everything passes", async (t) => {
  const home = homeOf(t);
  assert.deepEqual(await home.send(WAN, udp(IN, 40_000, 53)), []);
  assert.deepEqual(words(await home.send("eth0", udp(OUT, 53))), [`${WAN} udp`]);
  assert.deepEqual(words(await home.send(WAN, udp(IN, 40_000, 53))), ["eth0 udp"]);
  assert.deepEqual(words(await home.send("eth1", tcp({ from: GUEST, to: LAPTOP }, 445))), ["eth0 tcp"]);
});

test("[D6E-7] a DHCPv6 answer reaches the client whatever address and port it comes from, and nothing else at that port does", async (t) => {
  const home = homeOf(t);
  const wan = home.linkLocalOf(WAN);
  for (const [from, port] of [
    [ROUTER, 547],
    ["2a00::547", 547],
    ["2a00::547", 49_152],
  ] as const) {
    // Nobody listens in this gateway: that the packet got in shows by the answer "port unreachable".
    assert.deepEqual(words(await home.send(WAN, udp({ from: ip6(from), to: wan }, 546, port))), [`${WAN} icmpv6 1/4`], `${from} ${port}`);
  }
  assert.deepEqual(await home.send(WAN, udp({ from: NET, to: home.addressOn("eth0") }, 546, 547)), []);
  assert.deepEqual(await home.send(WAN, udp({ from: ip6("fe80::1"), to: wan }, 547, 546)), []);
});

test("[FW-7] an ICMPv6 error passes with the flow that it is about, and without one it does not", async (t) => {
  const home = homeOf(t);
  const sent = udp(OUT, 4444);
  for (const type of [1, 2, 3, 4]) assert.ok(!(await crosses(home, WAN, errorAbout(IN, type, sent))), `${type} before the flow`);
  assert.ok(await crosses(home, "eth0", sent));
  for (const type of [1, 2, 3, 4]) assert.ok(await crosses(home, WAN, errorAbout(IN, type, sent)), `${type}`);
  assert.ok(await crosses(home, WAN, udp(IN, 40_000, 4444)), "[FW-6] the flow goes on");
});

test("[FW-8] echo requests pass in transit, and the box answers them", async (t) => {
  const home = homeOf(t);
  assert.deepEqual(words(await home.send(WAN, ping(IN))), ["eth0 icmpv6 128/0"]);
  assert.deepEqual(words(await home.send("eth0", icmpv6(OUT, 129))), [`${WAN} icmpv6 129/0`]);
  assert.deepEqual(words(await home.send(WAN, ping({ from: NET, to: home.addressOn(WAN) }))), [`${WAN} icmpv6 129/0`]);
});

test("[FW-9] of all ICMPv6 types the box hears those of RFC 4890 4.4.1, neighbor discovery only with hop limit 255", async (t) => {
  const home = homeOf(t);
  const heardTypes = async (hopLimit: number): Promise<number[]> => {
    const types: number[] = [];
    for (let type = 0; type < 256; type++) {
      const before = home.counted("input_icmpv6", "closed");
      home.fire(WAN, icmpv6({ from: NET, to: home.addressOn(WAN), hopLimit }, type));
      if (home.counted("input_icmpv6", "closed") === before) types.push(type);
    }
    return types;
  };
  const always = [1, 2, 3, 4, 128, 129, 130, 131, 132, 143, 151, 152, 153];
  assert.deepEqual(await heardTypes(254), always);
  assert.deepEqual(
    await heardTypes(255),
    [...always, 133, 134, 135, 136, 141, 142, 148, 149].toSorted((a, b) => a - b),
  );
});

test("[FW-9] in transit no type passes from outside but an echo request, and from inside none that is for one link", async (t) => {
  const home = homeOf(t);
  const passing = async (link: "eth0" | typeof WAN, between: { readonly from: Ip6; readonly to: Ip6 }): Promise<number[]> => {
    const types: number[] = [];
    for (const type of [1, 2, 3, 4, 100, 101, 127, 128, 129, ...Array.from({ length: 32 }, (_, i) => 130 + i), 200, 201, 255]) {
      if (await crosses(home, link, icmpv6({ ...between, hopLimit: 255 }, type))) types.push(type);
    }
    return types;
  };
  assert.deepEqual(await passing(WAN, IN), [128]);
  const inside = await passing("eth0", OUT);
  for (const type of [100, 101, 127, 130, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 148, 149, 151, 152, 153, 200, 201, 255]) {
    assert.ok(!inside.includes(type), `${type}`);
  }
});

function homeOf(t: TestContext): FirewallHome {
  const home = new FirewallHome(t, openedHome());
  home.reach();
  return home;
}

/** Whether a packet that is sent into one link comes out of another. */
async function crosses(
  home: FirewallHome,
  link: Parameters<FirewallHome["send"]>[0],
  message: Parameters<FirewallHome["send"]>[1],
): Promise<boolean> {
  return (await home.send(link, message)).some((seen) => seen.link !== link);
}

const inAMinute = () => after(bootNow(), seconds(60));
