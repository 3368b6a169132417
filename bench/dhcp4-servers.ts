/** The DHCPv4 servers that are measured, each in the gateway of a home with a network 10.10.0.0/16, with their leases on the same disk. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "../src/lab/home.ts";

export const SERVER = "10.10.0.1";
export const CLIENT = "10.10.0.2";
/** A cable from the server to who asks, without the lab's switch between them. */
export const LINK = "direct";
const POOL = ["10.10.16.0", "10.10.255.250"] as const;
const LEASE = 43_200;
const STARTING = 20_000;

export interface Dhcp4Server {
  readonly name: string;
  /** Programs that must be there, as paths. */
  readonly needs: readonly string[];
  /** Exchanges a second that it can do for sure, as a first try. */
  readonly slowest: number;
  /** A rate that it follows without losses, for comparing what an exchange costs. */
  readonly steady: number;
  /** Returns the server's process. */
  start(home: Home): Promise<number>;
}

export const skylan: Dhcp4Server = {
  name: "skylan",
  needs: [],
  slowest: 3000,
  steady: 4000,
  async start(home) {
    const lan = { interface: LINK, ipv4: `${SERVER}/16`, "dhcp.pool": POOL.join("-"), "dhcp.lease": LEASE };
    return (await home.startSkylan({ wan: { ipv4: "dhcp" }, lan: { home: lan } })).pid;
  },
};

/** Multi-threaded, with its leases in memory and in a file. Kea sees its own paths, because AppArmor on Debian allows it no others. */
export const kea: Dhcp4Server = {
  name: "Kea",
  needs: ["/usr/sbin/kea-dhcp4"],
  slowest: 2000,
  steady: 4000,
  async start(home) {
    const directory = join(home.directory, "kea");
    for (const name of ["etc", "leases"]) mkdirSync(join(directory, name), { recursive: true });
    writeFileSync(join(directory, "etc/kea-dhcp4.conf"), JSON.stringify({ Dhcp4: KEA }));
    await home.gateway.shell(`
      ${ADDRESS}
      mkdir -p /run/kea /run/lock/kea
      [ -d /var/lib/kea ] || { mount -t tmpfs tmpfs /var/lib; mkdir /var/lib/kea; }
      mount --bind '${directory}/etc' /etc/kea
      mount --bind '${directory}/leases' /var/lib/kea`);
    const kea4 = home.gateway.spawn(["kea-dhcp4", "-c", "/etc/kea/kea-dhcp4.conf"]);
    await kea4.line(/DHCP4_STARTED/, STARTING);
    return kea4.pid;
  },
};

const KEA = {
  "interfaces-config": { interfaces: [LINK], "dhcp-socket-type": "udp" },
  "lease-database": { type: "memfile", persist: true, name: "/var/lib/kea/kea-leases4.csv" },
  "multi-threading": { "enable-multi-threading": true, "thread-pool-size": 2, "packet-queue-size": 64 },
  "valid-lifetime": LEASE,
  subnet4: [
    {
      subnet: "10.10.0.0/16",
      interface: LINK,
      pools: [{ pool: POOL.join("-") }],
      "option-data": [
        { name: "routers", data: SERVER },
        { name: "domain-name-servers", data: SERVER },
      ],
    },
  ],
  loggers: [
    { name: "kea-dhcp4", severity: "WARN" },
    { name: "kea-dhcp4.dhcp4", severity: "INFO", output_options: [{ output: "stdout", flush: true }] },
  ],
};

export const dnsmasq: Dhcp4Server = {
  name: "dnsmasq",
  needs: ["/usr/sbin/dnsmasq"],
  slowest: 50,
  steady: 50,
  async start(home) {
    await home.gateway.shell(ADDRESS);
    const range = `--dhcp-range=${POOL.join(",")},${LEASE}`;
    const file = `--dhcp-leasefile=${join(home.directory, "dnsmasq.leases")}`;
    const limits = ["--dhcp-lease-max=70000", "--no-ping", "--quiet-dhcp"];
    const ours = ["--port=0", `--interface=${LINK}`, "--bind-dynamic", "--dhcp-authoritative", "--user=root", "--pid-file="];
    const { pid } = home.gateway.spawn(["dnsmasq", "-k", "-C", "/dev/null", "--log-facility=-", ...ours, range, file, ...limits]);
    await home.until(async () => (await home.gateway.exec("ss", "-lun")).includes(":67"), { within: STARTING, what: "dnsmasq listens" });
    return pid;
  },
};

const ADDRESS = `
            ip addr add ${SERVER}/16 dev ${LINK}`;

/** Lays the cable; to be done first. */
export async function layCable({ gateway, laptop }: Home): Promise<void> {
  await gateway.ip(`link add ${LINK} type veth peer name ${LINK} netns ${laptop.pid}\nlink set ${LINK} up`);
  await laptop.ip(`link set ${LINK} up\naddr add ${CLIENT}/16 dev ${LINK}`);
}
