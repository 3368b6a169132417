/** A peer on the LAN that asks too much, asks wrongly, or plays the router itself. */
// Needs: ping
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ALL_ROUTERS, type Ip6, UNSPECIFIED } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import { prefix } from "../../src/addr/prefix.ts";
import type { Seconds } from "../../src/addr/time.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import { encodeEthernet, multicastMac } from "../../src/wire/ethernet.ts";
import { encodeIcmpv6Frame, type FrameHeader } from "../../src/wire/frame.ts";
import { encodeIpv6, fragmentHeader } from "../../src/wire/ipv6.ts";
import { encodeNdp } from "../../src/wire/ndp.ts";
import { describeRa, gaps, JITTER, type LinkWatch, plainRa, type Speaker, watchLink } from "../fixtures/link-watch.ts";

const PEER = mac("02:00:00:00:00:66");
const PEER_ADDRESS = "fe80::66" as Ip6;
const sourceOption = { kind: "source-link-layer-address", mac: PEER } as const;
const ALL_ROUTERS_MAC = multicastMac(ALL_ROUTERS);

describe("a peer on the LAN", () => {
  let home: Home;
  let lan: LinkWatch;
  let router: Speaker;

  before(async () => {
    home = await createHome();
    lan = watchLink(home.laptop);
    await home.startSkylan();
    await home.globalAddress("laptop");
    const ra = await lan.advertisement(({ message }) => message.routerLifetime > 0, { within: 20_000, what: "there is a way out" });
    router = { mac: ra.sourceMac, linkLocal: ra.packet.source };
  });
  after(async () => {
    lan?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  const solicitation = (changes: Partial<FrameHeader> = {}, options = [sourceOption]): Uint8Array =>
    encodeIcmpv6Frame(
      { sourceMac: PEER, source: PEER_ADDRESS, destination: ALL_ROUTERS, hopLimit: 255, ...changes },
      encodeNdp({ kind: "router-solicitation", options }),
    );

  /** The ICMPv6 message of a right solicitation, changed, with a right checksum. */
  const bent = (bend: (bytes: Uint8Array) => Uint8Array): Uint8Array =>
    encodeIcmpv6Frame(
      { sourceMac: PEER, source: PEER_ADDRESS, destination: ALL_ROUTERS, hopLimit: 255 },
      bend(encodeNdp({ kind: "router-solicitation", options: [sourceOption] })),
    );

  test("[RA-5] a hundred solicitations a second from :: bring no more than one advertisement in 3 s, and the router goes on", async () => {
    const from = Date.now() / 1000;
    while (Date.now() / 1000 < from + 10) {
      for (let i = 0; i < 10; i++) lan.send(solicitation({ source: UNSPECIFIED }, []));
      await sleep(100);
    }
    const told = lan.multicasts.filter(({ at }) => at >= from - 3);
    assert.ok(told.length >= 3, `${told.length} advertisements: they are answered`);
    for (const gap of gaps(told)) assert.ok(gap >= 3 - JITTER, `${gap} s`);
    assert.equal((await home.laptop.attempt("ping", "-6", "-c1", "-W2", NET_ADDRESS)).code, 0);
  });

  test("[RA-5] changes and anonymous solicitations together do not bring advertisements closer than 3 s", async () => {
    const from = Date.now() / 1000;
    const asking = setInterval(() => lan.send(solicitation({ source: UNSPECIFIED }, [])), 50);
    try {
      for (let i = 0; i < 4; i++) {
        await home.isp.command({ kind: "router-lifetime", lifetime: (i % 2 === 0 ? 0 : 300) as Seconds });
        await sleep(2000);
      }
    } finally {
      clearInterval(asking);
    }
    for (const gap of gaps(lan.multicasts.filter(({ at }) => at >= from - 3))) assert.ok(gap >= 3 - JITTER, `${gap} s`);
    await lan.advertisement(({ message }) => message.routerLifetime > 0, { within: 10_000, what: "there is a way out", since: from + 6 });
  });

  test("[RA-6] invalid solicitations are not answered, one of each kind; a valid one is", async () => {
    const invalid: Readonly<Record<string, Uint8Array>> = {
      "hop limit 254": solicitation({ hopLimit: 254 }),
      "code 1": bent((bytes) => bytes.with(1, 1)),
      "wrong checksum": corrupt(solicitation()),
      "fewer than 8 octets": bent((bytes) => bytes.subarray(0, 7)),
      "an option of length 0": bent((bytes) => bytes.with(9, 0)),
      "an option beyond the end": bent((bytes) => bytes.with(9, 2)),
      ":: with a link-layer address": solicitation({ source: UNSPECIFIED }),
      "in fragments": fragmented(),
    };
    for (const [name, frame] of Object.entries(invalid)) {
      const from = Date.now() / 1000;
      lan.send(frame);
      await sleep(900);
      const answers = lan.since(from).filter(({ packet }) => packet.destination === PEER_ADDRESS);
      assert.deepEqual(answers.map(describeRa), [], name);
    }
    const from = Date.now() / 1000;
    lan.send(solicitation());
    await lan.advertisement(({ packet }) => packet.destination === PEER_ADDRESS, {
      within: 5000,
      what: "the valid one is answered",
      since: from,
    });
  });

  test("[GEN-12] a rogue router on the LAN changes no route and no address of ours, and is named; our own advertisement that comes back is not (case 12)", async () => {
    const state = async (): Promise<string> => {
      const shown = await home.gateway.exec("sh", "-c", "ip -6 -oneline route; ip -6 -oneline addr");
      return shown.replaceAll(/ (expires|valid_lft|preferred_lft) \d+ ?sec/g, "").replaceAll(/expires \d+sec/g, "");
    };
    const echoed = lan.multicasts.at(-1)!;
    lan.say(router, echoed.message);
    await sleep(500);
    assert.deepEqual((await home.status()).lans[0]!.otherRouters, []);
    const before = await state();
    const rogue = plainRa({
      managed: true,
      preference: "high",
      routerLifetime: 9000 as Seconds,
      hopLimit: 3,
      options: [
        { kind: "source-link-layer-address", mac: PEER },
        { kind: "mtu", mtu: 1300 },
        {
          kind: "prefix-information",
          prefix: prefix("2a0d:7f00:66::/64"),
          onLink: true,
          autonomous: true,
          preferred: 900 as Seconds,
          valid: 900 as Seconds,
        },
        { kind: "route-information", prefix: prefix("2a0d:7f00:1::/48"), preference: "high", lifetime: 900 as Seconds },
        { kind: "rdnss", addresses: ["2a0d:7f00:66::53" as Ip6], lifetime: 900 as Seconds },
      ],
    });
    lan.say({ mac: PEER, linkLocal: PEER_ADDRESS }, rogue);
    await home.until(async () => (await home.status()).lans[0]!.otherRouters.length > 0, { within: 5000, what: "the rogue is shown" });
    const { lans, wan, events } = await home.status();
    assert.equal(lans[0]!.otherRouters[0]!.address, PEER_ADDRESS);
    assert.ok(
      events.some(({ level, text }) => level === "warning" && text.includes(PEER_ADDRESS)),
      "the event is shown",
    );
    assert.deepEqual(
      wan.routers.map(({ address }) => address),
      ["fe80::200:5eff:fe00:101"],
    );
    assert.equal(await state(), before);
    assert.doesNotMatch(await home.gateway.exec("ip", "-6", "route"), /fe80::66|2a0d:7f00:66/);
    assert.equal(await home.gateway.exec("cat", "/proc/sys/net/ipv6/conf/lan/mtu", "/proc/sys/net/ipv6/conf/lan/hop_limit"), "1500\n64\n");
    assert.equal((await home.gateway.attempt("ping", "-6", "-c1", "-W2", NET_ADDRESS)).code, 0);
  });
});

/** One bit of the checksum is another one. */
function corrupt(frame: Uint8Array): Uint8Array {
  return frame.with(14 + 40 + 2, frame[14 + 40 + 2]! ^ 1);
}

/** A valid solicitation, whole in one fragment (RFC 6980 section 5 forbids that too). */
function fragmented(): Uint8Array {
  const whole = encodeIcmpv6Frame(
    { sourceMac: PEER, source: PEER_ADDRESS, destination: ALL_ROUTERS, hopLimit: 255 },
    encodeNdp({ kind: "router-solicitation", options: [sourceOption] }),
  );
  const packet = encodeIpv6({
    trafficClass: 0,
    flowLabel: 0,
    hopLimit: 255,
    source: PEER_ADDRESS,
    destination: ALL_ROUTERS,
    extensions: [fragmentHeader({ offset: 0, more: false, identification: 66 })],
    protocol: 58,
    payload: whole.subarray(14 + 40),
  });
  return encodeEthernet({ destination: ALL_ROUTERS_MAC, source: PEER, etherType: 0x86dd, payload: packet });
}
