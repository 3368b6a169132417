import assert from "node:assert/strict";
import { test } from "node:test";
import { covers, prefix } from "../addr/prefix.ts";
import { optionOf, STATUS, statusOf } from "../wire/dhcpv6.ts";
import {
  A,
  B,
  client,
  GUEST,
  held,
  holding,
  iaNa,
  iaPd,
  iasIn,
  LAN,
  lanOf,
  LanServerScript,
  linkLocal,
  oro,
  serviceOf,
  told,
  ULA,
} from "./dhcpv6-lan-server.fixture.ts";

const TWO = serviceOf([holding(A)]);

test("[D6S-1] [D6S-7] information is given to whoever asks, with an identifier or without, and only what is asked for", () => {
  const script = new LanServerScript(serviceOf([holding(A)], { addresses: false }));
  const reply = script.ask("information-request", {
    client: null,
    options: [oro("dns-servers", "domain-list", "information-refresh-time")],
  })!;
  assert.deepEqual(optionOf(reply, "dns-servers")?.addresses, ["2606:4700:4700::1111"]);
  assert.deepEqual(optionOf(reply, "domain-list")?.domains, ["home.arpa"]);
  assert.ok(optionOf(reply, "information-refresh-time")!.time >= 600);
  assert.equal(optionOf(reply, "client-id"), undefined);
  const bare = script.ask("information-request", { options: [oro("domain-list")] })!;
  assert.deepEqual(
    bare.options.map(({ kind }) => kind),
    ["client-id", "server-id", "domain-list"],
  );
});

test("nothing is said before it is known what holds, and nothing about leases where none are given", () => {
  const script = new LanServerScript();
  assert.equal(script.ask("information-request", { options: [oro("dns-servers")] }), undefined);
  const { delegatedLength: _, ...mute } = serviceOf([holding(A)], { addresses: false }).lans[LAN]!;
  script.serve({ lans: { [LAN]: mute }, pools: [] });
  assert.equal(script.ask("solicit", { options: [iaNa(), iaPd()] }), undefined);
  assert.ok(script.ask("information-request"));
  assert.equal(script.ask("information-request", { link: "wan" }), undefined);
});

test("[D6S-2] what the provider gave for the LANs is passed on as it came", () => {
  const script = new LanServerScript(serviceOf([holding(A)], { passedOn: [{ code: 21, data: [3, 115, 105, 112, 0] }] }));
  const reply = script.ask("information-request", { options: [{ kind: "oro", codes: [21] }] })!;
  assert.deepEqual(reply.options.at(-1), { kind: "unknown", code: 21, data: Uint8Array.of(3, 115, 105, 112, 0) });
});

test("[LPD-1] a router gets a /64 that no LAN has, the same one at every turn, and another router another one", () => {
  const script = new LanServerScript(TWO);
  const first = script.obtain(iaPd(["::/60"]));
  assert.equal(told(first).length, 1);
  const [value] = told(first)[0]!.split(" ");
  assert.ok(covers(A, prefix(value!)) && value!.endsWith("/64"));
  for (const number of [0, 1]) assert.notEqual(value, lanOf(A, number));
  assert.deepEqual(told(iasIn(script.ask("renew", { options: [held(first)] })!)[0]), told(first));
  const second = script.obtain(iaPd(), { n: 2, link: GUEST });
  assert.notEqual(told(second)[0], told(first)[0]);
  assert.deepEqual(
    script.fact.delegations.map(({ link, client: via, stale }) => [link, via, stale]),
    [
      [LAN, linkLocal(1), false],
      [GUEST, linkLocal(2), false],
    ],
  );
});

test("[LPD-1] of a /60 with two LANs fourteen routers get a /64 each, the fifteenth NoPrefixAvail, and the owner an error", () => {
  const small = prefix("2605:59c8:1200::/60");
  const script = new LanServerScript(serviceOf([holding(small)]));
  const given = Array.from({ length: 14 }, (_, n) => told(script.obtain(iaPd(), { n: n + 1 }))[0]!.split(" ")[0]!);
  assert.equal(new Set(given).size, 14);
  const refused = script.obtain(iaPd(), { n: 15 });
  assert.equal(statusOf(refused).status, STATUS.NoPrefixAvail);
  assert.deepEqual(
    script.notes.filter(({ level }) => level === "error").map(({ event }) => event),
    ["dhcpv6-lan-server.exhausted"],
  );
  script.ask("release", { n: 3, options: [iaPd([given[2]!])] });
  assert.equal(told(script.obtain(iaPd(), { n: 15 }))[0]!.split(" ")[0], given[2]);
});

test("[LPD-1] prefixes of several lengths never overlap", () => {
  const service = serviceOf([holding(prefix("2605:59c8:1200::/58"))]);
  const script = new LanServerScript({ ...service, lans: { ...service.lans, [GUEST]: { ...service.lans[GUEST]!, delegatedLength: 60 } } });
  const given = Array.from({ length: 40 }, (_, n) => script.obtain(iaPd(), { n: n + 1, link: n % 2 === 0 ? LAN : GUEST }))
    .flatMap(told)
    .map((each) => prefix(each.split(" ")[0]!));
  assert.ok(given.length > 20);
  for (const one of given) for (const other of given) assert.ok(one === other || !covers(one, other), `${one} ${other}`);
});

