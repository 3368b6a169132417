import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { broadcastReply } from "./provider-frames.ts";
import { STARLINK } from "./provider-profile.ts";
import { parseCommand, parseSettings, SettingsError } from "./provider-settings.ts";
import { decodeEthernet } from "../wire/ethernet.ts";
import { decodeIpv6 } from "../wire/ipv6.ts";
import { decodeUdp, udpChecksumIsRight } from "../wire/udp.ts";

test("settings that name the interface alone are Starlink", () => {
  assert.deepEqual(parseSettings('{"interface":"cust"}'), { interface: "cust", profile: STARLINK });
});

test("settings change what they name and nothing else", () => {
  const text = JSON.stringify({
    interface: "cust",
    control: "/run/isp.sock",
    mac: "02-00-00-00-00-09",
    advertising: { routerLifetime: 1800 },
    dhcpv6: { delegation: { prefix: "2605:59C8:5500::/48", length: 60 }, rapidCommit: true },
    replies: { kind: "plain" },
  });
  const { profile, control } = parseSettings(text);
  assert.deepEqual([control, profile.mac, profile.replies], ["/run/isp.sock", "02:00:00:00:00:09", { kind: "plain" }]);
  assert.deepEqual(profile.advertising, { ...STARLINK.advertising, routerLifetime: 1800 });
  assert.deepEqual(profile.dhcpv6, { ...STARLINK.dhcpv6, delegation: { prefix: "2605:59c8:5500::/48", length: 60 }, rapidCommit: true });
});

test("a wrong setting or command is refused with the name of the field and what is wrong with it", () => {
  const cases: readonly (readonly [() => unknown, RegExp])[] = [
    [() => parseSettings("{"), /^no JSON: /],
    [() => parseSettings("{}"), /^interface: /],
    [() => parseSettings('{"interface":"a","colour":1}'), /^colour: /],
    [
      () => parseSettings('{"interface":"a","dhcpv6":{"delegation":{"prefix":"fe80::","length":56}}}'),
      /^dhcpv6\.delegation\.prefix: "fe80::" is not an IPv6 prefix/,
    ],
    [() => parseSettings('{"interface":"a","advertising":{"valid":-1}}'), /^advertising\.valid: /],
    [() => parseCommand('{"kind":"explode"}'), /^kind: /],
    [() => parseCommand('{"kind":"length","length":129}'), /^length: /],
  ];
  for (const [parse, message] of cases) {
    assert.throws(parse, (error) => error instanceof SettingsError && message.test(error.message));
  }
});

test("each command is understood", () => {
  const commands = [
    { kind: "renumber", pool: "2605:59c8:7700::/40" },
    { kind: "renumber", pool: "2605:59c8:7700::/40", link: "2605:59c8:2::/64" },
    { kind: "length", length: 62 },
    { kind: "mute", on: true },
    { kind: "mute", on: false, protocol: "ndp" },
    { kind: "forget" },
    { kind: "flags", managed: true, other: false },
    { kind: "lifetimes", preferred: 20, valid: 40, link: true },
    { kind: "router-lifetime", lifetime: 0 },
    { kind: "stop-ra" },
    { kind: "start-ra" },
    { kind: "dhcpv6", options: { t1: 50, t2: 80, strangers: "silence" } },
  ];
  for (const command of commands) assert.deepEqual(parseCommand(JSON.stringify(command)), command);
});

test("a Reply in Starlink's manner is unicast IPv6 from a global address in an Ethernet broadcast, with the right checksum", () => {
  const [source, client] = [ip6("2605:59c8:1:8a00::1"), ip6("fe80::c0de")];
  const payload = Uint8Array.of(7, 0, 0, 1);
  const frame = decodeEthernet(broadcastReply(mac("00:00:5e:00:01:01"), { address: source, port: 49_152 }, client, payload));
  assert.deepEqual([frame.destination, frame.source, frame.etherType], ["ff:ff:ff:ff:ff:ff", "00:00:5e:00:01:01", 0x86dd]);
  const packet = decodeIpv6(frame.payload);
  assert.deepEqual([packet.source, packet.destination, packet.protocol], [source, client, 17]);
  assert.ok(udpChecksumIsRight(source, client, packet.payload));
  assert.deepEqual(decodeUdp(packet.payload), { sourcePort: 49_152, destinationPort: 546, payload });
});
