/** Classic BPF programs for packet sockets: the kernel looks at each frame and hands over only what is wanted. */

/** struct sock_filter. */
export interface BpfInstruction {
  readonly code: number;
  /** Instructions to skip when a comparison is true, and when it is false. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

const load16 = (k: number): BpfInstruction => ({ code: 0x28, jt: 0, jf: 0, k });
const load8 = (k: number): BpfInstruction => ({ code: 0x30, jt: 0, jf: 0, k });
const equal = (k: number, jt: number, jf: number): BpfInstruction => ({ code: 0x15, jt, jf, k });
const greater = (k: number, jt: number, jf: number): BpfInstruction => ({ code: 0x25, jt, jf, k });
const atLeast = (k: number, jt: number, jf: number): BpfInstruction => ({ code: 0x35, jt, jf, k });
const accept: BpfInstruction = { code: 0x06, jt: 0, jf: 0, k: 0xffff };
const reject: BpfInstruction = { code: 0x06, jt: 0, jf: 0, k: 0 };

/** Offsets in an Ethernet frame with IPv6 in it. */
const [ETHERTYPE, NEXT_HEADER, TYPE, SOURCE_PORT, DESTINATION_PORT] = [12, 20, 54, 54, 56];

/** Neighbour Discovery (ICMPv6 types 133 to 137) and DHCPv6 (UDP ports 546 and 547) on Ethernet. */
export const NDP_AND_DHCPV6: readonly BpfInstruction[] = [
  load16(ETHERTYPE),
  equal(0x86dd, 0, 13),
  load8(NEXT_HEADER),
  equal(58, 0, 3),
  load8(TYPE),
  atLeast(133, 0, 9),
  greater(137, 8, 7),
  equal(17, 0, 7),
  load16(SOURCE_PORT),
  equal(546, 4, 0),
  equal(547, 3, 0),
  load16(DESTINATION_PORT),
  equal(546, 1, 0),
  equal(547, 0, 1),
  accept,
  reject,
];

/** The length of the IPv4 header becomes the index. */
const indexByHeader = (at: number): BpfInstruction => ({ code: 0xb1, jt: 0, jf: 0, k: at });
const load16Behind = (k: number): BpfInstruction => ({ code: 0x48, jt: 0, jf: 0, k });
const anyBit = (k: number, jt: number, jf: number): BpfInstruction => ({ code: 0x45, jt, jf, k });
const [IPV4, IPV4_FRAGMENT, IPV4_PROTOCOL] = [14, 20, 23];

/** ARP on Ethernet. */
export const ARP_ALONE: readonly BpfInstruction[] = [load16(ETHERTYPE), equal(0x0806, 0, 1), accept, reject];

/** ARP, and what comes to a DHCPv4 client (UDP port 68) or server (67), on Ethernet. */
export const dhcpv4AndArp = (port: 67 | 68): readonly BpfInstruction[] => [
  load16(ETHERTYPE),
  equal(0x0806, 8, 0),
  equal(0x0800, 0, 8),
  load8(IPV4_PROTOCOL),
  equal(17, 0, 6),
  load16(IPV4_FRAGMENT),
  anyBit(0x1fff, 4, 0),
  indexByHeader(IPV4),
  load16Behind(IPV4 + 2),
  equal(port, 0, 1),
  accept,
  reject,
];

const load32 = (k: number): BpfInstruction => ({ code: 0x20, jt: 0, jf: 0, k });
const IPV6_SOURCE = 22;

/**
 * What tells who is on a LAN: ARP, multicast DNS (UDP port 5353) of both families, router solicitations, and duplicate address detection (neighbour
 * solicitations from ::). All else, as what is forwarded, is out after a few comparisons.
 */
export const WHO_IS_THERE: readonly BpfInstruction[] = [
  load16(ETHERTYPE),
  equal(0x0806, 25, 0),
  equal(0x0800, 0, 7),
  load8(IPV4_PROTOCOL),
  equal(17, 0, 23),
  load16(IPV4_FRAGMENT),
  anyBit(0x1fff, 21, 0),
  indexByHeader(IPV4),
  load16Behind(IPV4 + 2),
  equal(5353, 17, 18),
  equal(0x86dd, 0, 17),
  load8(NEXT_HEADER),
  equal(17, 0, 2),
  load16(DESTINATION_PORT),
  equal(5353, 12, 13),
  equal(58, 0, 12),
  load8(TYPE),
  equal(133, 9, 0),
  equal(135, 0, 9),
  load32(IPV6_SOURCE),
  equal(0, 0, 7),
  load32(IPV6_SOURCE + 4),
  equal(0, 0, 5),
  load32(IPV6_SOURCE + 8),
  equal(0, 0, 3),
  load32(IPV6_SOURCE + 12),
  equal(0, 0, 1),
  accept,
  reject,
];

/** The program as an array of struct sock_filter. */
export function encodeFilter(program: readonly BpfInstruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, true);
  }
  return bytes;
}