test("[LPD-4] each association has the global prefix first and the unique local one behind it, with one number", () => {
  const script = new LanServerScript(serviceOf([holding(A), holding(ULA, { preferred: 1e9, valid: 1e9 })]));
  const [global, local, ...more] = told(script.obtain(iaPd()));
  assert.match(global!, /^2605:59c8:1200:([0-9a-f]+)::\/64 150\/300$/);
  assert.match(local!, /^fd12:3456:789a:([0-9a-f]+)::\/64 2700\/5400$/);
  const numberIn = (text: string): string => text.split("::")[0]!.split(":").at(-1)!;
  assert.equal(numberIn(global!), numberIn(local!));
  assert.deepEqual(more, []);
});

test("[D6S-5] [LPD-4] lifetimes are what is left of ours, and never above 2700 and 5400", () => {
  const script = new LanServerScript(serviceOf([holding(A, { preferred: 86_400, valid: 86_400 })]));
  assert.match(told(script.obtain(iaPd()))[0]!, / 2700\/5400$/);
  const short = new LanServerScript(TWO);
  short.pass(100);
  assert.match(told(short.obtain(iaNa()))[0]!, / 50\/200$/);
});

test("[D6S-4] T1 and T2 are the same in all associations: 0.5 and 0.8 of the shortest preferred lifetime; both identifiers come back", () => {
  const service = serviceOf([holding(A)]);
  const short = { ...holding(A, { preferred: 100, valid: 300 }), taken: service.pools[0]!.taken };
  const script = new LanServerScript({ ...service, pools: [short] });
  const reply = script.ask("request", { options: [iaNa(), iaPd(), iaPd([], 2)], transactionId: 0x123456 })!;
  assert.equal(reply.transactionId, 0x123456);
  assert.equal(optionOf(reply, "client-id")?.duid, client(1));
  assert.deepEqual(
    iasIn(reply).map(({ t1, t2 }) => [t1, t2]),
    [
      [50, 80],
      [50, 80],
      [50, 80],
    ],
  );
  assert.equal(new Set(iasIn(reply).flatMap(told)).size, 3);
});

test("an address follows from who asks: after a loss of all leases it is the same, in another prefix it has the same identifier", () => {
  const [address] = told(new LanServerScript(TWO).obtain(iaNa()));
  const [again, other] = [told(new LanServerScript(TWO).obtain(iaNa())), told(new LanServerScript(serviceOf([holding(B)])).obtain(iaNa()))];
  assert.deepEqual(again, [address]);
  assert.equal(other[0]!.split(":").slice(-4).join(":"), address!.split(":").slice(-4).join(":"));
});

test("[REN-5] after a renumbering each answer names the old lease with 0/0 beside the new one, for as long as it was told, over a restart too", () => {
  const script = new LanServerScript(TWO);
  const [oldAddress, oldPrefix] = [script.obtain(iaNa()), script.obtain(iaPd())];
  script.pass(10);
  const later = { at: script.now };
  script.serve(serviceOf([holding(B, later)]));
  const restarted = new LanServerScript(serviceOf([holding(B, later)]), script.snapshot);
  restarted.now = script.now;
  for (const [kind, each] of [
    ["renew", script],
    ["rebind", script],
    ["request", script],
    ["renew", restarted],
  ] as const) {
    const stale = { options: [oldAddress, oldPrefix].map(held) };
    const service = serviceOf([holding(B, { at: each.now })], { stale: [lanOf(A, 0)] });
    each.serve(service);
    const ias = iasIn(each.ask(kind, stale)!);
    assert.equal(ias.length, 2);
    for (const [i, ia] of ias.entries()) {
      const [live, dead, ...more] = told(ia);
      assert.match(live!, /^2605:59c8:77.* 150\/300$/, kind);
      const [former] = told([oldAddress, oldPrefix][i]).map((text) => text.split(" ")[0]);
      assert.equal(dead, `${former} 0/0`, kind);
      assert.deepEqual(more, []);
    }
  }
  script.pass(299);
  script.serve(serviceOf([holding(B, { at: script.now })]));
  assert.match(told(iasIn(script.ask("renew", { options: [iaPd()] })!)[0]).join(), / 0\/0/);
  script.pass(2);
  assert.doesNotMatch(told(iasIn(script.ask("renew", { options: [iaPd()] })!)[0]).join(), / 0\/0/);
});

