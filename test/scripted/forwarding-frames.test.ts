/** Packets that no honest host sends, at a gateway in which skylan runs: what it made of its kernel forwards them, answers them or drops them. */
// Needs: ping
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Ip6, ip6, UNSPECIFIED } from "../../src/addr/ip.ts";
import { hostAddress, prefix, subnet } from "../../src/addr/prefix.ts";
import { createHome, type Home, NET_ADDRESS } from "../../src/lab/home.ts";
import { fragmentHeader } from "../../src/wire/ipv6.ts";
import { words } from "./firewall-home.ts";
import { type HomeFrames, type HomeLink, homeFrames } from "./home-frames.ts";
import { ESP, errorAbout, packet, paddedOptions, ping, routingHeader0, udp } from "./packets.ts";

const NET = ip6(NET_ADDRESS);
const LINK_LOCAL = ip6("fe80::100");
/** An address of nobody here. */
const STRANGER = ip6("2605:59c8:ff00::100");
/** The provider's link takes less than the LAN: so says its advertisement. */
const WAN_MTU = 1400;

describe("a gateway in which skylan runs", () => {
  let home: Home;
  let frames: HomeFrames;
  /** The device on the LAN. */
  let device: Ip6;
  let out: { readonly from: Ip6; readonly to: Ip6 };
  let back: { readonly from: Ip6; readonly to: Ip6 };

  before(async () => {
    home = await createHome({ provider: { advertising: { mtu: WAN_MTU } } });
    await home.startSkylan();
    await home.globalAddress("laptop");
    const reaches = async (): Promise<boolean> => (await home.laptop.attempt("ping", "-6", "-c", "1", "-W", "1", NET_ADDRESS)).code === 0;
    await home.until(reaches, { within: 20_000, what: "the laptop reaches the internet" });
    // From here on the internet says nothing: an answer that comes late would be taken for the gateway's.
    const chain = "add table ip6 silent; add chain ip6 silent in { type filter hook input priority 0; policy drop; }";
    await home.net.exec("nft", `${chain}; add rule ip6 silent in icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept`);
    frames = await homeFrames(home);
    device = await deviceAddress();
    await frames.introduce(device, LINK_LOCAL, STRANGER);
    [out, back] = [
      { from: device, to: NET },
      { from: NET, to: device },
    ];
    // Each error is seen, but for the test of their limit.
    await home.gateway.sysctl({ "ipv6/icmp/ratelimit": 0 });
  });
  after(async () => {
    frames?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  const deviceAddress = async (): Promise<Ip6> => hostAddress(prefix((await home.status()).lans[0]!.subnets[0]!.prefix), 0x100n);
  const crosses = async (link: HomeLink, message: Parameters<HomeFrames["send"]>[1]): Promise<boolean> =>
    (await frames.send(link, message)).some((seen) => seen.link !== link);

  test("[GEN-3] a link-local source is answered with 1/2 on its link and does not leave it; a link-local destination does not either", async () => {
    assert.deepEqual(words(await frames.send("lan", ping({ from: LINK_LOCAL, to: NET }))), ["lan icmpv6 1/2"]);
    assert.ok(!(await crosses("wan", ping({ from: LINK_LOCAL, to: device }))));
    assert.ok(!(await crosses("lan", ping({ from: device, to: ip6("fe80::200:5eff:fe00:101") }))));
    assert.ok(!(await crosses("wan", ping({ from: NET, to: LINK_LOCAL }))));
    assert.ok(await crosses("lan", ping(out)), "a global one does");
  });

  test("[GEN-9] extension headers, fragments, AH and ESP pass outwards; routing header 0 does not", async () => {
    const authentication = { protocol: 51, content: new Uint8Array(22) };
    const fragment = fragmentHeader({ offset: 0, more: false, identification: 7 });
    for (const extensions of [[paddedOptions(60)], [paddedOptions(0)], [authentication], [fragment]]) {
      assert.ok(await crosses("lan", udp({ ...out, extensions }, 53)), `header ${extensions[0]!.protocol}`);
    }
    assert.ok(await crosses("lan", packet(out, ESP, new Uint8Array(40))));
    assert.ok(!(await crosses("lan", udp({ ...out, extensions: [routingHeader0(NET)] }, 53))));
    assert.ok(!(await crosses("wan", ping({ ...back, extensions: [routingHeader0(device)] }))));
  });

  test("[GEN-10] the hop limit is counted down, its end is told, and no error is sent about an error, to nobody or about a multicast", async () => {
    const [passed] = await frames.send("lan", udp(out, 53));
    assert.deepEqual([passed!.link, passed!.packet.hopLimit], ["wan", 63]);
    assert.deepEqual(words(await frames.send("lan", udp({ ...out, hopLimit: 1 }, 53))), ["lan icmpv6 3/0"]);
    assert.deepEqual(words(await frames.send("lan", errorAbout({ ...out, hopLimit: 1 }, 1, udp(back, 53)))), []);
    assert.deepEqual(words(await frames.send("lan", udp({ from: UNSPECIFIED, to: NET, hopLimit: 1 }, 53))), []);
    assert.deepEqual(words(await frames.send("lan", udp({ from: device, to: ip6("ff0e::1"), hopLimit: 1 }, 53))), []);
  });

  test("[GEN-10] a flood of errors is limited, and does not keep a Packet Too Big from being sent", async () => {
    await home.gateway.sysctl({ "ipv6/icmp/ratelimit": 1000 });
    // One error a second may be saved up, and without a limit none was.
    await sleep(2500);
    const { prefix: delegated } = (await home.status()).delegations[0]!;
    const onNoLan = hostAddress(subnet(delegated, 64, 0x77), 1n);
    const lost = ping({ from: device, to: onNoLan });
    for (let i = 0; i < 200; i++) frames.fire("lan", lost);
    const answers = words(await frames.send("lan", lost));
    assert.ok(answers.length > 0 && answers.length < 50 && answers.every((each) => each === "lan icmpv6 1/0"), answers.join(", "));
    const [tooBig] = await frames.send("lan", udp(out, 53, 40_000, WAN_MTU));
    assert.deepEqual(words([tooBig!]), ["lan icmpv6 2/0"]);
    const { payload } = tooBig!.packet;
    assert.equal(new DataView(payload.buffer, payload.byteOffset).getUint32(4), WAN_MTU);
    await home.gateway.sysctl({ "ipv6/icmp/ratelimit": 0 });
  });

  test("[GEN-4] a source that is of nobody here does not leave; one of the prefix that was, in a flow of then or a new one, is told 1/5 on the LAN", async () => {
    for (const from of [STRANGER, NET]) assert.ok(!(await crosses("lan", ping({ from, to: NET }))), from);
    assert.ok(await crosses("lan", udp(out, 53)));
    const before = device;
    await home.isp.command({ kind: "renumber", pool: prefix("2605:59c8:7700::/40") });
    await home.runSkylan("refresh");
    const moved = async (): Promise<boolean> => (await home.status()).lans[0]!.withdrawing.length > 0;
    await home.until(moved, { within: 20_000, what: "the former prefix is being withdrawn" });
    const after = await deviceAddress();
    assert.notEqual(after, before);
    await frames.introduce(after);
    for (const port of [53, 5353])
      assert.deepEqual(words(await frames.send("lan", udp({ from: before, to: NET }, port))), ["lan icmpv6 1/5"]);
    assert.ok(await crosses("lan", udp({ from: after, to: NET }, 53)), "the new one leaves");
  });
});
