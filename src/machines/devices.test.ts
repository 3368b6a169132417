import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Ip, ip4, ip6, solicitedNode, UNSPECIFIED } from "../addr/ip.ts";
import { type Mac, mac } from "../addr/mac.ts";
import { prefix } from "../addr/prefix.ts";
import { prefix4 } from "../addr/prefix4.ts";
import { after, type Duration, FOREVER, type Instant, instant, milliseconds, NEVER, seconds } from "../addr/time.ts";
import { arpProbe, encodeArp } from "../wire/arp.ts";
import { BROADCAST, encodeEthernet, ETHERTYPE_ARP } from "../wire/ethernet.ts";
import { encodeIcmpv6Frame } from "../wire/frame.ts";
import { encodeNdp } from "../wire/ndp.ts";
import type { Device } from "./device.ts";
import { MOST_DEVICES } from "./device-table.ts";
import { Devices } from "./devices.ts";
import type { HomeLan } from "./home-lan.ts";
import type { Output } from "./machine.ts";

const START = instant(1_000_000);
const LAPTOP = mac("00:16:3e:11:22:33");
const OTHER = mac("00:16:3e:44:55:66");
const LINK_LOCAL = ip6("fe80::1:2:3");
const STABLE = ip6("2605:59c8:1200::aaaa:1");
const [FIRST, SECOND] = [ip6("2605:59c8:1200::bbbb:1"), ip6("2605:59c8:1200::cccc:1")];
const LAN: HomeLan = {
  link: "lan",
  mac: mac("02:00:00:00:00:01"),
  linkLocal: ip6("fe80::1"),
  ipv4: { address: ip4("192.168.1.1"), network: prefix4("192.168.1.0/24") },
  own: [],
  prefixes: [{ prefix: prefix("2605:59c8:1200::/64"), preferredUntil: NEVER }],
};

class Story {
  readonly devices: Devices;
  now: Instant = START;
  readonly outputs: Output<never>[] = [];

  constructor(saved?: { readonly snapshot: ReturnType<Devices["snapshot"]>; readonly shift: Duration }) {
    this.devices = new Devices({ named: [], ownNames: ["gate"] }, saved);
    this.do({ kind: "home", lans: [LAN] });
  }

  do(input: Parameters<Devices["handle"]>[0]): void {
    this.outputs.push(...this.devices.handle(input, this.now));
  }

  /** Lets time pass, with every tick that is wanted. */
  pass(span: Duration): void {
    const end = after(this.now, span);
    for (let at = this.devices.wakeAt(); at !== undefined && at <= end; at = this.devices.wakeAt()) {
      this.now = at;
      this.do({ kind: "tick" });
    }
    this.now = end;
  }

  probe(from: Mac, target: ReturnType<typeof ip6>): void {
    const message = encodeNdp({ kind: "neighbor-solicitation", target, options: [] });
    const header = { sourceMac: from, source: UNSPECIFIED, destination: solicitedNode(target), hopLimit: 255 };
    this.do({ kind: "overheard", link: "lan", frames: [encodeIcmpv6Frame(header, message)] });
  }

  hear(from: Mac, address: Ip, state: "reachable" | "stale" | "failed" = "reachable", link = "lan"): void {
    const place = state === "failed" ? {} : { mac: from };
    const confirmedAgo = state === "reachable" ? milliseconds(0) : FOREVER;
    this.do({ kind: "neighbors", neighbors: [{ interface: link, address, state, confirmedAgo, ...place }] });
  }

  device(wanted: Mac = LAPTOP): Device | undefined {
    return this.devices.list().find((each) => each.mac === wanted);
  }

  natureOf(address: Ip): string {
    const found = this.device()?.addresses.find((each) => each.address === address);
    return found ? [found.nature, found.evidence].filter(Boolean).join(" ") : "absent";
  }

  /** As a host that is plugged in. */
  come(...addresses: readonly ReturnType<typeof ip6>[]): void {
    for (const address of [LINK_LOCAL, ...addresses]) this.probe(LAPTOP, address);
    this.pass(seconds(16));
  }
}

