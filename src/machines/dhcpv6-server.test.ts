import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ip6 } from "../addr/ip.ts";
import { prefix } from "../addr/prefix.ts";
import { after, type Seconds, seconds } from "../addr/time.ts";
import { type Dhcpv6Kind, type Dhcpv6Option, encodeDhcpv6, OPTION_CODES, optionOf } from "../wire/dhcpv6.ts";
import { createDhcpv6Server } from "./dhcpv6-server.ts";
import {
  answerIn,
  ask,
  type Asking,
  CLIENT,
  delegate,
  factIn,
  FIRST,
  iaNa,
  iaPd,
  OPTIONS,
  OTHER,
  packet,
  prefixesIn,
  raw,
  ROUTER,
  SERVER,
  START,
} from "./dhcpv6-server.fixture.ts";

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

test("a mute server hears nothing and forgets nothing", () => {
  const server = createDhcpv6Server(OPTIONS);
  delegate(server);
  server.handle({ kind: "mute", on: true }, START);
  assert.equal(ask(server, "renew", { server: SERVER, options: [iaPd([FIRST])] }), undefined);
  server.handle({ kind: "mute", on: false }, START);
  assert.deepEqual(prefixesIn(ask(server, "renew", { server: SERVER, options: [iaPd([FIRST])] })), [`${FIRST} 150/300`]);
});
