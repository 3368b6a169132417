/** Sources that mean nothing on the internet, in packets of all kinds from a device at home: what of them comes out on the provider's link. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Ip4, ip4 } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import { openPacketSocket } from "../../src/kernel/packet-socket.ts";
import { openNamespace } from "../../src/kernel/setns.ts";
import { createHome, NET_ADDRESS_IPV4 } from "../../src/lab/home.ts";
import { internetChecksum } from "../../src/wire/checksum.ts";
import { encodeEthernet, ETHERTYPE_IPV4 } from "../../src/wire/ethernet.ts";
import { encodeIpv4 } from "../../src/wire/ipv4.ts";
import { encodeUdp } from "../../src/wire/udp.ts";
import { LEASED, scriptedDhcpv4, WITH_IPV4 } from "./scripted-dhcpv4.ts";

const DEVICE = mac("02:00:00:00:01:00");
const NET = ip4(NET_ADDRESS_IPV4);
const OWN = ip4("192.168.1.77");
/** One of each range that is nobody's: RFC 3927, 6890, 1918, and what this LAN has not got. */
const FORGED = [
  "0.0.0.0",
  "0.1.2.3",
  "10.1.2.3",
  "127.0.0.1",
  "127.9.9.9",
  "169.254.7.7",
  "172.16.0.1",
  "172.31.255.1",
  "192.168.2.2",
  "192.168.100.1",
  "224.0.0.9",
  "240.0.0.1",
  "255.255.255.255",
].map(ip4);
const [ICMP, TCP, UDP, GRE, ESP] = [1, 6, 17, 47, 50];

/** From a source and a port of its own to one host of the internet. */
function packets(source: Ip4, port: number): readonly Uint8Array[] {
  const ends = { source, destination: NET, ttl: 64 };
  const of = (protocol: number, payload: Uint8Array): Uint8Array => encodeIpv4({ ...ends, protocol, payload });
  const datagram = encodeUdp(source, NET, { sourcePort: port, destinationPort: 9, payload: new Uint8Array(8) });
  const [syn, reset] = [0x02, 0x04].map((flags) => {
    const segment = new Uint8Array(20);
    segment.set([port >> 8, port & 0xff, 0, 80]);
    segment.set([0x50, flags, 0xff, 0xff], 12);
    return segment;
  });
  const echo = new Uint8Array(16);
  echo.set([8, 0, 0, 0, port >> 8, port & 0xff]);
  const sum = internetChecksum(echo);
  echo.set([sum >> 8, sum & 0xff], 2);
  return [of(UDP, datagram), of(TCP, syn!), of(TCP, reset!), of(ICMP, echo), of(GRE, new Uint8Array(8)), of(ESP, new Uint8Array(16))];
}

describe("sources of IPv4 from home", () => {
  test("[NAT-3] none of the forged ones leaves, and this LAN's own leave translated", async () => {
    await using home = await createHome({ isp: "none" });
    using provider = scriptedDhcpv4(home);
    await home.startSkylan(WITH_IPV4);
    await provider.lease();
    const gateway = mac((await home.gateway.exec("cat", "/sys/class/net/lan/address")).trim());
    const namespace = openNamespace(`/proc/${home.laptop.pid}/ns/net`);
    const socket = namespace.run(() =>
      openPacketSocket({ interface: "eth0", filter: [{ code: 6, jt: 0, jf: 0, k: 0 }], receive: () => {} }),
    );
    namespace.close();
    const send = (payload: Uint8Array): void => {
      const frame = encodeEthernet({ destination: gateway, source: DEVICE, etherType: ETHERTYPE_IPV4, payload });
      assert.equal(socket.send(frame), undefined);
    };
    // The kernel itself drops martians first; without that it is the rules that are tried.
    await home.gateway.sysctl({ "ipv4/conf/all/rp_filter": 0, "ipv4/conf/lan/rp_filter": 0, "ipv4/conf/lan/route_localnet": 1 });
    for (const [index, source] of FORGED.entries()) packets(source, 5000 + index).forEach(send);
    await provider.listen(500);
    assert.deepEqual([...provider.spokenFrom.keys()], [], "nothing forged has left");
    packets(OWN, 6000).forEach(send);
    await home.until(() => provider.spokenFrom.size > 0, { within: 5000, what: "the device's own packets leave" });
    await provider.listen(500);
    assert.deepEqual([...provider.spokenFrom.keys()], [LEASED], "and they leave translated");
    socket.close();
  });
});
