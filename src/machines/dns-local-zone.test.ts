import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Ip, ip4, ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { prefix4 } from "../addr/prefix4.ts";
import { after, type Instant, instant, NEVER, seconds } from "../addr/time.ts";
import { RCODE, RR_CLASS, RR_TYPE } from "../wire/dns.ts";
import { reverseName } from "../wire/reverse-name.ts";
import { createLocalDns } from "./dns-local-zone.ts";
import { EMPTY_ZONES } from "./dns-served-zones.ts";
import type { LocalAnswer } from "./local-dns.ts";
import type { LocalName, LocalNames } from "./local-names.ts";

const NOW = instant(1000);
const V4 = ip4("192.168.1.20");
const [GLOBAL, LOCAL, TEMPORARY] = [ip6("2605:59c8:1200::20"), ip6("fd12:3456:789a::20"), ip6("2605:59c8:1200::bad")];
const LAPTOP: LocalName = {
  name: "laptop",
  ip4: [V4],
  ip6: [
    { address: GLOBAL, preferredUntil: after(NOW, seconds(12.9)) },
    { address: LOCAL, preferredUntil: NEVER },
  ],
};
const NAMES: LocalNames = {
  find: (label) => (label === "laptop" ? LAPTOP : label === "router" ? { name: "router", ip4: [ip4("192.168.1.1")], ip6: [] } : undefined),
  nameOf: (address) => (([V4, GLOBAL, LOCAL, TEMPORARY] as readonly Ip[]).includes(address) ? "laptop" : undefined),
  networks: [prefix("2605:59c8:1200::/64"), prefix("fd12:3456:789a::/64"), prefix4("192.168.1.0/24")],
};
const local = createLocalDns({ zone: "home.arpa", names: NAMES, forwardedZones: ["0.in-addr.arpa"] });

function ask(name: string, type: number, { dnssecOk = false, now = NOW as Instant } = {}): LocalAnswer | undefined {
  return local({ name, type, class: RR_CLASS.IN, dnssecOk }, now);
}

/** "NOERROR aa 12 192.168.1.20, soa home.arpa" and the like. */
function words(answer: LocalAnswer | undefined): string {
  if (!answer) return "asked outside";
  const rcode = Object.entries(RCODE).find(([, code]) => code === answer.rcode)![0];
  const data = answer.answers.map(({ ttl, data: each }) => {
    if (each.kind === "a" || each.kind === "aaaa") return `${ttl} ${each.address}`;
    return each.kind === "name" ? `${ttl} ${each.target}` : `${ttl} ${each.kind}`;
  });
  const soa = answer.authorities.map(({ name, ttl }) => `soa ${name} ${ttl}`);
  return [rcode, ...(answer.authoritative ? ["aa"] : []), ...data, ...soa].join(", ");
}

describe("the home's zone", () => {
  test("[DNS-10] names of devices have their addresses with authority, whatever case they are written in", () => {
    assert.equal(words(ask("Laptop.Home.Arpa", RR_TYPE.A)), "NOERROR, aa, 30 192.168.1.20");
    assert.equal(ask("LAPTOP.home.arpa", RR_TYPE.A)!.answers[0]!.name, "LAPTOP.home.arpa");
    assert.equal(words(ask("router.home.arpa", RR_TYPE.A)), "NOERROR, aa, 30 192.168.1.1");
  });

  test("[DNS-14] the TTL of an AAAA does not outlive its preferred lifetime", () => {
    assert.equal(words(ask("laptop.home.arpa", RR_TYPE.AAAA)), `NOERROR, aa, 12 ${GLOBAL}, 30 ${LOCAL}`);
  });

  test("[DNS-10] what is not there is denied here: no such name, no such type, nothing below a device", () => {
    assert.equal(words(ask("nobody.home.arpa", RR_TYPE.A)), "NXDOMAIN, aa, soa home.arpa 10");
    assert.equal(words(ask("laptop.home.arpa", RR_TYPE.TXT)), "NOERROR, aa, soa home.arpa 10");
    assert.equal(words(ask("www.laptop.home.arpa", RR_TYPE.A)), "NXDOMAIN, aa, soa home.arpa 10");
  });

  test("[DNS-10] SOA and NS are here, and of all questions only the DS of home.arpa with DO goes outside", () => {
    assert.equal(words(ask("home.arpa", RR_TYPE.SOA)), "NOERROR, aa, 10 soa");
    assert.equal(words(ask("home.arpa", RR_TYPE.NS)), "NOERROR, aa, 30 router.home.arpa");
    assert.equal(words(ask("home.arpa", RR_TYPE.DS, { dnssecOk: true })), "asked outside");
    assert.equal(words(ask("home.arpa", RR_TYPE.DS)), "NOERROR, aa, soa home.arpa 10");
    assert.equal(words(ask("laptop.home.arpa", RR_TYPE.DS, { dnssecOk: true })), "NOERROR, aa, soa home.arpa 10");
  });

  test("[DNS-10] with another zone home.arpa is empty, and not asked for outside either", () => {
    const own = createLocalDns({ zone: "Lan.", names: NAMES, forwardedZones: [] });
    const question = (name: string) => own({ name, type: RR_TYPE.A, class: RR_CLASS.IN, dnssecOk: false }, NOW);
    assert.equal(words(question("laptop.lan")), "NOERROR, aa, 30 192.168.1.20");
    assert.equal(words(question("laptop.home.arpa")), "NXDOMAIN, aa, soa home.arpa 10800");
  });
});

