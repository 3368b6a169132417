/** What tests about delegations look at, and the usual way to a first lease. */
import { type Ip6, ip6 } from "../../src/addr/ip.ts";
import { type Prefix, prefix } from "../../src/addr/prefix.ts";
import { createHome, type Home, type HomeOptions } from "../../src/lab/home.ts";
import type { ConfigTables } from "../../src/lab/skylan-process.ts";
import { namedPrefixes } from "../../src/machines/dhcpv6-client.fixture.ts";
import { type LinkWatch, prefixesOf, type SeenRa, watchLink } from "../fixtures/link-watch.ts";
import { type Heard, type ScriptedProvider, scriptedProvider } from "./scripted-provider.ts";

/** Others than HOME and ELSEWHERE. */
export const THIRD = prefix("2605:59c8:3300::/56");
export const OWN_RESOLVER = ip6("2620:fe::fe");

/** A home with a scripted provider and an eye on its first LAN, where skylan runs. */
export interface Scene extends AsyncDisposable {
  readonly home: Home;
  readonly provider: ScriptedProvider;
  readonly lan: LinkWatch;
}

/** Makes a scene; `config` as for startSkylan. */
export async function createScene(config: ConfigTables = {}, options: HomeOptions = {}): Promise<Scene> {
  const home = await createHome({ ...options, isp: "none" });
  const provider = scriptedProvider(home);
  const lan = watchLink(home.hosts[0]!);
  const end = async (): Promise<void> => {
    provider[Symbol.dispose]();
    lan[Symbol.dispose]();
    await home[Symbol.asyncDispose]();
  };
  try {
    await home.startSkylan(config);
  } catch (error) {
    await end();
    throw error;
  }
  return { home, provider, lan, [Symbol.asyncDispose]: end };
}

/** The prefixes that are held, sorted. */
export async function held(home: Home): Promise<readonly Prefix[]> {
  return (await home.status()).delegations.map((delegation) => delegation.prefix).toSorted();
}

/** @throws NotInTime when these prefixes, sorted, and no others are not held within some seconds */
export async function untilHeld(home: Home, ...prefixes: readonly Prefix[]): Promise<void> {
  const wanted = prefixes.toSorted().join();
  await home.until(async () => (await held(home)).join() === wanted, { within: 5_000, what: `these are held: ${wanted || "none"}` });
}

/** The /64s of each LAN, sorted, without the home's own unique local one. */
export async function subnets(home: Home): Promise<readonly (readonly Prefix[])[]> {
  const { lans } = await home.status();
  const global = ({ prefix: subnet }: { readonly prefix: Prefix }): boolean => !subnet.startsWith("fd");
  return lans.map((lan) =>
    lan.subnets
      .filter(global)
      .map((subnet) => subnet.prefix)
      .toSorted(),
  );
}

/** The addresses on the WAN that were leased. */
export async function leasedAddresses(home: Home): Promise<readonly Ip6[]> {
  const { wan } = await home.status();
  return wan.addresses.filter(({ origin }) => origin === "leased").map(({ address }) => address);
}

/** Lets the client ask its provider now; returns its Renew. @throws NotInTime */
export async function refreshed({ home, provider }: Scene): Promise<Heard> {
  provider.passOver();
  await home.runSkylan("refresh");
  return provider.next("renew");
}

/** The prefixes that a message names, sorted. */
export const named = ({ message }: Heard): readonly Prefix[] => namedPrefixes(message).toSorted();

/** What an advertisement says of global prefixes, e.g. "2605:59c8:1200::/64": [150, 300]. */
export function told(ra: SeenRa): Readonly<Record<string, readonly [number, number]>> {
  const global = prefixesOf(ra).filter((option) => !option.prefix.startsWith("fd"));
  return Object.fromEntries(global.map((option) => [option.prefix, [option.preferred, option.valid]]));
}
