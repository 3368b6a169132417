/** A device on the LAN that claims the gateway's own addresses. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Ip6, UNSPECIFIED } from "../../src/addr/ip.ts";
import { type Mac, mac } from "../../src/addr/mac.ts";
import { createHome, type Home } from "../../src/lab/home.ts";
import { DELEGATED, gaps, JITTER, type LinkWatch, type Speaker, watchLink } from "../fixtures/link-watch.ts";
import { claimAddresses } from "./claimed-addresses.ts";

const PEER: Speaker = { mac: mac("02:00:00:00:00:66"), linkLocal: "fe80::66" as Ip6 };
const UNIQUE_LOCAL = "fd12:3456:789a:";

describe("a device on the LAN that claims each address", () => {
  let home: Home;
  let lan: LinkWatch;
  let gateway: Mac;
  /** Two of the delegation; of the unique local ones all that are tried. */
  const [delegated, local] = [
    { beginning: DELEGATED, count: 2 },
    { beginning: UNIQUE_LOCAL, count: 99 },
  ];

  before(async () => {
    home = await createHome();
    lan = watchLink(home.laptop);
    gateway = mac((await home.gateway.exec("cat", "/sys/class/net/lan/address")).trim());
    // The switch forwards a moment after the link is up: a probe before that would be lost, and nobody could claim the address.
    await home.gateway.ip("link set lan up");
    const ready = async (): Promise<boolean> =>
      (await home.gateway.exec("ip", "-6", "addr", "show", "dev", "lan", "-tentative")).includes("fe80::");
    await home.until(ready, { within: 5000, what: "the LAN is up" });
    for (const claims of [delegated, local]) claimAddresses(lan, PEER, gateway, claims);
    await home.startSkylan({ top: { "ula.prefix": `${UNIQUE_LOCAL}:/48` } });
  });
  after(async () => {
    lan?.[Symbol.dispose]();
    await home?.[Symbol.asyncDispose]();
  });

  /** The first probe of each address, in their order. */
  const tried = (beginning: string): readonly { readonly at: number; readonly address: string }[] => {
    const first = new Map<string, number>();
    for (const { at, message, packet, sourceMac } of lan.ndp) {
      if (sourceMac !== gateway || message.kind !== "neighbor-solicitation" || packet.source !== UNSPECIFIED) continue;
      if (message.target.startsWith(beginning) && !first.has(message.target)) first.set(message.target, at);
    }
    return [...first].map(([address, at]) => ({ at, address }));
  };
  const assertASecondApart = (beginning: string): void => {
    for (const gap of gaps(tried(beginning))) assert.ok(gap >= 1 - JITTER, `tried ${gap} s after the one before`);
  };
  const addressIn = async (beginning: string): Promise<string | undefined> => {
    const shown = await home.gateway.exec("ip", "-6", "-oneline", "addr", "show", "dev", "lan", "scope", "global", "-tentative");
    return /inet6 (\S+)\//.exec(shown.split("\n").find((line) => line.includes(` ${beginning}`)) ?? "")?.[1];
  };
  const problem = async () => (await home.status()).problems.find(({ name }) => name === "address.duplicate");

  test("[WRA-7] when two identifiers are taken the third one serves, and what goes on elsewhere in the LAN does not move it", async () => {
    const used = await home.until(() => addressIn(DELEGATED), { within: 25_000, what: "the third identifier is used" });
    assert.equal(tried(DELEGATED).length, 3);
    assert.equal(tried(DELEGATED)[2]!.address, used);
    assertASecondApart(DELEGATED);
  });

  test("[WRA-7] after three further identifiers it gives up for the time being, tells the owner which LAN and which address, and serves on", async () => {
    const told = await home.until(problem, { within: 20_000, what: "the owner is told" });
    assert.equal(tried(UNIQUE_LOCAL).length, 4);
    assert.ok(told.text.includes('"home"') && told.text.includes(tried(UNIQUE_LOCAL)[3]!.address), told.text);
    assertASecondApart(UNIQUE_LOCAL);
    const from = lan.ndp.length;
    await sleep(12_000);
    const probed = lan.ndp.slice(from).filter(({ sourceMac, packet }) => sourceMac === gateway && packet.source === UNSPECIFIED);
    assert.deepEqual(probed, [], "no look at the kernel makes another try");
    assert.equal(await addressIn(UNIQUE_LOCAL), undefined);
    await home.globalAddress("laptop");
  });

  test("[WRA-7] when the cable was out and the device has gone, the first identifier is tried again and used, and the problem is over", async () => {
    local.count = 0;
    const settled = await addressIn(DELEGATED);
    await home.link("lan").cut("gateway");
    await home.until(async () => !(await home.status()).lans[0]!.carrier, { within: 5000, what: "the cable is out" });
    await home.link("lan").mend("gateway");
    const used = await home.until(() => addressIn(UNIQUE_LOCAL), { within: 8000, what: "the gateway has its address" });
    assert.equal(used, tried(UNIQUE_LOCAL)[0]!.address);
    assert.equal(await addressIn(DELEGATED), settled, "the other one stays what it was");
    await home.until(async () => (await problem()) === undefined, { within: 3000, what: "the problem is over" });
  });
});
