import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Duid, parseDuid } from "../addr/duid.ts";
import { ALL_DHCP_SERVERS, type Ip6, ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { after, type Instant, instant, type Seconds, seconds } from "../addr/time.ts";
import {
  type ClientServerMessage,
  decodeDhcpv6,
  type Dhcpv6Kind,
  type Dhcpv6Option,
  encodeDhcpv6,
  type IaPd,
  OPTION_CODES,
  optionOf,
  optionsOf,
  STATUS,
  statusOf,
} from "../wire/dhcpv6.ts";
import { type Asker, Bindings } from "./dhcpv6-bindings.ts";
import { createDhcpv6Server, type Dhcpv6ServerFact, type Dhcpv6ServerInput, type Dhcpv6ServerOptions } from "./dhcpv6-server.ts";
import type { Machine, Output } from "./machine.ts";

const START = instant(1_000_000);
const SERVER = parseDuid("0004:11111111111111111111111111111111")!;
const CLIENT = parseDuid("0003:0001:020000000001")!;
const OTHER = parseDuid("0003:0001:020000000002")!;
const ROUTER = ip6("fe80::1");
const POOL = prefix("2605:59c8:1200::/48");
const FIRST = prefix("2605:59c8:1200::/56");

const OPTIONS: Dhcpv6ServerOptions = {
  duid: SERVER,
  preference: 0,
  delegation: { prefix: POOL, length: 56 },
  preferred: 150 as Seconds,
  valid: 300 as Seconds,
  t1: 0 as Seconds,
  t2: 0 as Seconds,
  resolvers: [ip6("2606:4700:4700::1111")],
  searchDomains: [],
  rapidCommit: false,
  formerPrefixes: "withdraw",
  strangers: "no-binding",
};

type Server = Machine<Dhcpv6ServerInput, Dhcpv6ServerFact>;

interface Asking {
  readonly client?: Duid;
  readonly server?: Duid;
  readonly to?: Ip6;
  readonly options?: readonly Dhcpv6Option[];
}

/** The message as it arrives at the server. */
function packet(kind: Dhcpv6Kind, { client = CLIENT, server, to = ALL_DHCP_SERVERS, options = [] }: Asking = {}): Dhcpv6ServerInput {
  const ids: Dhcpv6Option[] = [{ kind: "client-id", duid: client }];
  if (server) ids.push({ kind: "server-id", duid: server });
  return raw(encodeDhcpv6({ kind, transactionId: 0xabcdef, options: [...ids, ...options] }), to);
}

function raw(bytes: Uint8Array, to = ALL_DHCP_SERVERS): Dhcpv6ServerInput {
  return { kind: "packet", from: ROUTER, to, hopLimit: 1, sourcePort: 546, bytes };
}

function answerIn(outputs: readonly Output<Dhcpv6ServerFact>[]): ClientServerMessage | undefined {
  const sent = outputs.find((output) => output.kind === "send");
  return sent && (decodeDhcpv6(sent.bytes) as ClientServerMessage);
}

function ask(server: Server, kind: Dhcpv6Kind, asking: Asking = {}, now: Instant = START): ClientServerMessage | undefined {
  return answerIn(server.handle(packet(kind, asking), now));
}

/** An IA_PD that names these prefixes. */
function iaPd(named: readonly string[] = [], iaid = 1): IaPd {
  const none = { preferred: 0 as Seconds, valid: 0 as Seconds, options: [] };
  return {
    kind: "ia-pd",
    iaid,
    t1: 0 as Seconds,
    t2: 0 as Seconds,
    options: named.map((text) => ({ kind: "ia-prefix", prefix: prefix(text), ...none })),
  };
}

function iaNa(addresses: readonly string[] = []): Dhcpv6Option {
  const none = { preferred: 0 as Seconds, valid: 0 as Seconds, options: [] };
  return {
    kind: "ia-na",
    iaid: 1,
    t1: 0 as Seconds,
    t2: 0 as Seconds,
    options: addresses.map((text) => ({ kind: "ia-address", address: ip6(text), ...none })),
  };
}

/** The prefixes of the first IA_PD as "prefix preferred/valid". */
function prefixesIn(message: ClientServerMessage | undefined): string[] {
  const ia = message && optionOf(message, "ia-pd");
  return ia ? optionsOf(ia, "ia-prefix").map((each) => `${each.prefix} ${each.preferred}/${each.valid}`) : [];
}

/** Solicit and Request; the delegated prefix. */
function delegate(server: Server, asking: Asking & { readonly iaid?: number } = {}, now: Instant = START): string {
  const offered = ask(server, "solicit", { ...asking, options: [iaPd([], asking.iaid)] }, now);
  const ia = optionOf(offered!, "ia-pd")!;
  const reply = ask(server, "request", { ...asking, server: SERVER, options: [ia] }, now);
  return optionOf(optionOf(reply!, "ia-pd")!, "ia-prefix")!.prefix;
}

function factIn(outputs: readonly Output<Dhcpv6ServerFact>[]): Dhcpv6ServerFact | undefined {
  return outputs.find((output) => output.kind === "fact")?.fact;
}

test("a Solicit is answered by an Advertise that leases nothing, a Request by a Reply that does", () => {
  const server = createDhcpv6Server(OPTIONS);
  const solicit = server.handle(packet("solicit", { options: [iaPd()] }), START);
  const advertise = answerIn(solicit)!;
  assert.equal(advertise.kind, "advertise");
  assert.deepEqual(prefixesIn(advertise), [`${FIRST} 150/300`]);
  assert.equal(factIn(solicit)?.delegations.length, 0);
  const request = server.handle(packet("request", { server: SERVER, options: [iaPd([FIRST])] }), START);
  assert.equal(answerIn(request)!.kind, "reply");
  assert.deepEqual(factIn(request)!.delegations, [
    { prefix: FIRST, duid: CLIENT, iaid: 1, client: ROUTER, validUntil: after(START, seconds(300)) },
  ]);
  const order = request.map((output) => output.kind).filter((kind) => kind !== "note");
  assert.deepEqual(order, ["save", "fact", "send"]);
});

test("[D6S-4] each answer carries the transaction id, the Client Identifier and the Server Identifier", () => {
  const server = createDhcpv6Server({ ...OPTIONS, addresses: prefix("2605:59c8:ff::/64") });
  delegate(server);
  const kinds: readonly (readonly [Dhcpv6Kind, Asking])[] = [
    ["solicit", { options: [iaPd()] }],
    ["request", { server: SERVER, options: [iaPd()] }],
    ["renew", { server: SERVER, options: [iaPd()] }],
    ["rebind", { options: [iaPd()] }],
    ["confirm", { options: [iaNa(["2605:59c8:ff::7"])] }],
    ["information-request", {}],
    ["decline", { server: SERVER, options: [iaNa(["2605:59c8:ff::7"])] }],
    ["release", { server: SERVER, options: [iaPd()] }],
  ];
  for (const [kind, asking] of kinds) {
    const answer = ask(server, kind, asking);
    assert.ok(answer, `${kind} is answered`);
    assert.equal(answer.transactionId, 0xabcdef);
    assert.equal(optionOf(answer, "client-id")?.duid, CLIENT);
    assert.equal(optionOf(answer, "server-id")?.duid, SERVER);
  }
});

test("[D6S-3] messages with a missing, superfluous or foreign identifier are discarded", () => {
  const server = createDhcpv6Server({ ...OPTIONS, addresses: prefix("2605:59c8:ff::/64") });
  delegate(server);
  const options = [iaPd([FIRST])];
  const bad: readonly (readonly [Dhcpv6Kind, Asking])[] = [
    ["solicit", { server: SERVER, options }],
    ["request", { options }],
    ["request", { server: OTHER, options }],
    ["renew", { options }],
    ["renew", { server: OTHER, options }],
    ["release", { options }],
    ["release", { server: OTHER, options }],
    ["decline", { options }],
    ["decline", { server: OTHER, options }],
    ["rebind", { server: SERVER, options }],
    ["confirm", { server: SERVER, options: [iaNa(["2605:59c8:ff::7"])] }],
    ["information-request", { options }],
    ["information-request", { options: [iaNa()] }],
    ["information-request", { server: OTHER }],
    ["advertise", { server: SERVER, options }],
    ["reply", { server: SERVER, options }],
    ["reconfigure", { server: SERVER, options }],
  ];
  for (const [kind, asking] of bad) assert.equal(ask(server, kind, asking), undefined, `${kind} ${JSON.stringify(asking)}`);
  for (const kind of ["solicit", "request", "renew", "release", "decline", "rebind", "confirm"] as const) {
    const serverId: Dhcpv6Option[] = ["solicit", "rebind", "confirm"].includes(kind) ? [] : [{ kind: "server-id", duid: SERVER }];
    const anonymous = encodeDhcpv6({ kind, transactionId: 1, options: [...serverId, ...options] });
    assert.equal(answerIn(server.handle(raw(anonymous), START)), undefined, `${kind} without Client Identifier`);
  }
});

test("[D6S-3] what must be sent by multicast is discarded when it comes by unicast", () => {
  const server = createDhcpv6Server(OPTIONS);
  const to = ip6("fe80::200:5eff:fe00:101");
  for (const kind of ["solicit", "rebind", "information-request"] as const) assert.equal(ask(server, kind, { to }), undefined);
  for (const kind of ["request", "renew", "release"] as const) {
    assert.equal(ask(server, kind, { to, server: SERVER, options: [iaPd()] }), undefined);
  }
});

test("[D6S-3] no sequence of octets makes the server throw, and nothing is leased by one that is cut", () => {
  const server = createDhcpv6Server(OPTIONS);
  const whole = encodeDhcpv6({
    kind: "request",
    transactionId: 1,
    options: [{ kind: "client-id", duid: CLIENT }, { kind: "server-id", duid: SERVER }, iaPd([FIRST])],
  });
  for (let length = 0; length < whole.length; length++) {
    const outputs = server.handle(raw(whole.slice(0, length)), START);
    assert.equal(factIn(outputs)?.delegations.length ?? 0, 0);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(1, 3, 4, 5, 6, 8, 9, 11, 12, 13, 36), (bytes, type) => {
      if (bytes.length > 0) bytes[0] = type;
      server.handle(raw(bytes), START);
    }),
  );
});

