/**
 * A provider made of Debian's radvd and Kea, with IPv4 where Kea's server for it is installed. Kea delegates prefixes and leaves their routes to others: here they follow its lease file, by way of the one
 * router that the provider's kernel knows on the link. Kea sees its own paths, because AppArmor on Debian allows it no others.
 */
import { mkdirSync, readFileSync, unwatchFile, watchFile, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Isp, IspSite } from "./isp.ts";
import { formatKea4Config, formatKeaConfig, formatRadvdConfig, leasedPrefixes } from "./kea-config.ts";
import { isProgram } from "./lab-needs.ts";
import { type ProviderProfile, STARLINK } from "./provider-profile.ts";
import type { Running } from "./running.ts";

const STARTING = 60_000;
const LOOK_EVERY = 50;
const LEASES = "kea-leases6.csv";
const LEASES_IPV4 = "kea-leases4.csv";

export function startKeaIsp(site: IspSite, profile: ProviderProfile): Isp {
  const { namespace, directory } = site;
  const leases = join(directory, "leases", LEASES);
  const routes = new LeaseRoutes(site, leases);
  let running: readonly Running[] = [];
  let said = "";
  const output = (): string => said + running.map((each) => each.output).join("");
  return {
    namespace,
    output: () => output() + routes.complaints,
    command: ({ kind }) => Promise.reject(new Error(`Kea takes no command "${kind}"; use the embedded provider`)),
    async start() {
      await prepare(site, profile);
      const files = ["-C", join(directory, "radvd.conf"), "-p", join(directory, "radvd.pid")];
      const radvd = namespace.spawn(["radvd", "-n", "-m", "stderr", ...files]);
      const kea = namespace.spawn(["kea-dhcp6", "-c", "/etc/kea/kea-dhcp6.conf"]);
      const kea4 = isProgram("kea-dhcp4") ? [namespace.spawn(["kea-dhcp4", "-c", "/etc/kea/kea-dhcp4.conf"])] : [];
      running = [radvd, kea, ...kea4];
      await Promise.all([kea.line(/DHCP6_STARTED/, STARTING), ...kea4.map((each) => each.line(/DHCP4_STARTED/, STARTING))]);
      routes.follow();
    },
    async stop() {
      routes.rest();
      await Promise.all(running.map((each) => each.stop("SIGKILL")));
      said = output();
      running = [];
    },
  };
}

async function prepare({ namespace, directory, interface: customer }: IspSite, profile: ProviderProfile): Promise<void> {
  for (const name of ["etc", "leases"]) mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(join(directory, "radvd.conf"), formatRadvdConfig(customer, profile.advertising));
  writeFileSync(join(directory, "etc/kea-dhcp6.conf"), formatKeaConfig(customer, profile, `/var/lib/kea/${LEASES}`));
  writeFileSync(join(directory, "etc/kea-dhcp4.conf"), formatKea4Config(customer, profile, `/var/lib/kea/${LEASES_IPV4}`));
  await namespace.shell(`
    mkdir -p /run/kea /run/lock/kea
    # Where no Kea has run as a service yet, its directory is missing.
    [ -d /var/lib/kea ] || { mount -t tmpfs tmpfs /var/lib; mkdir /var/lib/kea; }
    mountpoint -q /etc/kea || mount --bind '${directory}/etc' /etc/kea
    mountpoint -q /var/lib/kea || mount --bind '${directory}/leases' /var/lib/kea`);
}

/** Keeps a route for each delegated prefix. */
class LeaseRoutes {
  readonly #site: IspSite;
  readonly #file: string;
  readonly #look = (): void => void this.#update();
  /** Why routes could not be set. */
  complaints = "";
  #routes = new Map<string, string>();
  #busy = false;
  #again: NodeJS.Timeout | undefined;

  constructor(site: IspSite, file: string) {
    this.#site = site;
    this.#file = file;
  }

  follow(): void {
    watchFile(this.#file, { interval: LOOK_EVERY, persistent: false }, this.#look);
    this.#look();
  }

  rest(): void {
    unwatchFile(this.#file, this.#look);
    clearTimeout(this.#again);
  }

  async #update(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await this.#install(leasedPrefixes(readFileSync(this.#file, "utf8"), Date.now() / 1000));
    } catch (error) {
      // Before the first lease there is no file.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.complaints += `${(error as Error).message}\n`;
    } finally {
      this.#busy = false;
    }
  }

  async #install(prefixes: readonly string[]): Promise<void> {
    const { namespace, interface: customer } = this.#site;
    const router = await this.#customerRouter();
    if (router === undefined && prefixes.length > 0) {
      // Kea writes the lease down before its answer makes the kernel learn who asked.
      this.#again = setTimeout(this.#look, LOOK_EVERY).unref();
      return;
    }
    const wanted = new Map(prefixes.map((prefix) => [prefix, `${prefix} via ${router} dev ${customer}`]));
    const gone = [...this.#routes.keys()].filter((prefix) => !wanted.has(prefix)).map((prefix) => `route del ${prefix} dev ${customer}`);
    const added = [...wanted].filter(([prefix, route]) => this.#routes.get(prefix) !== route).map(([, route]) => `route replace ${route}`);
    if (gone.length + added.length > 0) await namespace.ip([...gone, ...added].join("\n"));
    this.#routes = wanted;
  }

  /** Who has talked to the provider on the link; its kernel lists the provider's own address too. */
  async #customerRouter(): Promise<string | undefined> {
    const { namespace, interface: customer } = this.#site;
    const neighbours = await namespace.shell(`ip -6 neigh show dev ${customer} nud reachable nud stale nud delay nud probe`);
    return neighbours
      .split("\n")
      .find((line) => line.startsWith("fe80:") && !line.includes(STARLINK.mac))
      ?.split(" ")[0];
  }
}