describe("the way back", () => {
  test("[DNS-13] each address leads to the name that has it, a temporary one too", () => {
    for (const address of [V4, GLOBAL, LOCAL, TEMPORARY]) {
      assert.equal(words(ask(reverseName(address), RR_TYPE.PTR)), "NOERROR, aa, 30 laptop.home.arpa", address);
    }
    assert.equal(words(ask(reverseName(ip4("192.168.1.99")), RR_TYPE.PTR)), "NXDOMAIN, aa, soa 168.192.in-addr.arpa 10");
    assert.equal(
      words(ask(reverseName(ip6("2605:59c8:1200::99")), RR_TYPE.PTR)),
      "NXDOMAIN, aa, soa 0.0.0.0.0.0.2.1.8.c.9.5.5.0.6.2.ip6.arpa 10",
    );
  });

  test("[DNS-13] other networks of the provider are asked for outside", () => {
    assert.equal(words(ask(reverseName(ip6("2605:59c8:9900::99")), RR_TYPE.PTR)), "asked outside");
    assert.equal(words(ask(reverseName(ip4("8.8.8.8")), RR_TYPE.PTR)), "asked outside");
  });

  test("a part of a reverse name above the home is not denied, because nothing would exist below it (RFC 8020)", () => {
    assert.equal(words(ask("1.168.192.in-addr.arpa", RR_TYPE.PTR)), "NOERROR, aa, soa 168.192.in-addr.arpa 10");
    assert.equal(words(ask("2.1.d.f.ip6.arpa", RR_TYPE.PTR)), "NOERROR, aa, soa d.f.ip6.arpa 10800");
    assert.equal(words(ask("2.168.192.in-addr.arpa", RR_TYPE.PTR)), "NXDOMAIN, aa, soa 168.192.in-addr.arpa 10800");
  });
});

describe("what is never asked for outside", () => {
  test("[DNS-11] each of the locally served zones has SOA and NS and nothing else", () => {
    assert.equal(EMPTY_ZONES.length, 1 + 16 + 1 + 7 + 64 + 2 + 1 + 4 + 1);
    for (const zone of EMPTY_ZONES.filter((each) => each !== "0.in-addr.arpa")) {
      assert.equal(words(ask(zone, RR_TYPE.SOA)), "NOERROR, aa, 10800 soa", zone);
      assert.equal(words(ask(zone, RR_TYPE.NS)), `NOERROR, aa, 10800 ${zone}`);
      assert.match(words(ask(`9.9.${zone}`, RR_TYPE.PTR)), /^NXDOMAIN, aa, soa .* 10800$/, zone);
    }
    const soa = ask("10.in-addr.arpa", RR_TYPE.SOA)!.answers[0]!.data;
    assert.equal(soa.kind === "soa" && soa.rname, "nobody.invalid");
  });

  test("[DNS-11] a zone that the owner switches off is asked for outside, the home's own addresses never", () => {
    assert.equal(words(ask("1.0.0.0.in-addr.arpa", RR_TYPE.PTR)), "asked outside");
    const off = createLocalDns({ zone: "home.arpa", names: NAMES, forwardedZones: ["168.192.in-addr.arpa"] });
    const question = (name: string) => off({ name, type: RR_TYPE.PTR, class: RR_CLASS.IN, dnssecOk: false }, NOW);
    assert.equal(words(question("1.9.168.192.in-addr.arpa")), "asked outside");
    assert.match(words(question(reverseName(V4))), /laptop/);
  });

  test("[DNS-12] names of special use have the answers that their RFCs want", () => {
    assert.equal(words(ask("localhost", RR_TYPE.A)), "NOERROR, aa, 10800 127.0.0.1");
    assert.equal(words(ask("my.localhost", RR_TYPE.AAAA)), "NOERROR, aa, 10800 ::1");
    assert.equal(words(ask("localhost", RR_TYPE.MX)), "NOERROR, aa, soa localhost 10800");
    for (const name of ["invalid", "a.invalid", "x.test", "facebookcorewwwi.onion", "printer.local", "local"]) {
      assert.match(words(ask(name, RR_TYPE.A)), /^NXDOMAIN, aa, soa/, name);
    }
    assert.equal(words(ask("_dns.resolver.arpa", 64)), "NOERROR, aa, soa resolver.arpa 10800");
    assert.equal(words(ask("other.resolver.arpa", 64)), "NXDOMAIN, aa, soa resolver.arpa 10800");
    assert.equal(words(ask("resolver.arpa", RR_TYPE.NS)), "NOERROR, aa, 10800 resolver.arpa");
  });

  test("everything else is asked outside", () => {
    for (const name of [
      "example.com",
      "notlocalhost",
      "mylocal",
      "arpa",
      "in-addr.arpa",
      "",
      "homexarpa",
      "11.in-addr.arpa",
      "128.100.in-addr.arpa",
    ]) {
      assert.equal(words(ask(name, RR_TYPE.A)), "asked outside", name);
    }
  });
});
