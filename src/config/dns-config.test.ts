import assert from "node:assert/strict";
import { test } from "node:test";
import { formatUpstream } from "../machines/dns-upstream.ts";
import { ConfigError } from "./config-error.ts";
import { isOwnZone, parseUpstream } from "./dns-config.ts";
import { parseConfig } from "./parse-config.ts";

const parse = (dns: string) => parseConfig(`[wan]\ninterface = "eth8"\n[lan.home]\ninterface = "eth0"\n[dns]\n${dns}`, "skylan.toml").dns;

test("a resolver is an address, DNS over TLS or DNS over HTTPS, and is written as it was read", () => {
  const texts = [
    "9.9.9.9",
    "2620:fe::fe",
    "9.9.9.9#5353",
    "tls://1.1.1.1#cloudflare-dns.com",
    "tls://[2606:4700:4700::1111]:8853#cloudflare-dns.com",
    "https://dns.google/dns-query#8.8.8.8",
  ];
  for (const text of texts) assert.equal(formatUpstream(parseUpstream(text)!), text);
  assert.deepEqual(parseUpstream("tls://2606:4700:4700::1111#one.one"), {
    kind: "tls",
    address: "2606:4700:4700::1111",
    port: 853,
    name: "one.one",
  });
  assert.deepEqual(parseUpstream("https://1.1.1.1/dns-query"), { kind: "https", url: "https://1.1.1.1/dns-query", address: "1.1.1.1" });
});

test("what is no resolver is none: names without address, no port, this box itself", () => {
  const none = [
    "dns.google",
    "tls://1.1.1.1",
    "tls://dns.google#dns.google",
    "https://dns.google/dns-query",
    "1.1.1.1#0",
    "1.1.1.1#53#1",
    "ff02::fb",
  ];
  for (const text of [...none, "127.0.0.1", "::1", "::", "0.0.0.0", "tls://1.1.1.1:70000#a"])
    assert.equal(parseUpstream(text), undefined, text);
  assert.ok(parseUpstream("127.0.0.1#5353"), "another resolver on this box");
});

test("the home's domain is its own: not the internet's, and not one of those that have a meaning", () => {
  for (const zone of ["home.arpa", "lan", "me.home.arpa", "home.example.net", "internal"]) assert.ok(isOwnZone(zone), zone);
  for (const zone of ["com", "local", "x.local", "localhost", "arpa", "168.192.in-addr.arpa", "test", "onion"])
    assert.ok(!isOwnZone(zone), zone);
});

test("[dns] has defaults, and its mistakes are told with place and remedy", () => {
  assert.deepEqual(parse(""), { enabled: false, zone: "home.arpa", rebindExceptions: [], forwardedZones: [] });
  assert.equal(parse('zone = "Home.Example.NET."').zone, "home.example.net");
  assert.throws(
    () => parse('zone = "com"\nupstreams = ["dns.google"]'),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /6:8: zone must be a domain that is yours, such as "home\.arpa"/);
      assert.match(error.message, /7:14: each element must be a resolver, such as "9\.9\.9\.9"/);
      return true;
    },
  );
});
