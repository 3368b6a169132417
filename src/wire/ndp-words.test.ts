import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { prefix } from "../addr/prefix.ts";
import { INFINITY, type Seconds } from "../addr/time.ts";
import type { NdpMessage, RouterAdvertisement } from "./ndp.ts";
import { ndpName, ndpOptionLines, ndpWords } from "./ndp-words.ts";

const time = (seconds: number) => seconds as Seconds;
const advertisement: RouterAdvertisement = {
  kind: "router-advertisement",
  hopLimit: 64,
  managed: false,
  other: true,
  preference: "medium",
  routerLifetime: time(1800),
  reachableTime: 0,
  retransTimer: 0,
  options: [
    { kind: "source-link-layer-address", mac: mac("00:00:5e:00:01:01") },
    {
      kind: "prefix-information",
      prefix: prefix("2605:59c8:1200::/64"),
      onLink: true,
      autonomous: true,
      valid: time(300),
      preferred: time(150),
    },
    { kind: "prefix-information", prefix: prefix("fd00::/64"), onLink: false, autonomous: false, valid: INFINITY, preferred: time(0) },
    { kind: "route-information", prefix: prefix("2605:59c8:1200::/56"), preference: "medium", lifetime: time(300) },
    { kind: "rdnss", addresses: [ip6("2606:4700:4700::1111")], lifetime: time(300) },
    { kind: "dnssl", domains: ["home.arpa"], lifetime: time(60) },
    { kind: "mtu", mtu: 1500 },
    { kind: "pref64", prefix: prefix("64:ff9b::/96"), lifetime: time(64) },
    { kind: "captive-portal", uri: "https://portal.example/" },
    { kind: "nonce", nonce: new Uint8Array(6) },
    { kind: "unknown", type: 99, content: new Uint8Array(6) },
  ],
};

test("an RA says its router, flags, prefixes with lifetimes, routes, resolvers and the rest", () => {
  assert.equal(
    ndpWords(advertisement),
    "default router 1800 s; M=0 O=1; 2605:59c8:1200::/64 preferred 150 s valid 300 s; " +
      "fd00::/64 preferred 0 s valid for ever (not on-link, not autonomous); route 2605:59c8:1200::/56 300 s; DNS 2606:4700:4700::1111 300 s; " +
      "search home.arpa 60 s; MTU 1500; NAT64 64:ff9b::/96 64 s; portal https://portal.example/",
  );
});

test("an RA without router, and one with a preference, say so", () => {
  assert.equal(ndpWords({ ...advertisement, routerLifetime: time(0), managed: true, options: [] }), "no default router; M=1 O=1");
  assert.match(ndpWords({ ...advertisement, preference: "high" }), /^default router 1800 s \(high preference\)/);
});

test("solicitations, answers and redirects are sentences", () => {
  const [target, other] = [ip6("fe80::5"), ip6("2605::1")];
  const said = (message: NdpMessage) => `${ndpName(message)} ${ndpWords(message)}`;
  assert.equal(said({ kind: "router-solicitation", options: [] }), "RS ");
  assert.equal(said({ kind: "neighbor-solicitation", target, options: [] }), "NS who has fe80::5?");
  const answer = { kind: "neighbor-advertisement", router: true, solicited: true, override: false, target, options: [] } as const;
  assert.equal(said(answer), "NA fe80::5 is here (router, solicited)");
  assert.equal(said({ ...answer, router: false, solicited: false }), "NA fe80::5 is here");
  assert.equal(said({ kind: "redirect", target, destination: other, options: [] }), "Redirect for 2605::1 use fe80::5");
  assert.equal(said({ kind: "redirect", target: other, destination: other, options: [] }), "Redirect 2605::1 is on this link");
});

test("every option is a line", () => {
  assert.deepEqual(ndpOptionLines(advertisement), [
    "source-link-layer-address 00:00:5e:00:01:01",
    "prefix-information 2605:59c8:1200::/64, L=1 A=1, preferred 150 s valid 300 s",
    "prefix-information fd00::/64, L=0 A=0, preferred 0 s valid for ever",
    "route-information 2605:59c8:1200::/56, medium preference, 300 s",
    "rdnss 2606:4700:4700::1111, 300 s",
    "dnssl home.arpa, 60 s",
    "mtu 1500",
    "pref64 64:ff9b::/96, 64 s",
    "captive-portal https://portal.example/",
    "nonce 6 octets",
    "unknown type 99, 8 octets",
  ]);
});
