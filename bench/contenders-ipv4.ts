/** The peers for IPv4, as their users run them: a DHCP client on "wan", a translation, and a DHCP server on "lan". */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Contender, file, launch, peer, skylan } from "./contenders.ts";

export const skylan4: Contender = {
  ...skylan,
  start: async (home) => void (await home.startSkylan({ wan: { interface: "wan", ipv4: "dhcp" } })),
};

const MASQUERADE = "table ip nat { chain out { type nat hook postrouting priority srcnat; oifname wan masquerade; }; }";
const DNSMASQ = [
  "/usr/sbin/dnsmasq",
  "-k",
  "-C",
  "/dev/null",
  "--port=0",
  "--interface=lan",
  "--bind-dynamic",
  "--dhcp-authoritative",
  "--dhcp-range=192.168.1.100,192.168.1.249,12h",
  "--dhcp-leasefile=/run/dnsmasq.leases",
];
/** What a boot script does before the daemons start. */
const BY_HAND = `
  mount -t tmpfs tmpfs /run
  echo 1 >/proc/sys/net/ipv4/ip_forward
  printf '${MASQUERADE}' >/run/nat.nft && nft -f /run/nat.nft
  ip link set lan up; ip addr add 192.168.1.1/24 dev lan; ip link set wan up`;

export const networkd4: Contender = peer(
  "systemd-networkd",
  ["/lib/systemd/systemd-networkd"],
  (home) => {
    const folder = join(home.directory, "network");
    mkdirSync(folder, { recursive: true });
    file(home, "network/wan.network", "[Match]\nName=wan\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nIPForward=ipv4\n");
    file(
      home,
      "network/lan.network",
      "[Match]\nName=lan\n[Network]\nAddress=192.168.1.1/24\nDHCPServer=yes\nIPMasquerade=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
    );
    return home.gateway.shell(`
      mount -t tmpfs tmpfs /run
      mount -o remount,ro,bind /sys 2>/dev/null || mount -t sysfs -o ro sysfs /sys
      mkdir -p /run/systemd/network /run/systemd/netif /run/dbus
      cp ${folder}/* /run/systemd/network/
      chmod -R a+rX /run/systemd; chown -R systemd-network: /run/systemd/netif`);
  },
  (home) => launch(home, "/lib/systemd/systemd-networkd"),
);

export const essay4: Contender = peer(
  "dhclient + dnsmasq (essay)",
  ["/usr/sbin/dhclient", "/usr/sbin/dnsmasq", "/usr/sbin/nft"],
  (home) => home.gateway.shell(BY_HAND),
  (home) => {
    launch(home, ...DNSMASQ);
    launch(home, "/usr/sbin/dhclient", "-4", "-d", "-lf", "/run/dhclient.leases", "-pf", "/run/dhclient.pid", "wan");
  },
);

export const dhcpcd4: Contender = peer(
  "dhcpcd + dnsmasq",
  ["/usr/sbin/dhcpcd", "/usr/sbin/dnsmasq", "/usr/sbin/nft"],
  (home) => home.gateway.shell(`${BY_HAND}\nmkdir -p /var/lib/dhcpcd && mount -t tmpfs tmpfs /var/lib/dhcpcd`),
  (home) => {
    launch(home, ...DNSMASQ);
    launch(home, "/usr/sbin/dhcpcd", "-B", "-4", "-f", file(home, "dhcpcd.conf", "duid\npersistent\nallowinterfaces wan\n"), "wan");
  },
);
