import assert from "node:assert/strict";
import { test } from "node:test";
import { optionOf } from "../wire/dhcpv6.ts";
import { ADDRESS, HOME, iaNa, iaPd, Script } from "./dhcpv6-client.fixture.ts";

test("[WRA-9] [WRA-10] without any RA a prefix is asked for but no address; the M flag adds the address to a new Solicit", () => {
  const script = new Script().link(true).pass(10);
  assert.ok(script.sent.every(({ message }) => optionOf(message, "ia-pd") && !optionOf(message, "ia-na")));
  script.give({ kind: "flags", managed: true, other: false });
  assert.equal(script.last.at, script.now);
  assert.ok(optionOf(script.last.message, "ia-na") && optionOf(script.last.message, "ia-pd"));
  assert.notEqual(script.last.message.transactionId, script.sent[0]!.message.transactionId);
});

test("[WRA-9] M=0 O=1, the provider's flags, lead to a Solicit with IA_PD and to no Information-request when it is answered", () => {
  const script = new Script();
  script.give({ kind: "flags", managed: false, other: true });
  script.bind(iaPd(HOME)).pass(60);
  assert.deepEqual(script.prefixes, [HOME]);
  assert.deepEqual(
    script.sent.map(({ kind }) => kind),
    ["solicit", "request"],
  );
});

test("[WRA-9] a prefix that is wanted only with flags waits for one of them", () => {
  const script = new Script({ requestPrefix: "auto" }).link(true).pass(60);
  script.give({ kind: "flags", managed: false, other: false });
  script.pass(60);
  assert.equal(script.sent.length, 0);
  script.give({ kind: "flags", managed: false, other: true });
  script.pass(1);
  assert.equal(script.last.kind, "solicit");
});

test("[WRA-9] an address that is never wanted is not asked for although the M flag is set", () => {
  const script = new Script({ requestAddress: "never" }).link(true);
  script.give({ kind: "flags", managed: true, other: true });
  script.pass(10);
  assert.ok(script.of("solicit").every(({ message }) => !optionOf(message, "ia-na")));
});

test("[WRA-11] flags that change with every RA cause not one message more", () => {
  const quiet = new Script({}, undefined, 9);
  const noisy = new Script({}, undefined, 9);
  for (const script of [quiet, noisy]) script.give({ kind: "flags", managed: true, other: true });
  for (const script of [quiet, noisy]) script.link(true);
  for (let second = 1; second <= 60; second++) {
    noisy.give({ kind: "flags", managed: second % 2 === 0, other: second % 3 === 0 });
    for (const script of [quiet, noisy]) script.until(second);
  }
  assert.deepEqual(
    noisy.sent.map(({ kind, at }) => [kind, at]),
    quiet.sent.map(({ kind, at }) => [kind, at]),
  );
});

test("[WRA-9] the M flag of a network where a prefix is held already asks for the address by a Renew", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(10);
  script.give({ kind: "flags", managed: true, other: true });
  assert.equal(script.last.kind, "renew");
  assert.ok(optionOf(script.last.message, "ia-na"));
  script.answer("reply", iaPd(HOME), iaNa(ADDRESS));
  assert.deepEqual(
    script.fact.addresses.map(({ address }) => address),
    [ADDRESS],
  );
});
