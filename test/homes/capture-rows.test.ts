/**
 * Rows of the conformance table that speak of what a capture shows. One home is recorded once: a provider that is mute at first, two LANs with a ULA,
 * a restart on the same prefixes, other prefixes; the tests then read the recording.
 */
// Needs: tcpdump, tshark
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ALL_NODES, ALL_ROUTERS, type Ip6, ip6ToBigInt, isLinkLocal, UNSPECIFIED } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import { covers, type Prefix, prefix, prefixLength, UNIQUE_LOCAL } from "../../src/addr/prefix.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { optionOf, optionsOf } from "../../src/wire/dhcpv6.ts";
import { type NdpMessage, ndpOptionOf, ndpOptionsOf } from "../../src/wire/ndp.ts";
import { noAdvertisementOnWan, noMacInAddress } from "./capture-manners.ts";
import { dhcpv6Exchanges } from "./capture-exchanges.ts";
import { dhcpv6Hints, dhcpv6Way, dhcpv6Wishes } from "./capture-requests.ts";
import { dhcpv6Messages, type Link, type LinkCapture, ourAdvertisements, readScene, type Scene, type SeenNdp } from "./capture-scene.ts";
import { assertCleanCaptures, checksumOffloadOff } from "./captures.ts";

const OTHER_POOL = prefix("2605:59c8:7700::/40");
const OTHER_LINK = prefix("2605:59c8:1:8b00::/64");
const LANS = ["lan", "guests"];

let home: Home;
let captures: readonly LinkCapture[];
let scene: Scene;
/** The router's address on the provider's link: at first, after a restart, on another prefix. */
let own: { readonly first: Ip6; readonly restarted: Ip6; readonly moved: Ip6 };
/** Seconds since 1970. */
let stoppedAt: number;

before(async () => {
  home = await createHome({
    lans: [
      { name: "home", interface: "lan", hosts: ["laptop"] },
      { name: "guests", interface: "guests", hosts: ["phone"] },
    ],
  });
  await home.isp.command({ kind: "mute", on: true, protocol: "dhcpv6" });
  const recordings = await Promise.all(["wan", ...LANS].map(record));
  const config = `${home.config()}[ula]\nprefix = "auto"\n`;
  await home.startSkylan(config);
  await sleep(5000);
  await home.isp.command({ kind: "mute", on: false });
  await home.until(async () => (await home.status()).delegations.length > 0, { within: 30_000, what: "a prefix is delegated" });
  const first = await ownAddress(undefined);
  // The third announcement of the address comes two seconds after the first.
  await sleep(3000);
  await home.skylan.stop();
  stoppedAt = Date.now() / 1000;
  await home.startSkylan(config);
  await sleep(5000);
  const restarted = await ownAddress(undefined);
  await home.isp.command({ kind: "renumber", pool: OTHER_POOL, link: OTHER_LINK });
  await home.runSkylan("refresh");
  own = { first, restarted, moved: await ownAddress(OTHER_LINK) };
  await sleep(7000);
  await Promise.all(recordings.map((recording) => recording.stop()));
  captures = recordings;
  scene = readScene(captures);
});

after(() => home[Symbol.asyncDispose]());

async function record(name: string): Promise<LinkCapture & { stop(): Promise<void> }> {
  const capture = await home.capture(name);
  await home.gateway.exec(...checksumOffloadOff(name));
  const address = mac((await home.gateway.exec("cat", `/sys/class/net/${name}/address`)).trim());
  return { name, role: name === "wan" ? "wan" : "lan", file: capture.path, ours: [address], stop: () => capture.stop() };
}

/** The router's ready address on the WAN, in `within` when given. */
function ownAddress(within: Prefix | undefined): Promise<Ip6> {
  const look = async () =>
    (await home.status()).wan.addresses.find(
      ({ address, state }) => state === "ready" && (!within || covers(within, prefix(`${address}/128`))),
    );
  return home.until(async () => (await look())?.address, { within: 30_000, what: "the router has its address on the WAN" });
}

const wan = (): Link => scene.wans[0]!;

function sentByUs<Kind extends NdpMessage["kind"]>(link: Link, kind: Kind): SeenNdp<Extract<NdpMessage, { kind: Kind }>>[] {
  return link.seen.flatMap((seen) => {
    const { frame, fromUs } = seen;
    if (!fromUs || frame.kind !== "ipv6" || frame.content.kind !== "ndp" || frame.content.message.kind !== kind) return [];
    return [{ ...seen, frame, message: frame.content.message as Extract<NdpMessage, { kind: Kind }> }];
  });
}

test("the recording has no violation of any invariant, and tshark complains about nothing", () => {
  assertCleanCaptures(captures);
});

test("[WRA-1] the first router solicitation comes after duplicate address detection, from the link-local address", () => {
  const [first, ...more] = sentByUs(wan(), "router-solicitation");
  const probe = sentByUs(wan(), "neighbor-solicitation").find(
    ({ frame, message }) => frame.packet.source === UNSPECIFIED && isLinkLocal(message.target),
  );
  assert.ok(first && probe);
  assert.ok(first.time - probe.time >= 1, `${(first.time - probe.time).toFixed(3)} s after the probe`);
  for (const { frame } of [first, ...more]) {
    assert.deepEqual([frame.packet.source, frame.packet.destination, frame.packet.hopLimit], [probe.message.target, ALL_ROUTERS, 255]);
  }
});

test("[WRA-8] no address has the MAC in it; the identifier is the same after a restart and another on another prefix", () => {
  assert.deepEqual(noMacInAddress(scene), []);
  const identifier = (address: Ip6) => ip6ToBigInt(address) & 0xffff_ffff_ffff_ffffn;
  assert.equal(own.restarted, own.first);
  assert.notEqual(identifier(own.moved), identifier(own.first));
});