describe("what an address is, by what the device does", () => {
  test("the only address that a device probes for is stable", () => {
    const story = new Story();
    story.come(STABLE);
    assert.equal(story.natureOf(STABLE), "stable alone");
  });

  test("of two that come together nothing is known, until the device comes back with one of them", () => {
    const story = new Story();
    story.come(STABLE, FIRST);
    assert.deepEqual([story.natureOf(STABLE), story.natureOf(FIRST)], ["unknown", "unknown"]);
    story.pass(seconds(3600));
    story.come(STABLE, SECOND);
    assert.deepEqual([story.natureOf(STABLE), story.natureOf(SECOND)], ["stable returned", "temporary late"]);
    assert.equal(story.device()?.addresses.find(({ address }) => address === FIRST)?.silent, true);
  });

  test("one that comes a day after the others is temporary", () => {
    const story = new Story();
    story.come(STABLE, FIRST);
    story.pass(seconds(86_400));
    story.probe(LAPTOP, SECOND);
    story.pass(seconds(16));
    assert.deepEqual([story.natureOf(SECOND), story.natureOf(STABLE)], ["temporary late", "unknown"]);
  });

  test("one made from the MAC address is known at once, and the one beside it is temporary", () => {
    const story = new Story();
    const derived = ip6("2605:59c8:1200:0:216:3eff:fe11:2233");
    story.come(derived, FIRST);
    assert.deepEqual([story.natureOf(derived), story.natureOf(FIRST)], ["mac-derived mac", "temporary late"]);
  });

  test("older than a week, and still in use, is stable", () => {
    const story = new Story();
    story.come(STABLE, FIRST);
    for (let day = 0; day < 9; day++) {
      story.pass(seconds(86_400));
      story.hear(LAPTOP, STABLE);
    }
    assert.equal(story.natureOf(STABLE), "stable old");
  });

  test("after a renumbering a device that makes one address has its new one known at once", () => {
    const story = new Story();
    story.come(STABLE);
    story.do({ kind: "home", lans: [{ ...LAN, prefixes: [{ prefix: prefix("2605:59c8:7700::/64"), preferredUntil: NEVER }] }] });
    const renumbered = ip6("2605:59c8:7700::dddd:1");
    story.probe(LAPTOP, renumbered);
    assert.equal(story.natureOf(renumbered), "stable alone");
  });

  test("an identifier that is the same in two prefixes is stable", () => {
    const story = new Story();
    story.come(STABLE, FIRST);
    const prefixes = [...LAN.prefixes, { prefix: prefix("fd12:3456:789a::/64"), preferredUntil: NEVER }];
    story.do({ kind: "home", lans: [{ ...LAN, prefixes }] });
    story.hear(LAPTOP, ip6("fd12:3456:789a::aaaa:1"));
    assert.equal(story.natureOf(STABLE), "stable same-identifier");
    assert.equal(story.natureOf(FIRST), "unknown");
  });

  test("what DHCP has leased is stable", () => {
    const story = new Story();
    story.come(STABLE, FIRST);
    story.do({ kind: "leases", source: "dhcpv6", leases: [{ address: FIRST, mac: LAPTOP, link: "lan" }] });
    assert.equal(story.natureOf(FIRST), "stable lease");
  });
});

