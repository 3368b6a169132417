/** A provider's router that advertises exactly what a test wants: what the WAN makes of it. */
// Needs: ping, tcpdump, tshark
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ALL_NODES, ALL_ROUTERS, type Ip6, UNSPECIFIED } from "../../src/addr/ip.ts";
import { type Mac, mac } from "../../src/addr/mac.ts";
import { type Prefix, prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { STARLINK } from "../../src/lab/provider-profile.ts";
import { encodeEthernet } from "../../src/wire/ethernet.ts";
import { encodeIcmpv6Frame, type FrameHeader } from "../../src/wire/frame.ts";
import { encodeIpv6, fragmentHeader } from "../../src/wire/ipv6.ts";
import { encodeNdp, type NdpOption, type PrefixInformation, type RouterAdvertisement } from "../../src/wire/ndp.ts";
import { claimAddresses } from "./claimed-addresses.ts";
import { DELEGATED, describeRa, gaps, JITTER, type LinkWatch, plainRa, prefixIn, type Speaker, watchLink } from "../fixtures/link-watch.ts";

const ROUTER: Speaker = { mac: STARLINK.mac, linkLocal: STARLINK.linkLocal };
const HEADER: FrameHeader = { sourceMac: ROUTER.mac, source: ROUTER.linkLocal, destination: ALL_NODES, hopLimit: 255 };
const ICMPV6_AT = 14 + 40;

const information = (value: string, changes: Partial<PrefixInformation> = {}): PrefixInformation => ({
  kind: "prefix-information",
  prefix: prefix(value),
  onLink: true,
  autonomous: true,
  preferred: 3600 as Seconds,
  valid: 5400 as Seconds,
  ...changes,
});

const advertisement = (options: readonly NdpOption[] = [], changes: Partial<RouterAdvertisement> = {}): RouterAdvertisement =>
  plainRa({ routerLifetime: 1800 as Seconds, options, ...changes });

describe("a scripted router on the WAN", () => {
  let home: Home;
  let wan: LinkWatch;
  /** At the gateway's own end: the cable may not carry yet what it sends first. */
  let end: LinkWatch;

  before(async () => {
    home = await createHome({ isp: "none" });
    wan = watchLink(home.host("isp"), "customer");
    end = watchLink(home.gateway, "wan");
    await home.startSkylan();
  });
  after(async () => {
    for (const watch of [wan, end]) watch?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  const say = (ra: RouterAdvertisement): void => wan.say(ROUTER, ra);
  const addresses = async (): Promise<string> => home.gateway.exec("ip", "-6", "-oneline", "addr", "show", "dev", "wan", "scope", "global");
  const addressIn = async (beginning: string): Promise<string | undefined> =>
    (await addresses()).split("\n").find((line) => line.includes(` ${beginning}`) && !line.includes("tentative"));
  const gatewayMac = async (): Promise<Mac> => mac((await home.gateway.exec("cat", "/sys/class/net/wan/address")).trim());
  const probes = (beginning: string) =>
    wan.ndp.filter(
      ({ sent, message, packet }) =>
        !sent && message.kind === "neighbor-solicitation" && packet.source === UNSPECIFIED && message.target.startsWith(beginning),
    );

  test("[WRA-1] solicitations come after the link-local address was probed, from it, to all routers with hop limit 255", async () => {
    const asked = await home.until(() => end.ndp.find(({ sent, message }) => sent && message.kind === "router-solicitation"), {
      within: 15_000,
      what: "a router is asked for",
    });
    const probe = end.ndp.find(
      ({ sent, message, packet }) =>
        sent && message.kind === "neighbor-solicitation" && packet.source === UNSPECIFIED && message.target === asked.packet.source,
    );
    assert.ok(probe && asked.at - probe.at >= 0.95, `asked ${asked.at - (probe?.at ?? 0)} s after the probe`);
    const all = end.ndp.filter(({ sent, message }) => sent && message.kind === "router-solicitation");
    for (const { packet } of all) {
      assert.match(packet.source, /^fe80::/);
      assert.deepEqual([packet.destination, packet.hopLimit], [ALL_ROUTERS, 255]);
    }
  });

  test("[WRA-3] an invalid advertisement is ignored, whichever rule it breaks; the valid one is not (case 30)", async () => {
    const ra = encodeNdp(advertisement([information("2605:59c8:bad::/64")], { managed: true }));
    const good = encodeIcmpv6Frame(HEADER, ra);
    const optionAt = 16;
    const invalid: Readonly<Record<string, Uint8Array>> = {
      "a global source": encodeIcmpv6Frame({ ...HEADER, source: "2605:59c8:1:8a00::1" as Ip6 }, ra),
      "hop limit 254": encodeIcmpv6Frame({ ...HEADER, hopLimit: 254 }, ra),
      "a wrong checksum": good.with(ICMPV6_AT + 2, good[ICMPV6_AT + 2]! ^ 1),
      "code 1": encodeIcmpv6Frame(HEADER, ra.with(1, 1)),
      "15 octets": encodeIcmpv6Frame(HEADER, ra.subarray(0, 15)),
      "an option of length 0": encodeIcmpv6Frame(HEADER, ra.with(optionAt + 1, 0)),
      "an option beyond the end": encodeIcmpv6Frame(HEADER, ra.with(optionAt + 1, 5)),
    };
    for (const [name, frame] of Object.entries(invalid)) {
      wan.send(frame);
      await assertUnheard(name);
    }
    const body = good.subarray(ICMPV6_AT);
    for (const [offset, part] of [[0, body.subarray(0, 24)] as const, [24, body.subarray(24)] as const])
      wan.send(fragment(offset, part, offset === 0));
    await assertUnheard("two fragments");
    wan.send(fragment(0, body, false));
    await assertUnheard("one fragment that is the whole");
    say(advertisement());
    await home.until(async () => (await home.gateway.exec("ip", "-6", "route", "show", "default")) !== "", {
      within: 5000,
      what: "the valid one counts",
    });
  });

  async function assertUnheard(name: string): Promise<void> {
    await sleep(250);
    const { flags, routers, addresses: own } = (await home.status()).wan;
    assert.deepEqual([flags, routers, own], [undefined, [], []], name);
    assert.equal(await home.gateway.exec("ip", "-6", "route", "show", "default"), "", name);
  }

  test("[WRA-5] only a /64 with A=1 whose preferred lifetime is within the valid one makes an address; two hours guard the valid one", async () => {
    const without = { autonomous: false };
    say(
      advertisement([
        information("2605:59c8:50::/64", without),
        information("fe80::/64"),
        information("2605:59c8:51::/64", { preferred: 5401 as Seconds }),
        information("2605:59c8:52::/63"),
        information("2605:59c8:53::/65"),
        information("2605:59c8:54::/64", { preferred: 0 as Seconds, valid: 0 as Seconds }),
        information("2605:59c8:5f::/64"),
      ]),
    );
    await home.until(() => addressIn("2605:59c8:5f:"), { within: 8000, what: "the right one makes an address" });
    const made = (await addresses()).match(/inet6 \S+/g);
    assert.equal(made?.length, 1, made?.join(", "));
    say(advertisement([information("2605:59c8:5f::/64", { preferred: 0 as Seconds, valid: 0 as Seconds })]));
    const line = await home.until(
      async () => (await addresses()).split("\n").find((each) => each.includes("2605:59c8:5f:") && each.includes("deprecated")),
      { within: 5000, what: "it is deprecated" },
    );
    const valid = Number(/valid_lft (\d+)sec/.exec(line)![1]);
    assert.ok(valid > 5300 && valid <= 5400, line);
  });

  test("[WRA-6] with L=1 a neighbour is looked for on the link; with L=0 its packet goes to the router, and the address is a /128", async () => {
    await using capture = await home.capture("wan");
    const [near, far] = ["2605:59c8:61::77", "2605:59c8:60::77"];
    say(advertisement([information("2605:59c8:61::/64"), information("2605:59c8:60::/64", { onLink: false })]));
    for (const beginning of ["2605:59c8:61:", "2605:59c8:60:"]) {
      assert.match(await home.until(() => addressIn(beginning), { within: 8000, what: `an address in ${beginning}` }), /\/128 /);
    }
    assert.match(await home.gateway.exec("ip", "-6", "route", "show", "2605:59c8:61::/64"), /dev wan proto 93/);
    assert.equal(await home.gateway.exec("ip", "-6", "route", "show", "2605:59c8:60::/64"), "");
    await Promise.all([near, far].map((target) => home.gateway.attempt("ping", "-6", "-c1", "-W1", target)));
    const sought = (target: string): boolean =>
      wan.ndp.some(({ sent, message }) => !sent && message.kind === "neighbor-solicitation" && message.target === target);
    assert.deepEqual([sought(near), sought(far)], [true, false]);
    const frames = await home.until(
      async () => {
        const found = await capture.packets(`icmpv6.type == 128 && ipv6.dst == ${far}`, "eth.dst");
        return found.length > 0 ? found : undefined;
      },
      { within: 5000, what: "the echo request is captured", every: 300 },
    );
    assert.deepEqual(frames[0], [ROUTER.mac]);
  });

  test("[WRA-7] every address is probed; one that is taken is not used, and the third identifier serves when two are taken", async () => {
    const claimed = claimAddresses(wan, ROUTER, await gatewayMac(), { beginning: "2605:59c8:70:", count: 2 });
    say(advertisement([information("2605:59c8:70::/64")]));
    const used = await home.until(() => addressIn("2605:59c8:70:"), { within: 15_000, what: "the third identifier is used" });
    const tried = probes("2605:59c8:70:");
    const targets = [...new Set(tried.map(({ message }) => (message.kind === "neighbor-solicitation" ? message.target : "")))];
    assert.equal(targets.length, 3, targets.join(", "));
    for (const target of claimed) assert.ok(!used.includes(target), `${target} is not used`);
    for (const gap of gaps(tried)) assert.ok(gap >= 1 - JITTER, `tried ${gap} s after the one before`);
    const { events } = await home.status();
    for (const target of claimed)
      assert.ok(
        events.some(({ text }) => text.includes(target)),
        `the duplicate ${target} is reported`,
      );
  });

  test("[WRA-7] after three further identifiers it gives up for the time being", async () => {
    const claimed = claimAddresses(wan, ROUTER, await gatewayMac(), { beginning: "2605:59c8:71:", count: 99 });
    say(advertisement([information("2605:59c8:71::/64")]));
    await home.until(() => claimed.size === 4, { within: 20_000, what: "four identifiers were tried" });
    await sleep(4000);
    assert.equal(claimed.size, 4);
    assert.equal(await addressIn("2605:59c8:71:"), undefined);
  });

  test("[WRA-14] a new address is announced to all routers by up to three advertisements, Override clear, a second apart", async () => {
    say(advertisement([information("2605:59c8:14::/64")]));
    await home.until(() => addressIn("2605:59c8:14:"), { within: 8000, what: "the address is there" });
    // The kernel adds one of its own to all nodes (ndisc_notify).
    const announced = () =>
      wan.ndp.filter(
        ({ sent, message, packet }) =>
          !sent &&
          message.kind === "neighbor-advertisement" &&
          message.target.startsWith("2605:59c8:14:") &&
          packet.destination === ALL_ROUTERS,
      );
    await home.until(() => announced().length >= 2, { within: 8000, what: "it is announced" });
    await sleep(3500);
    assert.ok(announced().length <= 3, `${announced().length} of them`);
    for (const { message, packet } of announced()) {
      assert.ok(message.kind === "neighbor-advertisement");
      assert.deepEqual([message.override, message.solicited, packet.hopLimit], [false, false, 255]);
      assert.equal(message.options[0]?.kind, "target-link-layer-address");
    }
    for (const gap of gaps(announced())) assert.ok(gap >= 1 - JITTER, `${gap} s`);
  });

  test("[WRA-12] the advertised MTU counts between 1280 and the link's own, and others change nothing", async () => {
    const path = "/proc/sys/net/ipv6/conf/wan/mtu";
    const mtu = async (): Promise<number> => Number(await home.gateway.exec("cat", path));
    for (const [told, becomes] of [
      [1280, 1280],
      [1279, 1280],
      [1400, 1400],
      [9000, 1400],
      [1501, 1400],
      [1500, 1500],
    ] as const) {
      say(advertisement([{ kind: "mtu", mtu: told }]));
      await sleep(300);
      assert.equal(await mtu(), becomes, `after ${told}`);
    }
  });

  test("[WRA-8] the same identifier after a restart on the same prefix, another on another, and no MAC address in any", async () => {
    const local = async (): Promise<readonly string[]> => (await addresses()).match(/2605:59c8:\S+(?=\/128)/g) ?? [];
    const told = [information("2605:59c8:80::/64"), information("2605:59c8:81::/64")];
    const both = (all: readonly string[]): readonly string[] => all.filter((each) => /^2605:59c8:8[01]:/.test(each)).toSorted();
    say(advertisement(told));
    await home.until(async () => both(await local()).length === 2, { within: 8000, what: "both prefixes make addresses" });
    const before = both(await local());
    await home.skylan.stop();
    await home.gateway.ip(before.map((address) => `addr del ${address}/128 dev wan`).join("\n"));
    rmSync(join(home.directory, "run"), { recursive: true, force: true });
    await home.startSkylan();
    await home.until(async () => (await home.status()).wan.linkLocal !== undefined, { within: 5000, what: "the WAN is up" });
    say(advertisement(told));
    await home.until(async () => both(await local()).length === 2, { within: 8000, what: "both are there again" });
    assert.deepEqual(both(await local()), before);
    const identifiers = before.map((address) => address.replace(/^2605:59c8:8[01]:0?:?/, ""));
    assert.notEqual(identifiers[0], identifiers[1]);
    const all = await home.gateway.exec("ip", "-6", "addr", "show", "scope", "global");
    assert.doesNotMatch(all, /ff:fe/);
  });
});

/** A piece of an advertisement, from the same router. */
function fragment(offset: number, payload: Uint8Array, more: boolean): Uint8Array {
  const packet = encodeIpv6({
    trafficClass: 0,
    flowLabel: 0,
    hopLimit: 255,
    source: ROUTER.linkLocal,
    destination: ALL_NODES,
    extensions: [fragmentHeader({ offset, more, identification: 30 })],
    protocol: 58,
    payload,
  });
  return encodeEthernet({ destination: "33:33:00:00:00:01" as typeof ROUTER.mac, source: ROUTER.mac, etherType: 0x86dd, payload: packet });
}

describe("a provider whose advertisements change their mind", { concurrency: 2 }, () => {
  test("Reachable Time and Retrans Timer become the WAN's within sane bounds; 0 leaves them, and `down` puts back what was there before", async () => {
    await using home = await createHome({ isp: "none" });
    using wan = watchLink(home.host("isp"), "customer");
    const paths = ["base_reachable_time_ms", "retrans_time_ms"].map((name) => `/proc/sys/net/ipv6/neigh/wan/${name}`);
    const timers = async (): Promise<readonly number[]> => (await home.gateway.exec("cat", ...paths)).trim().split("\n").map(Number);
    await home.gateway.sysctl({ "ipv6/neigh/wan/retrans_time_ms": 1200 });
    await home.startSkylan();
    await home.until(async () => (await home.status()).wan.linkLocal !== undefined, { within: 8000, what: "the WAN is up" });
    assert.deepEqual(await timers(), [30_000, 1200], "nobody has said anything");
    for (const [reachableTime, retransTimer, becomes] of [
      [12_345, 2000, [12_300, 2000]],
      [0, 0, [12_300, 2000]],
      [3_600_000, 100, [3_600_000, 100]],
      [0, 3000, [3_600_000, 3000]],
    ] as const) {
      wan.say(ROUTER, advertisement([], { reachableTime, retransTimer }));
      await sleep(300);
      assert.deepEqual(await timers(), becomes, `after ${reachableTime} and ${retransTimer}`);
    }
    assert.equal((await home.runSkylan("down")).code, 0);
    assert.deepEqual(await timers(), [30_000, 1200]);
  });

  test("[WRA-11] flags that flip in every advertisement bring not one Solicit more (case 23)", async () => {
    const pool = prefix("2605:59c8:9::/64") as Prefix;
    await using home = await createHome({ provider: { advertising: { managed: true, other: true }, dhcpv6: { addresses: pool } } });
    using wan = watchLink(home.host("isp"), "customer");
    await home.startSkylan();
    await home.until(async () => (await home.status()).wan.addresses.some(({ origin }) => origin === "leased"), {
      within: 20_000,
      what: "all is leased",
    });
    await home.until(async () => (await home.status()).delegations.length > 0, { within: 10_000, what: "a prefix is delegated" });
    const asked = (): number => wan.dhcpv6.filter(({ sent }) => !sent).length;
    const before = asked();
    for (let i = 0; i < 20; i++) {
      wan.say(ROUTER, advertisement([], { managed: i % 2 === 1, other: i % 4 < 2 }));
      await sleep(150);
    }
    await sleep(2500);
    const more = wan.dhcpv6.filter(({ sent }) => !sent).slice(before);
    assert.deepEqual(
      more.map(({ message }) => message.kind),
      [],
    );
    assert.equal((await home.status()).delegations.length, 1);
  });

  test("[RA-11] [RA-5] a router that goes and comes every 3 s: the LAN follows, 3 s apart or more, and its prefix is untouched (case 11)", async () => {
    await using home = await createHome();
    using wan = watchLink(home.host("isp"), "customer");
    using lan = watchLink(home.laptop);
    await home.startSkylan();
    await home.globalAddress("laptop");
    await lan.advertisement(({ message }) => message.routerLifetime > 0, { within: 10_000, what: "there is a way out" });
    await home.isp.command({ kind: "mute", on: true, protocol: "ndp" });
    const from = Date.now() / 1000;
    for (let i = 0; i < 8; i++) {
      const routerLifetime = (i % 2 === 0 ? 0 : 1800) as Seconds;
      wan.say(ROUTER, advertisement([information("2605:59c8:1:8a00::/64")], { routerLifetime, other: true }));
      await sleep(3050);
    }
    const told = lan.multicasts.filter(({ at }) => at >= from);
    for (const gap of gaps(told)) assert.ok(gap >= 3 - JITTER, `${gap} s`);
    const kinds = new Set(told.map(({ message }) => message.routerLifetime));
    assert.deepEqual(
      [...kinds].toSorted((a, b) => a - b),
      [0, 2700],
    );
    for (const ra of told) assert.ok((prefixIn(ra, DELEGATED)?.preferred ?? 0) > 60, describeRa(ra));
  });
});
