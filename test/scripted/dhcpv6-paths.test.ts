/** How messages of the provider travel: from which address and port, in pieces, damaged; and what a closed box lets in. */
// Needs: ping, python:scapy, tcpdump, tshark
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHome, type Home } from "../../src/lab/home.ts";
import { fetchWeb, serveWeb, webUrl } from "../../src/lab/traffic.ts";
import { STARLINK } from "../../src/lab/provider-profile.ts";
import { HOME } from "../../src/machines/dhcpv6-client.fixture.ts";
import { decodeFrame, encodeIcmpv6Frame, encodeUdpFrame } from "../../src/wire/frame.ts";
import { ICMPV6, UDP } from "../../src/wire/ipv6.ts";
import { encodeNdp } from "../../src/wire/ndp.ts";
import { encodeUdp } from "../../src/wire/udp.ts";
import { fragmentFrames } from "./fragments.ts";
import { encodeAnswer } from "./scripted-answer.ts";
import { type Heard, routerAdvertisement, STARLINK_MANNER, scriptedProvider } from "./scripted-provider.ts";

/** Ethernet and IPv6 header. */
const UDP_CHECKSUM = 14 + 40 + 6;

const holds = async (home: Home): Promise<boolean> => (await home.status()).delegations.some(({ prefix }) => prefix === HOME);

const headerTo = ({ from, sourceMac }: Heard) =>
  ({ source: STARLINK.linkLocal, sourceMac: STARLINK.mac, destination: from, destinationMac: sourceMac, hopLimit: 64 }) as const;

const datagram = (payload: Uint8Array) => ({ sourcePort: 547, destinationPort: 546, payload });

describe("the provider's messages", { concurrency: true }, () => {
  test("[D6E-7] answers from a global address, another port and to the Ethernet broadcast address pass the closed firewall, and so do RA, NS, NA and MLD (case 30)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await using capture = await home.capture("wan");
    await serveWeb(home.gateway, 8080);
    await home.startSkylan();
    provider.serve({ ...STARLINK_MANNER, t1: 3, t2: 60 });
    await home.until(() => holds(home), { within: 20_000, what: "the lease is held" });
    await provider.next("renew");
    await home.until(async () => (await home.status()).delegations[0]!.valid! >= 298, { within: 3000, what: "the Renew is answered" });
    provider.sendRa();
    const { linkLocal } = (await home.status()).wan;
    const own = await home.until(
      async () => (await home.status()).wan.addresses.find(({ origin, state }) => origin === "slaac" && state === "ready"),
      { within: 8000, what: "the router has an address by SLAAC: its RA was heard" },
    );
    const isp = home.host("isp");
    for (const address of [`${linkLocal}%customer`, own.address]) {
      await isp.exec("ip", "-6", "neigh", "flush", "dev", "customer");
      assert.equal((await isp.attempt("ping", "-6", "-c", "2", "-W", "2", address)).code, 0, `${address} answers solicitations and pings`);
    }
    await fetchWeb(home.gateway, webUrl(own.address, 8080));
    await assert.rejects(fetchWeb(isp, webUrl(own.address, 8080), { within: 2000 }), "the box is closed otherwise");
    const before = Date.now() / 1000;
    await isp.exec("/usr/bin/python3", "-c", MLD_QUERY);
    const reported = async (): Promise<boolean> => {
      const times = await capture.packets(`icmpv6.type == 143 && ipv6.src == ${linkLocal}`, "frame.time_epoch");
      return times.some(([time]) => Number(time) > before);
    };
    await home.until(reported, { within: 15_000, every: 1000, what: "the query for multicast listeners is answered" });
  });

  test("[WRA-3] a Reply with checksum 0 is dropped; one with hop limit 1, and one in pieces, counts; an RA in pieces does not (case 30)", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedProvider(home);
    await home.startSkylan();
    provider.answer(await provider.next("solicit", { within: 20_000 }));
    const request = await provider.next("request");
    const unchecked = encodeUdpFrame(headerTo(request), datagram(encodeAnswer(request.message)));
    unchecked.fill(0, UDP_CHECKSUM, UDP_CHECKSUM + 2);
    provider.sendFrame(unchecked);
    await provider.listen(300);
    assert.ok(!(await holds(home)), "checksum 0");
    provider.answer(request, { hopLimit: 1, t1: 2, t2: 60 });
    await home.until(() => holds(home), { within: 2000, what: "a Reply with hop limit 1 is taken" });

    const renew = await provider.next("renew");
    const whole = encodeUdp(STARLINK.linkLocal, renew.from, datagram(encodeAnswer(renew.message, { preferred: 1500, valid: 3000 })));
    for (const frame of fragmentFrames(headerTo(renew), UDP, whole, 48)) provider.sendFrame(frame);
    const prolonged = async (): Promise<boolean> => (await home.status()).delegations[0]!.valid! > 2900;
    await home.until(prolonged, { within: 2000, what: "a Reply in pieces is taken" });

    const header = { ...headerTo(renew), hopLimit: 255 };
    const inOne = decodeFrame(encodeIcmpv6Frame(header, encodeNdp(routerAdvertisement({}))));
    assert.equal(inOne.kind, "ipv6");
    for (const frame of fragmentFrames(header, ICMPV6, inOne.packet.payload, 24)) provider.sendFrame(frame);
    await provider.listen(500);
    assert.deepEqual((await home.status()).wan.routers, []);
    provider.sendRa();
    await home.until(async () => (await home.status()).wan.routers.length === 1, { within: 2000, what: "a whole RA is heard" });
  });
});

/** A general query (RFC 3810 5.1), as a querier on the provider's side sends it. */
const MLD_QUERY = `
from scapy.all import *
query = ICMPv6MLQuery2(type=130, mrd=500)
sendp(Ether(src="00:00:5e:00:01:01", dst="33:33:00:00:00:01")/IPv6(src="fe80::200:5eff:fe00:101", dst="ff02::1", hlim=1)
      /IPv6ExtHdrHopByHop(options=[RouterAlert()])/query, iface="customer", verbose=False)
`;