test("[WRA-14] a new address on the WAN is announced to all routers at most three times, a second apart, without Override", () => {
  for (const address of [own.first, own.moved]) {
    const announced = sentByUs(wan(), "neighbor-advertisement").filter(
      ({ time, frame, message }) =>
        message.target === address && frame.packet.destination === ALL_ROUTERS && (address === own.moved || time < stoppedAt),
    );
    assert.ok(announced.length >= 1 && announced.length <= 3, `${announced.length} times`);
    for (const [i, { time, message }] of announced.entries()) {
      assert.deepEqual([message.override, message.solicited], [false, false]);
      if (i > 0) assert.ok(time - announced[i - 1]!.time >= 0.99);
    }
  }
});

test("[D6T-1] DHCPv6 goes from port 546 and the link-local address to port 547 of ff02::1:2", () => {
  const kinds = new Set(dhcpv6Messages(wan()).flatMap(({ fromUs, message }) => (fromUs ? [message.kind] : [])));
  assert.ok(kinds.has("solicit") && kinds.has("request") && kinds.has("rebind"), [...kinds].join(" "));
  assert.deepEqual(dhcpv6Way(scene), []);
});

test("[D6T-14] elapsed time runs from 0 in each exchange; its transaction id is kept in repetitions and new in the next one", () => {
  const sent = dhcpv6Messages(wan()).filter(({ fromUs }) => fromUs);
  const repeated = sent.filter(({ message }) => (optionOf(message, "elapsed-time")?.hundredths ?? 0) > 0);
  assert.ok(repeated.length >= 2, `${repeated.length} repetitions`);
  assert.equal(optionOf(sent[0]!.message, "elapsed-time")?.hundredths, 0);
  assert.deepEqual(dhcpv6Exchanges(scene), []);
});

test("[D6T-19] asked for are resolvers, search list, NTP, excluded prefix and SOL_MAX_RT; 32 only in Information-request", () => {
  assert.deepEqual(dhcpv6Wishes(scene), []);
});

test("[D6P-2] the hint is ::/56 with all times zero", () => {
  const [first] = dhcpv6Messages(wan()).filter(({ fromUs }) => fromUs);
  const hints = optionsOf(first!.message, "ia-pd").flatMap((association) => optionsOf(association, "ia-prefix"));
  assert.deepEqual(
    hints.map((hint) => hint.prefix),
    ["::/56"],
  );
  assert.deepEqual(dhcpv6Hints(scene), []);
});

test("[RA-1] every LAN advertises from one link-local address with its link-layer address, and the WAN never does", () => {
  assert.deepEqual(noAdvertisementOnWan(scene), []);
  assert.deepEqual(
    scene.lans.map((link) => link.name),
    LANS,
  );
  for (const link of scene.lans) {
    const sent = ourAdvertisements(link);
    assert.ok(sent.length >= 3, `${sent.length} advertisements on ${link.name}`);
    assert.equal(new Set(sent.map(({ frame }) => frame.packet.source)).size, 1);
    for (const { frame, message } of sent) {
      assert.deepEqual([isLinkLocal(frame.packet.source), frame.packet.hopLimit], [true, 255]);
      assert.equal(ndpOptionOf(message, "source-link-layer-address")?.mac, link.ours[0]);
      assert.ok(frame.packet.destination === ALL_NODES || isLinkLocal(frame.packet.destination));
    }
  }
});

/** Advertisements with a live prefix of the provider. */
function numbered(link: Link) {
  const isLive = (option: { prefix: Prefix; valid: number }) => option.valid > 0 && !covers(UNIQUE_LOCAL, option.prefix);
  return ourAdvertisements(link).filter(({ message }) => ndpOptionsOf(message, "prefix-information").some(isLive));
}

test("[RA-7] each /64 is on-link and autonomous, and the flags are M=0 O=1", () => {
  for (const link of scene.lans) {
    assert.ok(numbered(link).length > 0);
    for (const { message } of ourAdvertisements(link)) {
      assert.deepEqual([message.managed, message.other], [false, true]);
      for (const option of ndpOptionsOf(message, "prefix-information")) {
        assert.deepEqual([option.onLink, option.autonomous, prefixLength(option.prefix)], [true, true, 64]);
      }
    }
  }
});

test("[RA-9] a default router says 2700 s, and never anything else but 0", () => {
  for (const link of scene.lans) {
    const lifetimes = ourAdvertisements(link).map(({ message }) => message.routerLifetime as number);
    assert.equal(lifetimes.at(-1), 2700);
    for (const lifetime of lifetimes) assert.ok(lifetime === 0 || lifetime === 2700, String(lifetime));
  }
});

test("[RA-12] routes name the whole delegation and the ULA /48 for as long as the prefix is valid, at most 5400 s", () => {
  for (const link of scene.lans) {
    for (const { message } of numbered(link)) {
      const routes = ndpOptionsOf(message, "route-information");
      assert.ok(routes.length <= 17);
      const live = ndpOptionsOf(message, "prefix-information").filter(({ valid }) => valid > 0);
      for (const { prefix: lan, valid } of live) {
        const route = routes.find((each) => each.lifetime > 0 && covers(each.prefix, lan));
        assert.equal(route && prefixLength(route.prefix), covers(UNIQUE_LOCAL, lan) ? 48 : 56, lan);
        assert.ok(Math.abs(route!.lifetime - Math.min(valid, 5400)) <= 1, `${route!.lifetime} s for ${valid} s`);
      }
    }
  }
});
