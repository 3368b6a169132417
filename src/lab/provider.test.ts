import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuid } from "../addr/duid.ts";
import { ALL_DHCP_SERVERS, ALL_NODES, ALL_ROUTERS, ip6 } from "../addr/ip.ts";
import { mac } from "../addr/mac.ts";
import { type Prefix, prefix } from "../addr/prefix.ts";
import { seededRandom } from "../addr/random.ts";
import { after, type Duration, type Instant, instant, type Seconds, seconds } from "../addr/time.ts";
import {
  type ClientServerMessage,
  decodeDhcpv6,
  type Dhcpv6Kind,
  type Dhcpv6Option,
  encodeDhcpv6,
  OPTION_CODES,
  optionOf,
  optionsOf,
} from "../wire/dhcpv6.ts";
import { decodeNdp, encodeNdp, ndpOptionsOf, type RouterAdvertisement } from "../wire/ndp.ts";
import { createProvider, type ProviderInput, type ProviderOutput } from "./provider.ts";
import { type ProviderProfile, STARLINK, STARLINK_LINK } from "./provider-profile.ts";

const START = instant(1_000_000);
const CUSTOMER = ip6("fe80::c0de");
const CLIENT = parseDuid("0003:0001:020000000001")!;
const FIRST = prefix("2605:59c8:1200::/56");

/** A customer's link in virtual time. */
class Link {
  now: Instant = START;
  readonly sent: (Extract<ProviderOutput, { kind: "send" }> & { readonly at: Instant })[] = [];
  routed: readonly Prefix[] = [];
  readonly #provider: ReturnType<typeof createProvider>;

  constructor(profile: ProviderProfile = STARLINK) {
    this.#provider = createProvider(profile, seededRandom(3));
    this.give({ kind: "link", up: true });
  }

  give(input: ProviderInput): this {
    for (const output of this.#provider.handle(input, this.now)) {
      if (output.kind === "send") this.sent.push({ ...output, at: this.now });
      if (output.kind === "delegations") this.routed = output.delegations.map((each) => each.prefix);
    }
    return this;
  }

  pass(span: Duration): this {
    const end = after(this.now, span);
    for (let at = this.#provider.wakeAt(); at !== undefined && at <= end; at = this.#provider.wakeAt()) {
      this.now = at;
      this.give({ kind: "tick" });
    }
    this.now = end;
    return this;
  }

  ask(kind: Dhcpv6Kind, options: readonly Dhcpv6Option[]): ClientServerMessage | undefined {
    const oro: Dhcpv6Option = { kind: "oro", codes: [OPTION_CODES["dns-servers"]] };
    const bytes = encodeDhcpv6({ kind, transactionId: 7, options: [{ kind: "client-id", duid: CLIENT }, oro, ...options] });
    const count = this.sent.length;
    this.give({
      kind: "packet",
      protocol: "dhcpv6",
      packet: { kind: "packet", from: CUSTOMER, to: ALL_DHCP_SERVERS, hopLimit: 1, sourcePort: 546, bytes },
    });
    const answer = this.sent[count];
    return answer && (decodeDhcpv6(answer.bytes) as ClientServerMessage);
  }

  /** Solicit and Request. */
  lease(): ClientServerMessage | undefined {
    const offered = this.ask("solicit", [IA]);
    const server = offered && optionOf(offered, "server-id");
    return server && this.ask("request", [server, optionOf(offered, "ia-pd")!]);
  }

  renew(): string[] {
    const reply = this.ask("renew", [{ kind: "server-id", duid: STARLINK.dhcpv6.duid }, IA]);
    return reply ? prefixesIn(reply) : [];
  }

  get ra(): RouterAdvertisement {
    return decodeNdp(this.sent.findLast(({ protocol, to }) => protocol === "ndp" && to === ALL_NODES)!.bytes) as RouterAdvertisement;
  }
}

const IA: Dhcpv6Option = { kind: "ia-pd", iaid: 1, t1: 0 as Seconds, t2: 0 as Seconds, options: [] };

const prefixesIn = (message: ClientServerMessage): string[] =>
  optionsOf(optionOf(message, "ia-pd")!, "ia-prefix").map((each) => `${each.prefix} ${each.preferred}/${each.valid}`);

const advertised = (ra: RouterAdvertisement): string[] =>
  ndpOptionsOf(ra, "prefix-information").map((each) => `${each.prefix} ${each.preferred}/${each.valid}`);

test("the Starlink profile advertises M=0, O=1, a /64 that does not age, and no resolvers", () => {
  const link = new Link().pass(seconds(500));
  const { managed, other, routerLifetime, options } = link.ra;
  assert.deepEqual([managed, other, routerLifetime], [false, true, 300]);
  assert.deepEqual(advertised(link.ra), [`${STARLINK_LINK} 150/300`]);
  assert.ok(!options.some(({ kind }) => kind === "rdnss"));
  const times = link.sent.map(({ at }) => at);
  assert.ok(times.slice(1).every((at, i) => at - times[i]! >= 3000 && at - times[i]! <= 20_000));
});

test("the Starlink profile delegates a /56 for 150/300 s with T1 and T2 left open, with resolvers, from a global address and another port", () => {
  const link = new Link();
  const reply = link.lease()!;
  assert.equal(reply.kind, "reply");
  assert.deepEqual(prefixesIn(reply), [`${FIRST} 150/300`]);
  assert.deepEqual([optionOf(reply, "ia-pd")!.t1, optionOf(reply, "ia-pd")!.t2], [0, 0]);
  assert.deepEqual(optionOf(reply, "dns-servers")?.addresses, ["2606:4700:4700::1111", "2001:4860:4860::8888"]);
  const { from, sourcePort, to } = link.sent.at(-1)!;
  assert.deepEqual([from, sourcePort, to], ["2605:59c8:1:8a00::1", 49_152, CUSTOMER]);
  assert.deepEqual(link.routed, [FIRST]);
  assert.deepEqual(link.pass(seconds(301)).routed, []);
});