describe("who is at home", () => {
  test("whoever falls silent is asked three times, and then away but not forgotten", () => {
    const story = new Story();
    story.hear(LAPTOP, LINK_LOCAL);
    story.pass(seconds(590));
    const questions = (): Output<never>[] => story.outputs.filter(({ kind }) => kind === "send");
    assert.equal(questions().length, 0);
    story.pass(seconds(130));
    assert.equal(questions().length, 3);
    assert.equal(story.device()?.present, false);
    story.hear(LAPTOP, LINK_LOCAL);
    assert.equal(story.device()?.present, true);
  });

  test("whoever answers stays, and is left alone for ten minutes more", () => {
    const story = new Story();
    story.hear(LAPTOP, LINK_LOCAL);
    story.pass(seconds(615));
    story.hear(LAPTOP, LINK_LOCAL);
    story.pass(seconds(590));
    assert.equal(story.outputs.filter(({ kind }) => kind === "send").length, 1);
    assert.equal(story.device()?.present, true);
  });

  test("who spoke by ARP alone is asked by ARP", () => {
    const story = new Story();
    const payload = encodeArp({ ...arpProbe(LAPTOP, ip4("192.168.1.9")), sender: ip4("192.168.1.9") });
    const frame = encodeEthernet({ destination: BROADCAST, source: LAPTOP, etherType: ETHERTYPE_ARP, payload });
    story.do({ kind: "overheard", link: "lan", frames: [frame] });
    assert.equal(story.natureOf(ip4("192.168.1.9")), "unknown");
    story.pass(seconds(660));
    assert.ok(story.outputs.some((output) => output.kind === "send-frame" && output.link === "lan"));
  });

  test("the router itself, foreign addresses and the WAN are no devices", () => {
    const story = new Story();
    story.hear(LAN.mac, LINK_LOCAL);
    story.hear(LAPTOP, ip6("2a0d:7f00::1"));
    story.hear(LAPTOP, ip4("10.0.0.1"));
    story.hear(LAPTOP, LINK_LOCAL, "reachable", "wan");
    assert.equal(story.devices.known, 0);
  });

  test("a probe for an address that another device has and answers for takes nothing away", () => {
    const story = new Story();
    story.hear(LAPTOP, STABLE);
    story.probe(OTHER, STABLE);
    assert.equal(story.natureOf(STABLE), "unknown");
    story.hear(LAPTOP, STABLE, "failed");
    story.probe(OTHER, STABLE);
    assert.equal(story.natureOf(STABLE), "absent");
  });

  test("[ROB-8] a flood of invented senders is let in slowly, never beyond the bound, and devices with names stay (case 27)", () => {
    const story = new Story();
    story.hear(LAPTOP, LINK_LOCAL);
    story.do({ kind: "leases", source: "dhcpv4", leases: [{ ...lease("laptop"), address: ip4("192.168.1.7") }] });
    for (let count = 0; count < 30_000; count++) {
      const octets = [count >> 16, (count >> 8) & 0xff, count & 0xff].map((octet) => octet.toString(16).padStart(2, "0"));
      story.hear(mac(`02:10:00:${octets.join(":")}`), ip6(`fe80::${(count + 16).toString(16)}`));
      if (count === 5000) assert.ok(story.devices.known <= 1002, String(story.devices.known));
      story.now = after(story.now, milliseconds(count < 5000 ? 0 : 100));
    }
    assert.ok(story.devices.known <= MOST_DEVICES, String(story.devices.known));
    assert.equal(story.device()?.name, "laptop");
  });

  test("names and first sightings survive a restart", () => {
    const story = new Story();
    story.come(STABLE);
    story.do({ kind: "leases", source: "dhcpv4", leases: [lease("laptop")] });
    story.pass(seconds(60));
    assert.ok(story.outputs.some(({ kind }) => kind === "save"));
    const later = new Story({ snapshot: JSON.parse(JSON.stringify(story.devices.snapshot())) as never, shift: milliseconds(-500) });
    assert.equal(later.device()?.name, "laptop");
    assert.equal(later.device()?.firstSeen, START - 500);
    assert.equal(later.natureOf(STABLE), "stable alone");
  });
});

const lease = (hostname: string, from: Mac = LAPTOP) => ({ address: ip4("192.168.1.7"), mac: from, link: "lan", hostname }) as const;

