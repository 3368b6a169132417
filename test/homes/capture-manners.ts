/** Invariants of single frames that the router sends: what must never leave it, and the form of what does. */
import { type Ip6, isLinkLocal, isMulticast, isUniqueLocal, ip6ToBytes, LOOPBACK, UNSPECIFIED } from "../../src/addr/ip.ts";
import { type Mac, macToBytes } from "../../src/addr/mac.ts";
import { checksumState } from "../../src/wire/frame.ts";
import { ndpOptionOf } from "../../src/wire/ndp.ts";
import type { Link, Rule, Scene, Seen } from "./capture-scene.ts";
import { dhcpv6Messages, ourAdvertisements, violation } from "./capture-scene.ts";

const DHCPV6_SERVER_PORT = 547;
const DHCPV4_SERVER_PORT = 67;
const ETHERTYPE_IPV4 = 0x0800;
const UDP = 17;
const SERVER_MESSAGES: ReadonlySet<string> = new Set(["advertise", "reply", "reconfigure", "relay-reply"]);

/** RFC 4861 6.2.2: the WAN is no advertising interface. */
export const noAdvertisementOnWan: Rule = ({ wans }) =>
  wans.flatMap((link) => ourAdvertisements(link).map((seen) => violation("ra-on-wan", link, seen, "a router advertisement on the WAN")));

/** Neither DHCPv6 nor DHCPv4 is served on the WAN. */
export const noServerOnWan: Rule = ({ wans }) =>
  wans.flatMap((link) => {
    const answers = dhcpv6Messages(link).filter(({ fromUs, message, frame }) => {
      const port = frame.content.kind === "dhcpv6" ? frame.content.datagram.sourcePort : 0;
      return fromUs && (SERVER_MESSAGES.has(message.kind) || port === DHCPV6_SERVER_PORT);
    });
    const ipv4 = link.seen.filter((seen) => seen.fromUs && ipv4Of(seen)?.sourcePort === DHCPV4_SERVER_PORT);
    return [...answers, ...ipv4].map((seen) => violation("dhcp-server-on-wan", link, seen, "a DHCP server's answer on the WAN"));
  });

/** RFC 4193 4.3, RFC 4291 2.5.6, RFC 1918 3: addresses that have no meaning beyond the home do not leave it. */
export const noPrivateAddressOnWan: Rule = ({ wans }) =>
  wans.flatMap((link) =>
    link.seen.flatMap((seen) => {
      const problem = seen.fromUs ? privateAddress(seen) : undefined;
      return problem === undefined ? [] : [violation("private-on-wan", link, seen, problem)];
    }),
  );

/** RFC 8064: no address of the router is made from its MAC address, none is even tried. Link-local ones are the kernel's affair. */
export const noMacInAddress: Rule = (scene) => {
  const identifiers = new Map(allLinks(scene).flatMap(({ ours }) => ours.map((mac) => [eui64(mac), mac] as const)));
  return allLinks(scene).flatMap((link) =>
    link.seen.flatMap((seen) => {
      const made = usedAddresses(seen).find((address) => !isLinkLocal(address) && identifiers.has(identifierOf(address)));
      return made === undefined
        ? []
        : [violation("mac-in-address", link, seen, `${made} is made from ${identifiers.get(identifierOf(made))}`)];
    }),
  );
};

/** RFC 8200 8.1, RFC 4443 2.3. */
export const rightChecksums: Rule = (scene) =>
  allLinks(scene).flatMap((link) =>
    link.seen.flatMap((seen) => {
      const state = seen.fromUs && seen.frame.kind === "ipv6" ? checksumState(seen.frame.packet) : undefined;
      if (state === "begun") return [violation("checksum", link, seen, OFFLOADED)];
      return state === "wrong" ? [violation("checksum", link, seen, "the checksum is wrong")] : [];
    }),
  );

const OFFLOADED =
  "the checksum was left to the network card, so the capture proves nothing: switch that off in the sender's namespace before the " +
  "scenario (checksumOffloadOff gives the command; or: ethtool -K INTERFACE tx off)";

/** What we send can be decoded, and Neighbor Discovery has hop limit 255 (RFC 4861 4.1 to 4.5). */
export const wellFormed: Rule = (scene) =>
  allLinks(scene).flatMap((link) =>
    link.seen.flatMap((seen) => {
      const problem = seen.fromUs ? formProblem(seen) : undefined;
      return problem === undefined ? [] : [violation("malformed", link, seen, problem)];
    }),
  );

