/**
 * A Starlink home in network namespaces:
 *
 *     net ──internet── isp ──wan── gateway ──lan── laptop, camera
 *
 * `isp` is the provider's router, `gateway` is where skylan runs, `net` is a host on the internet; the hosts behind the gateway are plain Linux. Each home
 * stands for itself: many can run side by side, and a home goes with the process that made it.
 */
import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../api/status.ts";
import { connect, Link, type Plug } from "./cable.ts";
import type { Capture } from "./capture.ts";
import { hostAddresses, type HostAddress } from "./host-address.ts";
import { type Isp, type IspChanges, type IspKind, startIsp } from "./isp.ts";
import { type CommandResult, Namespace, toolEnvironment } from "./namespace.ts";
import { STARLINK } from "./provider-profile.ts";
import { type ConfigTables, formatConfig, runSkylan, type Skylan, type SkylanSite, startSkylan, writeLaunchers } from "./skylan-process.ts";
import { until, type Waiting } from "./until.ts";

/** The lab's internet: global addresses that nobody uses, and no documentation prefix, because a conforming router drops those. */
export const NET_ADDRESS = "2a0d:7f00:1::80";
const ISP_NET_ADDRESS = "2a0d:7f00:1::1";
/** And of IPv4: for benchmarks of networks (RFC 2544), so that nobody is there. */
export const NET_ADDRESS_IPV4 = "198.18.0.80";
const ISP_NET_ADDRESS_IPV4 = "198.18.0.1";
/** Where the customers' addresses come from; what is not delegated is unreachable at the provider. */
const CUSTOMERS = "2605:59c8::/32";

export interface LanOptions {
  /** In skylan's config, e.g. "home". */
  readonly name: string;
  /** The gateway's interface, and the name of the link. */
  readonly interface: string;
  readonly hosts: readonly string[];
}

export interface HomeOptions {
  readonly isp?: IspKind;
  /** What the provider does otherwise than Starlink. */
  readonly provider?: IspChanges;
  /** Of the delegated prefix; 56 by default. */
  readonly delegatedLength?: number;
  /** One LAN "home" on interface "lan" with laptop and camera by default. */
  readonly lans?: readonly LanOptions[];
  /** Links whose plugs are all out at first. */
  readonly unplugged?: readonly string[];
}

/** The namespace where the cables meet. */
const CABLES = "cables";
const ONE_LAN: readonly LanOptions[] = [{ name: "home", interface: "lan", hosts: ["laptop", "camera"] }];

/** Builds a home and starts its provider. @throws CommandFailed, NotInTime when this machine can't */
export async function createHome(options: HomeOptions = {}): Promise<Home> {
  // Not where TMPDIR may point: the path of a unix socket has to be short.
  const directory = mkdtempSync("/tmp/skylan-home-");
  const lans = options.lans ?? ONE_LAN;
  const bin = writeLaunchers(directory);
  const path = `${bin}:${toolEnvironment()["PATH"]}`;
  const names = [CABLES, "isp", "gateway", "net", ...lans.flatMap((lan) => lan.hosts)];
  const results = await Promise.allSettled(
    names.map((name) => Namespace.create(name, { env: { PATH: path }, afterwards: name === CABLES ? `rm -rf '${directory}'` : "" })),
  );
  const namespaces = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const home = new Home(directory, path, lans, new Map(namespaces.map((each) => [each.name, each])));
  try {
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
    await home.furnish(options);
  } catch (error) {
    await home[Symbol.asyncDispose]();
    throw error;
  }
  return home;
}

export class Home implements AsyncDisposable {
  /** Everything that the home keeps on disk; it goes with the home. */
  readonly directory: string;
  /** The PATH of its hosts: `skylan` is the one of this home. */
  readonly path: string;
  readonly #lans: readonly LanOptions[];
  readonly #namespaces: ReadonlyMap<string, Namespace>;
  readonly #links = new Map<string, Link>();
  readonly #captures: Capture[] = [];
  readonly #gone = new AbortController();
  #isp: Isp | undefined;
  #skylan: Skylan | undefined;

  constructor(directory: string, path: string, lans: readonly LanOptions[], namespaces: ReadonlyMap<string, Namespace>) {
    this.directory = directory;
    this.path = path;
    this.#lans = lans;
    this.#namespaces = namespaces;
  }

