/** What the provider hears of us when nobody at home does anything. */
// Needs: ping, tcpdump, tshark
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createHome, NET_ADDRESS } from "../../src/lab/home.ts";

const TEN_MINUTES = 600_000;
/** Router and neighbour solicitations, neighbour advertisements, multicast listener reports, DHCP, ARP, and what the laptop asks for. */
const EXPECTED = "(icmpv6.type in {133, 135, 136, 143} || dhcpv6 || dhcp || arp || icmpv6.type == 128)";

test("[GEN-6] for ten minutes the WAN hears discovery, DHCP, listener reports and the hosts, and no routing protocol", async () => {
  await using home = await createHome();
  await using wan = await home.capture("wan");
  await home.startSkylan();
  const laptop = await home.globalAddress("laptop");
  await sleep(TEN_MINUTES);
  const reached = await home.laptop.attempt("ping", "-6", "-c", "1", "-W", "1", NET_ADDRESS);
  assert.equal(reached.code, 0, "the home is on the internet all the time");
  const mac = (await home.gateway.exec("cat", "/sys/class/net/wan/address")).trim();
  const ours = `eth.src == ${mac}`;
  const seen = async (filter: string) => wan.packets(filter, "frame.number", "_ws.col.Protocol", "_ws.col.Info");
  await home.until(async () => (await seen(`${ours} && icmpv6.type == 128 && ipv6.src == ${laptop}`)).length > 0, {
    within: 5000,
    what: "the capture has the laptop's request",
    every: 300,
  });
  assert.ok((await seen(`${ours} && dhcpv6.msgtype == 5`)).length > 3, "the capture has the renewals of ten minutes");
  assert.deepEqual(await seen(`${ours} && !${EXPECTED}`), []);
});
