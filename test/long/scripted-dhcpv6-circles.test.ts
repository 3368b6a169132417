/** Ten minutes with servers that lead the client into circles. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHome } from "../../src/lab/home.ts";
import { status } from "../../src/machines/dhcpv6-client.fixture.ts";
import { assertElapsedTimes, mostWithin } from "../scripted/client-manners.ts";
import { type Script, scriptedProvider } from "../scripted/scripted-provider.ts";

const refused = { prefixes: [status("NoPrefixAvail")] };
const forgotten = { ias: [status("NoBinding")], status: "NoBinding" } as const;

const CIRCLES: Readonly<Record<string, Script>> = {
  "advertises and then refuses": ({ kind }) => (kind === "solicit" ? {} : refused),
  "leases for a second": { preferred: 1, valid: 1 },
  "forgets at every Renew": ({ kind }) => (kind === "renew" || kind === "rebind" ? forgotten : { t1: 1, t2: 2, preferred: 4, valid: 8 }),
  "has no record of what it has just advertised": ({ kind }) => (kind === "solicit" ? {} : forgotten),
};

describe("ten minutes in a circle", { concurrency: true }, () => {
  for (const [what, script] of Object.entries(CIRCLES)) {
    test(`[D6T-15] with a server that ${what}: never more than 20 messages in 20 s`, async () => {
      await using home = await createHome({ isp: "none" });
      using provider = scriptedProvider(home);
      await home.startSkylan();
      provider.serve(script);
      await provider.next("solicit", { within: 20_000 });
      await provider.listen(600_000);
      assert.ok(provider.heard.length >= 8, `${provider.heard.length} messages`);
      assert.ok(mostWithin(provider.heard, 20) <= 20, `${mostWithin(provider.heard, 20)} messages in 20 s`);
      assertElapsedTimes(provider.heard);
    });
  }
});
