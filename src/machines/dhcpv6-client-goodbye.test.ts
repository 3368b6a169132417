import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ip6, ip6 } from "../addr/ip.ts";
import { optionOf } from "../wire/dhcpv6.ts";
import { ADDRESS, gaps, HOME, iaNa, iaPd, iaPdWith, namedPrefixes, Script, SERVER, status } from "./dhcpv6-client.fixture.ts";

test("[D6P-17] an address that another node uses is declined, and only it; later a Renew asks for another one", () => {
  const script = new Script({ requestAddress: "always" });
  script.bind(iaPd(HOME), iaNa(ADDRESS)).pass(3);
  script.give({ kind: "duplicate", address: ADDRESS });
  assert.deepEqual(script.fact.addresses, []);
  assert.deepEqual(script.prefixes, [HOME]);
  assert.equal(script.last.kind, "decline");
  assert.equal(optionOf(script.last.message, "ia-pd"), undefined);
  assert.equal(optionOf(optionOf(script.last.message, "ia-na")!, "ia-address")?.address, ADDRESS);
  script.answer("reply", status("Success")).pass(11);
  assert.equal(script.last.kind, "renew");
  const other = ip6("2605:59c8:1000::5678");
  script.answer("reply", iaPd(HOME), iaNa(other));
  assert.deepEqual(
    script.fact.addresses.map(({ address }): Ip6 => address),
    [other],
  );
});

test("[D6T-12] Decline and Release are sent 4 times to a mute server, 1 s apart at first, then the matter is done", () => {
  const declining = new Script({ requestAddress: "always" });
  declining.bind(iaNa(ADDRESS)).pass(3);
  declining.give({ kind: "duplicate", address: ADDRESS });
  declining.pass(60);
  assert.equal(declining.of("decline").length, 4);
  assert.ok(gaps(declining.of("decline")).every((gap, i) => gap > 0.8 * 2 ** i && gap < 1.3 * 2 ** i));
  assert.equal(declining.last.kind, "solicit");

  const releasing = new Script();
  releasing.bind(iaPd(HOME)).pass(3);
  releasing.give({ kind: "release" });
  releasing.pass(600);
  assert.equal(releasing.of("release").length, 4);
  assert.equal(new Set(releasing.of("release").map(({ message }) => message.transactionId)).size, 1);
  assert.equal(releasing.fact.state, "stopped");
  assert.equal(releasing.client.wakeAt(), undefined);
});

test("[D6T-12] NoBinding in the answer to a Release is success", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(3);
  script.give({ kind: "release" });
  script.pass(4);
  script.answer("reply", iaPdWith([status("NoBinding")]), status("NoBinding")).pass(60);
  assert.equal(script.of("release").length, 1);
  assert.equal(script.fact.state, "stopped");
});

test("[D6T-13] Release comes only by command; the prefix is out of use and saved as such before, and the LAN has time to hear of it", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(3);
  script.outputs.length = 0;
  const at = script.now;
  script.give({ kind: "release" });
  assert.deepEqual(
    script.outputs.filter(({ kind }) => kind !== "note").map(({ kind }) => kind),
    ["save", "fact"],
  );
  assert.deepEqual(script.prefixes, []);
  assert.equal(script.fact.state, "releasing");
  script.pass(5);
  const [release] = script.of("release");
  assert.ok(release && release.at - at >= 3.5);
  assert.deepEqual(namedPrefixes(release.message), [HOME]);
  assert.equal(optionOf(release.message, "server-id")?.duid, SERVER);
});

test("after a Release nothing is asked for until the owner wants it", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(3);
  script.give({ kind: "release" });
  script.pass(4).answer("reply").pass(100);
  script.link(false).link(true);
  script.give({ kind: "resume" });
  script.give({ kind: "flags", managed: true, other: true });
  script.pass(100);
  assert.equal(script.last.kind, "release");
  script.give({ kind: "refresh" });
  assert.equal(script.last.kind, "solicit");
});

test("the owner's wish for news renews what is held, at once", () => {
  const script = new Script();
  script.bind(iaPd(HOME)).pass(3);
  script.give({ kind: "refresh" });
  assert.equal(script.last.kind, "renew");
  assert.equal(script.last.at, script.now);
});
