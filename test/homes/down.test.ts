/** `skylan down` leaves the box as it was: compared line by line, whatever the kernel had made by itself before skylan came. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHome, type Home } from "../../src/lab/home.ts";
import type { Namespace } from "../../src/lab/namespace.ts";
import { type BoxState, boxState } from "../fixtures/box-state.ts";
import { watchLink } from "../fixtures/link-watch.ts";

describe("after `skylan down` nothing is different", { concurrency: true }, () => {
  test("on a box that was a host of the provider: its address and its default route are the kernel's own again", async () => {
    await using home = await createHome();
    const { gateway } = home;
    await gateway.ip("link set wan up\nlink set lan up");
    await home.until(() => isHost(gateway), { within: 20_000, what: "the kernel has obeyed the provider's advertisement" });
    const before = await boxState(gateway);

    await home.startSkylan();
    await home.globalAddress("laptop");
    assert.equal(await isHost(gateway), false, "forwarding has cost the kernel its default route");
    using wan = watchLink(home.host("isp"), "customer");
    assert.equal((await home.runSkylan("down")).code, 0);
    await assertBecomes(home, before);
    const asked = wan.ndp.filter(({ sent, message }) => !sent && message.kind === "router-solicitation");
    assert.equal(asked.length, 1, "the routers are asked once, so that this does not wait for their next advertisement");
  });

  test("on a box whose interfaces were down, whose owner had a firewall, a route and a forwarding tunnel", async () => {
    await using home = await createHome();
    const { gateway } = home;
    await gateway.ip("link add tunnel type bridge\nlink set tunnel up\naddr add fd77::1/64 dev tunnel\nroute add fd78::/64 via fd77::2");
    await gateway.sysctl({ "ipv6/conf/tunnel/forwarding": 1, "ipv6/conf/wan/accept_redirects": 0 });
    await gateway.exec(
      "nft",
      "add table inet mine; add chain inet mine in { type filter hook input priority 5; }; add rule inet mine in accept",
    );
    await home.until(async () => !(await gateway.exec("ip", "-6", "addr")).includes("tentative"), { within: 5000, what: "it is quiet" });
    const before = await boxState(gateway);

    const skylan = await home.startSkylan();
    await home.globalAddress("laptop");
    await skylan.kill("SIGKILL");
    const { code, stderr } = await home.runSkylan("down");
    assert.equal(code, 0, stderr);
    await assertBecomes(home, before);
  });

  test("and a second `down`, and one on a box that never saw skylan, change nothing either", async () => {
    await using home = await createHome({ isp: "none" });
    await home.startSkylan();
    assert.equal((await home.runSkylan("down")).code, 0);
    const before = await boxState(home.gateway);
    assert.equal((await home.runSkylan("down")).code, 0);
    await assertBecomes(home, before);
  });
});

/** The kernel has a default route and an address that it made by itself. */
async function isHost(gateway: Namespace): Promise<boolean> {
  const routes = await gateway.exec("ip", "-6", "route", "show", "default", "proto", "ra");
  const addresses = await gateway.exec("ip", "-6", "addr", "show", "dev", "wan", "scope", "global", "-tentative");
  return routes !== "" && addresses !== "";
}

async function assertBecomes(home: Home, before: BoxState): Promise<void> {
  const isSame = async (): Promise<boolean> => JSON.stringify(await boxState(home.gateway)) === JSON.stringify(before);
  await home.until(isSame, { within: 5000, every: 300, what: "everything is as before" }).catch(() => undefined);
  assert.deepEqual(await boxState(home.gateway), before);
}