describe("names", () => {
  test("the first device of a name keeps it, the second has a number, and one that is away gives it up", () => {
    const story = new Story();
    story.hear(LAPTOP, LINK_LOCAL);
    story.do({ kind: "leases", source: "dhcpv4", leases: [lease("Phone")] });
    story.do({ kind: "leases", source: "dhcpv4", leases: [{ ...lease("phone", OTHER), address: ip4("192.168.1.8") }] });
    assert.deepEqual([story.device(LAPTOP)?.name, story.device(OTHER)?.name], ["phone", "phone-2"]);
    story.pass(seconds(800));
    const third = mac("00:16:3e:77:88:99");
    story.do({ kind: "leases", source: "dhcpv4", leases: [{ ...lease("phone", third), address: ip4("192.168.1.9") }] });
    assert.equal(story.device(third)?.name, "phone");
  });

  test("[V4S-5] no dot is smuggled in, and no reserved name or the router's own is given", () => {
    const story = new Story();
    for (const said of ["evil.example", "localhost", "WPAD", "isatap", "gate", "--", ""]) {
      story.do({ kind: "leases", source: "dhcpv4", leases: [lease(said)] });
      assert.equal(story.device()?.name, undefined, said);
    }
    story.do({ kind: "leases", source: "dhcpv4", leases: [lease("Anna's  Téléphone_2")] });
    assert.equal(story.device()?.name, "annas-telephone-2");
  });
});

test("an address that DHCP has leased is not taken over by who claims it", () => {
  const story = new Story();
  story.do({ kind: "leases", source: "dhcpv4", leases: [lease("laptop")] });
  story.hear(OTHER, ip4("192.168.1.7"));
  assert.deepEqual([story.natureOf(ip4("192.168.1.7")), story.device(OTHER)], ["stable lease", undefined]);
});

test("the owner's names are the owner's devices', whatever others call themselves or did before", () => {
  const named = [{ name: "printer", mac: OTHER }, { name: "desk" }];
  const devices = new Devices({ named, ownNames: [] });
  devices.handle({ kind: "home", lans: [LAN] }, START);
  const claim = (source: "dhcpv4" | "dhcpv6", hostname: string, address: Ip): void =>
    void devices.handle({ kind: "leases", source, leases: [{ address, mac: LAPTOP, link: "lan", hostname }] }, START);
  const nameOfLaptop = (): string | undefined => devices.list().find((each) => each.mac === LAPTOP)?.name;
  claim("dhcpv4", "printer", ip4("192.168.1.7"));
  claim("dhcpv6", "desk", STABLE);
  assert.equal(nameOfLaptop(), undefined);
  claim("dhcpv4", "desk", ip4("192.168.1.8"));
  assert.equal(nameOfLaptop(), "desk");
  assert.deepEqual(
    devices.list().flatMap(({ addresses }) => addresses.map(({ address }) => address)),
    [STABLE, ip4("192.168.1.8")],
  );
  devices.handle({ kind: "leases", source: "dhcpv4", leases: [{ address: ip4("192.168.1.9"), mac: OTHER, link: "lan" }] }, START);
  assert.equal(devices.list().find((each) => each.mac === OTHER)?.name, "printer");
});

test("a DHCPv6 lease goes to who asked for it, also when it was not known yet; what a device registers itself proves nothing", () => {
  const story = new Story();
  const lease6 = { address: STABLE, client: LINK_LOCAL, mac: OTHER, link: "lan", hostname: "desk" } as const;
  story.do({ kind: "leases", source: "dhcpv6", leases: [lease6] });
  assert.equal(story.devices.known, 0);
  story.hear(LAPTOP, LINK_LOCAL);
  assert.deepEqual([story.natureOf(STABLE), story.device()?.name], ["stable lease", "desk"]);
  story.do({ kind: "leases", source: "dhcpv6", leases: [{ ...lease6, address: FIRST, registered: true }] });
  assert.equal(story.natureOf(FIRST), "unknown");
  story.do({ kind: "leases", source: "dhcpv6", leases: [{ ...lease6, ended: true }] });
  assert.equal(story.natureOf(STABLE), "absent");
});