test("the same client and IAID keep their prefix, another IAID or client gets another one", () => {
  const server = createDhcpv6Server(OPTIONS);
  assert.equal(delegate(server), FIRST);
  assert.equal(delegate(server), FIRST);
  assert.equal(delegate(server, { iaid: 2 }), "2605:59c8:1200:100::/56");
  assert.equal(delegate(server, { client: OTHER }), "2605:59c8:1200:200::/56");
});

test("a hint is honoured when it is free and of the delegated length", () => {
  const server = createDhcpv6Server(OPTIONS);
  const hinted = (text: string, client = CLIENT) => prefixesIn(ask(server, "solicit", { client, options: [iaPd([text])] }));
  assert.deepEqual(hinted("2605:59c8:1200:4200::/56"), ["2605:59c8:1200:4200::/56 150/300"]);
  assert.deepEqual(hinted("2605:59c8:1200:4200::/60"), [`${FIRST} 150/300`]);
  assert.deepEqual(hinted("::/56"), [`${FIRST} 150/300`]);
  delegate(server);
  assert.deepEqual(hinted(FIRST, OTHER), ["2605:59c8:1200:100::/56 150/300"]);
});

test("two identity associations of one message get two prefixes", () => {
  const advertise = ask(createDhcpv6Server(OPTIONS), "solicit", { options: [iaPd([], 1), iaPd([], 2)] })!;
  const given = optionsOf(advertise, "ia-pd").map((ia) => optionOf(ia, "ia-prefix")!.prefix);
  assert.equal(new Set(given).size, 2);
});

