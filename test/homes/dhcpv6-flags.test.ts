/** What radvd's flags start, with Kea as the server. */
// Needs: radvd, kea-dhcp6, tcpdump, tshark
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createHome } from "../../src/lab/home.ts";

const IA_NA = "3";
const IA_PD = "25";

describe("radvd's flags", { concurrency: true }, () => {
  for (const [managed, other] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const) {
    test(`[WRA-9] M=${Number(managed)} O=${Number(other)}: the Solicit asks for a prefix${managed ? " and an address" : " alone"}, and Kea delegates one`, async () => {
      await using home = await createHome({ isp: "kea", provider: { advertising: { managed, other, minInterval: 3, maxInterval: 4 } } });
      await using capture = await home.capture("wan");
      await home.startSkylan();
      await home.until(async () => (await home.status()).wan.flags, { within: 15_000, what: "the RA is heard" });
      await home.until(async () => (await home.status()).delegations.length === 1, { within: 15_000, what: "a prefix is delegated" });
      const asked = async (): Promise<boolean> => {
        const messages = await capture.packets("dhcpv6.msgtype in {1, 3, 5}", "dhcpv6.option.type");
        const options = messages.map(([types]) => types!.split(","));
        assert.ok(options.length > 0 && options.every((types) => types.includes(IA_PD)));
        return options.some((types) => types.includes(IA_NA)) === managed;
      };
      await home.until(asked, { within: 5000, every: 500, what: `an address is${managed ? "" : " not"} asked for` });
    });
  }
});