test("[REN-5] a prefix that comes back is alive again, and what a client still holds without anything new is withdrawn with a refusal", () => {
  const script = new LanServerScript(TWO);
  const first = script.obtain(iaPd());
  script.serve(serviceOf([]));
  const refused = iasIn(script.ask("renew", { options: [held(first)] })!)[0]!;
  assert.equal(statusOf(refused).status, STATUS.NoPrefixAvail);
  assert.match(told(refused)[0]!, / 0\/0$/);
  assert.deepEqual(
    script.fact.delegations.map(({ stale }) => stale),
    [true],
  );
  script.serve(TWO);
  assert.deepEqual(told(iasIn(script.ask("renew", { options: [held(first)] })!)[0]), told(first));
  assert.deepEqual(
    script.fact.delegations.map(({ stale }) => stale),
    [false],
  );
});

test("[LPD-2] what ends, by a Release or by its time, is no longer told as delegated, and is free again", () => {
  const script = new LanServerScript(TWO);
  const first = script.obtain(iaPd());
  script.ask("release", { options: [held(first)] });
  assert.deepEqual(script.fact.delegations, []);
  script.obtain(iaPd());
  script.pass(299);
  assert.equal(script.fact.delegations.length, 1);
  script.pass(2);
  assert.deepEqual(script.fact.delegations, []);
});

test("[LPD-5] a restarted server tells at once what is delegated, before it knows what it may give", () => {
  const script = new LanServerScript(TWO);
  script.obtain(iaPd());
  const restarted = new LanServerScript(undefined, script.snapshot);
  restarted.now = script.now;
  restarted.pass(0);
  assert.deepEqual(
    restarted.fact.delegations.map(({ prefix: value }) => value),
    script.fact.delegations.map(({ prefix: value }) => value),
  );
});

test("most renewals write nothing, and what is written covers them", () => {
  const script = new LanServerScript(TWO);
  let ia = script.obtain(iaPd());
  const { saves } = script;
  for (let round = 0; round < 20; round++) {
    script.pass(75);
    script.serve(serviceOf([holding(A, { at: script.now })]));
    ia = iasIn(script.ask("renew", { options: [held(ia)] })!)[0] as typeof ia;
    const stored = new LanServerScript(undefined, script.snapshot);
    stored.now = script.now;
    stored.pass(0);
    assert.ok(stored.fact.delegations[0]!.until >= script.fact.delegations[0]!.until);
  }
  assert.ok(script.saves - saves < 8, `${script.saves - saves}`);
});

test("[D6S-6] Confirm: Success for addresses of the link, NotOnLink for others, silence without addresses and without a prefix", () => {
  const script = new LanServerScript(TWO);
  const status = (...addresses: string[]) => {
    const reply = script.ask("confirm", { options: [iaNa(addresses)] });
    return reply && statusOf(reply).status;
  };
  assert.equal(status("2605:59c8:1200::99"), STATUS.Success);
  assert.equal(status("2605:59c8:1200::99", "2605:59c8:9900::1"), STATUS.NotOnLink);
  assert.equal(status(), undefined);
  script.serve(serviceOf([]));
  assert.equal(status("2605:59c8:1200::99"), undefined);
});

test("[D6S-6] an address of another link: NotOnLink to a Request, 0/0 to a Renew; a lost binding is made anew", () => {
  const script = new LanServerScript(TWO);
  const foreign = iaNa(["2605:59c8:9900::1"]);
  assert.equal(statusOf(iasIn(script.ask("request", { options: [foreign] })!)[0]!).status, STATUS.NotOnLink);
  const renewed = told(iasIn(script.ask("renew", { options: [foreign] })!)[0]);
  assert.match(renewed[0]!, /^2605:59c8:1200:0:.* 150\/300$/);
  assert.equal(renewed[1], "2605:59c8:9900::1 0/0");
});

test("[D6S-6] a declined address stays out, for everybody; a Decline of what somebody else has changes nothing", () => {
  const script = new LanServerScript(TWO);
  const [mine, other] = [script.obtain(iaNa()), script.obtain(iaNa(), { n: 2 })];
  script.ask("decline", { options: [held(other)] });
  assert.deepEqual(told(iasIn(script.ask("renew", { n: 2, options: [held(other)] })!)[0]), told(other));
  const again = script.obtain(iaNa());
  script.ask("decline", { options: [held(again)] });
  assert.notDeepEqual(told(script.obtain(iaNa())), told(mine));
  const restarted = new LanServerScript(TWO, script.snapshot);
  assert.notDeepEqual(told(restarted.obtain(iaNa([], 1), { n: 1 })), told(mine));
});

test("[D6S-6] without addresses to lease: NoAddrsAvail in the association; release and decline of the unknown: NoBinding", () => {
  const script = new LanServerScript(serviceOf([holding(A)], { addresses: false }));
  for (const kind of ["solicit", "request", "renew", "rebind"] as const) {
    assert.equal(statusOf(iasIn(script.ask(kind, { options: [iaNa()] })!)[0]!).status, STATUS.NoAddrsAvail, kind);
  }
  for (const kind of ["release", "decline"] as const) {
    const reply = script.ask(kind, { options: [iaNa(["2605:59c8:1200::99"])] })!;
    assert.deepEqual([statusOf(reply).status, statusOf(iasIn(reply)[0]!).status], [STATUS.Success, STATUS.NoBinding]);
  }
});