test("[D6S-6] an empty pool is told inside the identity association", () => {
  const server = createDhcpv6Server({ ...OPTIONS, delegation: { prefix: FIRST, length: 56 } });
  delegate(server, { client: OTHER });
  const advertise = ask(server, "solicit", { options: [iaPd(), iaNa()] })!;
  assert.equal(statusOf(optionOf(advertise, "ia-pd")!).status, STATUS.NoPrefixAvail);
  assert.equal(statusOf(optionOf(advertise, "ia-na")!).status, STATUS.NoAddrsAvail);
  assert.equal(statusOf(advertise).status, STATUS.Success);
});

test("a lease that is not renewed ends at its valid lifetime and is given to others", () => {
  const server = createDhcpv6Server({ ...OPTIONS, delegation: { prefix: FIRST, length: 56 } });
  delegate(server);
  ask(server, "renew", { server: SERVER, options: [iaPd([FIRST])] }, after(START, seconds(100)));
  assert.equal(server.wakeAt(), after(START, seconds(400)));
  const fact = factIn(server.handle({ kind: "tick" }, after(START, seconds(400))));
  assert.deepEqual(fact?.delegations, []);
  assert.equal(delegate(server, { client: OTHER }, after(START, seconds(401))), FIRST);
});

test("[D6S-6] Renew and Rebind of an unknown lease get NoBinding, a new lease, or silence", () => {
  for (const kind of ["renew", "rebind"] as const) {
    const asking = { ...(kind === "renew" && { server: SERVER }), options: [iaPd([FIRST])] };
    const refusal = ask(createDhcpv6Server(OPTIONS), kind, asking)!;
    assert.equal(statusOf(optionOf(refusal, "ia-pd")!).status, STATUS.NoBinding);
    assert.deepEqual(prefixesIn(ask(createDhcpv6Server({ ...OPTIONS, strangers: "adopt" }), kind, asking)), [`${FIRST} 150/300`]);
    assert.equal(ask(createDhcpv6Server({ ...OPTIONS, strangers: "silence" }), kind, asking), undefined);
  }
});

