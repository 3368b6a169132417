/** The kernel lists the planned rule set as it was asked for: otherwise each look at the kernel would find a difference and load it anew. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { prefix } from "../../src/addr/prefix.ts";
import { parseConfig } from "../../src/config/parse-config.ts";
import { listTable, openNftables, runProgram } from "../../src/kernel/nftables.ts";
import { createNamespace } from "../../src/kernel/setns.ts";
import type { Facts } from "../../src/plan/facts.ts";
import type { Ruleset } from "../../src/plan/kernel-state.ts";
import { plan } from "../../src/plan/plan.ts";
import { canonicalRuleset } from "../../src/wire/nft-json.ts";
import { bound, delegation, factsOf, leased, NOW } from "../fixtures/home-facts.ts";

const OPENINGS = `open = ["tcp/22", "tcp/80-90", "tcp/85-100", "udp/5000-5010"]\n`;
const manyLans = (count: number): string =>
  Array.from({ length: count }, (_, i) => `[lan.n${i}]\ninterface = "vlan${i}"\n${i % 2 ? OPENINGS : ""}`).join("");

const IPV4 = 'ipv4 = "dhcp"\n';
const HOMES: Readonly<Record<string, Ruleset>> = {
  "a home without a prefix": rulesetOf(`[lan.home]\ninterface = "eth0"\n`, { dhcpv6: bound([]) }),
  "one LAN": rulesetOf(`[lan.home]\ninterface = "eth0"\n`),
  "LANs and openings, ULA, two delegations, one with an excluded part": rulesetOf(
    `[lan.home]\ninterface = "br-lan"\n${OPENINGS}[lan.guest]\ninterface = "wlan0"\n[lan.iot]\ninterface = "enp3s0f1np1.10"\n${OPENINGS}[gateway]\n${OPENINGS}[ula]\nprefix = "auto"\n`,
    {
      dhcpv6: bound([
        delegation("2605:59c8:1200::/56"),
        delegation("2605:59c8:3400::/60", { excluded: prefix("2605:59c8:3400::/64") }),
        delegation("2605:59c8:5600::/64"),
      ]),
    },
  ),
  "sixty-four LANs": rulesetOf(manyLans(64)),
  "IPv4 without a lease": rulesetOf(`[lan.home]\ninterface = "eth0"\n`, {}, IPV4),
  "IPv4 with a lease, and LANs of several lengths": rulesetOf(
    `[lan.home]\ninterface = "eth0"\n${OPENINGS}[lan.guest]\ninterface = "wlan0"\nipv4 = "10.0.0.1/8"\n[lan.iot]\ninterface = "eth3"\nipv4 = "off"\n`,
    { dhcpv4: leased() },
    IPV4,
  ),
};

for (const [name, ruleset] of Object.entries(HOMES)) {
  test(`the rules of ${name} are listed as they were asked for`, (t) => {
    inNamespace(t, () => {
      const nft = openNftables();
      nft.run(
        ruleset.map((object) => ({ add: object })),
        "load the rules",
      );
      assert.deepEqual(lines(listTable(nft, "inet", "skylan")!), lines(ruleset));
    });
  });
}

test("the program nft lists the rules like the library", (t) => {
  inNamespace(t, () => {
    const ruleset = HOMES["one LAN"]!;
    runProgram(
      ruleset.map((object) => ({ add: object })),
      "load the rules",
    );
    assert.deepEqual(lines(listTable({ run: runProgram }, "inet", "skylan")!), lines(ruleset));
  });
});

/** One line for each object, as the diff compares them. */
const lines = (ruleset: Ruleset): readonly string[] => canonicalRuleset(ruleset).map((object) => JSON.stringify(object));

function rulesetOf(lans: string, facts: Partial<Facts> = {}, wan = ""): Ruleset {
  return plan(parseConfig(`[wan]\ninterface = "eth8"\n${wan}${lans}`, "test.toml"), factsOf(facts), NOW).kernel.ruleset!;
}

function inNamespace(t: TestContext, action: () => void): void {
  const namespace = createNamespace();
  t.after(() => namespace.close());
  namespace.run(action);
}
