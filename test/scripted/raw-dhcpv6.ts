/** Octets that our codec would refuse to write. */
import { type Random, uniform } from "../../src/addr/random.ts";
import type { Heard } from "./scripted-provider.ts";

const HEADER = 4;

/** An option; `length` may lie. */
export function rawOption(code: number, content: Uint8Array, length = content.length): Uint8Array {
  return Uint8Array.of(code >> 8, code & 255, length >> 8, length & 255, ...content);
}

/** An IA_PD of these octets of options, T1 and T2 0. */
export function rawIaPd(iaid: number, options: Uint8Array): Uint8Array {
  const content = new Uint8Array(12 + options.length);
  new DataView(content.buffer).setUint32(0, iaid);
  content.set(options, 12);
  return rawOption(25, content);
}

/** An IAPREFIX of 2605:59c8:7700:: with any length octet, 150/300 s. */
export function rawIaPrefix(prefixLength: number): Uint8Array {
  const address = [0x26, 0x05, 0x59, 0xc8, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  return rawOption(26, Uint8Array.of(0, 0, 0, 150, 0, 0, 1, 44, prefixLength, ...address));
}

/** For `Answer.bytes`: puts octets behind the message. */
export const appending =
  (octets: Uint8Array) =>
  (message: Uint8Array): Uint8Array =>
    Uint8Array.of(...message, ...octets);

/** A message whose options stand in the opposite order. */
export function withOptionsReversed(message: Uint8Array): Uint8Array {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const options: Uint8Array[] = [];
  for (let at = HEADER; at < message.length; at += options[0]!.length) {
    options.unshift(message.subarray(at, at + HEADER + view.getUint16(at + 2)));
  }
  return Uint8Array.of(...message.subarray(0, HEADER), ...options.flatMap((option) => [...option]));
}

/** A message with one to eight octets changed, dropped or put in, or its end cut off. */
export function mutated(message: Uint8Array, random: Random): Uint8Array {
  const below = (end: number): number => Math.floor(uniform(random, 0, end));
  const octets = [...message];
  for (let changes = 1 + below(8); changes > 0; changes--) {
    const at = below(octets.length);
    const kind = below(8);
    if (kind < 5) octets[at] = below(256);
    else if (kind === 5) octets.splice(at, 1);
    else if (kind === 6) octets.splice(at, 0, below(256));
    else if (octets.length > 2) octets.length = Math.max(1, octets.length - below(20));
  }
  return Uint8Array.from(octets);
}

/** A Python program: scapy sends messages to that client with as many fields as it likes filled at random. */
export function scapyFuzz({ from, sourceMac, message, bytes }: Heard, count: number): string {
  const client = Buffer.from(bytes).toString("hex");
  return `
import random
from scapy.all import *
random.seed(20260)
asked = DHCP6_Solicit(bytes.fromhex("${client}"))
duid = asked[DHCP6OptClientId].duid
ends = Ether(src="00:00:5e:00:01:01", dst="${sourceMac}") / IPv6(src="fe80::200:5eff:fe00:101", dst="${from}") / UDP(sport=547, dport=546)
ids = DHCP6OptServerId(duid=DUID_LL(lladdr="00:00:5e:00:01:01")) / DHCP6OptClientId(duid=duid)
kinds = [DHCP6_Advertise, DHCP6_Reply, DHCP6_Reconf, DHCP6_RelayReply]
bodies = [DHCP6OptIA_PD, DHCP6OptIAPrefix, DHCP6OptIA_NA, DHCP6OptIAAddress, DHCP6OptStatusCode, DHCP6OptDNSServers, DHCP6OptDNSDomains, DHCP6OptAuth,
          DHCP6OptPref, DHCP6OptRapidCommit, DHCP6OptReconfMsg, DHCP6OptVendorSpecificInfo, DHCP6OptUnknown]
frames = []
while len(frames) < ${count}:
    try:
        kind = random.choice(kinds)
        head = fuzz(kind()) if kind is DHCP6_RelayReply else kind(trid=${message.transactionId})
        packet = ends / head / ids
        for body in random.sample(bodies, random.randint(1, 4)):
            packet = packet / fuzz(body())
        octets = bytes(packet)
        if len(octets) < 1500:
            frames.append(octets)
    except Exception:
        pass
socket = conf.L2socket(iface="customer")
for frame in frames:
    socket.send(Raw(frame))
print(len(frames))
`;
}