test("a server that has forgotten everything gives another prefix, unless the client names the old one", () => {
  const server = createDhcpv6Server(OPTIONS);
  delegate(server);
  assert.deepEqual(factIn(server.handle({ kind: "forget" }, START))?.delegations, []);
  assert.deepEqual(prefixesIn(ask(server, "solicit", { options: [iaPd()] })), ["2605:59c8:1200:100::/56 150/300"]);
  assert.deepEqual(prefixesIn(ask(server, "solicit", { options: [iaPd([FIRST])] })), [`${FIRST} 150/300`]);
});

test("after renumbering the next Renew gets the new prefix, and the old one with lifetimes 0 or not at all", () => {
  for (const formerPrefixes of ["withdraw", "silence"] as const) {
    const server = createDhcpv6Server({ ...OPTIONS, formerPrefixes });
    delegate(server);
    const fact = factIn(server.handle({ kind: "renumber", pool: prefix("2605:59c8:7700::/48") }, START));
    assert.deepEqual(fact?.delegations, [], "the old prefix is not routed any more");
    const renewed = ask(server, "renew", { server: SERVER, options: [iaPd([FIRST])] });
    const old = formerPrefixes === "withdraw" ? [`${FIRST} 0/0`] : [];
    assert.deepEqual(prefixesIn(renewed), ["2605:59c8:7700::/56 150/300", ...old]);
    server.handle({ kind: "renumber", pool: POOL }, START);
    assert.deepEqual(prefixesIn(ask(server, "renew", { server: SERVER, options: [iaPd()] }))[0], `${FIRST} 150/300`);
  }
});

test("another delegated length shrinks the prefix in place", () => {
  const server = createDhcpv6Server(OPTIONS);
  delegate(server, { client: OTHER });
  assert.equal(delegate(server), "2605:59c8:1200:100::/56");
  server.handle({ kind: "set", options: { delegation: { prefix: POOL, length: 60 }, formerPrefixes: "silence" } }, START);
  const renewed = ask(server, "renew", { server: SERVER, options: [iaPd(["2605:59c8:1200:100::/56"])] });
  assert.deepEqual(prefixesIn(renewed), ["2605:59c8:1200:100::/60 150/300"]);
});

test("Rapid Commit leases at once when the client and the server want it", () => {
  const options: Dhcpv6Option[] = [{ kind: "rapid-commit" }, iaPd()];
  const reply = ask(createDhcpv6Server({ ...OPTIONS, rapidCommit: true }), "solicit", { options })!;
  assert.equal(reply.kind, "reply");
  assert.ok(optionOf(reply, "rapid-commit"));
  assert.equal(ask(createDhcpv6Server(OPTIONS), "solicit", { options })!.kind, "advertise");
});

test("configuration is given to those who ask for it, also without a lease and without a Client Identifier", () => {
  const server = createDhcpv6Server({ ...OPTIONS, solMaxRt: 600 as Seconds, refreshTime: 900 as Seconds });
  const oro: Dhcpv6Option = { kind: "oro", codes: [OPTION_CODES["dns-servers"], OPTION_CODES["information-refresh-time"]] };
  const anonymous = encodeDhcpv6({ kind: "information-request", transactionId: 5, options: [oro] });
  const reply = answerIn(server.handle(raw(anonymous), START))!;
  assert.deepEqual(optionOf(reply, "dns-servers")?.addresses, OPTIONS.resolvers);
  assert.equal(optionOf(reply, "information-refresh-time")?.time, 900);
  assert.equal(optionOf(reply, "sol-max-rt"), undefined);
  const leased = ask(server, "request", { server: SERVER, options: [iaPd(), { kind: "oro", codes: [82, 32] }] })!;
  assert.equal(optionOf(leased, "sol-max-rt")?.time, 600);
  assert.equal(optionOf(leased, "information-refresh-time"), undefined);
  assert.equal(optionOf(leased, "dns-servers"), undefined);
});

