/**
 * `bench plan`: plan and diff for a home of 64 LANs as the number of devices grows to 10,000. Before openings per device exist, a device weighs by what it
 * brings to the plan: an opened port of its own.
 */
import { performance } from "node:perf_hooks";
import { ip6 } from "../src/addr/ip.ts";
import { prefix } from "../src/addr/prefix.ts";
import { instant } from "../src/addr/time.ts";
import type { Config, LanConfig, Opening } from "../src/config/config.ts";
import { parseConfig } from "../src/config/parse-config.ts";
import { diff } from "../src/diff/diff.ts";
import type { Facts } from "../src/plan/facts.ts";
import type { LinkFact, Observed } from "../src/plan/kernel-state.ts";
import { plan } from "../src/plan/plan.ts";
import { mac } from "../src/addr/mac.ts";
import { median, type Report } from "./figures.ts";

const LANS = 64;
const SIZES = [1250, 2500, 5000, 10_000];
const ROUNDS = 15;
const LIMIT = 100;

export function run(): Promise<readonly Report[]> {
  const rows = SIZES.map((devices) => ({ name: `${LANS} LANs, ${devices} devices`, samples: measure(devices) }));
  const largest = median(rows.at(-1)!.samples);
  const perDevice = rows.map(({ samples }, index) => (1000 * median(samples)) / SIZES[index]!);
  const linear = perDevice.at(-1)! <= 1.5 * perDevice[1]!;
  const report: Report = {
    name: "plan",
    unit: "ms for plan + diff",
    rows: rows.reverse(),
    targets: [
      { what: `below ${LIMIT} ms: ${largest.toFixed(1)} ms`, met: largest < LIMIT },
      { what: "linear: the time per device does not grow", met: linear },
    ],
    remarks: [`us per device, from ${SIZES[0]} to ${SIZES.at(-1)}: ${perDevice.map((value) => value.toFixed(1)).join(", ")}`],
  };
  return Promise.resolve([report]);
}

function measure(devices: number): number[] {
  const config = homeOf(devices);
  const facts = factsOf(config);
  let observed = emptyKernel(facts.links);
  return Array.from({ length: ROUNDS + 3 }, (_, round) => {
    // Another prefix each round: nothing of the round before can be used again.
    const moved = { ...facts, dhcpv6: { ...facts.dhcpv6!, delegated: [delegated(round)] } };
    const start = performance.now();
    const now = instant(1000 + round);
    const desired = plan(config, moved, now).kernel;
    diff(desired, observed, now);
    const elapsed = performance.now() - start;
    // The kernel lists everything anew: the next comparison is not with the very object that was planned.
    observed = { ...observed, ...structuredClone(desired) };
    return elapsed;
  }).slice(3);
}

function homeOf(devices: number): Config {
  const base = parseConfig('[wan]\ninterface = "wan"\n\n[lan.home]\ninterface = "lan"\n', "bench.toml");
  const perLan = Math.ceil(devices / LANS);
  const lans = Array.from({ length: LANS }, (_, index): LanConfig => {
    const open = Array.from(
      { length: perLan },
      (_each, device): Opening => ({ protocol: "tcp", from: 1024 + 2 * device, to: 1024 + 2 * device }),
    );
    return { ...base.lans[0]!, name: `lan${index}`, interface: `lan${index}`, open };
  });
  return { ...base, lans };
}

function factsOf(config: Config): Facts {
  const names = [config.wan.interface, ...config.lans.map((lan) => lan.interface)];
  return {
    links: names.map(
      (name, index): LinkFact => ({
        index: index + 1,
        name,
        mac: mac("02:00:00:00:00:01"),
        mtu: 1500,
        up: true,
        carrier: true,
        carrierLosses: 0,
        linkLocal: ip6(`fe80::${index + 1}`),
      }),
    ),
    ra: undefined,
    dhcpv6: { state: "bound", delegated: [delegated(0)], addresses: [], resolvers: [], searchDomains: [], ntpServers: [], passedOn: [] },
    lans: {},
    subnets: {},
    ula: prefix("fd00:1:2::/48"),
    secret: new Uint8Array(32),
    refused: {},
    lanServers: {},
    dhcpv6Server: undefined,
    dhcpv4: undefined,
  };
}

function delegated(round: number) {
  const lease = { preferredUntil: instant(150_000), validUntil: instant(300_000) };
  return { iaid: 1, prefix: prefix(`2605:59c8:${(0x1200 + round).toString(16)}::/56`), ...lease };
}

function emptyKernel(links: readonly LinkFact[]): Observed {
  return { links, up: [], addresses: [], routes: [], sysctls: {}, ruleset: undefined, tentative: [], duplicates: [], unreachable: [] };
}
