/** The peers as their users run them, each in the gateway of a home: WAN on interface "wan", one LAN on interface "lan". */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Home } from "../src/lab/home.ts";
import type { Running } from "../src/lab/running.ts";

export interface Contender {
  readonly name: string;
  /** Programs that must be there, as paths. */
  readonly needs: readonly string[];
  /** Cold start, from nothing: links down, no state. */
  start(home: Home): Promise<void>;
  /** Ends the programs as their init scripts would. */
  stop(home: Home): Promise<void>;
  /** kill -9: nobody comes to say farewell. */
  kill(home: Home): Promise<void>;
  /** Starts the programs again, on a box that went on meanwhile: with what they have left on disk and in the kernel. */
  resume(home: Home): Promise<void>;
}

/**
 * The options of a bench: rounds, if not the usual number, and which peers to leave out, e.g. ["3", "--without", "dhcpcd"]. A run without all peers is for
 * trying things out.
 */
export function chosen(
  options: readonly string[],
  all: readonly Contender[],
  usual = 5,
): { readonly rounds: number; readonly contenders: readonly Contender[] } {
  const { positionals, values } = parseArgs({
    args: [...options],
    allowPositionals: true,
    options: { without: { type: "string", multiple: true, default: [] } },
  });
  const contenders = all.filter(({ name }) => !values.without.some((part) => name.includes(part)));
  return { rounds: Number(positionals[0] ?? usual), contenders };
}

/** @throws Error naming what is missing: a bench without its peers proves nothing */
export function requirePeers(contenders: readonly Pick<Contender, "name" | "needs">[]): void {
  const missing = contenders.flatMap(({ name, needs }) => needs.filter((path) => !existsSync(path)).map((path) => `${path} (for ${name})`));
  if (missing.length > 0)
    throw new Error(`these programs of the peers are missing: ${missing.join(", ")}; scripts/setup.sh bench installs them`);
}

const startOurs = async (home: Home): Promise<void> =>
  void (await home.startSkylan({ lan: { home: { interface: "lan", open: ["tcp/8080"] } } }));

export const skylan: Contender = {
  name: "skylan",
  needs: [],
  start: startOurs,
  stop: async (home) => void (await home.skylan.stop()),
  kill: async (home) => void (await home.skylan.kill("SIGKILL")),
  resume: startOurs,
};

/** Longest farewell of a program that was asked to end. */
const FAREWELL = 10_000;
const running = new WeakMap<Home, Running[]>();

/** A peer: `prepare` makes the box as its boot does, `run` starts the programs. */
export function peer(
  name: string,
  needs: readonly string[],
  prepare: (home: Home) => Promise<unknown>,
  run: (home: Home) => void,
): Contender {
  return {
    name,
    needs,
    start: async (home) => {
      await prepare(home);
      run(home);
    },
    stop: (home) => endAll(home, "SIGTERM"),
    kill: async (home) => {
      const children = await childrenOf(home);
      await endAll(home, "SIGKILL");
      for (const pid of children) if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
    },
    resume: (home) => Promise.resolve(run(home)),
  };
}

export function launch(home: Home, ...command: readonly string[]): void {
  running.set(home, [...(running.get(home) ?? []), home.gateway.spawn(command)]);
}

async function endAll(home: Home, signal: NodeJS.Signals): Promise<void> {
  const processes = running.get(home) ?? [];
  running.delete(home);
  await Promise.all(processes.filter((each) => each.running).map((each) => each.stop(signal, FAREWELL)));
}

/** A service manager kills what a daemon has split off as well: otherwise the helpers of dhcpcd keep its port. */
async function childrenOf(home: Home): Promise<readonly number[]> {
  const parents = (running.get(home) ?? []).map(({ pid }) => pid);
  const { stdout } = await home.gateway.attempt("pgrep", "--parent", parents.join(","));
  return stdout.split("\n").filter(Boolean).map(Number);
}

export function file(home: Home, name: string, text: string): string {
  const path = join(home.directory, name);
  writeFileSync(path, text);
  return path;
}

