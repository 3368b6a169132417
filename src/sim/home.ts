/** A whole home in virtual time: provider, gateway, one host on each LAN, and the invariants watching. */
import { ip6 } from "../addr/ip.ts";
import { type Random, seededRandom } from "../addr/random.ts";
import { type Duration, seconds } from "../addr/time.ts";
import type { Config } from "../config/config.ts";
import { parseConfig } from "../config/parse-config.ts";
import { type ProviderProfile, STARLINK } from "../lab/provider-profile.ts";
import { Cable } from "./cable.ts";
import { SimGateway } from "./gateway.ts";
import { SimHost } from "./host.ts";
import { Invariants } from "./invariants.ts";
import { SimRouterBehind } from "./router-behind.ts";
import { SimProvider } from "./provider-port.ts";
import { Simulation } from "./simulation.ts";

export interface SimHomeOptions {
  readonly seed: number;
  readonly profile?: ProviderProfile;
  /** TOML; two LANs when absent. */
  readonly config?: string;
  /** On each LAN two devices ask for a prefix and an address by DHCPv6. */
  readonly routersBehind?: boolean;
}

export const TWO_LANS = `
[wan]
interface = "wan0"

[lan.home]
interface = "lan0"

[lan.guest]
interface = "lan1"
`;

export interface SimHome {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly config: Config;
  readonly wan: Cable;
  readonly lans: ReadonlyMap<string, Cable>;
  readonly provider: SimProvider;
  readonly gateway: SimGateway;
  /** One by LAN interface. */
  readonly hosts: ReadonlyMap<string, SimHost>;
  readonly routersBehind: readonly SimRouterBehind[];
  readonly invariants: Invariants;
  pass(span: Duration): void;
}

/** A home whose gateway has not been started. Everything in it follows from the seed. */
export function createSimHome({ seed, profile = STARLINK, config: text = TWO_LANS, routersBehind = false }: SimHomeOptions): SimHome {
  const simulation = new Simulation();
  const random = seededRandom(seed);
  const config = parseConfig(text, "home.toml");
  const wan = new Cable(simulation, random);
  const lans = new Map(config.lans.map((lan) => [lan.interface, new Cable(simulation, random)]));
  const provider = new SimProvider(simulation, random, wan, profile);
  const cables = new Map([
    [config.wan.interface, { cable: wan, linkLocal: ip6("fe80::1:1") }],
    ...[...lans].map(([name, cable], index) => [name, { cable, linkLocal: ip6(`fe80::2:${index + 1}`) }] as const),
  ]);
  const gateway = new SimGateway({ simulation, random, config, cables });
  const hosts = new Map(
    [...lans].map(([name, cable], index) => [name, new SimHost({ simulation, random, cable, linkLocal: ip6(`fe80::3:${index + 1}`) })]),
  );
  const invariants = watch(gateway, simulation, cables, config.wan.interface);
  const look = config.wan.ipv4 === "dhcp" ? () => invariants.look() : undefined;
  return {
    simulation,
    random,
    config,
    wan,
    lans,
    provider,
    gateway,
    hosts,
    routersBehind: routersBehind ? [...lans.values()].flatMap((cable, lan) => twoRouters(simulation, random, cable, lan)) : [],
    invariants,
    pass: (span) => simulation.pass(span, look),
  };
}

function twoRouters(simulation: Simulation, random: Random, cable: Cable, lan: number): readonly SimRouterBehind[] {
  return [1, 2].map((number) => {
    const linkLocal = ip6(`fe80::4:${lan + 1}:${number}`);
    return new SimRouterBehind({ simulation, random, cable, linkLocal, requestAddress: true });
  });
}

function watch(
  gateway: SimGateway,
  simulation: Simulation,
  cables: ReadonlyMap<string, { readonly cable: Cable; readonly linkLocal: string }>,
  wan: string,
): Invariants {
  const invariants = new Invariants(gateway, () => simulation.now);
  for (const [name, { cable, linkLocal }] of cables) {
    cable.tap((from, frame) => {
      if (from !== linkLocal) return;
      if (name === wan) invariants.wanFrame(frame);
      else invariants.lanFrame(name, frame);
    });
  }
  return invariants;
}

/** A span that suits most scenarios: everything that starts has started. */
export const SETTLING = seconds(15);
