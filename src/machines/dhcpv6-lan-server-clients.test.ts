/** Names, registrations, floods and damage: what clients of the LANs' DHCPv6 server may come up with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../addr/ip.ts";
import { type IaNa, optionOf, STATUS, statusOf } from "../wire/dhcpv6.ts";
import {
  A,
  client,
  GUEST,
  held,
  holding,
  iaNa,
  iaPd,
  iasIn,
  LanServerScript,
  linkLocal,
  oro,
  serviceOf,
  told,
  ULA,
} from "./dhcpv6-lan-server.fixture.ts";

const TWO = serviceOf([holding(A)]);

test("[D6S-9] a name is cleaned, and whoever has it first keeps it, as long as the lease lasts", () => {
  const script = new LanServerScript(TWO);
  const named = (n: number, ...labels: string[]) =>
    script.ask("request", { n, options: [iaNa(), { kind: "client-fqdn", flags: 1, labels, whole: false }] })!;
  const reply = named(1, "Living Room TV!", "example", "com");
  assert.deepEqual(optionOf(reply, "client-fqdn")?.flags, 1);
  named(2, "living-room-tv");
  named(3, "\u0000\u00ff.");
  const names = () => script.fact.leases.map(({ duid, hostname }) => [duid, hostname]);
  assert.deepEqual(names(), [
    [client(1), "living-room-tv"],
    [client(2), undefined],
    [client(3), undefined],
  ]);
  script.ask("release", { n: 1, options: [iaNa()] });
  named(2, "living-room-tv");
  assert.deepEqual(names()[0], [client(2), "living-room-tv"]);
});

test("[D6S-10] a host registers its own address: only from that address, only on this link, only to the group", () => {
  const script = new LanServerScript(TWO);
  const own = ip6("2605:59c8:1200::abcd");
  const address = { kind: "ia-address", address: own, preferred: 100, valid: 200, options: [] } as never;
  const asking = { from: own, options: [address, { kind: "client-fqdn", flags: 0, labels: ["phone"], whole: false } as const] };
  const reply = script.ask("addr-reg-inform", asking)!;
  assert.deepEqual([reply.kind, reply.transactionId, optionOf(reply, "ia-address")], ["addr-reg-reply", 0xabcdef, address]);
  assert.deepEqual(
    script.fact.leases.map(({ address: registered, registered: by, hostname, mac }) => [registered, by, hostname, mac]),
    [[own, true, "phone", "02:00:00:00:00:01"]],
  );
  for (const wrong of [
    { ...asking, from: linkLocal(1) },
    { ...asking, to: ip6("fe80::1") },
    { ...asking, client: null },
    { ...asking, server: client(9) },
    { ...asking, options: [] },
    { from: ip6("2605:59c8:9900::1"), options: [{ ...(address as object), address: ip6("2605:59c8:9900::1") } as never] },
  ]) {
    assert.equal(script.ask("addr-reg-inform", wrong), undefined);
  }
  script.pass(201);
  assert.deepEqual(script.fact.leases, []);
  assert.ok(optionOf(script.ask("information-request", { options: [oro("addr-reg-enable")] })!, "addr-reg-enable"));
  assert.equal(optionOf(script.ask("information-request", { options: [oro("dns-servers")] })!, "addr-reg-enable"), undefined);
});

test("[D6S-11] thousands of invented clients fill a bounded table of their LAN; who has a lease keeps it, and the other LAN is served", () => {
  const script = new LanServerScript(serviceOf([holding(ULA, { preferred: 1e6, valid: 1e6 })]));
  const mine = script.obtain(iaNa());
  for (let n = 10; n < 4000; n++) {
    const refused = iasIn(script.ask("request", { n, options: [iaNa(), iaPd()] })!);
    if (n === 3999)
      assert.deepEqual(
        refused.map((ia) => statusOf(ia).status),
        [STATUS.NoAddrsAvail, STATUS.NoPrefixAvail],
      );
  }
  assert.ok(script.fact.leases.length <= 2048 && script.fact.delegations.length <= 256);
  assert.deepEqual(told(iasIn(script.ask("renew", { options: [held(mine)] })!)[0]), told(mine));
  assert.equal(told(script.obtain(iaNa(), { n: 3, link: GUEST })).length, 1);
  assert.ok(JSON.stringify(script.snapshot).length < 1_500_000);
  assert.ok(script.notes.filter(({ level }) => level !== "debug").length < 3);
});

test("a lease that the owner wants forgotten is nobody's", () => {
  const script = new LanServerScript(TWO);
  const [address, value] = [script.obtain(iaNa()), script.obtain(iaPd())].map((ia) => told(ia)[0]!.split(" ")[0]!);
  script.forget(address!);
  assert.deepEqual([script.fact.leases.length, script.fact.delegations.length], [0, 1]);
  script.forget(value!);
  script.forget("2605::99");
  assert.deepEqual(script.fact.delegations, []);
});

test("a client that asks for hundreds of associations gets some", () => {
  const script = new LanServerScript(TWO);
  const reply = script.ask("request", { options: Array.from({ length: 300 }, (_, iaid): IaNa => iaNa([], iaid)) })!;
  assert.equal(iasIn(reply).filter((ia) => told(ia).length > 0).length, 16);
});

test("what is stored and damaged is left out, and the rest is kept", () => {
  const script = new LanServerScript(TWO);
  const first = script.obtain(iaPd());
  const { bindings } = script.snapshot as { bindings: object[] };
  const damaged = [null, 1, {}, { ...bindings[0], duid: "x" }, { ...bindings[0], leases: [] }, { ...bindings[0], kind: "ia-ta" }];
  const restarted = new LanServerScript(TWO, { bindings: [...damaged, ...bindings] as never, declined: { x: 1 } });
  assert.deepEqual(told(iasIn(restarted.ask("renew", { options: [held(first)] })!)[0]), told(first));
  for (const snapshot of [null, [], 7, { bindings: 3 }]) assert.ok(new LanServerScript(TWO, snapshot as never).ask("information-request"));
});