/** One daemon for everything. By default it asks Starlink for no prefix at all: its user must know `WithoutRA=solicit`. */
export const networkd: Contender = peer(
  "systemd-networkd",
  ["/lib/systemd/systemd-networkd"],
  (home) => {
    const folder = join(home.directory, "network");
    mkdirSync(folder, { recursive: true });
    file(home, "network/wan.network", NETWORKD_WAN);
    file(home, "network/lan.network", NETWORKD_LAN);
    // A private /run and a read-only /sys: without udev it then takes links as they are.
    return home.gateway.shell(`
      mount -t tmpfs tmpfs /run
      mount -o remount,ro,bind /sys 2>/dev/null || mount -t sysfs -o ro sysfs /sys
      mkdir -p /run/systemd/network /run/systemd/netif /run/dbus
      cp ${folder}/* /run/systemd/network/
      chmod -R a+rX /run/systemd; chown -R systemd-network: /run/systemd/netif`);
  },
  (home) => launch(home, "/lib/systemd/systemd-networkd"),
);

const NETWORKD_WAN = `[Match]
Name=wan
[Network]
IPv6AcceptRA=yes
DHCP=ipv6
LinkLocalAddressing=ipv6
IPForward=ipv6
[DHCPv6]
WithoutRA=solicit
PrefixDelegationHint=::/56
[IPv6AcceptRA]
DHCPv6Client=always
`;

const NETWORKD_LAN = `[Match]
Name=lan
[Network]
LinkLocalAddressing=ipv6
IPv6AcceptRA=no
IPv6SendRA=yes
DHCPPrefixDelegation=yes
IPForward=ipv6
[DHCPPrefixDelegation]
UplinkInterface=wan
SubnetId=0
Announce=yes
`;

/** The essay's own pile: dhcp6c for the prefix, radvd for the LAN, switches by hand. */
export const essay: Contender = peer(
  "dhcp6c + radvd (essay)",
  ["/usr/sbin/dhcp6c", "/usr/sbin/radvd"],
  (home) =>
    home.gateway.shell(`
      mount -t tmpfs tmpfs /run
      mkdir -p /var/lib/dhcpv6 && mount -t tmpfs tmpfs /var/lib/dhcpv6
      ${switches}
      ip link set lan up; ip link set wan up`),
  (home) => {
    const dhcp6c = file(home, "dhcp6c.conf", DHCP6C);
    launch(home, "/usr/sbin/radvd", "-n", "-C", file(home, "radvd.conf", RADVD), "-p", "/run/radvd.pid", "-m", "stderr");
    // As the init script does: dhcp6c can only send once the link-local address is there.
    const ready = "ip -6 addr show dev wan scope link | grep -v tentative | grep -q fe80";
    launch(home, "sh", "-c", `until ${ready}; do sleep 0.05; done; exec dhcp6c -f -c ${dhcp6c} wan`);
  },
);

const switches = Object.entries({
  "all/forwarding": 1,
  "all/accept_ra": 0,
  "wan/accept_ra": 2,
  "lan/accept_ra": 0,
})
  .map(([path, value]) => `echo ${value} >/proc/sys/net/ipv6/conf/${path}`)
  .join("\n");

const DHCP6C = `interface wan { send ia-pd 0; };
id-assoc pd { prefix-interface lan { sla-id 0; sla-len 8; }; };
`;

const RADVD = `interface lan {
  AdvSendAdvert on; MinRtrAdvInterval 30; MaxRtrAdvInterval 100; AdvDefaultLifetime 300;
  prefix ::/64 { AdvOnLink on; AdvAutonomous on; AdvRouterAddr off; AdvValidLifetime 300; AdvPreferredLifetime 150; };
};
`;

/** The other usual pair; `persistent` is in the configuration that Debian brings. */
export const dhcpcd: Contender = peer(
  "dhcpcd + dnsmasq",
  ["/usr/sbin/dhcpcd", "/usr/sbin/dnsmasq"],
  (home) =>
    home.gateway.shell(`
      mount -t tmpfs tmpfs /run
      mkdir -p /var/lib/dhcpcd && mount -t tmpfs tmpfs /var/lib/dhcpcd
      echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
      ip link set lan up; ip link set wan up`),
  (home) => {
    launch(home, "/usr/sbin/dhcpcd", "-B", "-f", file(home, "dhcpcd.conf", DHCPCD), "wan", "lan");
    const ra = ["--enable-ra", "--dhcp-range=::,constructor:lan,ra-only,64,300", "--ra-param=lan,20,300"];
    launch(home, "/usr/sbin/dnsmasq", "-k", "-C", "/dev/null", "--port=0", "--interface=lan", "--bind-dynamic", ...ra);
  },
);

const DHCPCD = `nodev
duid
persistent
noipv4
noipv6rs
allowinterfaces wan lan
interface wan
  ipv6rs
  iaid 1
  ia_pd 1 lan/0/64
interface lan
  noipv6rs
`;
