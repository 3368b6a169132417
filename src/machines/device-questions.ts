/** What a device is asked: whether it is still there, and what it is called. */
import { type Ip4, type Ip6, isIp4 } from "../addr/ip.ts";
import type { Mac } from "../addr/mac.ts";
import { encodeArp } from "../wire/arp.ts";
import { encodeEthernet, ETHERTYPE_ARP } from "../wire/ethernet.ts";
import { mdnsFrame, mdnsFrame4 } from "../wire/mdns-frame.ts";
import { encodeMdnsQuestion } from "../wire/mdns.ts";
import { encodeNdp } from "../wire/ndp.ts";
import type { DeviceRecord } from "./device-table.ts";
import { type HomeLan, isOf } from "./home-lan.ts";
import type { Output } from "./machine.ts";

/** Of a device no more addresses than these are asked for. */
const MOST_ADDRESSES = 4;

/** To the device's own addresses: the kernel asks by itself where one is to be sent something, and tells what comes of it. */
export function presenceQuestions(lan: HomeLan | undefined, device: DeviceRecord): readonly Output<never>[] {
  if (!lan) return [];
  const asked = [...device.addresses.values()]
    .filter(({ address, nature }) => nature !== "temporary" && isOf(lan, address))
    .toSorted((a, b) => b.lastSeen - a.lastSeen)
    .slice(0, MOST_ADDRESSES);
  return asked.flatMap(({ address }) => (isIp4(address) ? arpQuestion(lan, device.mac, address) : [solicitation(lan, address)]));
}

/** For its name, to all of the link. By IPv6 where the device has it: then its IPv4 address says nothing more. */
export function nameQuestion({ link, mac, linkLocal, ipv4 }: HomeLan, device: DeviceRecord): readonly Output<never>[] {
  const addresses = [...device.addresses.values()].filter(({ nature }) => nature !== "temporary").map(({ address }) => address);
  const [v4, v6] = [addresses.filter(isIp4), addresses.filter((address) => !isIp4(address))];
  if (v6.length > 0 && linkLocal !== undefined) {
    return [{ kind: "send-frame", link, bytes: mdnsFrame(mac, linkLocal, encodeMdnsQuestion(v6.slice(0, MOST_ADDRESSES))) }];
  }
  if (v4.length === 0 || !ipv4) return [];
  return [{ kind: "send-frame", link, bytes: mdnsFrame4(mac, ipv4.address, encodeMdnsQuestion(v4.slice(0, MOST_ADDRESSES))) }];
}

function solicitation({ link, mac }: HomeLan, target: Ip6): Output<never> {
  const options = [{ kind: "source-link-layer-address", mac }] as const;
  return { kind: "send", link, to: target, bytes: encodeNdp({ kind: "neighbor-solicitation", target, options }) };
}

/** To the device alone, RFC 1122 2.3.2.1. */
function arpQuestion({ link, mac, ipv4 }: HomeLan, device: Mac, target: Ip4): readonly Output<never>[] {
  if (!ipv4) return [];
  const payload = encodeArp({ operation: "request", senderMac: mac, sender: ipv4.address, targetMac: device, target });
  return [{ kind: "send-frame", link, bytes: encodeEthernet({ destination: device, source: mac, etherType: ETHERTYPE_ARP, payload }) }];
}
