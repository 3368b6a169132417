import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_DHCP_SERVERS, ALL_NODES, ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import type { BpfInstruction } from "../kernel/packet-filter.ts";
import { encodeEthernet } from "../wire/ethernet.ts";
import { encodeUdpFrame } from "../wire/frame.ts";
import { type ExtensionHeader, encodeIpv6, fragmentHeader, ICMPV6, UDP } from "../wire/ipv6.ts";
import { TRACE_FILTER } from "./trace-filter.ts";

/** What the kernel does with the program (Linux networking/filter.rst), for the instructions that we use. */
function accepts(program: readonly BpfInstruction[], frame: Uint8Array): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let [accumulator, index] = [0, 0];
  for (let at = 0; ; at++) {
    const { code, jt, jf, k } = program[at]!;
    if (code === 0x06) return k > 0;
    if (code === 0x28 || code === 0x30) {
      if (k + (code === 0x28 ? 2 : 1) > frame.length) return false;
      accumulator = code === 0x28 ? view.getUint16(k) : view.getUint8(k);
      continue;
    }
    if (code === 0xb1) {
      index = (view.getUint8(k) & 0xf) * 4;
      continue;
    }
    if (code === 0x48) {
      if (k + index + 2 > frame.length) return false;
      accumulator = view.getUint16(k + index);
      continue;
    }
    const truth = { 0x15: accumulator === k, 0x25: accumulator > k, 0x35: accumulator >= k, 0x45: (accumulator & k) !== 0 }[code];
    assert.notEqual(truth, undefined, `instruction ${code}`);
    at += truth ? jt : jf;
  }
}

const header = { sourceMac: mac("02:00:00:00:00:01"), source: ip6("fe80::1"), destination: ALL_NODES, hopLimit: 255 };

function packet(protocol: number, payload: readonly number[], extensions: ExtensionHeader[] = [], destination = ALL_NODES): Uint8Array {
  const ipv6 = { trafficClass: 0, flowLabel: 0, hopLimit: 255, source: ip6("fe80::1"), destination, extensions, protocol };
  const whole = encodeIpv6({ ...ipv6, payload: Uint8Array.from(payload) });
  return encodeEthernet({ source: header.sourceMac, destination: header.sourceMac, etherType: 0x86dd, payload: whole });
}

const routerAlert: ExtensionHeader = { protocol: 0, content: Uint8Array.of(5, 2, 0, 0, 1, 0) };

test("Neighbor Discovery and MLD pass the filter, other ICMPv6 does not", () => {
  const passing = Array.from({ length: 256 }, (_, type) => type).filter((type) => accepts(TRACE_FILTER, packet(ICMPV6, [type, 0, 0, 0])));
  assert.deepEqual(passing, [130, 131, 132, 133, 134, 135, 136, 137, 143]);
  for (const [type, passes] of [
    [143, true],
    [131, true],
    [128, false],
  ] as const) {
    assert.equal(accepts(TRACE_FILTER, packet(ICMPV6, [type, 0, 0, 0], [routerAlert])), passes);
  }
  assert.equal(accepts(TRACE_FILTER, packet(UDP, [143, 0, 0, 0], [routerAlert])), false);
});

test("UDP passes the filter when one of its ports is DHCPv6's", () => {
  const passes = (sourcePort: number, destinationPort: number) =>
    accepts(
      TRACE_FILTER,
      encodeUdpFrame({ ...header, destination: ALL_DHCP_SERVERS }, { sourcePort, destinationPort, payload: Uint8Array.of(1) }),
    );
  assert.deepEqual(
    [passes(546, 547), passes(547, 546), passes(40_000, 546), passes(40_000, 547), passes(547, 9)],
    [true, true, true, true, true],
  );
  assert.deepEqual([passes(545, 548), passes(53, 53)], [false, false]);
});

test("ARP passes the filter, and UDP over IPv4 when one of its ports is DHCPv4's, also behind options, but no later fragment", () => {
  const mac64 = { source: header.sourceMac, destination: header.sourceMac };
  assert.equal(accepts(TRACE_FILTER, encodeEthernet({ ...mac64, etherType: 0x0806, payload: new Uint8Array(28) })), true);
  const passes = (sourcePort: number, destinationPort: number, { words = 5, fragment = 0, protocol = 17 } = {}): boolean => {
    const payload = new Uint8Array(words * 4 + 8);
    const view = new DataView(payload.buffer);
    view.setUint8(0, 0x40 | words);
    view.setUint16(6, fragment);
    view.setUint8(9, protocol);
    view.setUint16(words * 4, sourcePort);
    view.setUint16(words * 4 + 2, destinationPort);
    return accepts(TRACE_FILTER, encodeEthernet({ ...mac64, etherType: 0x0800, payload }));
  };
  assert.deepEqual([passes(68, 67), passes(67, 68), passes(67, 4011), passes(40_000, 68)], [true, true, true, true]);
  assert.deepEqual([passes(66, 69), passes(53, 53), passes(68, 67, { protocol: 6 })], [false, false, false]);
  assert.deepEqual(
    [passes(68, 67, { words: 7 }), passes(68, 67, { fragment: 0x4000 }), passes(68, 67, { fragment: 185 })],
    [true, true, false],
  );
});

test("fragments pass the filter when they stay on the link", () => {
  const fragment = (destination: string) =>
    accepts(TRACE_FILTER, packet(UDP, [0, 0], [fragmentHeader({ offset: 8, more: true, identification: 1 })], ip6(destination)));
  assert.deepEqual([fragment("fe80::1"), fragment("febf::1"), fragment("fec0::1"), fragment("2605::1")], [true, true, false, false]);
});

test("nothing else passes the filter", () => {
  assert.equal(accepts(TRACE_FILTER, packet(6, [134, 0, 0, 0])), false);
  for (const etherType of [0x0800, 0x0805, 0x0807, 0x88cc]) {
    const frame = encodeEthernet({ source: header.sourceMac, destination: header.sourceMac, etherType, payload: new Uint8Array(60) });
    assert.equal(accepts(TRACE_FILTER, frame), false);
  }
});
