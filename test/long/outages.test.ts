/** Outages as long as they are, with the lifetimes of the real provider: 150/300 s. */
// Needs: ping
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createHome, NET_ADDRESS } from "../../src/lab/home.ts";

const VALID = 300;

describe("an outage", { concurrency: true }, () => {
  for (const span of [10, 60, 290, 310, 3600]) {
    test(`[ROB-2] of ${span} s heals by itself within 5 s, with the same prefix`, async () => {
      await using home = await createHome();
      await home.startSkylan();
      await home.globalAddress("laptop");
      const held = async (): Promise<string | undefined> => (await home.status()).delegations[0]?.prefix;
      const before = await held();
      await home.cutWan();
      await sleep(span * 1000);
      if (span > VALID) assert.equal(await held(), undefined);
      await home.mendWan();
      // Duplicate address detection of the link-local address comes first: about 2 s.
      const renewed = async (): Promise<boolean> => ((await home.status()).delegations[0]?.valid ?? 0) > VALID - 10;
      await home.until(renewed, { within: 5000, what: "the lease is held and prolonged" });
      assert.equal(await held(), before);
      const reaches = async (): Promise<boolean> => (await home.laptop.attempt("ping", "-6", "-c", "1", "-W", "1", NET_ADDRESS)).code === 0;
      await home.until(reaches, { within: 10_000, what: "the laptop reaches the internet again" });
    });
  }
});