test("the preference is told in the Advertise", () => {
  const advertise = ask(createDhcpv6Server({ ...OPTIONS, preference: 255 }), "solicit", { options: [iaPd()] })!;
  assert.equal(optionOf(advertise, "preference")?.value, 255);
});

test("[D6S-6] Confirm is answered Success or NotOnLink, and with silence when it can't be judged", () => {
  const server = createDhcpv6Server({ ...OPTIONS, addresses: prefix("2605:59c8:ff::/64") });
  const confirm = (addresses: readonly string[]) => ask(server, "confirm", { options: [iaNa(addresses)] });
  assert.equal(statusOf(confirm(["2605:59c8:ff::7"])!).status, STATUS.Success);
  assert.equal(statusOf(confirm(["2605:59c8:ff::7", "2605:59c8:fe::7"])!).status, STATUS.NotOnLink);
  assert.equal(confirm([]), undefined);
  assert.equal(ask(createDhcpv6Server(OPTIONS), "confirm", { options: [iaNa(["2605:59c8:ff::7"])] }), undefined);
});

test("[D6S-6] a declined address is not given again", () => {
  const server = createDhcpv6Server({ ...OPTIONS, addresses: prefix("2605:59c8:ff::/126") });
  const lease = () => optionOf(optionOf(ask(server, "request", { server: SERVER, options: [iaNa()] })!, "ia-na")!, "ia-address")!.address;
  const declined = lease();
  ask(server, "decline", { server: SERVER, options: [iaNa([declined])] });
  for (let i = 0; i < 4; i++) assert.notEqual(lease(), declined);
});

test("a released prefix is free, and releasing what is not leased says so", () => {
  const server = createDhcpv6Server(OPTIONS);
  delegate(server);
  const released = server.handle(packet("release", { server: SERVER, options: [iaPd([FIRST])] }), START);
  assert.deepEqual(factIn(released)?.delegations, []);
  const again = ask(server, "release", { server: SERVER, options: [iaPd([FIRST])] })!;
  assert.equal(statusOf(again).status, STATUS.Success);
  assert.equal(statusOf(optionOf(again, "ia-pd")!).status, STATUS.NoBinding);
});

test("a mute server hears nothing and forgets nothing", () => {
  const server = createDhcpv6Server(OPTIONS);
  delegate(server);
  server.handle({ kind: "mute", on: true }, START);
  assert.equal(ask(server, "renew", { server: SERVER, options: [iaPd([FIRST])] }), undefined);
  server.handle({ kind: "mute", on: false }, START);
  assert.deepEqual(prefixesIn(ask(server, "renew", { server: SERVER, options: [iaPd([FIRST])] })), [`${FIRST} 150/300`]);
});

test("leases survive a restart", () => {
  const before = createDhcpv6Server(OPTIONS);
  delegate(before);
  const shift = seconds(-900);
  const server = createDhcpv6Server(OPTIONS, { snapshot: before.snapshot(), shift });
  assert.equal(server.wakeAt(), after(START, seconds(300 - 900)));
  const now = after(START, seconds(-800));
  assert.deepEqual(prefixesIn(ask(server, "renew", { server: SERVER, options: [iaPd()] }, now)), [`${FIRST} 150/300`]);
});

test("10,000 invented clients fill the memory and no more, and those who have a lease keep it", () => {
  const pool = { prefix: prefix("2605:5900::/32"), length: 56 };
  const bindings = new Bindings();
  const asker = (i: number): Asker => ({
    kind: "ia-pd",
    duid: parseDuid(`00030001${i.toString(16).padStart(12, "0")}`)!,
    iaid: 1,
    client: ROUTER,
  });
  const choose = (i: number) => bindings.choose(asker(i), pool, [], new Set());
  for (let i = 0; i < 10_000; i++) bindings.lease(asker(i), choose(i)!, pool, after(START, seconds(300)));
  assert.equal(choose(10_000), undefined);
  assert.equal(choose(0), "2605:5900::/56");
});