test("a plain provider answers from its link-local address and port 547", () => {
  const link = new Link({ ...STARLINK, replies: { kind: "plain" } });
  link.lease();
  assert.deepEqual([link.sent.at(-1)!.from, link.sent.at(-1)!.sourcePort], [STARLINK.linkLocal, 547]);
});

test("a solicitation is answered to the customer alone", () => {
  const link = new Link();
  const bytes = encodeNdp({ kind: "router-solicitation", options: [{ kind: "source-link-layer-address", mac: mac("02:00:00:00:00:01") }] });
  link.give({
    kind: "packet",
    protocol: "ndp",
    packet: { kind: "packet", from: CUSTOMER, to: ALL_ROUTERS, hopLimit: 255, sourcePort: 0, bytes },
  });
  link.pass(seconds(1));
  assert.deepEqual([link.sent.at(-1)!.to, link.sent.at(-1)!.from], [CUSTOMER, STARLINK.linkLocal]);
});

test("renumbering gives another prefix at the next Renew and takes the old one away, with both prefixes when the WAN moves too", () => {
  const link = new Link().pass(seconds(30));
  link.lease();
  const [pool, wan] = [prefix("2605:59c8:7700::/40"), prefix("2605:59c8:2:ff00::/64")];
  link.give({ kind: "renumber", pool, link: wan });
  assert.deepEqual(link.routed, []);
  assert.deepEqual(link.renew(), ["2605:59c8:7700::/56 150/300", `${FIRST} 0/0`]);
  assert.deepEqual(link.routed, ["2605:59c8:7700::/56"]);
  link.pass(seconds(4));
  assert.deepEqual(advertised(link.ra), [`${wan} 150/300`, `${STARLINK_LINK} 0/0`]);
});

test("a provider that renumbers in silence does not mention the old prefixes", () => {
  const link = new Link({ ...STARLINK, dhcpv6: { ...STARLINK.dhcpv6, formerPrefixes: "silence" } });
  link.lease();
  const wan = prefix("2605:59c8:2:ff00::/64");
  link.give({ kind: "renumber", pool: prefix("2605:59c8:7700::/40"), link: wan });
  assert.deepEqual(link.renew(), ["2605:59c8:7700::/56 150/300"]);
  assert.deepEqual(advertised(link.pass(seconds(4)).ra), [`${wan} 150/300`]);
});

test("another length, other lifetimes and lost leases show at the next answer", () => {
  const link = new Link();
  link.lease();
  link.give({ kind: "length", length: 62 });
  assert.equal(link.renew()[0], "2605:59c8:1200::/62 150/300");
  link.give({ kind: "lifetimes", preferred: 20 as Seconds, valid: 40 as Seconds });
  assert.equal(link.renew()[0], "2605:59c8:1200::/62 20/40");
  link.give({ kind: "forget" });
  assert.deepEqual([link.routed, link.renew()], [[], []]);
});

test("lifetimes of the WAN prefix follow when they are meant too", () => {
  const link = new Link().give({ kind: "lifetimes", preferred: 60 as Seconds, valid: 90 as Seconds, link: true }).pass(seconds(4));
  assert.deepEqual(advertised(link.ra), [`${STARLINK_LINK} 60/90`]);
});

test("the flags and the Router Lifetime change within 3 s", () => {
  const link = new Link().give({ kind: "flags", managed: true, other: false }).pass(seconds(3));
  assert.deepEqual([link.ra.managed, link.ra.other], [true, false]);
  link.give({ kind: "router-lifetime", lifetime: 0 as Seconds }).pass(seconds(3));
  assert.equal(link.ra.routerLifetime, 0);
  assert.deepEqual(advertised(link.ra), [`${STARLINK_LINK} 150/300`]);
});

test("a router that is switched off says farewell, and comes back", () => {
  const link = new Link().give({ kind: "stop-ra" }).pass(seconds(60));
  const count = link.sent.length;
  assert.deepEqual([link.ra.routerLifetime, ...advertised(link.ra)], [0, `${STARLINK_LINK} 0/0`]);
  link.pass(seconds(300));
  assert.equal(link.sent.length, count);
  link.give({ kind: "start-ra" }).pass(seconds(4));
  assert.deepEqual([link.ra.routerLifetime, ...advertised(link.ra)], [300, `${STARLINK_LINK} 150/300`]);
});

test("a mute provider says nothing on that protocol, or on both", () => {
  const link = new Link();
  link.lease();
  link.give({ kind: "mute", on: true, protocol: "dhcpv6" });
  assert.deepEqual(link.renew(), []);
  const count = link.pass(seconds(60)).sent.length;
  assert.ok(count > 4);
  link.give({ kind: "mute", on: true });
  assert.equal(link.pass(seconds(60)).sent.length, count);
  link.give({ kind: "mute", on: false });
  assert.deepEqual(link.renew(), [`${FIRST} 150/300`]);
});

test("a provider without a link says nothing", () => {
  const link = new Link().give({ kind: "link", up: false });
  const count = link.sent.length;
  assert.equal(link.lease(), undefined);
  assert.equal(link.pass(seconds(100)).sent.length, count);
});
