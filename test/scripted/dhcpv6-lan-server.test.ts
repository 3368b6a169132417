/** A DHCPv6 server where none should be: on a LAN. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ip6 } from "../../src/addr/ip.ts";
import { mac } from "../../src/addr/mac.ts";
import { createHome } from "../../src/lab/home.ts";
import { ELSEWHERE, HOME, OTHER_SERVER } from "../../src/machines/dhcpv6-client.fixture.ts";
import { optionOf } from "../../src/wire/dhcpv6.ts";
import { scriptedProvider } from "./scripted-provider.ts";

const ROGUE = { from: ip6("fe80::bad"), sourceMac: mac("02:00:00:00:0b:ad"), server: OTHER_SERVER, prefixes: [ELSEWHERE] };

test("[D6E-6] a DHCPv6 server on a LAN is named in the status, and nothing that it says reaches the client, not even with the WAN's transaction id", async () => {
  await using home = await createHome({ isp: "none" });
  using provider = scriptedProvider(home);
  using rogue = scriptedProvider(home, { host: "laptop", interface: "eth0" });
  rogue.serve(ROGUE, "none");
  await home.startSkylan();
  const question = await rogue.next("information-request");
  assert.equal(optionOf(question.message, "ia-pd"), undefined);
  const solicit = await provider.next("solicit", { within: 20_000 });
  // The same machine, asked on the other link: to its LAN address.
  const onLan = { ...solicit, from: question.from, sourceMac: question.sourceMac };
  rogue.answer(onLan, { ...ROGUE, options: [{ kind: "preference", value: 255 }] });
  provider.answer(solicit);
  const request = await provider.next("request");
  rogue.answer(
    { ...request, from: onLan.from, sourceMac: onLan.sourceMac },
    { ...ROGUE, server: optionOf(request.message, "server-id")!.duid },
  );
  await rogue.listen(300);
  assert.deepEqual((await home.status()).delegations, []);
  provider.answer(request);
  await home.until(async () => (await home.status()).delegations.length > 0, { within: 3000, what: "the lease is held" });

  const { delegations, lans, dhcpv6, events } = await home.status();
  assert.deepEqual(
    delegations.map(({ prefix }) => prefix),
    [HOME],
  );
  assert.notEqual(dhcpv6.serverDuid, OTHER_SERVER);
  assert.deepEqual(lans[0]!.dhcpv6Servers, [{ address: ROGUE.from, duid: OTHER_SERVER }]);
  assert.ok(events.some(({ level, text }) => level === "warning" && text.includes(ROGUE.from)));
  assert.match((await home.runSkylan("status")).stdout, /DHCPv6 server\s+fe80::bad/);
  assert.deepEqual(
    [...new Set(rogue.heard.filter(({ sourceMac }) => sourceMac === question.sourceMac).map(({ kind }) => kind))],
    ["information-request"],
  );
});
