/** Invented devices on a LAN, more than any home has: the table stays bounded, and who is really there stays in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ip4, ip6, solicitedNode, UNSPECIFIED } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import { createHome } from "../../src/lab/home.ts";
import { arpAnnouncement, encodeArp } from "../../src/wire/arp.ts";
import { BROADCAST, encodeEthernet, ETHERTYPE_ARP } from "../../src/wire/ethernet.ts";
import { encodeIcmpv6Frame } from "../../src/wire/frame.ts";
import { encodeNdp } from "../../src/wire/ndp.ts";
import { memoryOf } from "../fixtures/belongings.ts";
import { watchLink } from "../fixtures/link-watch.ts";

const FRAMES = 20_000;
/** New devices that are let in at once, and in each second after. */
const [AT_ONCE, PER_SECOND] = [1000, 10];
/** MiB. */
const ROOM = 100;

const senderOf = (count: number) =>
  mac(`02:66:00:${[16, 8, 0].map((bits) => ((count >> bits) & 0xff).toString(16).padStart(2, "0")).join(":")}`);

function probe(count: number): Uint8Array {
  const target = ip6(`fe80::66:${(count >> 16).toString(16)}:${(count & 0xffff).toString(16)}`);
  const header = { sourceMac: senderOf(count), source: UNSPECIFIED, destination: solicitedNode(target), hopLimit: 255 };
  return encodeIcmpv6Frame(header, encodeNdp({ kind: "neighbor-solicitation", target, options: [] }));
}

function claim(count: number): Uint8Array {
  const source = senderOf(count);
  const payload = encodeArp(arpAnnouncement(source, ip4(`192.168.1.${10 + (count % 200)}`)));
  return encodeEthernet({ destination: BROADCAST, source, etherType: ETHERTYPE_ARP, payload });
}

test("[ROB-8] twenty thousand invented devices fill neither the table nor the memory, and the real ones stay (case 27)", async () => {
  await using home = await createHome();
  const { process } = await home.startSkylan({ wan: { ipv4: "dhcp" } });
  await home.globalAddress("laptop");
  const own = (await home.laptop.exec("cat", "/sys/class/net/eth0/address")).trim();
  const known = async () => (await home.skylan.devices()).devices;
  await home.laptop.attempt("ping", "-c", "1", "-W", "1", "192.168.1.1");
  await home.until(async () => (await known()).some((device) => device.mac === own), { within: 10_000, what: "the laptop is known" });
  const memory = memoryOf(process.pid);
  const from = Date.now();
  using camera = watchLink(home.camera);
  for (let count = 0; count < FRAMES; count++) {
    camera.send(count % 2 === 0 ? probe(count) : claim(count));
    if (count % 500 === 0) await home.status();
  }
  const devices = await known();
  const most = AT_ONCE + ((Date.now() - from) / 1000 + 1) * PER_SECOND + 10;
  assert.ok(devices.length > 100 && devices.length <= most, `${devices.length} devices, ${most} at most`);
  assert.ok(devices.some((device) => device.mac === own && device.present));
  assert.ok(memoryOf(process.pid) < memory + ROOM, `${memory} MiB, then ${memoryOf(process.pid)} MiB`);
});
