/** An hour with a provider that leases for 150/300 s and a LAN that loses every fifth advertisement. */
// Needs: ping
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHome, NET_ADDRESS } from "../../src/lab/home.ts";
import { DELEGATED, gaps, JITTER, leases, prefixIn, watchLink } from "../fixtures/link-watch.ts";

const HOUR = 3600;

describe("an hour", { concurrency: 2 }, () => {
  test("[RA-3] with leases of 150/300 s and a fifth of the advertisements lost no address of a Linux host is ever deprecated (case 20)", async () => {
    await using home = await createHome();
    using lan = watchLink(home.camera);
    using wan = watchLink(home.host("isp"), "customer");
    await home.startSkylan();
    const address = await home.globalAddress("laptop");
    await home.link("lan").lose("gateway", { percent: 20, only: "icmpv6 type nd-router-advert" });
    const monitor = home.laptop.spawn(["ip", "-6", "monitor", "address"]);
    const from = Date.now() / 1000;
    const isOver = (): boolean => Date.now() / 1000 > from + HOUR;
    await home.until(isOver, { within: (HOUR + 60) * 1000, what: "the hour is over", every: 1000 });
    assert.doesNotMatch(monitor.output, /deprecated|Deleted/);
    assert.match(monitor.output, new RegExp(address));
    assert.equal((await home.addresses("laptop")).find((each) => each.address === address)?.state, "preferred");
    assert.ok(leases(wan).filter(({ at }) => at > from).length >= HOUR / 80, "it was renewed all the time");
    for (const gap of gaps(lan.multicasts)) assert.ok(gap >= 3 - JITTER && gap < 150, `${gap} s`);
    for (const ra of lan.since(from)) assert.ok(prefixIn(ra, DELEGATED)!.preferred > 30);
    assert.equal((await home.laptop.attempt("ping", "-6", "-c3", NET_ADDRESS)).code, 0);
  });

  test("[WRA-2] a provider that is silent for five minutes is asked after 4, 8, 16, 32, 64 and 128 s", async () => {
    await using home = await createHome({ isp: "none" });
    using wan = watchLink(home.host("isp"), "customer");
    await home.startSkylan();
    const asked = () => wan.ndp.filter(({ sent, message }) => !sent && message.kind === "router-solicitation");
    await home.until(() => asked().length >= 7, { within: 500_000, what: "seven solicitations have come", every: 1000 });
    const between = gaps(asked());
    for (const [i, expected] of [4, 8, 16, 32, 64, 128].entries()) {
      const [least, most] = [expected * 0.9 ** (i + 1), expected * 1.1 ** (i + 1)];
      assert.ok(between[i]! >= least - JITTER && between[i]! <= most + 1, `${between.join(", ")} s`);
    }
  });
});