  /** Lays the cables, numbers what a provider numbers, and starts the provider's programs. */
  async furnish({ isp = "embedded", provider = {}, delegatedLength, unplugged = [] }: HomeOptions): Promise<void> {
    await Promise.all([this.#prepareRouter("isp"), this.#prepareRouter("net")]);
    for (const link of this.#drawLinks()) this.#links.set(link.name, link);
    await connect(this.host(CABLES), [...this.#links.values()]);
    await Promise.all(unplugged.map((link) => this.link(link).cut()));
    await Promise.all([this.#numberIsp(), this.#numberNet(), ...this.hosts.map((host) => host.ip("link set eth0 up"))]);
    const site = { namespace: this.host("isp"), interface: "customer", directory: join(this.directory, "isp") };
    mkdirSync(site.directory);
    this.#isp = await startIsp(isp, site, delegatedLength === undefined ? provider : withLength(provider, delegatedLength));
  }

  /** A host by its name. @throws RangeError when there is none */
  host(name: string): Namespace {
    return found(this.#namespaces, name, "host");
  }

  get gateway(): Namespace {
    return this.host("gateway");
  }

  get laptop(): Namespace {
    return this.host("laptop");
  }

  get camera(): Namespace {
    return this.host("camera");
  }

  get net(): Namespace {
    return this.host("net");
  }

  /** The hosts behind the gateway. */
  get hosts(): readonly Namespace[] {
    return this.#lans.flatMap((lan) => lan.hosts).map((name) => this.host(name));
  }

  /** All hosts that a person may want to see; not the cables. */
  get all(): readonly Namespace[] {
    return [...this.#namespaces.values()].filter((each) => each.name !== CABLES);
  }

  get isp(): Isp {
    if (this.#isp === undefined) throw new Error("this home has no provider yet");
    return this.#isp;
  }

  /** "wan", "internet", or the interface of a LAN. @throws RangeError when there is none */
  link(name: string): Link {
    return found(this.#links, name, "link");
  }

  /** Pulls the gateway's plug on the provider's side: the gateway loses its carrier. */
  cutWan(): Promise<void> {
    return this.link("wan").cut("gateway");
  }

  mendWan(): Promise<void> {
    return this.link("wan").mend("gateway");
  }

  /** Records a link from now on into a pcap file. @throws NotInTime when tcpdump does not start */
  async capture(link: string): Promise<Capture> {
    const capture = await this.link(link).capture(join(this.directory, `${link}-${this.#captures.length}.pcap`));
    this.#captures.push(capture);
    return capture;
  }

  /** The skylan that was started last. */
  get skylan(): Skylan {
    if (this.#skylan === undefined) throw new Error("no skylan was started in this home");
    return this.#skylan;
  }

  get #site(): SkylanSite {
    return { gateway: this.gateway, directory: this.directory };
  }

  /** The config of this home: WAN and LANs, with `changes` over it. */
  config(changes: ConfigTables = {}): string {
    const lan = Object.fromEntries(this.#lans.map((each) => [each.name, { interface: each.interface }]));
    return formatConfig({ wan: { interface: "wan" }, lan }, changes);
  }

  /**
   * Starts skylan in the gateway, with the state that an earlier one has left. `config` is a text, or what differs from the usual one; `env` is added to
   * its environment. @throws NotInTime
   */
  async startSkylan(config: ConfigTables | string = {}, env: Readonly<Record<string, string>> = {}): Promise<Skylan> {
    this.#skylan = await startSkylan(this.#site, typeof config === "string" ? config : this.config(config), env);
    return this.#skylan;
  }

  /** Runs another skylan command in the gateway, e.g. ("down", "--release"). */
  runSkylan(command: string, ...options: readonly string[]): Promise<CommandResult> {
    return runSkylan(this.#site, command, ...options);
  }

  /** `skylan status`. @throws NotRunning */
  status(): Promise<Status> {
    return this.skylan.status();
  }

  /** The addresses of a host on its LAN: global or unique local, no link-local ones. */
  addresses(host: string): Promise<readonly HostAddress[]> {
    return hostAddresses(this.host(host), "eth0");
  }

  /** The address from which a host behind the gateway speaks to the internet. @throws NotInTime */
  globalAddress(host: string, within = 30_000): Promise<string> {
    const usable = async (): Promise<string | undefined> =>
      (await this.addresses(host)).find((each) => each.state === "preferred")?.address;
    return this.until(usable, { within, what: `${host} has a global address` });
  }

  /** until() which shows, when time is up, how the home stands. @throws NotInTime */
  until<T>(probe: () => T | Promise<T>, waiting: Waiting): ReturnType<typeof until<T>> {
    return until(probe, { dump: () => this.describe(), signal: this.#gone.signal, ...waiting });
  }

  /** Whether the home is being removed: what is awaited in it will not come. */
  get isGone(): boolean {
    return this.#gone.signal.aborted;
  }

  /** How the home stands, for a person who wonders why something did not happen. */
  async describe(): Promise<string> {
    const shown = [this.gateway, ...this.hosts].map(async (host) => {
      const { stdout } = await host.attempt("sh", "-c", "ip -brief addr; ip -4 route; ip -6 route");
      return `-- ${host.name}\n${stdout}`;
    });
    const said = [
      ["skylan", this.#skylan?.process.output],
      ["provider", this.#isp?.output()],
    ].map(([who, output]) => `-- ${who} says\n${(output ?? "").split("\n").slice(-25).join("\n")}`);
    return [...(await Promise.all(shown)), ...said].join("\n");
  }

  /** Ends every process of the home and removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone.abort();
    await this.#isp?.stop();
    await Promise.all(this.all.map((each) => each[Symbol.asyncDispose]()));
    // This one takes the directory with it.
    await this.#namespaces.get(CABLES)?.[Symbol.asyncDispose]();
  }

  #drawLinks(): readonly Link[] {
    const plug = (host: string, interfaceName: string, mac?: string): Plug => ({
      host: this.host(host),
      interface: interfaceName,
      ...(mac === undefined ? {} : { mac }),
    });
    const room = this.host(CABLES);
    return [
      new Link(room, "internet", [plug("net", "eth0"), plug("isp", "internet")]),
      new Link(room, "wan", [plug("isp", "customer", STARLINK.mac), plug("gateway", "wan")]),
      ...this.#lans.map(
        (lan) => new Link(room, lan.interface, [plug("gateway", lan.interface), ...lan.hosts.map((host) => plug(host, "eth0"))]),
      ),
    ];
  }

  /** The internet's own routers have been there for years: no duplicate address detection. */
  #prepareRouter(name: string): Promise<void> {
    return this.host(name).sysctl({
      "ipv6/conf/default/accept_dad": 0,
      "ipv6/conf/default/accept_ra": 0,
      "ipv6/conf/all/forwarding": name === "isp" ? 1 : 0,
      "ipv4/ip_forward": name === "isp" ? 1 : 0,
    });
  }

  #numberIsp(): Promise<void> {
    return this.host("isp").ip(`
      link set customer up
      link set internet up
      addr add ${linkAddress(STARLINK.advertising.prefix!)} dev customer
      addr add ${ISP_NET_ADDRESS}/64 dev internet
      addr add ${STARLINK.dhcpv4.router}/10 dev customer
      addr add ${ISP_NET_ADDRESS_IPV4}/24 dev internet
      route add unreachable ${CUSTOMERS}`);
  }

  #numberNet(): Promise<void> {
    return this.net.ip(`
      link set eth0 up
      addr add ${NET_ADDRESS}/64 dev eth0
      addr add ${NET_ADDRESS_IPV4}/24 dev eth0
      route add default via ${ISP_NET_ADDRESS}
      route add default via ${ISP_NET_ADDRESS_IPV4}`);
  }
}

const linkAddress = (prefix: string): string => prefix.replace("::/", "::1/");

function withLength(changes: IspChanges, length: number): IspChanges {
  const delegation = changes.dhcpv6?.delegation ?? STARLINK.dhcpv6.delegation!;
  return { ...changes, dhcpv6: { ...changes.dhcpv6, delegation: { ...delegation, length } } };
}

function found<T>(map: ReadonlyMap<string, T>, name: string, what: string): T {
  const value = map.get(name);
  if (value === undefined) throw new RangeError(`this home has no ${what} ${name}; it has ${[...map.keys()].join(", ")}`);
  return value;
}
