import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, factsOf, heard, inSeconds, leased, linkOf, NOW, WAN } from "../../test/fixtures/home-facts.ts";
import { ip4, ip6 } from "../addr/ip.ts";
import { formatUpstream } from "../machines/dns-upstream.ts";
import type { Facts } from "./facts.ts";
import { plan } from "./plan.ts";

const ENABLED = "[dns]\nenabled = true\n";
const LINK_LOCAL = ip6("fe80::1");
const linked = { links: [linkOf(WAN), linkOf("eth0", { linkLocal: LINK_LOCAL })] };
const upstreams = (facts: Partial<Facts>, more = ENABLED): readonly string[] =>
  plan(configOf(["home"], more), factsOf(facts), NOW).dns!.upstreams.map(formatUpstream);

test("[WRA-13] resolvers are those of DHCPv6, of the RA as long as they live, and of DHCPv4, each once; link-local ones on the WAN", () => {
  const resolvers = [
    { address: ip6("2001:4860:4860::8888"), until: inSeconds(60) },
    { address: ip6("fe80::53"), until: inSeconds(60) },
    { address: ip6("2620:fe::fe"), until: NOW },
  ];
  const facts = { ra: heard({ resolvers }), dhcpv4: leased({ resolvers: [ip4("1.1.1.1")] }) };
  assert.deepEqual(upstreams(facts), ["2606:4700:4700::1111", "2001:4860:4860::8888", `fe80::53%${WAN}`, "1.1.1.1"]);
  assert.deepEqual(upstreams({ dhcpv6: undefined }), []);
});

test("the owner's resolvers are asked in place of the provider's", () => {
  const own = ["tls://1.1.1.1#cloudflare-dns.com", "9.9.9.9"];
  assert.deepEqual(upstreams({}, `${ENABLED}upstreams = ${JSON.stringify(own)}\n`), own);
});

test("[RA-14] devices are told the router's unique local address, or else its link-local one; without [dns] the provider's resolvers", () => {
  const resolvers = (more: string) => plan(configOf(["home"], more), factsOf(linked), NOW).advertisements["eth0"]!.resolvers;
  assert.deepEqual(resolvers(ENABLED), [LINK_LOCAL]);
  const [unique, ...others] = resolvers(`${ENABLED}[ula]\nprefix = "auto"\n`);
  assert.match(unique!, /^fd12:3456:789a:/);
  assert.deepEqual(others, []);
  assert.deepEqual(resolvers(""), ["2606:4700:4700::1111", "2001:4860:4860::8888"]);
  assert.equal(plan(configOf(), factsOf(linked), NOW).dns, undefined);
});
