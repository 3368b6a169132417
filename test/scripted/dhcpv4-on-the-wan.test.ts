/** Who asks for IPv4 from the provider's side of the router. */
// Needs: udhcpc
import assert from "node:assert/strict";
import { test } from "node:test";
import { createHome } from "../../src/lab/home.ts";

const DISCOVER = ["udhcpc", "-f", "-n", "-q", "-t", "3", "-T", "1", "-s", "/bin/true", "-i"];

test("[D6S-8] a DISCOVER on the WAN is not answered, while the LAN is served", async () => {
  await using home = await createHome({ isp: "none" });
  await home.startSkylan({ wan: { ipv4: "dhcp" } });
  const served = await home.until(async () => (await home.laptop.attempt(...DISCOVER, "eth0")).stderr.includes("obtained"), {
    within: 30_000,
    what: "the laptop is leased an address",
  });
  assert.ok(served);
  const { stdout, stderr } = await home.host("isp").attempt(...DISCOVER, "customer");
  assert.match(stdout + stderr, /no lease/);
  assert.doesNotMatch(stdout + stderr, /obtained/);
});
