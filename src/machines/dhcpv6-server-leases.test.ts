import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuid } from "../addr/duid.ts";
import { prefix } from "../addr/prefix.ts";
import { after, seconds } from "../addr/time.ts";
import { type Dhcpv6Option, optionOf, optionsOf, STATUS, statusOf } from "../wire/dhcpv6.ts";
import { type Asker, Bindings } from "./dhcpv6-bindings.ts";
import { createDhcpv6Server } from "./dhcpv6-server.ts";
import {
  ask,
  CLIENT,
  delegate,
  factIn,
  FIRST,
  iaNa,
  iaPd,
  OPTIONS,
  OTHER,
  packet,
  POOL,
  prefixesIn,
  ROUTER,
  SERVER,
  START,
} from "./dhcpv6-server.fixture.ts";

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