/** A command, to be run in the sender's namespace, that makes the kernel finish checksums itself. */
export function checksumOffloadOff(link: string): readonly [string, ...string[]] {
  // SIOCETHTOOL with ETHTOOL_STXCSUM 0: what `ethtool -K LINK tx off` does, without the need of ethtool.
  const script = `import array, fcntl, socket, struct
value = array.array("B", struct.pack("II", 0x17, 0))
request = struct.pack("16sP", ${JSON.stringify(link)}.encode(), value.buffer_info()[0])
fcntl.ioctl(socket.socket(), 0x8946, request)`;
  return ["/usr/bin/python3", "-c", script];
}

function allLinks({ wans, lans }: Scene): readonly Link[] {
  return [...wans, ...lans];
}

function formProblem({ frame }: Seen): string | undefined {
  if (frame.kind !== "ipv6") return undefined;
  const { content, packet } = frame;
  if (content.kind === "malformed") return `${content.layer}: ${content.problem}`;
  if (content.kind !== "ndp") return undefined;
  if (packet.hopLimit !== 255) return `Neighbor Discovery with hop limit ${packet.hopLimit}`;
  if (content.message.kind !== "router-advertisement") return undefined;
  if (!isLinkLocal(packet.source)) return `a router advertisement from ${packet.source}`;
  return ndpOptionOf(content.message, "source-link-layer-address") ? undefined : "a router advertisement without link-layer address";
}

function privateAddress(seen: Seen): string | undefined {
  const ipv4 = ipv4Of(seen);
  if (ipv4 && isRfc1918(ipv4.source) && !isDish(ipv4.destination)) return `IPv4 source ${ipv4.source.join(".")}`;
  if (seen.frame.kind !== "ipv6") return undefined;
  const { source, destination } = seen.frame.packet;
  const [ula] = [source, destination].filter(isUniqueLocal);
  if (ula !== undefined) return `unique local address: ${source} to ${destination}`;
  const staysOnLink = isLinkLocal(destination) || isMulticast(destination);
  return isLinkLocal(source) && !staysOnLink ? `link-local source forwarded: ${source} to ${destination}` : undefined;
}

/** The source of what we sent, and the address that we probe. */
function usedAddresses({ fromUs, frame }: Seen): Ip6[] {
  if (!fromUs || frame.kind !== "ipv6") return [];
  const { source } = frame.packet;
  const probed = source === UNSPECIFIED && frame.content.kind === "ndp" && frame.content.message.kind === "neighbor-solicitation";
  if (probed && frame.content.kind === "ndp" && "target" in frame.content.message) return [frame.content.message.target];
  return source === UNSPECIFIED || source === LOOPBACK ? [] : [source];
}

const identifierOf = (address: Ip6): string => Buffer.from(ip6ToBytes(address).subarray(8)).toString("hex");

/** Modified EUI-64, RFC 4291 appendix A. */
function eui64(mac: Mac): string {
  const octets = macToBytes(mac);
  return Buffer.from([octets[0]! ^ 2, octets[1]!, octets[2]!, 0xff, 0xfe, octets[3]!, octets[4]!, octets[5]!]).toString("hex");
}

interface Ipv4Packet {
  readonly source: readonly number[];
  readonly destination: readonly number[];
  /** 0 for other protocols than UDP and for fragments. */
  readonly sourcePort: number;
}

function ipv4Of({ frame }: Seen): Ipv4Packet | undefined {
  if (frame.kind !== "foreign" || frame.ethernet.etherType !== ETHERTYPE_IPV4) return undefined;
  const packet = Buffer.from(frame.ethernet.payload);
  if (packet.length < 20) return undefined;
  const start = (packet[0]! & 15) * 4;
  const isFirst = (packet.readUInt16BE(6) & 0x1fff) === 0;
  const sourcePort = packet[9] === UDP && isFirst && packet.length >= start + 2 ? packet.readUInt16BE(start) : 0;
  return { source: [...packet.subarray(12, 16)], destination: [...packet.subarray(16, 20)], sourcePort };
}

function isRfc1918([a, b]: readonly number[]): boolean {
  return a === 10 || (a === 172 && b! >= 16 && b! < 32) || (a === 192 && b === 168);
}

/** The provider's antenna, reached from an address that it has given out itself. */
const isDish = (address: readonly number[]): boolean => address.join(".") === "192.168.100.1";
